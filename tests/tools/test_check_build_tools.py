from __future__ import annotations

import importlib.util
import subprocess
import sys
import sysconfig
from pathlib import Path
from types import ModuleType

import pytest

TOOL = Path(__file__).parents[2] / "tools" / "check_build_tools.py"


@pytest.fixture
def tool(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The tool as a module, on a Debian where nobody is root."""
    spec = importlib.util.spec_from_file_location("check_build_tools", TOOL)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    monkeypatch.setattr(module, "distribution", lambda: "debian")
    monkeypatch.setattr(module, "can_install", lambda: False)
    monkeypatch.setattr(module, "compiles", lambda _compiler: True)
    monkeypatch.setattr(sys, "argv", [str(TOOL)])
    return module


def test_it_runs_before_anything_is_installed() -> None:
    """Isolated: no site-packages, as under a Python that has never seen pip."""
    ran = subprocess.run([sys.executable, "-I", "-S", TOOL, "--help"], capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr


def test_a_missing_compiler_is_named_with_its_package(
    tool: ModuleType, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(tool, "find_compiler", lambda: None)
    assert tool.main() == 1
    message = capsys.readouterr().err
    assert "Missing: a C++ compiler." in message
    assert "sudo apt-get install g++\n" in message


def test_missing_headers_are_named_with_the_package_of_the_running_python(
    tool: ModuleType, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.setattr(tool, "find_compiler", lambda: "/usr/bin/g++")
    monkeypatch.setattr(tool, "python_package", lambda: "python3.12")
    monkeypatch.setattr(sysconfig, "get_path", lambda _name: str(tmp_path))
    assert tool.main() == 1
    message = capsys.readouterr().err
    assert "Missing: the Python headers." in message
    assert "sudo apt-get install python3.12-dev\n" in message


def test_a_compiler_that_cannot_build_an_extension_counts_as_missing(
    tool: ModuleType, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "Python.h").write_text("")
    monkeypatch.setattr(sysconfig, "get_path", lambda _name: str(tmp_path))
    monkeypatch.setattr(tool, "find_compiler", lambda: "/usr/bin/clang++")
    assert tool.needed_to_build() == []
    monkeypatch.setattr(tool, "compiles", lambda _compiler: False)
    assert tool.needed_to_build() == ["a C++ compiler"]


def test_an_old_python_is_refused_with_the_way_out(
    tool: ModuleType, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(tool, "OLDEST_PYTHON", (99, 1))
    assert tool.main() == 1
    assert "make PYTHON=python99.1" in capsys.readouterr().err


def test_an_unknown_system_is_told_what_is_missing_without_a_command(
    tool: ModuleType, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(tool, "distribution", lambda: "")
    monkeypatch.setattr(tool, "find_compiler", lambda: None)
    assert tool.main() == 1
    assert "Install it with the package manager of this system." in capsys.readouterr().err
