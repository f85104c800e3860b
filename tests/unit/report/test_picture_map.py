from __future__ import annotations

import csv
import json
from io import BytesIO, StringIO

import numpy as np
from PIL import Image
from rendered_library import RenderedLibrary, drawn

from dedupctl.domain import PairKind
from dedupctl.report.atlas import build_atlas
from dedupctl.report.map_page import map_part
from dedupctl.report.mosaic import grid_cells, mosaic
from dedupctl.report.picture_map import PictureMap, curve_order, make_map, map_csv
from dedupctl.report.report_facts import gather_facts


def filled(library: RenderedLibrary, singles: int = 12, name: bytes = b"edit.jpg") -> tuple[int, int]:
    """Single pictures, one of which has an edit and a similar shot."""
    ids = [library.add_content(drawn(seed, 64, 48)) for seed in range(singles)]
    for number, content_id in enumerate(ids):
        library.add_file(f"{number}.jpg".encode(), content_id)
    edit = library.add_content(drawn(100, 64, 48), scale=1)
    library.add_file(name, edit)
    library.add_pair(ids[0], edit, PairKind.NEAR, 0.9)
    other_shot = library.add_content(drawn(101, 64, 48))
    library.add_file(b"shot.jpg", other_shot)
    library.add_pair(ids[1], other_shot, PairKind.SIMILAR, 0.7)
    return ids[0], edit


def made(library: RenderedLibrary, limit: int = 20_000) -> PictureMap:
    facts = gather_facts(library.catalog)
    return make_map(library.catalog, library.model_id, facts.clusters, facts.similar, limit=limit)


def test_points_know_their_kind_and_cluster_and_lines_join_members_to_keepers(library: RenderedLibrary) -> None:
    original, edit = filled(library)
    drawn_map = made(library)
    points = {point.content_id: point for point in drawn_map.points}
    assert len(points) == 14
    assert points[edit].kind is PairKind.NEAR
    assert points[original].cluster == points[edit].cluster == original
    assert sum(point.kind is None for point in drawn_map.points) == 10
    ends = {
        (drawn_map.points[one].content_id, drawn_map.points[other].content_id, kind)
        for one, other, kind in drawn_map.edges
    }
    assert (original, edit, PairKind.NEAR) in ends
    assert len(ends) == 2


def test_the_next_map_is_the_same(library: RenderedLibrary) -> None:
    filled(library)
    assert np.array_equal(made(library).places, made(library).places)


def test_a_large_library_shows_the_clustered_ones_and_says_so(library: RenderedLibrary) -> None:
    original, edit = filled(library)
    drawn_map = made(library, limit=6)
    ids = {point.content_id for point in drawn_map.points}
    assert len(ids) == 6
    assert {original, edit} <= ids
    assert drawn_map.note.startswith("4 clustered pictures and a sample of 2 others out of 10")


def test_the_table_of_the_map_has_a_row_a_picture_and_no_formula(library: RenderedLibrary) -> None:
    filled(library, name=b"@SUM(1).jpg")
    rows = list(csv.DictReader(StringIO("".join(map_csv(made(library))), newline="")))
    assert len(rows) == 14
    assert {row["kind"] for row in rows} == {"", "near", "similar"}
    assert "'@SUM(1).jpg" in {row["name"] for row in rows}


def test_the_data_of_the_map_cannot_end_its_script_element(library: RenderedLibrary) -> None:
    filled(library, name=b"<!--<script>alert(1)<|script>&.jpg")
    data = map_part(made(library), library.thumbs, 10**6).data
    assert "<" not in data
    assert "<!--<script>alert(1)<|script>&.jpg" in json.loads(data)["points"]["name"]


def test_every_point_finds_its_own_thumbnail_in_the_atlas(library: RenderedLibrary) -> None:
    for seed in range(5):
        plain = Image.new("RGB", (40, 40), (50 * seed, 0, 255 - 50 * seed))
        library.add_file(f"{seed}.png".encode(), library.add_content(plain))
    data = json.loads(map_part(made(library), library.thumbs, 10**6).data)
    atlas = data["atlas"]
    sheet = _sheet(atlas["sheets"][0])
    for name, cell in zip(data["points"]["name"], data["points"]["cell"], strict=True):
        left, top = cell % atlas["columns"] * atlas["cell"], cell // atlas["columns"] * atlas["cell"]
        red = sheet.getpixel((left + 20, top + 20))[0]
        assert abs(red - 50 * int(name[0])) < 12
        assert (atlas["width"][cell], atlas["height"][cell]) == (40, 40)


def test_the_atlas_takes_smaller_cells_and_then_ends_to_keep_its_budget(library: RenderedLibrary) -> None:
    ids = [library.add_content(drawn(seed, 128, 96)) for seed in range(40)]
    with library.catalog.read() as tx:
        digests = [content.digest for content in tx.contents.get(ids).values()]
    roomy, tight = build_atlas(library.thumbs, digests, 10**6), build_atlas(library.thumbs, digests, 30_000)
    assert roomy.cell == 128
    assert tight.cell < roomy.cell
    assert sum(map(len, tight.sheets)) <= 30_000
    assert build_atlas(library.thumbs, digests, 10).shapes == [(0, 0)] * 40


def test_the_mosaic_shows_every_picture_in_a_cell_of_its_own(library: RenderedLibrary) -> None:
    filled(library)
    picture = Image.open(BytesIO(mosaic(made(library), library.thumbs)))
    assert picture.format == "PNG"
    assert picture.size == (5 * 160, 5 * 160)


def test_no_two_pictures_share_a_cell_even_where_all_crowd_in_one_place() -> None:
    places = np.random.default_rng(0).normal(size=(200, 2)) ** 7
    cells = grid_cells(places, 16)
    assert len(set(cells)) == 200
    assert all(0 <= column < 16 and 0 <= row < 16 for column, row in cells)


def test_the_curve_visits_neighbours_one_after_the_other() -> None:
    grid = np.array([(x, y) for x in range(16) for y in range(16)], float)
    order = curve_order(grid)
    steps = np.abs(np.diff(grid[order], axis=0)).sum(axis=1)
    assert sorted(order) == list(range(256))
    assert (steps == 1).all()


def _sheet(text: str) -> Image.Image:
    import base64

    return Image.open(BytesIO(base64.b64decode(text))).convert("RGB")
