"""The report in a real browser, opened from disk."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from browser import NARROW, WIDE, browser, console, look, serious_findings, text_of, until
from rendered_library import RenderedLibrary, drawn, transform, words
from selenium import webdriver
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys

from dedupctl.domain import Evidence, PairKind
from dedupctl.report.options import ReportOptions
from dedupctl.report.writing import write_report

HOSTILE = "</script><img src=x onerror=\"document.title='owned'\">\u202egpj'.jpg".replace("/", "|").encode() + b"\xff"
CROP = (1.0, 0, -800, 0, 1.0, -600, 0, 0, 1)


@pytest.fixture(scope="module")
def chrome() -> Iterator[webdriver.Chrome]:
    with browser() as made:
        yield made


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A report of 24 pictures: copies, a crop, a similar shot, a broken file, and a name that wants to be code."""
    home = tmp_path_factory.mktemp("home")
    library = RenderedLibrary(home)
    try:
        fill(library)
        target = home / "report.html"
        write(library, target)
        write(library, target)
        return target
    finally:
        library.close()


def fill(library: RenderedLibrary) -> None:
    backup = library.add_root(b"/backup")
    ids = [library.add_content(drawn(seed), size=1_000_000 + seed, camera="Camera One") for seed in range(22)]
    for number, content_id in enumerate(ids):
        library.add_file(b"holiday/%d.jpg" % number, content_id)
    library.add_file(HOSTILE, ids[0])
    library.add_file(b"copies/1.jpg", ids[1], root_id=backup)
    crop = library.add_content(drawn(2).crop((80, 60, 240, 180)), size=50_000)
    library.add_file(b"edited/crop.jpg", crop)
    library.add_pair(ids[2], crop, PairKind.NEAR, 0.9, Evidence(method="orb", transform=transform(CROP)))
    shot = library.add_content(drawn(99))
    library.add_file(b"shot.jpg", shot)
    library.add_pair(ids[3], shot, PairKind.SIMILAR, 0.7)
    library.add_problem(b"broken.jpg", "truncated", "the file ends too early")


def write(library: RenderedLibrary, target: Path) -> None:
    write_report(
        library.catalog,
        library.thumbs,
        target,
        model_id=library.model_id,
        options=ReportOptions(),
        progress=lambda _stage, _done, _total: None,
        explain=words,
    )


def opened(chrome: webdriver.Chrome, page: Path, size: tuple[int, int] = WIDE, *, dark: bool = False) -> None:
    look(chrome, size, dark=dark)
    chrome.get("about:blank")
    console(chrome)
    chrome.get(page.as_uri())
    until(chrome, "document.getElementById('map-board').dataset.ready")


def place_of(chrome: webdriver.Chrome, name: str) -> tuple[int, int]:
    """Where the picture with this name lies, in pixels from the middle of the map."""
    found = chrome.execute_script(
        """
        const { points } = JSON.parse(document.getElementById("map-data").textContent);
        const model = (name) => Bokeh.documents[0].get_model_by_name(name);
        const [plot, dots, board] = [model("map"), model("points"), document.getElementById("map-board")];
        const point = points.name.indexOf(arguments[0]);
        const part = (value, range) => (value - (range.start + range.end) / 2) / (range.end - range.start);
        return [part(dots.data.x[point], plot.x_range) * board.clientWidth,
                -part(dots.data.y[point], plot.y_range) * board.clientHeight];
        """,
        name,
    )
    return round(found[0]), round(found[1])


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("size", [WIDE, NARROW], ids=["wide", "narrow"])
def test_it_opens_from_disk_with_an_empty_console_and_no_serious_finding(
    chrome: webdriver.Chrome, report: Path, size: tuple[int, int], dark: bool
) -> None:
    opened(chrome, report, size, dark=dark)
    chrome.execute_script("for (const image of document.images) image.loading = 'eager'")
    until(chrome, "[...document.images].every((image) => image.complete && image.naturalWidth)")
    assert chrome.execute_script("return document.documentElement.scrollWidth <= innerWidth")
    assert serious_findings(chrome) == []
    assert console(chrome) == []


def test_a_name_that_wants_to_be_code_is_only_shown(chrome: webdriver.Chrome, report: Path) -> None:
    opened(chrome, report)
    assert chrome.title == "Duplicates: 2.1 MB to free"
    shown = r"""<|script><img src=x onerror="document.title='owned'">\u202egpj'.jpg\xff"""
    names = [element.text for element in chrome.find_elements(By.CSS_SELECTOR, ".member .name")]
    assert shown in names
    assert console(chrome) == []


def test_the_crop_is_outlined_on_the_keeper_and_pointing_at_it_says_so(chrome: webdriver.Chrome, report: Path) -> None:
    opened(chrome, report)
    member = chrome.find_element(By.XPATH, "//li[.//p[text()='crop.jpg']]")
    cluster = member.find_element(By.XPATH, "./ancestor::article")
    outline = cluster.find_element(By.CSS_SELECTOR, ".member.keeper .outline polygon")
    assert outline.get_attribute("points").split() == ["0.25,0.25", "0.75,0.25", "0.75,0.75", "0.25,0.75"]
    ActionChains(chrome).scroll_to_element(member).move_to_element(member).perform()
    until(chrome, "document.querySelector('.outline.pointed')")


def test_the_map_answers_hover_and_click(chrome: webdriver.Chrome, report: Path) -> None:
    opened(chrome, report)
    board = chrome.find_element(By.ID, "map-board")
    chrome.execute_script("arguments[0].scrollIntoView({ block: 'center', behavior: 'instant' })", board)
    until(chrome, "Number(document.getElementById('map-board').dataset.pictures) >= 10")
    right, down = place_of(chrome, "crop.jpg")
    ActionChains(chrome).move_to_element_with_offset(board, right, down).perform()
    until(chrome, "!document.getElementById('map-card').hidden")
    assert text_of(chrome, "#map-card .name") in ("crop.jpg", "2.jpg")
    assert chrome.execute_script("return document.querySelector('#map-card canvas').width") > 20
    ActionChains(chrome).move_to_element_with_offset(board, right, down).click().perform()
    until(chrome, "document.activeElement.classList.contains('cluster')")
    assert "crop.jpg" in chrome.switch_to.active_element.text
    assert console(chrome) == []


@pytest.mark.parametrize("size", [WIDE, NARROW], ids=["wide", "narrow"])
def test_no_picture_is_cut_off_while_the_map_shows_everything(
    chrome: webdriver.Chrome, report: Path, size: tuple[int, int]
) -> None:
    opened(chrome, report, size)
    until(chrome, "Number(document.getElementById('map-board').dataset.pictures) >= 10")
    overhang = chrome.execute_script(
        """
        const model = (name) => Bokeh.documents[0].get_model_by_name(name);
        const [plot, { x, y, w, h }] = [model("map"), model("pictures").data];
        const board = document.getElementById("map-board");
        const over = (range, length, at, side) => [...at].map((value, one) => {
          const place = (value - range.start) / (range.end - range.start) * length;
          return Math.max(side[one] / 2 - place, place + side[one] / 2 - length);
        });
        const [wide, high] = [board.clientWidth, board.clientHeight];
        return Math.max(...over(plot.x_range, wide, x, w), ...over(plot.y_range, high, y, h));
        """
    )
    assert overhang <= 0


def test_a_single_picture_on_the_map_opens_nothing(chrome: webdriver.Chrome, report: Path) -> None:
    opened(chrome, report)
    board = chrome.find_element(By.ID, "map-board")
    chrome.execute_script("arguments[0].scrollIntoView({ block: 'center', behavior: 'instant' })", board)
    until(chrome, "Number(document.getElementById('map-board').dataset.pictures) >= 10")
    right, down = place_of(chrome, "17.jpg")
    ActionChains(chrome).move_to_element_with_offset(board, right, down).click().perform()
    until(chrome, "!document.getElementById('map-card').hidden")
    assert chrome.execute_script("return location.hash") == ""


def test_the_map_can_be_worked_by_keyboard(chrome: webdriver.Chrome, report: Path) -> None:
    opened(chrome, report)
    width = "(() => { const r = Bokeh.documents[0].get_model_by_name('map').x_range; return r.end - r.start })()"
    left = "Bokeh.documents[0].get_model_by_name('map').x_range.start"
    before = chrome.execute_script(f"return {width}")
    board = chrome.find_element(By.ID, "map-board")
    board.send_keys("+")
    until(chrome, f"{width} < {before}")
    start = chrome.execute_script(f"return {left}")
    board.send_keys(Keys.ARROW_RIGHT)
    until(chrome, f"{left} > {start}")
    board.send_keys("0")
    until(chrome, f"Math.abs({width} - {before}) < 1e-6")


def test_clusters_can_be_walked_and_filtered_by_keyboard(chrome: webdriver.Chrome, report: Path) -> None:
    opened(chrome, report)
    body = chrome.find_element(By.TAG_NAME, "body")
    body.send_keys("j")
    first = chrome.switch_to.active_element.get_attribute("id")
    chrome.switch_to.active_element.send_keys("j")
    second = chrome.switch_to.active_element.get_attribute("id")
    chrome.switch_to.active_element.send_keys("k")
    assert first.startswith("cluster-")
    assert second not in ("", first)
    assert chrome.switch_to.active_element.get_attribute("id") == first
    chrome.switch_to.active_element.send_keys("/")
    chrome.switch_to.active_element.send_keys("crop")
    until(chrome, "document.querySelectorAll('#clusters .cluster:not([hidden])').length === 1")
    assert text_of(chrome, "#filtered") == "1 of 3 shown"


def test_filters_by_kind_and_folder_leave_what_fits(chrome: webdriver.Chrome, report: Path) -> None:
    opened(chrome, report)
    visible = "document.querySelectorAll('#clusters .cluster:not([hidden])').length"
    chrome.find_element(By.CSS_SELECTOR, "input[value=near]").click()
    until(chrome, f"{visible} === 2")
    chrome.find_element(By.XPATH, "//option[text()='/backup']").click()
    until(chrome, f"{visible} === 1")


def test_it_is_whole_without_scripts(chrome: webdriver.Chrome, report: Path) -> None:
    look(chrome)
    chrome.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": True})
    try:
        chrome.get(report.as_uri())
        assert len(chrome.find_elements(By.CSS_SELECTOR, "#clusters .cluster")) == 3
        assert len(chrome.find_elements(By.CSS_SELECTOR, ".badge.keep")) == 3
        assert "truncated" in text_of(chrome, "#problems")
    finally:
        chrome.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": False})


def test_pictures_appear_on_zooming_where_many_lie(chrome: webdriver.Chrome, tmp_path: Path) -> None:
    library = RenderedLibrary(tmp_path)
    try:
        picture = drawn(1, 64, 48)
        ids = [library.add_content(picture) for _ in range(720)]
        for number, content_id in enumerate(ids):
            library.add_file(b"%d.jpg" % number, content_id)
        with library.catalog.write() as tx:
            tx.map_points.put(library.model_id, ids, np.random.default_rng(0).uniform(-50, 50, (720, 2)))
        write(library, tmp_path / "many.html")
    finally:
        library.close()
    opened(chrome, tmp_path / "many.html")
    until(chrome, "document.getElementById('map-board').dataset.pictures === '0'")
    for _ in range(3):
        chrome.find_element(By.CSS_SELECTOR, "[data-map=in]").click()
    until(chrome, "Number(document.getElementById('map-board').dataset.pictures) > 0")
    assert console(chrome) == []
