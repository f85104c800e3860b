"""The table of commands: every one is found where it says, and none loads what it does not need."""

from __future__ import annotations

import subprocess
import sys

import pytest
from typer.main import get_command

from dedupctl.cli import MODULE_OF, app

LISTS_WHAT_IS_LOADED = """
import sys
from dedupctl.cli import CommandsOnDemand
assert CommandsOnDemand().get_command(None, "clusters") is not None
print(*sys.modules)
"""


@pytest.mark.parametrize("name", MODULE_OF)
def test_every_command_of_the_table_is_found_and_its_help_ends_with_an_example(name: str) -> None:
    command = get_command(app).get_command(None, name)  # type: ignore[attr-defined]
    examples = [command, *getattr(command, "commands", {}).values()]
    assert command.name == name
    assert any("Example:" in (one.epilog or "") for one in examples)


def test_the_clusters_are_listed_without_loading_opencv_a_network_or_a_web_server() -> None:
    loaded = subprocess.run(
        [sys.executable, "-c", LISTS_WHAT_IS_LOADED], capture_output=True, text=True, check=True
    ).stdout.split()
    assert "dedupctl.commands.clusters" in loaded
    assert not {"cv2", "onnxruntime", "starlette", "uvicorn", "jinja2", "openTSNE"} & set(loaded)
