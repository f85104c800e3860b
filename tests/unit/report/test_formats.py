from __future__ import annotations

import csv
import json
import os
import re
from io import StringIO

from rendered_library import RenderedLibrary, drawn, words

from dedupctl.domain import PairKind
from dedupctl.report.documents import clusters_as_json
from dedupctl.report.formats import as_csv, as_json, as_markdown
from dedupctl.report.report_facts import Facts, gather_facts

EVERYTHING = 2**31
HOSTILE = b'=cmd|"-c calc"!A1,<img src=x onerror=alert(1)>|`]\xff\xe2\x80\xae\n.jpg'


def hostile_facts(library: RenderedLibrary) -> Facts:
    content = library.add_content(drawn(1), camera='=HYPERLINK("http://x")|', taken_at="2020-05-06T07:08:09")
    library.add_file(b"plain.jpg", content)
    library.add_file(HOSTILE, content)
    edit = library.add_content(drawn(2), size=5_000, scale=1)
    library.add_file(b"edit.jpg", edit)
    library.add_pair(content, edit, PairKind.NEAR, 0.91)
    library.add_problem(HOSTILE + b"2", "truncated", "ends | early")
    return gather_facts(library.catalog)


def test_json_is_one_document_that_leads_back_to_every_path(library: RenderedLibrary) -> None:
    facts = hostile_facts(library)
    document = json.loads("".join(as_json(facts, words, EVERYTHING)))
    (cluster,) = document["clusters"]
    paths = {os.fsencode(file["path"]) for file in cluster["files"]}
    assert b"/photos/" + HOSTILE in paths
    assert document["library"]["reclaimable_bytes"] == 105_000
    assert [file["in_words"] for file in cluster["files"][1:]] == ["exact, says the test", "near, says the test"]
    assert document["errors"][0]["code"] == "truncated"


def test_json_tells_how_many_clusters_the_limit_left_out(library: RenderedLibrary) -> None:
    for seed in range(3):
        content = library.add_content(drawn(seed))
        library.add_file(f"{seed}a.jpg".encode(), content)
        library.add_file(f"{seed}b.jpg".encode(), content)
    document = json.loads("".join(as_json(gather_facts(library.catalog), words, 2)))
    assert len(document["clusters"]) == 2
    assert document["library"]["clusters_left_out"] == 1


def test_the_json_of_clusters_keeps_its_contract(library: RenderedLibrary) -> None:
    (cluster,) = clusters_as_json(hostile_facts(library).clusters)["clusters"]
    assert cluster.keys() == {"id", "kind", "keeper", "keeper_rules", "reclaimable_bytes", "files"}
    wanted = {"path", "size", "width", "height", "format", "kind", "score", "rule", "evidence"}
    assert all(file.keys() == wanted for file in cluster["files"])
    assert cluster["keeper"] == cluster["files"][0]["path"]
    assert cluster["kind"] == "near"


def test_no_csv_cell_is_a_formula_and_no_name_breaks_a_row(library: RenderedLibrary) -> None:
    text = "".join(as_csv(hostile_facts(library), words, EVERYTHING))
    rows = list(csv.DictReader(StringIO(text, newline="")))
    assert len(rows) == 3
    assert all(not cell.startswith(("=", "+", "@")) for row in rows for cell in row.values())
    names = {row["name"] for row in rows}
    assert any(name.startswith("'=cmd") and "\\xff\\u202e" in name for name in names)
    assert [row["role"] for row in rows] == ["keeper", "duplicate", "duplicate"]
    assert rows[0]["camera"].startswith("'=HYPERLINK")
    assert rows[0]["date"] == "2020-05-06 07:08"


def test_no_name_is_markup_in_markdown(library: RenderedLibrary) -> None:
    text = "".join(as_markdown(hostile_facts(library), words, EVERYTHING))
    assert r"\<img src=x onerror=alert\(1\)\>\|" in text
    assert not re.search(r"(?<!\\)<", text)
    assert text.encode()
