"""The review page in a real browser, over real files."""

from __future__ import annotations

import os
import shutil
from base64 import b64encode
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from browser import NARROW, WIDE, browser, console, look, serious_findings, text_of, until
from PIL import Image
from rendered_library import drawn
from selenium import webdriver
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys as Key

from dedupctl.config import Config, ScanConfig
from dedupctl.domain import Evidence, Pair, PairKind
from dedupctl.indexing.pipeline import Listeners
from dedupctl.indexing.roots import scan_targets
from dedupctl.indexing.visit import scan_library
from dedupctl.web.browser_redirect import redirect_to
from dedupctl.web.password import find_password, set_password
from dedupctl.web.server import serving
from dedupctl.workspace import Workspace

HOSTILE = "<img src=x onerror=\"document.title='owned'\">\u202egpj'.jpg".encode() + b"\xff.jpg"
BOX = (200, 150, 1400, 1000)
"""What the crop shows of its source, in pixels of 1600 x 1200."""


@dataclass
class Page:
    """A served library: `near` holds a picture and its crop, `exact` two pictures twice each, one hostile name."""

    workspace: Workspace
    root: Path
    link: str
    is_open: bool = False
    """The link is good once."""

    @property
    def address(self) -> str:
        return self.link.partition("?")[0]

    @property
    def names(self) -> set[bytes]:
        return {name for name in os.listdir(os.fsencode(self.root)) if name != b".dedupctl"}

    def scan(self) -> None:
        listeners = Listeners(lambda _progress: None, lambda _failure: None, lambda: False)
        wanted = scan_targets(self.workspace.catalog, [os.fsencode(self.root)])
        scan_library(self.workspace, wanted, listeners, lambda _root, _reason: None, lambda _message: None)

    def file_id(self, name: bytes) -> int:
        with self.workspace.catalog.read() as tx:
            return next(one.file.id for one in tx.files.present() if one.file.path == name)

    def cluster_of(self, name: bytes, group: str = "clusters") -> str:
        with self.workspace.catalog.read() as tx:
            ids = [one.file.content_id for one in tx.files.present() if one.file.path == name]
        return f"{self.address}{group}/{ids[0]}"


@pytest.fixture(scope="module")
def chrome() -> Iterator[webdriver.Chrome]:
    with browser() as made:
        yield made


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Page]:
    base = tmp_path_factory.mktemp("review")
    root = base / "photos"
    root.mkdir()
    draw_library(root)
    home = base / "home"
    with Workspace.open(home, create=True) as opened:
        workspace = Workspace(
            home, Config(scan=ScanConfig(workers=1)), opened.catalog, opened.thumbs, opened.model, opened.model_id
        )
        with serving(workspace) as keys:
            made = Page(workspace, root, keys.link)
            made.scan()
            relate(made)
            yield made


def draw_library(root: Path) -> None:
    exif = Image.Exif()
    exif[0x010F], exif[0x0110], exif[0x0131] = "Maker", "Model", "Editor One"
    source = drawn(1, 1600, 1200)
    source.save(root / "source.jpg", quality=95, exif=exif)
    exif[0x0131] = "Editor Two"
    source.crop(BOX).save(root / "crop.jpg", quality=95, exif=exif)
    drawn(4, 1600, 1200).save(root / "other.jpg", quality=90)
    shutil.copy(root / "other.jpg", root / "other copy.jpg")
    drawn(5, 1500, 1200).save(root / "plain.jpg", quality=80)
    shutil.copy(root / "plain.jpg", os.path.join(os.fsencode(root), HOSTILE))
    for number in (8, 9):
        drawn(number, 800, 600).save(root / f"shot {number}.jpg")


def relate(page: Page) -> None:
    """Two drawings are given out as shots of one scene, and no others: nothing that is drawn looks like that."""
    with page.workspace.catalog.write() as tx:
        found = [pair for pair in tx.pairs.all() if pair.kind is PairKind.SIMILAR]
        tx.pairs.put(replace(pair, kind=None) for pair in found)
        shots = [one.file.content_id or 0 for one in tx.files.present() if one.file.path.startswith(b"shot")]
        a, b = sorted(shots)
        tx.pairs.put([Pair(a, b, PairKind.SIMILAR, 0.7, Evidence("vector", cosine=0.7))])


@pytest.fixture(autouse=True)
def opened(chrome: webdriver.Chrome, page: Page) -> None:
    look(chrome)
    chrome.get(page.address if page.is_open else page.link)
    page.is_open = True
    until(chrome, "document.querySelectorAll('.tile').length === 3")
    console(chrome)


def press(chrome: webdriver.Chrome, *keys: str) -> None:
    for key in keys:
        chrome.find_element(By.TAG_NAME, "body").send_keys(key)


def go(chrome: webdriver.Chrome, address: str) -> None:
    chrome.get(address)
    until(chrome, "document.readyState === 'complete' && document.querySelector('#stage:not([hidden])')", 5)


def note(chrome: webdriver.Chrome) -> str:
    until(chrome, "document.readyState === 'complete' && document.querySelector('.note')")
    return text_of(chrome, ".note")


def test_the_link_leaves_no_token_in_the_address(chrome: webdriver.Chrome, page: Page) -> None:
    assert chrome.current_url == page.address


def test_the_file_that_the_browser_is_started_with_leads_in(chrome: webdriver.Chrome, page: Page) -> None:
    """To a browser a file is another site than ours, whose requests carry no strict cookie."""
    with serving(page.workspace, base_url="/photos") as keys, redirect_to(keys.link) as file:
        chrome.get(file.as_uri())
        until(chrome, f"location.href === 'http://{keys.hosts[0]}{keys.base}/' && document.querySelector('h1')")
        assert keys.token.spent
        until(chrome, "document.querySelector('.tile')")
        chrome.find_element(By.CSS_SELECTOR, ".tile").click()
        until(chrome, "document.querySelector('#stage:not([hidden]) img').naturalWidth > 0")
        press(chrome, "u")
        assert note(chrome) == "There is nothing to undo."
        assert console(chrome) == []


def test_the_password_leads_in_as_well_and_logging_out_leads_out(chrome: webdriver.Chrome, page: Page) -> None:
    set_password(page.workspace.home, "correct horse")
    with serving(page.workspace, password=find_password(page.workspace.home, {})) as keys:
        chrome.get(keys.link)
        assert serious_findings(chrome) == []
        for given, shown in (("wrong", ".note.failed"), ("correct horse", ".tile")):
            chrome.find_element(By.ID, "password").send_keys(given, Key.ENTER)
            until(chrome, f"document.readyState === 'complete' && document.querySelector('{shown}')")
        inside = chrome.current_url
        assert inside.endswith(f"{keys.base}/")
        chrome.find_element(By.CSS_SELECTOR, ".leave button").click()
        until(chrome, "document.querySelector('#password')")
        chrome.get(inside)
        assert chrome.current_url == keys.link


def test_by_keyboard_a_file_is_removed_and_brought_back(chrome: webdriver.Chrome, page: Page) -> None:
    before = page.names
    go(chrome, page.cluster_of(b"other.jpg"))
    press(chrome, Key.ENTER)
    assert note(chrome).startswith("Removed 1 file")
    assert page.names in (before - {b"other copy.jpg"}, before - {b"other.jpg"})
    press(chrome, "u")
    until(chrome, "(document.querySelector('.note') || {}).textContent === 'Restored 1 file.'")
    assert page.names == before
    assert console(chrome) == []


def test_by_mouse_a_file_is_removed_and_the_history_restores_it(chrome: webdriver.Chrome, page: Page) -> None:
    before = page.names
    chrome.find_element(By.XPATH, "//a[contains(., 'plain.jpg') or contains(., 'img src')]").click()
    until(chrome, "document.readyState === 'complete' && document.getElementById('apply')")
    chrome.find_element(By.ID, "apply").click()
    assert note(chrome).startswith("Removed 1 file")
    assert len(page.names) == len(before) - 1
    chrome.find_element(By.LINK_TEXT, "History").click()
    until(chrome, "document.querySelector('[name=entry]')")
    chrome.find_element(By.NAME, "entry").click()
    assert note(chrome) == "Restored 1 file."
    assert page.names == before
    assert console(chrome) == []


def test_x_takes_the_mark_away_and_nothing_is_removed(chrome: webdriver.Chrome, page: Page) -> None:
    before = page.names
    go(chrome, page.cluster_of(b"other.jpg"))
    assert text_of(chrome, "#marked") == "1 to be removed"
    press(chrome, "x")
    assert text_of(chrome, "#marked") == "nothing to be removed"
    here = chrome.current_url
    press(chrome, Key.ENTER)
    until(chrome, f"location.href !== {here!r}")
    assert page.names == before


def test_marks_outlive_going_on_and_back_another_keeper_a_verdict_and_undo(
    chrome: webdriver.Chrome, page: Page
) -> None:
    """They vanished with every new page, and the next Enter removed what had been unmarked."""
    cluster = page.cluster_of(b"source.jpg")
    go(chrome, cluster)
    press(chrome, "x")
    assert text_of(chrome, "#marked") == "nothing to be removed"
    go(chrome, page.cluster_of(b"other.jpg"))
    go(chrome, cluster)
    assert text_of(chrome, "#marked") == "nothing to be removed"
    press(chrome, "k")
    until(chrome, "document.readyState === 'complete' && location.search.startsWith('?keeper=')")
    assert text_of(chrome, "#marked") == "1 to be removed"
    press(chrome, "k")
    until(chrome, f"location.search.endsWith('keeper={page.file_id(b'source.jpg')}')")
    until(chrome, "document.readyState === 'complete' && document.querySelector('#stage:not([hidden])')")
    assert text_of(chrome, "#marked") == "nothing to be removed"
    press(chrome, "d")
    note(chrome)
    press(chrome, "u")
    until(chrome, "(document.querySelector('.note') || {}).textContent === 'Your verdict was withdrawn.'")
    until(chrome, "document.querySelector('#stage:not([hidden])')")
    assert text_of(chrome, "#marked") == "nothing to be removed"
    press(chrome, "x")
    assert text_of(chrome, "#marked") == "1 to be removed"


def test_k_makes_the_other_one_the_keeper(chrome: webdriver.Chrome, page: Page) -> None:
    go(chrome, page.cluster_of(b"source.jpg"))
    assert text_of(chrome, "#member-1 .name") == "source.jpg"
    press(chrome, "k")
    until(chrome, "document.readyState === 'complete' && location.search.startsWith('?keeper=')")
    assert text_of(chrome, "#member-1 .name") == "crop.jpg"
    assert text_of(chrome, "#marked") == "1 to be removed"


def test_d_parts_two_pictures_and_u_joins_them_again(chrome: webdriver.Chrome, page: Page) -> None:
    cluster = page.cluster_of(b"source.jpg")
    go(chrome, cluster)
    press(chrome, "d")
    assert "are different pictures, you said." in note(chrome)
    assert chrome.current_url.partition("?")[0] != cluster
    press(chrome, "u")
    until(chrome, "(document.querySelector('.note') || {}).textContent === 'Your verdict was withdrawn.'")
    assert chrome.current_url.partition("?")[0] == cluster


def test_arrows_walk_through_the_queue(chrome: webdriver.Chrome) -> None:
    chrome.find_element(By.CSS_SELECTOR, ".tile").click()
    seen = []
    for _ in range(2):
        until(chrome, "document.readyState === 'complete' && document.querySelector('a[rel=next]')")
        seen.append(chrome.current_url)
        press(chrome, Key.ARROW_RIGHT)
        until(chrome, f"location.href !== {seen[-1]!r}")
    assert len({*seen, chrome.current_url}) == 3
    press(chrome, Key.ARROW_LEFT)
    until(chrome, f"location.href === {seen[-1]!r}")


def test_the_overlay_lies_where_the_proof_says(chrome: webdriver.Chrome, page: Page) -> None:
    go(chrome, page.cluster_of(b"source.jpg"))
    press(chrome, "2")
    until(chrome, "document.getElementById('stage').dataset.mode === 'swipe'")
    base, over = (box_of(chrome, f"[data-pane=keeper] img.{role}") for role in ("base", "over"))
    shares = [
        (over[edge] - base[edge % 2]) / (base[edge % 2 + 2] - base[edge % 2]) * (1600, 1200)[edge % 2]
        for edge in range(4)
    ]
    assert shares == pytest.approx(BOX, abs=16)


def test_an_overlay_has_the_room_of_both_panes_at_once_and_names_both(chrome: webdriver.Chrome, page: Page) -> None:
    go(chrome, page.cluster_of(b"source.jpg"))
    side_by_side = box_of(chrome, "[data-pane=keeper] img.base")
    for key in ("2", "3"):
        press(chrome, key)
        pane, picture = box_of(chrome, "[data-pane=keeper] .canvas"), box_of(chrome, "[data-pane=keeper] img.base")
        assert pane[0] + pane[2] == pytest.approx(picture[0] + picture[2], abs=2)
        assert "source.jpg" in text_of(chrome, "[data-pane=keeper] figcaption")
        assert "crop.jpg" in text_of(chrome, "[data-pane=member] figcaption")
        press(chrome, "1")
        assert box_of(chrome, "[data-pane=keeper] img.base") == pytest.approx(side_by_side, abs=2)


def test_zooming_shows_the_same_part_of_both(chrome: webdriver.Chrome, page: Page) -> None:
    go(chrome, page.cluster_of(b"source.jpg"))
    press(chrome, "+", "+", "+", "+")
    until(chrome, "document.getElementById('stage').dataset.zoom > 4")
    source, crop = (box_of(chrome, f"[data-pane={name}] img.base") for name in ("keeper", "member"))
    panes = [box_of(chrome, f"[data-pane={name}] .canvas") for name in ("keeper", "member")]
    a_pixel = (source[2] - source[0]) / 1600
    assert (crop[2] - crop[0]) / (BOX[2] - BOX[0]) == pytest.approx(a_pixel, rel=0.02)
    middle = [
        ((pane[0] + pane[2]) / 2 - picture[0]) / a_pixel for pane, picture in zip(panes, (source, crop), strict=True)
    ]
    assert middle[0] == pytest.approx(middle[1] + BOX[0], abs=16)


def test_exif_is_compared_and_differences_are_marked(chrome: webdriver.Chrome, page: Page) -> None:
    go(chrome, page.cluster_of(b"source.jpg"))
    until(chrome, "document.querySelector('#exif-table tr.differs')")
    rows = [row.text for row in chrome.find_elements(By.CSS_SELECTOR, "#exif-table tr.differs")]
    assert len(rows) == 1
    assert "Editor One" in rows[0]
    assert "Editor Two" in rows[0]


def test_nothing_is_marked_among_similar_shots(chrome: webdriver.Chrome, page: Page) -> None:
    go(chrome, page.cluster_of(b"shot 8.jpg", "similar"))
    assert chrome.find_elements(By.NAME, "remove") == []
    assert chrome.find_elements(By.ID, "apply") == []
    assert chrome.find_elements(By.CSS_SELECTOR, ".badge.keep") == []
    assert text_of(chrome, "#aligned") == "No proof to align by"


def test_s_makes_two_shots_one_picture_and_u_takes_it_back(chrome: webdriver.Chrome, page: Page) -> None:
    shots = page.cluster_of(b"shot 8.jpg", "similar")
    go(chrome, shots)
    press(chrome, "s")
    assert "are the same picture, you said." in note(chrome)
    press(chrome, "u")
    until(chrome, "(document.querySelector('.note') || {}).textContent === 'Your verdict was withdrawn.'")
    assert chrome.current_url.partition("?")[0] == shots


def test_a_name_that_wants_to_be_code_is_only_shown(chrome: webdriver.Chrome, page: Page) -> None:
    for address in (page.address, page.cluster_of(b"plain.jpg")):
        chrome.get(address)
        until(chrome, "document.readyState === 'complete'")
        assert chrome.title.endswith("dedupctl")
    assert r"\u202egpj'.jpg\xff.jpg" in text_of(chrome, ".members")
    assert console(chrome) == []


def test_the_stage_tells_files_of_one_name_apart_by_their_folders(chrome: webdriver.Chrome, page: Page) -> None:
    go(chrome, page.cluster_of(b"source.jpg"))
    for pane, name in (("keeper", "source.jpg"), ("member", "crop.jpg")):
        assert text_of(chrome, f"[data-pane={pane}] figcaption").endswith(f"{name} in {page.root}")


def test_on_a_phone_the_head_takes_two_lines(chrome: webdriver.Chrome) -> None:
    look(chrome, NARROW)
    undo, links = box_of(chrome, "#undo"), box_of(chrome, ".top nav")
    assert undo[3] <= links[1]
    assert box_of(chrome, ".product")[1] < undo[3]
    assert box_of(chrome, ".top")[3] < 100


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("size", [WIDE, NARROW], ids=["wide", "narrow"])
def test_every_page_has_an_empty_console_and_no_serious_finding(
    chrome: webdriver.Chrome, page: Page, size: tuple[int, int], dark: bool
) -> None:
    look(chrome, size, dark=dark)
    similar = page.cluster_of(b"shot 8.jpg", "similar")
    for address in (
        page.address,
        page.cluster_of(b"source.jpg"),
        similar,
        f"{page.address}search",
        f"{page.address}history",
        f"{page.address}dashboard",
    ):
        chrome.get(address)
        until(chrome, "document.readyState === 'complete'")
        assert chrome.execute_script("return document.documentElement.scrollWidth <= innerWidth"), address
        assert serious_findings(chrome) == [], address
        assert console(chrome) == [], address


def test_a_new_cluster_appears_without_reload(chrome: webdriver.Chrome, page: Page) -> None:
    chrome.execute_script("window.stayed = true")
    with page.workspace.catalog.read() as tx:
        a, b = sorted(one.file.content_id or 0 for one in tx.files.present() if one.file.path.startswith(b"shot"))
        stored = tx.pairs.between(a, b)
    assert stored is not None
    with page.workspace.catalog.write() as tx:
        tx.pairs.put([Pair(a, b, PairKind.NEAR, 0.9, Evidence("verdict"))])
    try:
        until(chrome, "document.querySelectorAll('.tile').length === 4")
        assert chrome.execute_script("return window.stayed")
    finally:
        with page.workspace.catalog.write() as tx:
            tx.pairs.put([stored])
    until(chrome, "document.querySelectorAll('.tile').length === 3")


def test_searching_by_a_picture_shows_its_copies_with_evidence(
    chrome: webdriver.Chrome, page: Page, tmp_path: Path
) -> None:
    Image.open(page.root / "source.jpg").resize((800, 600)).save(tmp_path / "asked.png")
    chrome.get(f"{page.address}search")
    chrome.find_element(By.ID, "picture").send_keys(str(tmp_path / "asked.png"))
    until(chrome, "document.querySelector('#found .member')")
    assert text_of(chrome, "#found .member .name") == "source.jpg"
    assert "your picture" in text_of(chrome, "#found .member .evidence").lower()
    assert serious_findings(chrome) == []
    (tmp_path / "no picture.png").write_bytes(b"nothing")
    chrome.find_element(By.ID, "picture").send_keys(str(tmp_path / "no picture.png"))
    until(chrome, "document.getElementById('found').textContent.includes('no picture can be read')")


@pytest.mark.parametrize(("how", "where"), [("DragEvent", "h1"), ("ClipboardEvent", "body")], ids=["drop", "paste"])
def test_a_picture_may_be_dropped_or_pasted_anywhere_on_the_page(
    chrome: webdriver.Chrome, page: Page, how: str, where: str
) -> None:
    chrome.get(f"{page.address}search")
    script = """
        const [how, where, bytes] = arguments;
        const carried = new DataTransfer();
        carried.items.add(new File([Uint8Array.from(atob(bytes), (one) => one.charCodeAt(0))], "asked.jpg"));
        const told = { dataTransfer: carried, clipboardData: carried, bubbles: true, cancelable: true };
        const event = new window[how](how === "DragEvent" ? "drop" : "paste", told);
        return document.querySelector(where).dispatchEvent(event);
    """
    asked = b64encode((page.root / "crop.jpg").read_bytes()).decode()
    untouched = chrome.execute_script(script, how, where, asked)
    assert untouched == (how == "ClipboardEvent"), "the browser would open what is dropped"
    until(chrome, "document.querySelector('#found .member')")
    assert "crop.jpg" in text_of(chrome, "#found")


def test_a_form_of_another_site_does_nothing(chrome: webdriver.Chrome, page: Page) -> None:
    before = page.names
    form = f"<form method=post action={page.address}undo><input name=csrf value=guess></form>"
    chrome.get(f"data:text/html,{form}")
    chrome.execute_script("document.forms[0].submit()")
    until(chrome, "document.body.textContent.includes('Another site may not')")
    assert page.names == before


def box_of(chrome: webdriver.Chrome, selector: str) -> list[float]:
    """Left, top, right and bottom on the screen."""
    script = "const r = document.querySelector(arguments[0]).getBoundingClientRect(); "
    script += "return [r.left, r.top, r.right, r.bottom]"
    return [float(edge) for edge in chrome.execute_script(script, selector)]
