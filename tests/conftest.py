"""What every test starts from."""

from __future__ import annotations

import os

import pytest


@pytest.fixture(scope="session", autouse=True)
def no_terminal() -> None:
    """The processes that share the tests out are given a terminal of 80 columns, which folds what a pipe must not."""
    for name in ("COLUMNS", "LINES"):
        os.environ.pop(name, None)
