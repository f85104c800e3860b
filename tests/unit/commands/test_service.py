"""`service` with a systemctl that only notes what it is asked; systemd reads the result, where it is installed."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from running import Answer, dedupctl

from dedupctl.commands.service import DROP_IN, drop_in_of, quoted, shipped
from dedupctl.indexing.roots import add_root
from dedupctl.library import Library
from dedupctl.workspace import Workspace

UNITS = Path(__file__).parents[3] / "systemd"
ODD = 'photos of "Jo" 100% $HOME \\'


class Installed:
    """A user with one root of an odd name, and a systemctl."""

    def __init__(self, base: Path) -> None:
        self.base = base
        self.home = base / "home"
        self.photos = base / ODD
        self.photos.mkdir()
        with Workspace.open(self.home, create=True) as workspace:
            add_root(workspace.catalog, os.fsencode(self.photos))
        self.units = base / "config/systemd/user"
        self.drop_in = self.units / "dedupctl.service.d" / DROP_IN
        systemctl = base / "bin/systemctl"
        systemctl.parent.mkdir()
        systemctl.write_text(f'#!/bin/sh\necho "$@" >> {base}/asked\n[ "$2" = is-active ] && echo active\nexit 0\n')
        systemctl.chmod(0o755)

    def run(self, *arguments: str) -> Answer:
        environment = {"XDG_CONFIG_HOME": str(self.base / "config"), "PATH": f"{self.base}/bin:{os.environ['PATH']}"}
        return dedupctl(self.home, "service", *arguments, environment=environment)

    def asked(self) -> list[str]:
        return (self.base / "asked").read_text().splitlines()


@pytest.fixture
def installed(tmp_path: Path) -> Installed:
    return Installed(tmp_path)


def test_it_is_installed_for_this_interpreter_and_home_told_of_and_removed(installed: Installed) -> None:
    assert installed.run("status").code == 1
    answer = installed.run("install")
    assert answer.code == 0, answer.err
    assert installed.asked() == ["--user daemon-reload", "--user enable dedupctl", "--user restart dedupctl"]
    assert (installed.units / "dedupctl.service").read_text() == (UNITS / "dedupctl.service").read_text()
    lines = installed.drop_in.read_text().splitlines()
    assert f'ExecStart="{sys.executable}" -m dedupctl watch' in lines
    assert f'Environment="DEDUPCTL_HOME={installed.home}"' in lines
    assert f"RequiresMountsFor={quoted(str(installed.photos))}" in lines
    assert "ExecReload=/bin/kill -HUP $MAINPID" in lines
    assert not [line for line in lines if "ReadWritePaths" in line and "photos" in line]
    status = installed.run("status")
    assert (status.code, "state: active" in status.out) == (0, True)

    (installed.drop_in.parent / "mine.conf").write_text("[Service]\nNice=5\n")
    (installed.base / "more").mkdir()
    assert dedupctl(installed.home, "roots", "add", installed.base / "more").code == 0
    assert "install it again" in installed.run("status").out
    assert installed.run("install").code == 0
    assert installed.run("status").code == 0

    assert installed.run("remove").code == 0
    assert installed.asked()[-2:] == ["--user disable --now dedupctl", "--user daemon-reload"]
    assert [path.name for path in installed.units.rglob("*") if path.is_file()] == ["mine.conf"]
    assert installed.run("remove").code == 2


def test_an_unattended_policy_may_write_to_the_roots(installed: Installed) -> None:
    with Library.open(installed.home) as library:
        assert "-" + str(installed.base) not in drop_in_of(library, "/usr/bin/python3", is_system=False)
    with (installed.home / "config.toml").open("a") as config:
        config.write("[policy.alone]\nunattended = true\n")
    with Library.open(installed.home) as library:
        assert f"ReadWritePaths={quoted('-' + str(installed.photos))}" in drop_in_of(
            library, "/usr/bin/python3", is_system=False
        )


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd-analyze is missing")
def test_systemd_understands_what_is_written(installed: Installed) -> None:
    assert installed.run("install").code == 0
    verified = subprocess.run(
        ["systemd-analyze", "--user", "--man=no", "verify", installed.units / "dedupctl.service"],
        env={**os.environ, "XDG_RUNTIME_DIR": str(installed.base), "SYSTEMD_UNIT_PATH": f"{installed.units}:"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (verified.returncode, verified.stdout + verified.stderr) == (0, "")


def test_the_shipped_units_are_those_beside_the_source() -> None:
    for name in ("dedupctl.service", "dedupctl@.service"):
        assert shipped(name) == (UNITS / name).read_text()


def test_a_systemctl_that_fails_is_told_of_and_one_that_is_not_there_is_done_without(installed: Installed) -> None:
    systemctl = installed.base / "bin/systemctl"
    systemctl.write_text("#!/bin/sh\necho no bus >&2\nexit 1\n")
    answer = installed.run("install")
    assert (answer.code, "no bus" in answer.err) == (1, True)


@pytest.mark.parametrize(
    "arguments", [("install", "--user", "root"), ("install", "--system"), ("install", "--system", "--user", "no such")]
)
def test_wrong_use_is_refused(installed: Installed, arguments: tuple[str, ...]) -> None:
    assert installed.run(*arguments).code == 2
