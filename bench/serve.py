"""How fast the review page answers with many clusters, and with few.

    python bench/serve.py [CLUSTERS ...]

Half of the made-up clusters are exact copies, half are pairs with a proof. A browser, where Chromium and its driver are
installed, tells when it first painted; else the answers alone are timed, pictures included. The catalog is made in a
temporary folder. Aims: first paint under 0.3 s, the next cluster under 0.1 s, with 100,000 clusters.
"""

from __future__ import annotations

import argparse
import io
import re
import shutil
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from http.client import HTTPConnection
from pathlib import Path

import numpy as np
from PIL import Image

from dedupctl.catalog.catalog import Catalog, Transaction
from dedupctl.catalog.files import Sighting
from dedupctl.catalog.thumbs import Thumbs
from dedupctl.config import Config
from dedupctl.domain import Evidence, Fingerprint, Identity, Pair, PairKind, PictureFacts, Transform
from dedupctl.fingerprint.embedder import identify_model
from dedupctl.web.keys import Keys
from dedupctl.web.server import serving
from dedupctl.workspace import Workspace

BATCH = 5_000
STEPS = 40
NO_VECTORS = np.empty((0, 128), np.float32)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("clusters", nargs="*", type=int, default=[100, 100_000])
    for clusters in parser.parse_args().clusters:
        with tempfile.TemporaryDirectory() as folder, made_up(Path(folder), clusters) as workspace:
            measure(workspace, clusters)


def measure(workspace: Workspace, clusters: int) -> None:
    started = time.perf_counter()
    with serving(workspace) as keys:
        server = Server(keys)
        print(f"{clusters:,} clusters")
        print(f"  first page, queue not built yet    {1000 * timed(partial(server.get, '/')):6.0f} ms")
        while "Gathering clusters" in server.get("/"):
            time.sleep(0.05)
        print(f"  queue built after                  {time.perf_counter() - started:6.1f} s")
        report("first page of the queue", [timed(lambda: server.page("/")) for _ in range(STEPS // 4)])
        filters = [partial(server.page, f"/?min_mb=0.0{number}") for number in range(10, 18)]
        report("filtered for the first time", [timed(work) for work in filters])
        report("next cluster", walk(server))
        report_paints(keys)


def report(what: str, seconds: list[float]) -> None:
    print(f"  {what:34} {1000 * statistics.median(seconds):6.0f} ms median, {1000 * max(seconds):.0f} ms at most")


def walk(server: Server) -> list[float]:
    """From cluster to cluster as the arrow key goes, with the thumbnails of each."""
    address = re.findall(r'class="tile"[^>]*href="([^"]+)"', server.get("/"))[0]
    seconds = []
    for _ in range(STEPS):
        started = time.perf_counter()
        text = server.page(address)
        seconds.append(time.perf_counter() - started)
        address = re.findall(r'rel="next" href="([^"]+)"', text)[0]
    return seconds


def report_paints(keys: Keys) -> None:
    binary, driver = shutil.which("chromium"), shutil.which("chromedriver")
    if binary is None or driver is None:
        return
    from selenium import webdriver
    from selenium.webdriver.chrome.service import Service

    options = webdriver.ChromeOptions()
    options.binary_location = binary
    for flag in ("--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"):
        options.add_argument(flag)
    chrome = webdriver.Chrome(options=options, service=Service(driver))
    try:
        chrome.get(keys.link)
        first = "return performance.getEntriesByName('first-contentful-paint').map((entry) => entry.startTime)[0]"
        for what in ("first paint of the queue", "first paint of the next cluster"):
            seconds = []
            for _ in range(STEPS // 4):
                chrome.get(
                    f"http://{keys.hosts[0]}{keys.base}/" if "queue" in what else next_of(chrome.page_source, keys)
                )
                while (paint := chrome.execute_script(first)) is None:
                    time.sleep(0.01)
                seconds.append(paint / 1000)
            report(what, seconds)
    finally:
        chrome.quit()


def next_of(text: str, keys: Keys) -> str:
    found = re.findall(r'rel="next" href="([^"]*/clusters[^"]+)"', text) or re.findall(
        r'href="([^"]*/clusters/[^"]+)"', text
    )
    return f"http://{keys.hosts[0]}{found[0]}"


class Server:
    """Asks over one connection, as a browser does."""

    def __init__(self, keys: Keys) -> None:
        self._connection = HTTPConnection("127.0.0.1", keys.port, timeout=60)
        self._base = keys.base
        self._cookie = {"Cookie": f"{keys.cookie}={keys.sessions.begin()}"}

    def get(self, path: str) -> str:
        self._connection.request("GET", self._base + path.removeprefix(self._base), headers=self._cookie)
        return self._connection.getresponse().read().decode("utf-8", "replace")

    def page(self, path: str) -> str:
        """With its thumbnails."""
        text = self.get(path)
        for address in dict.fromkeys(re.findall(r'<img src="([^"]+)"', text)):
            self.get(address)
        return text


def timed(work: Callable[[], object]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


@contextmanager
def made_up(home: Path, clusters: int) -> Iterator[Workspace]:
    picture = io.BytesIO()
    Image.effect_noise((320, 240), 60).convert("RGB").save(picture, "JPEG", quality=80)
    model = identify_model(Config().model)
    thumbs = Thumbs(home / "thumbs.db")
    with Catalog.open(home / "catalog.db") as catalog:
        with catalog.write() as tx:
            root = tx.roots.add(b"/photos", 1, None).id
        for start in range(0, clusters, BATCH):
            numbers = range(start, min(start + BATCH, clusters))
            with catalog.write() as tx:
                digests = add_clusters(tx, root, numbers)
            thumbs.put(dict.fromkeys(digests, picture.getvalue()))
        try:
            yield Workspace(home, Config(), catalog, thumbs, model, 1)
        finally:
            thumbs.close()


def add_clusters(tx: Transaction, root: int, numbers: range) -> list[bytes]:
    """Even numbers become exact copies, odd ones a picture and its half-size copy. Returns the digests."""
    prints, files = [], []
    for number in numbers:
        for copy in range(1 + number % 2):
            digest = number.to_bytes(31, "big") + bytes([copy])
            facts = PictureFacts("JPEG", 4000 // (copy + 1), 3000 // (copy + 1), taken_at="2020-05-01T10:00:00")
            size = 10_000 + number * 7 % 1_000_003
            prints.append(Fingerprint(digest, size, facts, None, False, {"phash": digest[-8:]}, NO_VECTORS, b""))
    ids = dict(zip([one.digest for one in prints], tx.contents.add(prints), strict=True))
    pairs = []
    half = Transform((0.5, 0, 0, 0, 0.5, 0, 0, 0, 1), 0.5, 0.0, False, (0, 0, 1, 1), (0, 0, 1, 1))
    for number in numbers:
        digests = [number.to_bytes(31, "big") + bytes([copy]) for copy in (0, number % 2)]
        for copy, digest in enumerate(digests):
            identity = Identity(1, 2 * number + copy + 1, 10_000 + number * 7 % 1_000_003, 10**18, 0)
            files.append(Sighting(root, b"%d/%d %d.jpg" % (number // 1000, number, copy), identity, ids[digest]))
        if number % 2:
            evidence = Evidence("correlation", transform=half, overlap_a=1.0, overlap_b=1.0, agreement=0.99)
            pairs.append(Pair(ids[digests[0]], ids[digests[1]], PairKind.NEAR, 0.97, evidence))
    tx.files.record(files)
    tx.pairs.put(pairs)
    return list(ids)


if __name__ == "__main__":
    main()
