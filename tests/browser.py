"""A real browser for the tests of pages: Debian's Chromium, without a window, in a profile of its own."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from axe_core_python.selenium import Axe
from selenium import webdriver
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By
from selenium.webdriver.support.ui import WebDriverWait

FLAGS = (
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--hide-scrollbars"),
    *("--no-first-run", "--disable-background-networking", "--disable-component-update"),
    *("--disable-sync", "--disable-quic"),
)
WIDE, NARROW = (1280, 900), (390, 844)


@contextmanager
def browser() -> Iterator[webdriver.Chrome]:
    """Chromium until the end of the block; the test is skipped where it is not installed."""
    binary, driver = shutil.which("chromium"), shutil.which("chromedriver")
    if binary is None or driver is None:
        pytest.skip("needs Chromium and its driver: apt-get install chromium chromium-driver")
    with tempfile.TemporaryDirectory(prefix="chromium", ignore_cleanup_errors=True) as profile:
        options = webdriver.ChromeOptions()
        options.binary_location = binary
        for flag in (*FLAGS, f"--user-data-dir={profile}"):
            options.add_argument(flag)
        options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
        chrome = webdriver.Chrome(options=options, service=Service(driver))
        try:
            yield chrome
        finally:
            chrome.quit()


def look(chrome: webdriver.Chrome, size: tuple[int, int] = WIDE, *, dark: bool = False) -> None:
    """Sees pages from now on in this size and with this colour scheme."""
    width, height = size
    screen = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 600}
    chrome.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", screen)
    # Without smooth scrolling a click lands where it was aimed.
    wishes = {"prefers-color-scheme": "dark" if dark else "light", "prefers-reduced-motion": "reduce"}
    features = [{"name": name, "value": value} for name, value in wishes.items()]
    chrome.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": features})


def until(chrome: webdriver.Chrome, script: str, seconds: float = 30) -> Any:
    """Waits until the JavaScript expression is true of the page, and returns it."""
    return WebDriverWait(chrome, seconds, 0.05).until(lambda page: page.execute_script(f"return {script}"))


def console(chrome: webdriver.Chrome) -> list[str]:
    """What was written to the console since it was last asked."""
    return [entry["message"] for entry in chrome.get_log("browser")]


def serious_findings(chrome: webdriver.Chrome) -> list[str]:
    """What axe-core calls serious or critical on the page as it is shown now."""
    found = Axe().run(chrome)["violations"]
    return [
        f"{rule['id']}: {node['html'][:200]}"
        for rule in found
        if rule["impact"] in ("serious", "critical")
        for node in rule["nodes"]
    ]


def text_of(chrome: webdriver.Chrome, selector: str) -> str:
    return str(chrome.find_element(By.CSS_SELECTOR, selector).text)
