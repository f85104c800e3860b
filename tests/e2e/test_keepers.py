"""The original wins, on real files that went through a whole scan; and every door names the same keeper."""

from __future__ import annotations

import json
import os
import shlex
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pillow_heif
import pytest
from PIL import Image
from scenery import scene
from typer.testing import CliRunner

from dedupctl.cli import app

SAMPLE = Path(__file__).parents[2] / "tools" / "sample_library.py"
SIZE = (800, 600)
MAKE, MODEL, EXIF_IFD, TAKEN_AT, GPS_IFD = 0x010F, 0x0110, 0x8769, 0x9003, 0x8825


def camera_exif() -> Image.Exif:
    """What a phone writes: maker, model, time and place."""
    exif = Image.Exif()
    exif[MAKE], exif[MODEL] = "Acme", "Phone 3"
    exif.get_ifd(EXIF_IFD)[TAKEN_AT] = "2024:05:17 08:30:00"
    exif.get_ifd(GPS_IFD).update({1: "N", 2: (48.0, 51.0, 24.0), 3: "E", 4: (2.0, 21.0, 3.0)})
    return exif


def heic(picture: Image.Image, path: Path, exif: Image.Exif | None) -> None:
    made = pillow_heif.from_pillow(picture)
    made.save(path, quality=90, exif=exif.tobytes() if exif else None)


@dataclass(frozen=True)
class Library:
    home: Path
    photos: Path

    def ask(self, *arguments: str | Path) -> Any:
        answer = CliRunner().invoke(app, ["--home", str(self.home), *map(str, arguments), "--json"])
        assert answer.exit_code == 0, answer.stderr
        return json.loads(answer.stdout)

    def relative(self, path: str) -> str:
        return os.path.relpath(path, self.photos)

    def clusters(self, *arguments: str) -> dict[str, tuple[str, str]]:
        """(the keeper, the rule by which it came first) by the name of each other file."""
        return {
            self.relative(file["path"]): (self.relative(cluster["keeper"]), file["rule"])
            for cluster in self.ask("clusters", *arguments)["clusters"]
            for file in cluster["files"][1:]
        }

    def keepers_for(self, name: str, *arguments: str) -> set[tuple[str, ...]]:
        """The keeper of each copy that `find` finds, with the rules."""
        matches = self.ask("find", self.photos / name, *arguments)["matches"]
        return {
            (self.relative(match["keeper"]), *match["keeper_rules"]) for match in matches if match["kind"] != "similar"
        }

    def plan(self, policy: str) -> dict[str, tuple[str, str]]:
        """The same for what the policy would remove."""
        made = self.ask("plan", "--policy", policy, "--dry-run")
        return {
            self.relative(action["path"]): (self.relative(action["keeper"]), action["rule"])
            for action in made["actions"]
        }


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Library:
    """Originals and what was made of each, with every advantage that a made copy can have."""
    folder = tmp_path_factory.mktemp("keepers")
    made = Library(folder / "home", folder / "photos")
    made.photos.mkdir()
    exif = camera_exif()

    def put(name: str, picture: Image.Image, with_exif: Image.Exif | None = None, **how: Any) -> None:
        picture.save(made.photos / name, exif=with_exif or Image.Exif(), **how)

    camera = scene(1, SIZE)
    put("camera original, a long name.jpg", camera, exif, quality=92)
    with Image.open(made.photos / "camera original, a long name.jpg") as opened:
        put("a.png", opened.convert("RGB"))

    enlarged = scene(2, SIZE)
    put("small original with a long name.jpg", enlarged, exif, quality=92)
    put("b.jpg", enlarged.resize((1200, 900), Image.Resampling.LANCZOS), exif, quality=60)

    phone = scene(3, SIZE)
    heic(phone, made.photos / "phone original, a long name.heic", exif)
    put("c.jpg", phone, exif, quality=98)

    cropped = scene(4, SIZE)
    put("uncropped original, a long name.jpg", cropped, None, quality=90)
    crop = cropped.crop((40, 30, 760, 570)).resize((1600, 1200), Image.Resampling.LANCZOS)
    put("d.jpg", crop, exif, quality=95)

    stripped = scene(5, SIZE)
    put("original that names its camera.jpg", stripped, exif, quality=85)
    put("e.jpg", stripped, None, quality=97)

    for seed in range(10, 14):
        put(f"other {seed}.jpg", scene(seed, SIZE), quality=85)
    answer = CliRunner().invoke(app, ["--home", str(made.home), "scan", str(made.photos)])
    assert answer.exit_code == 0, answer.stderr
    return made


TIDY = {
    "a.png": ("camera original, a long name.jpg", "original"),
    "b.jpg": ("small original with a long name.jpg", "original"),
    "c.jpg": ("phone original, a long name.heic", "format"),
    "d.jpg": ("uncropped original, a long name.jpg", "original"),
    "e.jpg": ("original that names its camera.jpg", "camera"),
}


def test_no_copy_is_kept_for_its_original(library: Library) -> None:
    assert library.clusters() == TIDY
    assert library.plan("tidy") == TIDY


def test_a_png_saved_from_a_camera_jpeg_goes_under_safe(library: Library) -> None:
    assert library.plan("safe") == {"a.png": TIDY["a.png"]}
    assert library.clusters("--kind", "exact", "--kind", "pixel") == {"a.png": TIDY["a.png"]}


def test_listings_take_the_keepers_of_the_policy_they_name(library: Library) -> None:
    config = library.home / "config.toml"
    config.write_text('[policy.small]\nkeep = ["name"]\n', encoding="utf-8")
    try:
        assert library.clusters("--policy", "small") == {kept: (made, "name") for made, (kept, _) in TIDY.items()}
        assert library.keepers_for("c.jpg", "--policy", "small") == {("c.jpg", "name")}
    finally:
        config.unlink()
    assert library.keepers_for("c.jpg") == {TIDY["c.jpg"]}
    refused = CliRunner().invoke(app, ["--home", str(library.home), "clusters", "--policy", "none"])
    assert (refused.exit_code, "there is no policy 'none'" in refused.stderr) == (2, True)


def test_every_keep_on_the_terminal_says_why(library: Library) -> None:
    answer = CliRunner().invoke(app, ["--home", str(library.home), "clusters"])
    assert answer.stdout.count("kept because it is the original, or nearer to it") == 3
    assert "kept because it says more about its camera: make, time or place" in answer.stdout


def test_a_folder_that_cannot_be_read_is_listed_until_it_can(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    photos = tmp_path / "photos"
    (photos / "locked").mkdir(parents=True)
    scene(1).save(photos / "a.jpg")
    other = Library(tmp_path / "home", photos)
    arguments = ["--home", str(other.home), "scan", str(photos)]
    with monkeypatch.context() as patch:
        refuse(patch, photos / "locked")
        assert CliRunner().invoke(app, arguments).exit_code == 1
    reason = "unreadable-folder: this folder cannot be read: Permission denied"
    assert other.ask("status", "--errors")["errors"] == [{"path": str(photos / "locked"), "reason": reason}]
    listing = CliRunner().invoke(app, ["--home", str(other.home), "status", "--errors"])
    assert "locked" in listing.stdout
    assert CliRunner().invoke(app, arguments).exit_code == 0
    assert other.ask("status", "--errors")["errors"] == []


def refuse(monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    """Let nobody list this folder, not even root."""
    listed = os.scandir

    def scandir(path: Any) -> Any:
        if os.fsencode(path) == os.fsencode(folder):
            raise PermissionError(13, "Permission denied")
        return listed(path)

    monkeypatch.setattr(os, "scandir", scandir)


# --- the sample library ----------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Library:
    folder = tmp_path_factory.mktemp("sample")
    made = Library(folder / "home", folder / "photos")
    subprocess.run([sys.executable, SAMPLE, made.photos], check=True, capture_output=True)
    answer = CliRunner().invoke(app, ["--home", str(made.home), "scan", str(made.photos)])
    assert answer.exit_code == 0, answer.stderr
    return made


def keepers(groups: Sequence[Mapping[str, Any]]) -> dict[str, str]:
    return {file["path"]: group["keeper"] for group in groups for file in group["files"]}


def test_listing_report_and_plan_agree_on_the_sample_library(sample: Library, tmp_path: Path) -> None:
    listed = sample.ask("clusters")["clusters"]
    report = tmp_path / "report.json"
    arguments = ["--home", str(sample.home), "report", "--format", "json", "-o", str(report)]
    assert CliRunner().invoke(app, arguments).exit_code == 0
    assert keepers(json.loads(report.read_text())["clusters"]) == keepers(listed)

    kept = {sample.relative(cluster["keeper"]) for cluster in listed}
    removed = sample.plan("safe")
    assert removed
    assert kept.isdisjoint(removed)
    keeper_of = {sample.relative(path): sample.relative(keeper) for path, keeper in keepers(listed).items()}
    # Where `safe` has another keeper, its pair is one of two copies that a near pair ties to the keeper of all.
    assert all(keeper_of[path] == keeper_of[kept_for_it] for path, (kept_for_it, _) in removed.items())
    assert sample.plan("tidy") == sample.clusters()


def test_kinds_of_the_report_add_up(sample: Library, tmp_path: Path) -> None:
    report = tmp_path / "report.json"
    arguments = ["--home", str(sample.home), "report", "--format", "json", "-o", str(report)]
    assert CliRunner().invoke(app, arguments).exit_code == 0
    document = json.loads(report.read_text())
    assert sum(kind["clusters"] for kind in document["kinds"]) == document["library"]["clusters"]
    assert sum(kind["reclaimable_bytes"] for kind in document["kinds"]) == document["library"]["reclaimable_bytes"]


def test_the_flow_of_the_readme_works_on_the_sample_as_it_is_written(sample: Library, tmp_path: Path) -> None:
    """The second step was refused: 59 % of the sample are copies, and 30 % may go unasked."""
    photos = tmp_path / "photos"
    shutil.copytree(sample.photos, photos, ignore=shutil.ignore_patterns(".dedupctl"))
    home = tmp_path / "home"
    before = {path: path.read_bytes() for path in photos.rglob("*") if path.is_file()}
    readme = (SAMPLE.parents[1] / "README.md").read_text(encoding="utf-8")
    block = readme.split("## Acting, and never losing a picture")[1].split("```sh\n")[1].split("```")[0]
    commands = [shlex.split(line, comments=True)[1:] for line in block.splitlines()]
    assert [command[0] for command in commands] == ["apply", "plan", "apply", "restore", "purge", "log"]
    for command in (["scan", str(photos)], *commands):
        answer = CliRunner().invoke(app, ["--home", str(home), *command], input="y\n")
        assert answer.exit_code == 0, (command, answer.stderr)
        if command[:2] == ["apply", "2"]:
            assert "removed" in answer.stdout
    restored = CliRunner().invoke(app, ["--home", str(home), "restore", "--all"])
    assert restored.exit_code == 0
    after = {path: path.read_bytes() for path in before if path.exists()}
    assert after == before
