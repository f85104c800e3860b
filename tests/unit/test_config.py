from __future__ import annotations

from pathlib import Path

import pytest

from dedupctl.config import (
    DEFAULT_KEEP,
    Config,
    ModelConfig,
    PolicyConfig,
    ScanConfig,
    WatchConfig,
    default_home,
    load_config,
)
from dedupctl.errors import ConfigError

FULL = """
[scan]
workers = 3
follow_symlinks = true
exclude = ["raw/*", "*.gif"]
max_megapixels = 100
decode_seconds = 5

[hashes]
algorithms = ["phash", "dhash"]

[model]
path = "/models/sscd.onnx"
input_size = 288
layout = "nchw-float32"
mean = [0.485, 0.456, 0.406]
std = [0.229, 0.224, 0.225]
propose_cosine = 0.7

[watch]
settle_seconds = 0.5
polling = true

[policy.tidy]
kinds = ["exact"]
action = "hardlink"
keep = ["path", "bytes"]

[policy.archive]
action = "move-to"
move_to = "/archive"
roots = ["/photos"]
"""


def load(home: Path, text: str) -> Config:
    (home / "config.toml").write_text(text, encoding="utf-8")
    return load_config(home)


def test_without_a_file_every_default_holds(tmp_path: Path) -> None:
    assert load_config(tmp_path) == Config()
    assert load(tmp_path, "") == Config()


def test_every_section_can_be_set(tmp_path: Path) -> None:
    config = load(tmp_path, FULL)

    assert config.scan == ScanConfig(
        workers=3, follow_symlinks=True, exclude=("raw/*", "*.gif"), max_megapixels=100, decode_seconds=5.0
    )
    assert config.hashes.algorithms == ("phash", "dhash")
    assert config.model == ModelConfig(
        path=Path("/models/sscd.onnx"),
        input_size=288,
        layout="nchw-float32",
        mean=(0.485, 0.456, 0.406),
        std=(0.229, 0.224, 0.225),
        propose_cosine=0.7,
    )
    assert config.watch == WatchConfig(settle_seconds=0.5, polling=True)


def test_the_users_policies_stand_beside_the_ready_made_ones_and_before_them(tmp_path: Path) -> None:
    policies = load(tmp_path, FULL).policies

    assert policies.keys() == {"safe", "tidy", "archive"}
    assert policies["tidy"].action == "hardlink"
    assert policies["archive"].move_to == Path("/archive")


def test_the_ready_made_policies_remove_nothing_for_good() -> None:
    policies = Config().policies

    assert {name: (policy.kinds, policy.action, policy.unattended) for name, policy in policies.items()} == {
        "safe": (("exact", "pixel"), "quarantine", False),
        "tidy": (("exact", "pixel", "near"), "quarantine", False),
    }
    assert policies["safe"].keep == DEFAULT_KEEP
    assert policies["safe"].max_remove_share == 30


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("[scan]\nworker = 3", "scan.worker: unknown key"),
        ("[scanner]\nworkers = 3", "scanner: unknown key"),
        ("[policy.p]\nkindz = []", "policy.p.kindz: unknown key"),
        ('[scan]\nworkers = "many"', "scan.workers: Input should be a valid integer"),
        ("[scan]\nworkers = -1", "scan.workers: Input should be greater than or equal to 0"),
        ("[scan]\nmax_megapixels = 0", "scan.max_megapixels: "),
        ("[scan]\ndecode_seconds = 0", "scan.decode_seconds: "),
        ('[hashes]\nalgorithms = ["md5"]', "hashes.algorithms.0: "),
        ("[model]\npropose_cosine = 1.5", "model.propose_cosine: "),
        ("[model]\nmean = [0.5]", "model.mean.1: "),
        ("[watch]\nsettle_seconds = -1", "watch.settle_seconds: "),
        ("[watch]\nrescan_minutes = nan", "watch.rescan_minutes: "),
        ('[policy.p]\nkinds = ["similar"]', "policy.p.kinds.0: "),
        ('[policy.p]\naction = "shred"', "policy.p.action: "),
        ("[policy.p]\nmax_remove_share = 101", "policy.p.max_remove_share: "),
        ('[policy.p]\naction = "move-to"', "policy.p: `move_to` must be set with"),
        ('[policy.p]\nmove_to = "/x"', "policy.p: `move_to` must be set with"),
        ('[policy.p]\naction = "move-to"\nmove_to = "dups"', 'policy.p.move_to: "dups" must be an absolute path'),
        ('[policy.p]\nroots = ["/photos", "phone"]', 'policy.p.roots: "phone" must be an absolute path'),
        ('[policy.p]\nexclude = ["originals/*"]', 'policy.p.exclude: "originals/*" cannot match an absolute path'),
        ('[policy.p]\naction = "hardlink"', 'policy.p: action = "hardlink" replaces'),
        ('[policy.p]\naction = "reflink"\nkinds = ["exact", "pixel"]', 'policy.p: action = "reflink" replaces'),
        ("[scan", "is not valid TOML: "),
        ("[scan]\nworkers = 1\nworkers = 2", "is not valid TOML: "),
    ],
)
def test_a_bad_value_is_named_in_one_line(tmp_path: Path, text: str, complaint: str) -> None:
    with pytest.raises(ConfigError) as caught:
        load(tmp_path, text)

    assert f"{tmp_path}/config.toml" in str(caught.value)
    assert complaint in str(caught.value)
    assert len(str(caught.value).splitlines()) == 1


def test_a_file_that_is_no_text_is_named(tmp_path: Path) -> None:
    (tmp_path / "config.toml").write_bytes(b"[scan]\n\xff")

    with pytest.raises(ConfigError, match="is not UTF-8: invalid start byte at byte 7"):
        load_config(tmp_path)


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    (tmp_path / "config.toml").mkdir()

    with pytest.raises(ConfigError, match=r"cannot read .*config\.toml: Is a directory"):
        load_config(tmp_path)


def test_the_home_folder_may_be_written_short(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/me")
    text = '[policy.p]\naction = "move-to"\nmove_to = "~/dups"\nroots = ["~/photos"]\n'
    text += 'exclude = ["~/photos/best/*", "*.png"]'
    policy = load(tmp_path, text).policies["p"]
    assert (policy.move_to, policy.roots) == (Path("/home/me/dups"), (Path("/home/me/photos"),))
    assert policy.exclude == ("/home/me/photos/best/*", "*.png")


def test_a_policy_that_links_removes_only_equal_bytes() -> None:
    assert PolicyConfig(action="hardlink", kinds=("exact",)).kinds == ("exact",)


def test_the_home_is_what_the_environment_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DEDUPCTL_HOME", str(tmp_path))
    assert default_home() == tmp_path

    monkeypatch.setenv("DEDUPCTL_HOME", "")
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    assert default_home().name == "dedupctl"
