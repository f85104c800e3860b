"""The program itself, as scripts and people call it: what each command answers, and how it ends."""

from __future__ import annotations

import csv
import os
import shutil
import signal
import sqlite3
import subprocess
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import pytest
from PIL import Image
from rendered_library import drawn
from running import PATIENCE, await_true, command, dedupctl, listed, rows

from dedupctl.workspace import LOCK_NAME, hold

ODD = b"caf\xe9 \xff\n.jpg"
"""A name that is not UTF-8 and breaks a line."""
ODD_TEXT = os.fsdecode(ODD)
SLOW_AND_SELDOM_ALIKE = "[scan]\nworkers = 1\n[model]\npropose_cosine = 0.95\n"
PICTURES = 64
"""Enough that a scan with one worker is stopped on the way."""
ONE_MEGAPIXEL = "[scan]\nmax_megapixels = 1\n"
"""With it, `beach.jpg` and its likes cannot be decoded: a decode that should not be shows itself as an error."""


@dataclass(frozen=True)
class Library:
    home: Path
    photos: Path

    def path(self, name: str) -> str:
        return str(self.photos / name)


def render(photos: Path) -> None:
    """`beach.jpg` with a copy of each kind, `lake.jpg` with a copy of an odd name, a broken file, one of no concern."""
    (photos / "backup").mkdir(parents=True)
    beach = drawn(1, 1300, 1000)
    beach.save(photos / "beach.jpg", quality=92)
    shutil.copy(photos / "beach.jpg", photos / "backup" / "beach.jpg")
    beach.resize((650, 500)).save(photos / "small.jpg", quality=80)
    data = (photos / "beach.jpg").read_bytes()
    (photos / "commented.jpg").write_bytes(data[:2] + b"\xff\xfe\x00\x07hello" + data[2:])
    drawn(2, 400, 300).save(photos / "hill.png")
    drawn(3, 400, 300).save(photos / "lake.jpg")
    shutil.copy(photos / "lake.jpg", os.fsencode(photos) + b"/" + ODD)
    (photos / "broken.jpg").write_bytes(data[:3000])
    (photos / "notes.txt").write_text("no picture")


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Library:
    """Scanned once; the tests that use it leave it as it is, or put it back."""
    folder = tmp_path_factory.mktemp("commands")
    library = Library(folder / "home", folder / "photos")
    render(library.photos)
    first = dedupctl(library.home, "scan", library.photos, "--json")
    assert first.code == 0, first.err
    summary = first.document
    assert {name: summary[name] for name in summary if name != "seconds"} == {
        "seen": 8,
        "new": 8,
        "changed": 0,
        "unchanged": 0,
        "moved": 0,
        "gone": 0,
        "errors": 1,
        "passed_over": 0,
    }
    assert {"read", "walk", "write"} <= summary["seconds"].keys()
    return library


@pytest.fixture
def own(library: Library, tmp_path: Path) -> Library:
    """A copy of the scanned home over the same photos, to break."""
    shutil.copytree(library.home, tmp_path / "home")
    return Library(tmp_path / "home", library.photos)


def test_the_version_is_told_without_a_catalog(tmp_path: Path) -> None:
    told = dedupctl(tmp_path / "none", "--version")
    assert (told.code, told.out.count(".")) == (0, 2)


# --- scan ------------------------------------------------------------------------------------------------------------


def test_a_second_scan_reads_no_file_and_opens_no_picture(own: Library) -> None:
    (own.home / "config.toml").write_text(ONE_MEGAPIXEL)
    again = listed(own.home, "scan")
    assert (again["seen"], again["unchanged"], again["new"], again["changed"], again["errors"]) == (8, 8, 0, 0, 0)
    assert "read" not in again["seconds"], "the workers had nothing to do"


def test_a_touched_or_renamed_file_and_a_copy_of_a_known_one_are_not_decoded(library: Library, tmp_path: Path) -> None:
    home, photos = tmp_path / "home", tmp_path / "photos"
    photos.mkdir()
    for name in ("beach.jpg", "small.jpg"):
        shutil.copy(library.photos / name, photos / name)
    listed(home, "scan", photos)
    (home / "config.toml").write_text(ONE_MEGAPIXEL)
    os.utime(photos / "small.jpg", (1, 1))
    (photos / "beach.jpg").rename(photos / "renamed.jpg")
    shutil.copy(photos / "renamed.jpg", photos / "copy.jpg")
    drawn(9, 1300, 1000).save(photos / "new and too large.jpg")
    again = listed(home, "scan")
    counts = tuple(again[name] for name in ("changed", "moved", "gone", "new", "errors"))
    assert counts == (1, 1, 0, 2, 1)
    assert rows(home, "SELECT name FROM files WHERE state = 'error'") == [(b"new and too large.jpg",)]


def test_pictures_known_by_imported_encodings_are_decoded_only_if_they_are_copies(
    library: Library, tmp_path: Path
) -> None:
    home, encodings = tmp_path / "home", tmp_path / "library.jsonl"
    dedupctl(library.home, "export", "encodings", "-o", encodings)
    assert listed(home, "import", "encodings", encodings) == {"new": 5, "known": 0, "refused": []}
    listed(home, "scan", library.photos)
    assert len(listed(home, "clusters")["clusters"]) == len(listed(library.home, "clusters")["clusters"])
    claimed = "SELECT name FROM files JOIN imported_contents USING (content_id) ORDER BY name"
    assert rows(home, claimed) == [(ODD,), (b"hill.png",), (b"lake.jpg",)]


def test_lines_that_are_no_encodings_are_named_and_the_others_taken(library: Library, tmp_path: Path) -> None:
    home, encodings = tmp_path / "home", tmp_path / "library.jsonl"
    dedupctl(library.home, "export", "encodings", "-o", encodings)
    lines = encodings.read_bytes().splitlines(keepends=True)
    encodings.write_bytes(lines[0] + b"no picture\n" + b"".join(lines[1:-1]) + lines[-1][:100])
    taken = dedupctl(home, "import", "encodings", encodings)
    assert taken.code == 1
    assert taken.out == "4 pictures taken in, 0 were known\n"
    second, last = taken.err.splitlines()
    assert second == "line 2: Invalid JSON: expected ident at line 1 column 2"
    assert last.startswith("line 6: Invalid JSON: EOF")
    listed(home, "scan", library.photos)
    assert listed(home, "check") == {"faults": []}


def test_pictures_in_a_bin_are_passed_over_also_where_an_earlier_scan_took_them_in(tmp_path: Path) -> None:
    home, photos = tmp_path / "home", tmp_path / "photos"
    (photos / "#recycle").mkdir(parents=True)
    home.mkdir()
    for number, name in enumerate(("a.png", "#recycle/b.png")):
        Image.linear_gradient("L").rotate(90 * number).save(photos / name)
    (home / "config.toml").write_text('[scan]\nsystem_folders = "index"\n')
    first = listed(home, "scan", photos)
    (home / "config.toml").unlink()

    second = listed(home, "scan", photos)

    assert (first["seen"], first["passed_over"]) == (2, 0)
    assert (second["seen"], second["gone"], second["passed_over"]) == (1, 0, 1)
    status = listed(home, "status")
    assert (status["passed_over"], status["files"]) == (1, {"present": 1, "error": 0, "gone": 0})


def test_ctrl_c_ends_a_scan_with_130_and_the_next_one_goes_on(tmp_path: Path) -> None:
    home, photos = tmp_path / "home", tmp_path / "photos"
    photos.mkdir()
    for seed in range(PICTURES):
        drawn(seed, 640, 480).save(photos / f"{seed}.png", compress_level=0)
    home.mkdir()
    (home / "config.toml").write_text(SLOW_AND_SELDOM_ALIKE)
    with subprocess.Popen(
        command(home, "scan", photos), stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True
    ) as scan:
        await_true(lambda: counted(home) > 0 or scan.poll() is not None, "the first pictures are written")
        os.killpg(scan.pid, signal.SIGINT)  # as a terminal does: to the workers too
        _, err = scan.communicate(timeout=PATIENCE)
    assert (scan.returncode, err) == (130, b"stopped; the next scan goes on from here\n")
    done = counted(home)
    assert 0 < done < PICTURES
    rest = listed(home, "scan")
    assert (rest["unchanged"], rest["new"]) == (done, PICTURES - done)
    assert listed(home, "check") == {"faults": []}


def test_sigterm_ends_a_scan_without_an_error(library: Library, tmp_path: Path) -> None:
    with subprocess.Popen(
        command(tmp_path / "home", "scan", library.photos), stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as scan:
        await_true((tmp_path / "home" / LOCK_NAME).exists, "the scan has begun")
        scan.terminate()
        _, err = scan.communicate(timeout=PATIENCE)
    assert (scan.returncode, b"Traceback" in err) == (0, False)


def counted(home: Path) -> int:
    return sum(count for (count,) in rows(home, "SELECT count(*) FROM files WHERE state = 'present'"))


# --- listings --------------------------------------------------------------------------------------------------------


def test_clusters_keep_the_contract_of_their_document(library: Library) -> None:
    beach, lake = listed(library.home, "clusters")["clusters"]
    assert beach.keys() == {"id", "kind", "keeper", "keeper_rules", "reclaimable_bytes", "files"}
    for file in beach["files"] + lake["files"]:
        assert file.keys() == {"path", "size", "width", "height", "format", "kind", "score", "rule", "evidence"}
    kinds = {file["path"]: file["kind"] for file in beach["files"]}
    assert beach["keeper"] == beach["files"][0]["path"] == library.path("commented.jpg")
    assert kinds == {
        library.path("commented.jpg"): "exact",
        library.path("beach.jpg"): "pixel",
        library.path("backup/beach.jpg"): "pixel",
        library.path("small.jpg"): "near",
    }
    assert beach["kind"] == "near"
    assert beach["reclaimable_bytes"] == sum(file["size"] for file in beach["files"][1:])
    assert {file["path"] for file in lake["files"]} == {library.path("lake.jpg"), library.path(ODD_TEXT)}
    assert lake["kind"] == "exact"


def test_clusters_can_be_narrowed_down(library: Library) -> None:
    (only,) = listed(library.home, "clusters", "--kind", "exact", "--between", library.photos / "backup")["clusters"]
    assert {file["path"] for file in only["files"]} == {library.path("beach.jpg"), library.path("backup/beach.jpg")}
    (first,) = listed(library.home, "clusters", "--limit", "1", "--min-size", "10000", "--within", library.photos)[
        "clusters"
    ]
    assert first["reclaimable_bytes"] > 10_000


def test_export_writes_every_pair_of_files_once(library: Library, tmp_path: Path) -> None:
    target = tmp_path / "pairs.csv"
    assert dedupctl(library.home, "export", "pairs", "-o", target).code == 0
    with target.open(newline="", encoding="utf-8", errors="surrogateescape") as stream:
        header, *rows = csv.reader(stream)
    assert header == ["a", "b", "kind", "score"]
    found = {(frozenset(Path(path).relative_to(library.photos).as_posix() for path in row[:2]), row[2]) for row in rows}
    assert len(rows) == len(found) == 7
    assert {pair for pair, kind in found if kind == "exact"} == {
        frozenset({"beach.jpg", "backup/beach.jpg"}),
        frozenset({"lake.jpg", ODD_TEXT}),
    }
    assert {pair for pair, kind in found if kind == "pixel"} == {
        frozenset({"beach.jpg", "commented.jpg"}),
        frozenset({"backup/beach.jpg", "commented.jpg"}),
    }
    assert all("small.jpg" in pair for pair, kind in found if kind == "near")
    assert all(0 < float(row[3]) <= 1 for row in rows)


def test_names_of_any_bytes_come_through_every_listing(library: Library) -> None:
    odd = os.fsencode(library.photos) + b"/" + ODD
    table = dedupctl(library.home, "clusters", environment={"NO_COLOR": "1", "TERM": "xterm-256color"})
    assert "caf\\xe9 \\xff\\x0a.jpg" in table.out
    assert "\x1b" not in table.out
    (match,) = [m for m in listed(library.home, "find", odd)["matches"] if os.fsencode(m["path"]) == odd]
    assert match["kind"] == "exact"
    assert dedupctl(library.home, "explain", odd, library.path("lake.jpg")).out.startswith("exact: ")


def test_find_knows_the_copies_of_a_picture_outside_the_library(library: Library, tmp_path: Path) -> None:
    drawn(1, 1300, 1000).resize((400, 308)).save(tmp_path / "asked.webp")
    matches = listed(library.home, "find", tmp_path / "asked.webp")["matches"]
    assert matches[0].keys() == {
        *("path", "kind", "score", "size", "width", "height", "format", "evidence", "keeper", "keeper_rules")
    }
    near = {match["path"] for match in matches if match["kind"] == "near"}
    assert near == {library.path(name) for name in ("beach.jpg", "backup/beach.jpg", "commented.jpg", "small.jpg")}
    table = dedupctl(library.home, "find", tmp_path / "asked.webp").out
    assert table.splitlines()[-1] == f"{len(matches)} files"
    unreadable = dedupctl(library.home, "find", library.path("broken.jpg"))
    assert (unreadable.code, unreadable.err.count("\n")) == (1, 1)
    assert "truncated" in unreadable.err


def test_explain_says_what_one_picture_is_to_the_other_and_draws_it(library: Library, tmp_path: Path) -> None:
    pair = library.path("small.jpg"), library.path("beach.jpg")
    found = listed(library.home, "explain", *pair, "--image", str(tmp_path / "proof.png"))
    assert found["kind"] == "near"
    assert "50" in found["words"], "it is half as large"
    assert found["evidence"]["transform"]["scale"] == pytest.approx(0.5, abs=0.01)
    assert (tmp_path / "proof.png").read_bytes().startswith(b"\x89PNG")


def test_compare_shows_only_pairs_across_the_two_folders(library: Library, tmp_path: Path) -> None:
    link = tmp_path / "link"
    link.symlink_to(library.photos / "backup")
    pairs = listed(library.home, "compare", link, library.photos)["pairs"]
    assert {pair["a"] for pair in pairs} == {library.path("backup/beach.jpg")}
    assert {pair["b"] for pair in pairs} == {library.path(n) for n in ("beach.jpg", "commented.jpg", "small.jpg")}


def test_status_counts_what_there_is_and_lists_what_cannot_be_read(library: Library) -> None:
    status = listed(library.home, "status")
    assert status["files"] == {"present": 7, "error": 1, "gone": 0}
    assert (status["contents"], status["backlog"], status["watch"]) == (5, 0, None)
    assert status["index"]["fault"] is None
    assert status["last_full_scan"] is not None
    assert status["roots"][0]["path"] == str(library.photos)
    (error,) = listed(library.home, "status", "--errors")["errors"]
    assert error.keys() == {"path", "reason"}
    assert error["path"] == library.path("broken.jpg")
    assert error["reason"].startswith("truncated: ")
    assert "waiting to be compared  0" in dedupctl(library.home, "status").out


@pytest.mark.parametrize("unbuffered", ["", "1"])
@pytest.mark.parametrize("asked", [("export", "pairs"), ("clusters", "--json"), ("--help",)])
def test_a_reader_that_goes_away_is_no_crash(library: Library, asked: tuple[str, ...], unbuffered: str) -> None:
    """Buffered, what is left is written when the interpreter ends: then nobody could catch the error any more."""
    with subprocess.Popen(
        command(library.home, *asked),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=os.environ | {"PYTHONUNBUFFERED": unbuffered},
    ) as told:
        assert told.stdout is not None
        assert told.stderr is not None
        told.stdout.close()
        assert told.stderr.read() == b""
    assert told.returncode == 1


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no device that is always full")
def test_an_answer_that_cannot_be_written_is_no_success(library: Library) -> None:
    with open("/dev/full", "wb") as full:
        told = subprocess.run(
            command(library.home, "export", "pairs"),
            stdout=full,
            stderr=subprocess.PIPE,
            env=os.environ | {"PYTHONUNBUFFERED": ""},
            check=False,
        )
    assert told.stderr == b"dedupctl: cannot write the answer: No space left on device\n"
    assert told.returncode == 1


# --- decisions and roots ---------------------------------------------------------------------------------------------


def test_a_verdict_overrules_the_proof_and_survives_a_rename(library: Library, tmp_path: Path) -> None:
    home, photos = tmp_path / "home", tmp_path / "photos"
    photos.mkdir()
    for name in ("beach.jpg", "small.jpg", "hill.png"):
        shutil.copy(library.photos / name, photos / name)
    listed(home, "scan", photos)
    assert dedupctl(home, "verdict", photos / "beach.jpg", photos / "small.jpg", "different").code == 0
    (photos / "small.jpg").rename(photos / "moved.jpg")
    listed(home, "scan")
    assert listed(home, "clusters")["clusters"] == []
    assert dedupctl(home, "verdict", photos / "hill.png", photos / "moved.jpg", "same").code == 0
    (cluster,) = listed(home, "clusters")["clusters"]
    assert {Path(file["path"]).name for file in cluster["files"]} == {"hill.png", "moved.jpg"}


def test_roots_are_added_listed_and_removed_without_touching_a_file(library: Library, tmp_path: Path) -> None:
    home, photos = tmp_path / "home", tmp_path / "photos"
    photos.mkdir()
    shutil.copy(library.photos / "hill.png", photos)
    assert dedupctl(home, "roots", "add", photos, "--reference").code == 0
    inside = dedupctl(home, "roots", "add", photos / ".dedupctl")
    assert (inside.code, "already watched" in inside.err) == (2, True)
    assert listed(home, "scan")["new"] == 1
    photos.rename(tmp_path / "elsewhere")
    away = dedupctl(home, "scan", "--json")
    assert (away.code, away.document["gone"]) == (1, 0)
    assert "offline" in away.err
    (root,) = listed(home, "roots", "list")["roots"]
    assert (root["path"], root["reference"], root["online"], root["files"]) == (str(photos), True, False, 1)
    assert "No such file" in root["reason"]
    assert dedupctl(home, "roots", "remove", photos).code == 0
    assert listed(home, "roots", "list")["roots"] == []
    assert (tmp_path / "elsewhere" / "hill.png").exists()


# --- the stores ------------------------------------------------------------------------------------------------------


def test_a_damaged_snapshot_is_found_and_mended_without_a_picture(own: Library) -> None:
    (graph,) = own.home.glob("vectors/*/graph-*.hnsw")
    data = bytearray(graph.read_bytes())
    data[len(data) // 2] ^= 0xFF
    graph.write_bytes(data)
    damaged = dedupctl(own.home, "check", "--json")
    ((fault),) = damaged.document["faults"]
    assert (damaged.code, fault["store"], fault["mended"]) == (4, "vectors", False)
    (own.home / "config.toml").write_text(ONE_MEGAPIXEL)
    mended = dedupctl(own.home, "check", "--repair", "--json")
    assert (mended.code, [f["mended"] for f in mended.document["faults"]]) == (0, [True])
    assert listed(own.home, "check") == {"faults": []}


@pytest.mark.parametrize(
    "arguments",
    [
        ["scan", "/no/such/folder"],
        ["scan", __file__],
        ["explain", __file__, __file__],
        ["roots", "remove", "/no/such/folder"],
        ["clusters", "--kind", "identical"],
    ],
    ids=lambda arguments: " ".join(map(os.path.basename, arguments)),
)
def test_wrong_use_is_one_clear_line_and_exit_code_2(library: Library, arguments: list[str]) -> None:
    answer = dedupctl(library.home, *arguments)
    assert (answer.code, answer.out) == (2, "")
    assert answer.err.strip()


def test_a_home_that_holds_nothing_or_cannot_be_is_wrong_use(tmp_path: Path) -> None:
    empty = dedupctl(tmp_path / "empty", "clusters")
    assert (empty.code, "dedupctl scan" in empty.err) == (2, True)
    assert not (tmp_path / "empty").exists()
    (tmp_path / "file").write_text("")
    impossible = dedupctl(tmp_path / "file", "scan", tmp_path)
    assert (impossible.code, impossible.err.count("\n")) == (2, 1)


def test_an_unknown_key_of_the_configuration_is_named(own: Library) -> None:
    (own.home / "config.toml").write_text("[scan]\nworker = 1\n")
    answer = dedupctl(own.home, "status")
    assert (answer.code, "scan.worker" in answer.err, answer.err.count("\n")) == (2, True, 1)


def test_a_held_lock_stops_a_scan_and_no_listing(own: Library) -> None:
    with hold(own.home / LOCK_NAME, "testing"):
        answer = dedupctl(own.home, "scan")
        assert (answer.code, answer.err.count("\n")) == (3, 1)
        assert len(listed(own.home, "clusters")["clusters"]) == 2


def test_a_catalog_that_is_newer_or_no_catalog_is_refused_and_left_as_it_is(own: Library) -> None:
    catalog = own.home / "catalog.db"
    with closing(sqlite3.connect(catalog, isolation_level=None)) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    for content in (catalog.read_bytes(), b"this is no database" * 1000):
        catalog.write_bytes(content)
        for name in ("catalog.db-wal", "catalog.db-shm"):
            (own.home / name).unlink(missing_ok=True)
        answer = dedupctl(own.home, "scan")
        assert (answer.code, answer.out, answer.err.count("\n")) == (4, "", 1)
        assert catalog.read_bytes() == content
