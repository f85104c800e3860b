"""Chromium as a maker of pictures: whatever a page can show."""

from __future__ import annotations

import base64
import io
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from PIL import Image
from selenium import webdriver
from selenium.webdriver.chrome.service import Service

_FLAGS = (
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--hide-scrollbars"),
    *("--no-first-run", "--disable-background-networking", "--disable-component-update"),
    *("--disable-sync", "--disable-lcd-text", "--force-color-profile=srgb", "--allow-file-access-from-files"),
)
_LOADED = "return Promise.all([...document.images].map(image => image.decode())).then(() => true)"


class Screen:
    """Renders pages; pictures in them are given as `file:` addresses."""

    def __init__(self, chrome: webdriver.Chrome, folder: Path) -> None:
        self._chrome = chrome
        self._page = folder / "page.html"

    def shot(self, body: str, width: int, height: int, style: str = "") -> Image.Image:
        """What a screen of this size shows of the page."""
        self._page.write_text(
            f"<!doctype html><meta charset=utf-8><style>*{{box-sizing:border-box}}"
            f"html,body{{margin:0;width:{width}px;height:{height}px;overflow:hidden;font-family:DejaVu Sans}}"
            f"{style}</style><body>{body}</body>",
            encoding="utf-8",
        )
        metrics = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False}
        self._chrome.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
        self._chrome.get(self._page.as_uri())
        self._chrome.execute_script(_LOADED)
        clip = {"x": 0, "y": 0, "width": width, "height": height, "scale": 1}
        taken = self._chrome.execute_cdp_cmd("Page.captureScreenshot", {"format": "png", "clip": clip})
        return Image.open(io.BytesIO(base64.b64decode(taken["data"]))).convert("RGB")


@contextmanager
def screen() -> Iterator[Screen]:
    """One browser for many pages."""
    binary, driver = shutil.which("chromium"), shutil.which("chromedriver")
    if binary is None or driver is None:
        raise SystemExit("needs Chromium and its driver: apt-get install chromium chromium-driver")
    with tempfile.TemporaryDirectory(prefix="bench", ignore_cleanup_errors=True) as folder:
        options = webdriver.ChromeOptions()
        options.binary_location = binary
        for flag in (*_FLAGS, f"--user-data-dir={folder}/profile"):
            options.add_argument(flag)
        chrome = webdriver.Chrome(options=options, service=Service(driver))
        try:
            yield Screen(chrome, Path(folder))
        finally:
            chrome.quit()
