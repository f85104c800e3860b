"""`service`: the daemon as a unit of systemd, for the interpreter and the home that this command runs with."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Annotated

import typer

from dedupctl.commands.messages import answer, say
from dedupctl.commands.session import Session
from dedupctl.errors import DedupctlError, UsageError
from dedupctl.library import Library

service_app = typer.Typer(no_args_is_help=True, help="The daemon as a systemd unit: install, remove, status.")
DROP_IN = "50-installed.conf"

AsSystem = Annotated[
    bool, typer.Option("--system", help="The unit of the system, which starts without a login. Only root may.")
]
ForUser = Annotated[str, typer.Option("--user", metavar="NAME", help="With --system: whose daemon it is.")]


def register(app: typer.Typer) -> None:
    service_app.command(epilog="Example:  dedupctl service install")(install)
    service_app.command(epilog="Example:  dedupctl service remove")(remove)
    service_app.command(epilog="Example:  dedupctl service status")(status)
    app.add_typer(service_app, name="service")


@dataclass(frozen=True, slots=True)
class Unit:
    """Where one unit lies and how systemd calls it."""

    folder: Path
    file_name: str
    name: str
    manager: tuple[str, ...]
    """Arguments of `systemctl` that name the manager."""

    @property
    def file(self) -> Path:
        return self.folder / self.file_name

    @property
    def drop_in(self) -> Path:
        return self.folder / f"{self.name}.service.d" / DROP_IN


def install(context: typer.Context, system: AsSystem = False, user: ForUser = "") -> None:
    """Write the unit and start it. Put changes of your own into `systemctl edit`, which this leaves alone."""
    session: Session = context.obj
    unit = _unit(system, user)
    with session.library() as library:
        drop_in = drop_in_of(library, sys.executable, is_system=system)
    for file, text in ((unit.file, shipped(unit.file_name)), (unit.drop_in, drop_in)):
        _write(file, text)
        say(f"wrote {file}")
    _systemctl(unit, "daemon-reload")
    _systemctl(unit, "enable", unit.name)
    _systemctl(unit, "restart", unit.name)


def remove(context: typer.Context, system: AsSystem = False, user: ForUser = "") -> None:
    """Stop the daemon and remove what `install` wrote. Catalog and pictures are not touched."""
    del context
    unit = _unit(system, user)
    if not unit.drop_in.exists():
        raise UsageError(f"`dedupctl service install` has written no {unit.drop_in}")
    _systemctl(unit, "disable", "--now", unit.name)
    unit.drop_in.unlink()
    if not any(unit.drop_in.parent.iterdir()):
        unit.drop_in.parent.rmdir()
    others = unit.folder.glob(f"dedupctl@*.service.d/{DROP_IN}") if system else iter(())
    if next(others, None) is None:
        unit.file.unlink(missing_ok=True)
    _systemctl(unit, "daemon-reload")
    say(f"removed {unit.drop_in}")


def status(context: typer.Context, system: AsSystem = False, user: ForUser = "") -> None:
    """Check whether the unit is installed, up to date and running. Exit code 1 if not."""
    session: Session = context.obj
    unit = _unit(system, user)
    if not (unit.file.exists() and unit.drop_in.exists()):
        answer("not installed (dedupctl service install)")
        raise typer.Exit(1)
    with session.library() as library:
        wanted = drop_in_of(library, sys.executable, is_system=system)
    is_current = unit.drop_in.read_text() == wanted and unit.file.read_text() == shipped(unit.file_name)
    answer(f"installed: {unit.file}" + ("" if is_current else "; roots, policies or paths differ: install it again"))
    active = _asked(unit, "is-active", unit.name)
    answer(f"state: {active or 'unknown, systemctl does not answer'}")
    if active != "active" or not is_current:
        raise typer.Exit(1)


def shipped(file_name: str) -> str:
    """The text of a shipped unit."""
    return resources.files("dedupctl.commands").joinpath("units", file_name).read_text(encoding="utf-8")


def drop_in_of(library: Library, interpreter: str, *, is_system: bool) -> str:
    """What this installation adds to the shipped unit: interpreter, home, disks of the roots, writable folders."""
    roots = [path for root in library.roots() if (path := _named(root.path)) is not None]
    home = _named(os.fsencode(library.home))
    if home is None:
        raise UsageError(f"a unit cannot name the home directory {library.home}")
    command = quoted(interpreter).replace("$", "$$")
    lines = [
        "# Written by `dedupctl service install`; changed by the next. Changes of your own: `systemctl edit`.",
        "[Unit]",
        "ConditionPathExists=",
        f"ConditionPathExists={_without_specifiers(home)}/catalog.db",  # takes no quotes
        *(f"RequiresMountsFor={quoted(path)}" for path in [home, *roots]),
        "",
        "[Service]",
        f"Environment={quoted(f'DEDUPCTL_HOME={home}')}",
        "ExecStart=",
        f"ExecStart={command} -m dedupctl watch",
        "ExecReload=",
        "ExecReload=/bin/kill -HUP $MAINPID",
        f"RuntimeDirectory=dedupctl{'/%i' if is_system else ''}",
        f"ReadWritePaths={quoted(home)}",
    ]
    if any(policy.unattended for policy in library.config.policies.values()):
        lines += ["# A policy is unattended: it moves files, within a root, into its quarantine."]
        lines += [f"ReadWritePaths={quoted('-' + path)}" for path in roots]
    return "\n".join(lines) + "\n"


def quoted(word: str) -> str:
    """One word of a unit file (systemd.syntax(7))."""
    escaped = word.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{_without_specifiers(escaped)}"'


def _without_specifiers(text: str) -> str:
    return text.replace("%", "%%")


def _named(path: bytes) -> str | None:
    """The path as text if a unit file can contain it: UTF-8 on one line."""
    try:
        text = path.decode("utf-8")
    except UnicodeDecodeError:
        return None
    return text if text.isprintable() else None


def _unit(system: bool, user: str) -> Unit:
    if not system:
        if user:
            raise UsageError("--user goes with --system; without it the unit is yours")
        config = Path(os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config")
        return Unit(config / "systemd/user", "dedupctl.service", "dedupctl", ("--user",))
    if not user:
        raise UsageError("--system needs --user NAME: whose daemon it is")
    try:
        pwd.getpwnam(user)
    except KeyError as error:
        raise UsageError(f"there is no user {user}") from error
    return Unit(Path("/etc/systemd/system"), "dedupctl@.service", f"dedupctl@{user}", ())


def _write(file: Path, text: str) -> None:
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        part = file.with_name(f".{file.name}.part")
        part.write_text(text, encoding="utf-8")
        part.replace(file)
    except OSError as error:
        raise UsageError(f"cannot write {file}: {error.strerror}") from error


def _systemctl(unit: Unit, *arguments: str) -> None:
    """Run systemctl, or say which command is left to run if there is none.

    Raises:
        DedupctlError: systemctl failed; with what it said.
    """
    command = _command(unit, arguments)
    if command is None:
        say(f"there is no systemctl here; where there is one: systemctl {' '.join([*unit.manager, *arguments])}")
        return
    done = subprocess.run(command, capture_output=True, text=True, errors="replace", check=False)  # noqa: S603
    if done.returncode != 0:
        raise DedupctlError(f"`{' '.join(command)}` failed: {done.stderr.strip() or done.returncode}")


def _asked(unit: Unit, *arguments: str) -> str:
    command = _command(unit, arguments)
    if command is None:
        return ""
    done = subprocess.run(command, capture_output=True, text=True, errors="replace", check=False)  # noqa: S603
    return done.stdout.strip()


def _command(unit: Unit, arguments: Sequence[str]) -> list[str] | None:
    found = shutil.which("systemctl")
    return None if found is None else [found, *unit.manager, *arguments]
