"""Whatever a name holds, a terminal is told nothing and a log gets no line that is not ours."""

from __future__ import annotations

import ast
import logging
import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest
from rich.table import Table
from rich.text import Text

import dedupctl
from dedupctl.commands import messages

EVIL = "a\x1b[2J\x1b]0;owned\x07\r\nFORGED all is well \x9b31m\u202ecod\u2066.\udc9b\u2028jpg"
SPELT = r"a\x1b[2J\x1b]0;owned\x07\x0d\x0aFORGED all is well \x9b31m\u202ecod\u2066.\x9b\u2028jpg"


def harmless(text: str) -> bool:
    return all(line.isprintable() and not line.startswith("FORGED") for line in text.split("\n"))


def test_a_message_is_one_printable_line(capsys: pytest.CaptureFixture[str]) -> None:
    messages.say(f"cannot read {EVIL}")
    messages.answer(EVIL)
    told = capsys.readouterr()
    assert told.err == f"cannot read {SPELT}\n"
    assert told.out == f"{SPELT}\n"


def test_what_is_printed_as_a_table_is_printable(capsys: pytest.CaptureFixture[str]) -> None:
    out = messages.console()
    table = Table(box=None)
    table.add_column("file", overflow="fold")
    table.add_row(Text(EVIL.replace("\nFORGED", "")))
    out.print(table)
    out.print(EVIL)
    out.print("[red]a :heart: name[/]")
    told = capsys.readouterr().out
    assert harmless(told)
    assert SPELT in told
    assert "[red]a :heart: name[/]" in told


def test_what_a_library_logs_goes_through_the_door() -> None:
    told = run(f"import logging; logging.getLogger('some.library').warning('odd: %s', {EVIL!r})")
    assert told == f"odd: {SPELT}\n"


def test_a_warning_goes_through_the_door() -> None:
    told = run(f"import warnings; warnings.warn({EVIL!r}, RuntimeWarning)")
    assert harmless(told)
    assert f"RuntimeWarning: {SPELT}" in told


@pytest.mark.parametrize(
    "failing",
    [
        "raise ValueError(evil)",
        "raise OSError(2, 'no such file', evil)",
        "try:\n  raise ValueError(evil)\nexcept ValueError as error:\n  raise RuntimeError(evil) from error",
        "raise ExceptionGroup(evil, [ValueError(evil), KeyError(evil)])",
        "error = ValueError(evil); error.add_note(evil); raise error",
        "import threading\ndef fail(): raise ValueError(evil)\nt = threading.Thread(target=fail); t.start(); t.join()",
        "class Gone:\n  def __del__(self): raise ValueError(evil)\nGone()",
        "import logging\ntry:\n  raise ValueError(evil)\nexcept ValueError:\n  logging.getLogger('x').exception(evil)",
    ],
)
def test_a_traceback_goes_through_the_door(failing: str) -> None:
    told = run(f"evil = {EVIL!r}\n{failing}", code=None)
    assert harmless(told)
    assert "Traceback (most recent call last):" in told
    assert "FORGED" in told
    assert "in <module>" in told or "in fail" in told or "in __del__" in told


def test_a_path_for_a_script_is_left_as_it_is_and_a_terminal_gets_it_printable() -> None:
    printing = f"messages.hand_over({EVIL!r}); messages.output_stream().write({EVIL!r} + '\\r\\n')"
    script = f"messages.hand_over_script(os.fsencode({EVIL!r}))"
    piped = subprocess.run([*PYTHON, SETUP + printing + ";" + script], capture_output=True, check=True).stdout
    assert piped.count(os.fsencode(EVIL)) == 3
    shown = on_a_terminal(SETUP + printing).replace("\r\n", "\n")
    assert shown == f"{SPELT}\n{SPELT}\n"
    assert all(line.isprintable() for line in on_a_terminal(SETUP + script).replace("\r\n", "\n").split("\n"))


def test_nothing_is_printed_but_through_the_door() -> None:
    """Another `print` would be another door."""
    package = Path(dedupctl.__file__).parent
    allowed = {"commands/messages.py", "commands/progress.py"}
    found = []
    for file in package.rglob("*.py"):
        if str(file.relative_to(package)) in allowed:
            continue
        for node in ast.walk(ast.parse(file.read_text())):
            called = ast.unparse(node.func) if isinstance(node, ast.Call) else ""
            if called in ("print", "typer.echo", "typer.secho", "Console", "sys.stdout.write", "sys.stderr.write"):
                found.append(f"{file.relative_to(package)}: {ast.unparse(node)}")
    assert found == [
        "cli.py: typer.echo(version('dedupctl'))",
        "commands/session.py: typer.echo(json.dumps(document, indent=2))",
    ]


PYTHON = (sys.executable, "-c")
SETUP = (
    "import os, sys\nfrom dedupctl.commands import messages\n"
    "sys.stdout.reconfigure(errors='surrogateescape'); sys.stderr.reconfigure(errors='surrogateescape')\n"
    "messages.guard_stderr()\n"
)


def run(script: str, code: int | None = 0) -> str:
    """What a script, run behind the door, prints on stderr."""
    done = subprocess.run([*PYTHON, SETUP + script], capture_output=True, check=False)
    assert code is None or done.returncode == code
    return os.fsdecode(done.stderr)


def on_a_terminal(script: str) -> str:
    controller, terminal = pty.openpty()
    with subprocess.Popen([*PYTHON, script], stdout=terminal, stderr=terminal) as process:
        os.close(terminal)
        told = b""
        try:
            while piece := os.read(controller, 1 << 16):
                told += piece
        except OSError:  # EIO: the other end is closed
            pass
        assert process.wait() == 0
    os.close(controller)
    return os.fsdecode(told)


def test_the_level_of_a_library_is_left_alone() -> None:
    assert run("import logging; logging.getLogger('some.library').info('chatter')") == ""
    assert logging.getLogger("PIL").propagate is False or "PIL" not in sys.modules
