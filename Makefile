# `make` without a target lists what can be made.

PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
OUT    := out
ROUNDS ?= 20
MINUTES ?= 60
RUN    ?= $(OUT)/embedder
TRAIN  ?=
# These mark what is installed. It is installed again only when pyproject.toml changes, so every other call is quick.
HAS_DEDUPCTL := $(VENV)/.has-dedupctl
HAS_SAMPLE   := $(VENV)/.has-sample
HAS_DEV      := $(VENV)/.has-dev
HAS_TRAIN    := $(VENV)/.has-train
PIP_INSTALL  := $(BIN)/python -m pip install --quiet --disable-pip-version-check
TYPED        := tools $(wildcard bench)

.DEFAULT_GOAL := help
.PHONY: help run test lint bench torture soak docs train

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

run: $(HAS_DEDUPCTL) $(if $(PHOTOS),,$(HAS_SAMPLE)) ## Find duplicates in a sample library, or in your own: make run PHOTOS=~/Pictures
	@tools/run.sh "$(BIN)" "$(OUT)"

test: CHECK := --tests --install
test: $(HAS_DEV) lint ## Run every check that a change must pass
	@$(BIN)/python -m pytest -n auto --dist loadfile --no-loadscope-reorder --cov --cov-report=term:skip-covered

lint: $(HAS_DEV) ## Check format, lint, types and the direction of imports
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy
	@$(BIN)/mypy $(TYPED)
	@$(BIN)/lint-imports

bench: $(HAS_DEV) ## Measure and print the figures of bench/README.md; some need PHOTOS=DIR
	@for script in vectors report serve apply; do echo "== $$script"; $(BIN)/python bench/$$script.py || exit 1; done
	$(if $(PHOTOS),@echo "== scan"; $(BIN)/python bench/scan.py cost --photos "$(PHOTOS)")
	$(if $(PHOTOS),@echo "== copies"; $(BIN)/python bench/copies.py --photos "$(PHOTOS)")

torture: $(HAS_DEV) ## Run 50,000 steps of the promise machine, then the tests that kill and break things ROUNDS times
	@TORTURE_STEPS=50000 $(BIN)/python -m pytest -q tests/property/test_promise_machine.py
	@for round in $$(seq $(ROUNDS)); do $(BIN)/python -m pytest -q tests/crash tests/property || exit 1; done

soak: $(HAS_DEV) ## Run the daemon in a library in use, under random faults: make soak [MINUTES=60]
	@SOAK_SECONDS=$$((60 * $(MINUTES))) $(BIN)/python -m pytest -q -s -n0 tests/crash/test_soak.py

# Not kept in the repository: `dedupctl COMMAND --help` says the same and is never out of date.
docs: $(HAS_DEV) ## Write out/commands.md, a reference of all commands made from their help texts
	@mkdir -p "$(OUT)"
	@$(BIN)/python -m typer dedupctl.cli utils docs --name dedupctl --output "$(OUT)/commands.md"

train: $(HAS_TRAIN) ## Train an embedding model: make train PHOTOS=DIR [RUN=out/embedder] [TRAIN="--steps 20000 ..."]
	@test -n "$(PHOTOS)" || { echo "make train needs photos to learn from: make train PHOTOS=DIR"; exit 2; }
	@# Not every shell expands the ~ in PHOTOS=~/Pictures.
	@$(BIN)/python -m tools.train_embedder train "$(PHOTOS:~/%=$(HOME)/%)" --out "$(RUN)" $(TRAIN)

$(BIN)/python:
	@$(PYTHON) tools/check_build_tools.py $(CHECK)
	@$(PYTHON) -m venv $(VENV)

$(HAS_DEDUPCTL): pyproject.toml | $(BIN)/python
	@$(PYTHON) tools/check_build_tools.py $(CHECK)
	@echo "installing into $(VENV) (hnswlib is compiled: about a minute)"
	@$(PIP_INSTALL) --editable .
	@touch $@

$(HAS_SAMPLE): pyproject.toml | $(HAS_DEDUPCTL)
	@$(PIP_INSTALL) --editable '.[sample]'
	@touch $@

$(HAS_DEV): pyproject.toml | $(BIN)/python
	@$(PYTHON) tools/check_build_tools.py $(CHECK)
	@echo "installing into $(VENV) (hnswlib is compiled: about a minute)"
	@$(PIP_INSTALL) --editable '.[dev]'
	@touch $@ $(HAS_DEDUPCTL)

$(HAS_TRAIN): pyproject.toml | $(HAS_DEV)
	@echo "installing PyTorch into $(VENV) (several hundred MB)"
	@$(PIP_INSTALL) --editable '.[dev,train]'
	@touch $@
