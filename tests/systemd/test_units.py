from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from dedupctl import errors
from dedupctl.config import ScanConfig
from dedupctl.indexing.budget import MEGABYTE, budget_of

UNITS = Path(__file__).parents[2] / "systemd"
USER_UNIT = UNITS / "dedupctl.service"
SYSTEM_UNIT = UNITS / "dedupctl@.service"
DROP_IN = UNITS / "act-in-a-root.conf"
GIGABYTE = 1 << 30
README = UNITS.parent / "README.md"
BOTH = pytest.mark.parametrize("unit", [USER_UNIT, SYSTEM_UNIT], ids=["user", "system"])

has_no_systemd = shutil.which("systemd-analyze") is None
needs_systemd = pytest.mark.skipif(
    has_no_systemd and os.geteuid() != 0,
    reason="systemd-analyze is missing, and only root can have `make test` install it",
)


def settings(unit: Path) -> dict[str, list[str]]:
    """Every `Key=value` of a unit, all values by key."""
    found: dict[str, list[str]] = {}
    for key, value in re.findall(r"^(\w+)=(.*)$", unit.read_text(), re.MULTILINE):
        found.setdefault(key, []).append(value)
    return found


def analyze(*arguments: str | Path, runtime: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["systemd-analyze", *arguments],
        env={**os.environ, "XDG_RUNTIME_DIR": str(runtime), "SYSTEMD_EMOJI": "0"},
        capture_output=True,
        text=True,
        check=False,
    )


def with_drop_in(folder: Path, unit: Path, *texts: str) -> Path:
    """A copy of the unit with drop-ins, where systemd finds them."""
    dropped = folder / f"{unit.name}.d"
    dropped.mkdir(parents=True)
    for number, text in enumerate(texts):
        (dropped / f"{number}.conf").write_text(text)
    copied = folder / unit.name
    copied.write_text(unit.read_text())
    return copied


@needs_systemd
@BOTH
def test_systemd_understands_every_line(unit: Path, tmp_path: Path) -> None:
    manager = ["--user"] if unit == USER_UNIT else []
    verified = analyze(*manager, "--man=no", "verify", unit, runtime=tmp_path)
    # An unknown key is only a warning to systemd: the exit code alone would not tell.
    assert (verified.returncode, verified.stdout + verified.stderr) == (0, "")


@needs_systemd
def test_a_misspelt_key_is_noticed(tmp_path: Path) -> None:
    broken = tmp_path / USER_UNIT.name
    broken.write_text(USER_UNIT.read_text().replace("WatchdogSec", "WatchdogSecs"))
    verified = analyze("--user", "--man=no", "verify", broken, runtime=tmp_path)
    assert "Unknown key" in verified.stderr


@needs_systemd
def test_the_system_unit_is_well_sandboxed(tmp_path: Path) -> None:
    """The rating goes from 0 (safe) to 100; a service without any sandboxing has 96."""
    rated = analyze("security", "--offline=yes", "--threshold=20", SYSTEM_UNIT, runtime=tmp_path)
    assert rated.returncode == 0, rated.stdout


@needs_systemd
def test_the_user_unit_is_well_sandboxed(tmp_path: Path) -> None:
    """Rated as what it is: a process of a user, without a capability, which systemd cannot see in the unit itself."""
    unit = with_drop_in(tmp_path, USER_UNIT, "[Service]\nUser=alice\nCapabilityBoundingSet=\n")
    rated = analyze("security", "--offline=yes", "--threshold=30", unit, runtime=tmp_path)
    assert rated.returncode == 0, rated.stdout


@needs_systemd
@BOTH
def test_with_one_root_writable_the_units_are_understood_and_as_safe_as_before(unit: Path, tmp_path: Path) -> None:
    plain, opened = tmp_path / "plain", tmp_path / "opened"
    user = "[Service]\nUser=alice\nCapabilityBoundingSet=\n" if unit == USER_UNIT else ""
    manager = ["--user"] if unit == USER_UNIT else []
    rated = [
        with_drop_in(plain, unit, user),
        with_drop_in(opened, unit, user, DROP_IN.read_text()),
    ]
    verified = analyze(*manager, "--man=no", "verify", rated[1], runtime=tmp_path)
    assert (verified.returncode, verified.stdout + verified.stderr) == (0, "")
    exposed = [
        re.findall(r"level for \S+: ([0-9.]+)", analyze("security", "--offline=yes", one, runtime=tmp_path).stdout)
        for one in rated
    ]
    assert len(exposed[0]) == 1
    assert exposed[1] == exposed[0]


def test_the_drop_in_makes_one_root_writable_and_changes_nothing_else() -> None:
    assert settings(DROP_IN) == {"ReadWritePaths": ["-/srv/photos"]}


@pytest.mark.parametrize("text", [USER_UNIT, SYSTEM_UNIT, README], ids=["user", "system", "readme"])
def test_whoever_reads_of_unattended_policies_is_led_to_the_drop_in(text: Path) -> None:
    told = text.read_text()
    assert "unattended" in told
    assert DROP_IN.name in told


@BOTH
def test_the_daemon_may_write_its_home_and_not_the_photos(unit: Path) -> None:
    lines = settings(unit)
    (home,) = [value.partition("=")[2] for value in lines["Environment"] if value.startswith("DEDUPCTL_HOME=")]
    writable = lines.get("ReadWritePaths", []) + [f"/var/lib/{name}" for name in lines.get("StateDirectory", [])]
    assert lines["ProtectSystem"] == ["strict"]
    assert writable == [home]


@BOTH
def test_a_failure_that_does_not_mend_itself_is_not_tried_again(unit: Path) -> None:
    hopeless = {errors.UsageError.exit_code, errors.StoreError.exit_code}
    lines = settings(unit)
    assert lines["Restart"] == ["on-failure"]
    assert {int(code) for code in lines["RestartPreventExitStatus"][0].split()} == hopeless


@BOTH
def test_the_daemon_is_watched_and_stays_in_the_background(unit: Path) -> None:
    lines = settings(unit)
    assert lines["Type"] == ["notify"]
    assert lines["WatchdogSec"] == ["2min"]
    assert lines["IOSchedulingClass"] == ["idle"]
    assert int(lines["Nice"][0]) > 0


@BOTH
def test_the_unit_leaves_a_worker_the_memory_that_the_configuration_promises(unit: Path) -> None:
    """Workers get half of what the unit allows; the other half is for the index, the catalog and the page cache."""
    lines = settings(unit)
    high, most = (int(lines[key][0].removesuffix("G")) * GIGABYTE for key in ("MemoryHigh", "MemoryMax"))
    promised = ScanConfig()
    budget = budget_of(promised, memory=high)
    assert budget.largest == promised.worker_memory_mb * MEGABYTE
    assert budget.total == high // 2
    assert most > high, "the kernel must slow the daemon down before it kills a worker"


@BOTH
def test_a_reload_reads_the_configuration_and_the_heartbeat_has_a_place_in_memory(unit: Path) -> None:
    lines = settings(unit)
    assert lines["ExecReload"] == ["/bin/kill -HUP $MAINPID"]
    assert lines["RuntimeDirectory"] == ["dedupctl" if unit == USER_UNIT else "dedupctl/%i"]
    assert lines["RuntimeDirectoryMode"] == ["0700"]


def test_the_user_unit_asks_for_nothing_that_a_users_manager_cannot_do() -> None:
    """These drop capabilities, which fails with 218/CAPABILITIES and keeps the service from starting (systemd#4959)."""
    impossible = {
        "AmbientCapabilities",
        "CapabilityBoundingSet",
        "PrivateDevices",
        "ProtectClock",
        "ProtectKernelLogs",
        "ProtectKernelModules",
        "SupplementaryGroups",
        "User",
    }
    assert not impossible & settings(USER_UNIT).keys()
