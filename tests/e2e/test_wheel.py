"""What a user gets with `pip install`: built as a wheel, put into an environment of its own, run from there."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import sysconfig
import venv
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageDraw

CHECKOUT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Built from a copy of the sources, so that nothing is left in the checkout; without a network."""
    folder = tmp_path_factory.mktemp("wheel")
    source = folder / "source"
    shutil.copytree(CHECKOUT / "dedupctl", source / "dedupctl", ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "README.md", "LICENSE", "NOTICE"):
        shutil.copy(CHECKOUT / name, source)
    offline = ["--no-deps", "--no-build-isolation", "--no-index", "--disable-pip-version-check"]
    done([sys.executable, "-m", "pip", "wheel", *offline, "--wheel-dir", folder, source])
    (built,) = folder.glob("dedupctl-*.whl")
    return built


@pytest.fixture(scope="module")
def environment(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A fresh environment with the wheel in it, that borrows the dependencies of the running one."""
    folder = tmp_path_factory.mktemp("environment") / "venv"
    venv.create(folder, with_pip=False)
    python = folder / "bin" / "python"
    offline = ["--no-deps", "--no-index", "--disable-pip-version-check"]
    done([sys.executable, "-m", "pip", "--python", python, "install", *offline, wheel])
    packages = done([python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"]).strip()
    borrowed = {sysconfig.get_path("purelib"), sysconfig.get_path("platlib")}
    Path(packages, "borrowed.pth").write_text("\n".join(sorted(borrowed)), encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two pictures, a copy of one and a smaller version of it."""
    folder = tmp_path_factory.mktemp("library")
    harbour = drawn(1)
    harbour.save(folder / "harbour.jpg", quality=92)
    shutil.copy(folder / "harbour.jpg", folder / "harbour (copy).jpg")
    harbour.resize((320, 220)).save(folder / "harbour, small.jpg", quality=80)
    drawn(2).save(folder / "forest.png")
    return folder


def drawn(seed: int) -> Image.Image:
    choose = np.random.default_rng(seed)
    picture = Image.new("RGB", (640, 440), tuple(choose.integers(0, 255, 3).tolist()))
    pen = ImageDraw.Draw(picture)
    for _ in range(60):
        x, y, reach = (int(number) for number in choose.integers((0, 0, 8), (640, 440, 60)))
        draw = pen.ellipse if choose.random() < 0.5 else pen.rectangle
        draw((x - reach, y - reach, x + reach, y + reach), fill=tuple(choose.integers(0, 255, 3).tolist()))
    return picture


def done(command: list[Any], home: Path | None = None) -> str:
    """Run to the end, outside the checkout and without a view of it; what it printed."""
    surroundings = {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "DEDUPCTL_HOME")}
    surroundings |= {"DEDUPCTL_HOME": str(home)} if home else {}
    ran = subprocess.run(command, cwd="/", env=surroundings, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, f"{command} ended with {ran.returncode}\n{ran.stdout}\n{ran.stderr}"
    return ran.stdout


@pytest.mark.parametrize(
    "pattern",
    [
        "dedupctl/py.typed",
        "dedupctl/fingerprint/models/*.onnx",
        "dedupctl/migrations/versions/0001_*.py",
        "dedupctl/report/templates/*",
        "dedupctl-*.dist-info/licenses/LICENSE",
        "dedupctl-*.dist-info/licenses/NOTICE",
    ],
)
def test_the_wheel_holds_what_is_not_code(wheel: Path, pattern: str) -> None:
    with zipfile.ZipFile(wheel) as archive:
        assert any(Path(name).match(pattern) for name in archive.namelist())


def test_the_wheel_holds_every_file_of_the_package(wheel: Path) -> None:
    package = [
        path for path in (CHECKOUT / "dedupctl").rglob("*") if path.is_file() and "__pycache__" not in path.parts
    ]
    with zipfile.ZipFile(wheel) as archive:
        assert {str(path.relative_to(CHECKOUT)) for path in package} <= set(archive.namelist())


def test_the_code_that_runs_is_the_wheels(environment: Path) -> None:
    where = done([environment / "bin" / "python", "-c", "import dedupctl; print(dedupctl.__file__)"])
    assert Path(where.strip()).is_relative_to(environment)


def test_help_is_there(environment: Path) -> None:
    usage = done([environment / "bin" / "dedupctl", "--help"])
    assert {"scan", "watch", "clusters", "report"} <= set(usage.split())


def test_it_finds_the_copies_of_a_small_library_and_writes_the_report(
    environment: Path, library: Path, tmp_path: Path
) -> None:
    command, home = environment / "bin" / "dedupctl", tmp_path / "home"
    scanned = json.loads(done([command, "scan", "--json", library], home))
    assert (scanned["seen"], scanned["new"], scanned["errors"]) == (4, 4, 0)

    (cluster,) = json.loads(done([command, "clusters", "--json"], home))["clusters"]
    names = {Path(file["path"]).name: file["kind"] for file in cluster["files"]}
    assert set(names) == {"harbour.jpg", "harbour (copy).jpg", "harbour, small.jpg"}
    assert names["harbour, small.jpg"] == "near"

    report = tmp_path / "report.html"
    done([command, "report", "-o", report], home)
    assert "harbour (copy).jpg" in report.read_text(encoding="utf-8")
