"""Is everything here that installing dedupctl needs? Names the exact package where not; can fetch it as root on Debian.

hnswlib comes as source only: pip compiles it with a C++ compiler and the headers of the running Python, and what pip
prints when one is missing helps nobody. Runs before anything is installed, under any Python 3: standard library only.
"""

from __future__ import annotations

import argparse
import importlib.util
import os
import shutil
import subprocess
import sys
import sysconfig
import tempfile
from pathlib import Path

OLDEST_PYTHON = (3, 11)
PROBE = "#include <Python.h>\n#include <vector>\nint main() { return std::vector<int>().size(); }\n"

# What is missing -> what it is called by the families of Linux distributions (ID and ID_LIKE of /etc/os-release).
PACKAGES = {
    "a C++ compiler": {"debian": "g++", "fedora": "gcc-c++", "suse": "gcc-c++", "arch": "gcc", "alpine": "g++"},
    "the Python headers": {
        "debian": "{python}-dev",
        "fedora": "{python}-devel",
        "suse": "{python}-devel",
        "arch": "python",
        "alpine": "python3-dev",
    },
    "the venv module": {"debian": "{python}-venv", "fedora": "{python}", "suse": "{python}", "arch": "python"},
    "systemd-analyze": {"debian": "systemd", "fedora": "systemd", "suse": "systemd", "arch": "systemd"},
    "chromedriver": {
        "debian": "chromium chromium-driver fonts-dejavu-core",
        "fedora": "chromium chromedriver",
        "suse": "chromium chromedriver",
        "arch": "chromium",
        "alpine": "chromium chromium-chromedriver",
    },
}
# What only the tests use -> what goes untested without it.
TEST_TOOLS = {
    "systemd-analyze": "the systemd units are not verified",
    "chromedriver": "the pages are not tried in a browser",
}
INSTALL = {
    "debian": "apt-get install",
    "fedora": "dnf install",
    "suse": "zypper install",
    "arch": "pacman -S",
    "alpine": "apk add",
}


def main() -> int:
    """Print what is missing and how to get it; 0 if nothing is."""
    arguments = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    arguments.add_argument("--tests", action="store_true", help="look for what the tests use as well")
    arguments.add_argument("--install", action="store_true", help="as root on Debian: install what is missing")
    options = arguments.parse_args()

    if sys.version_info < OLDEST_PYTHON:
        wanted = ".".join(map(str, OLDEST_PYTHON))
        print(f"Python {wanted} or newer is needed, {sys.executable} is {sys.version.split()[0]}.", file=sys.stderr)
        print(f"Name another one:  make PYTHON=python{wanted} ...", file=sys.stderr)
        return 1

    missing = needed_to_build()
    if options.install and missing and can_install():
        install(missing)
        missing = needed_to_build()
    if options.tests:
        provide_test_tools(install_them=options.install)
    if missing:
        print(f"Missing: {' and '.join(missing)}.", file=sys.stderr)
        print(advice(missing), file=sys.stderr)
    return 1 if missing else 0


def needed_to_build() -> list[str]:
    """The keys of PACKAGES without which nothing can be installed."""
    missing = []
    if importlib.util.find_spec("ensurepip") is None:
        missing.append("the venv module")
    compiler = find_compiler()
    if compiler is None:
        missing.append("a C++ compiler")
    if not Path(sysconfig.get_path("include"), "Python.h").is_file():
        missing.append("the Python headers")
    elif compiler and not compiles(compiler):
        missing.append("a C++ compiler")
    return missing


def provide_test_tools(*, install_them: bool) -> None:
    """A test that lacks its tool is skipped, so this is no reason to stop."""
    missing = [tool for tool in TEST_TOOLS if not shutil.which(tool)]
    if missing and install_them and can_install():
        install(missing)
    for tool in missing:
        if not shutil.which(tool):
            print(f"{tool} is missing: {TEST_TOOLS[tool]}.", file=sys.stderr)


def find_compiler() -> str | None:
    """The compiler that pip's build will use: `$CXX`, else the one Python was built with, else a usual one."""
    chosen = os.environ.get("CXX") or sysconfig.get_config_var("CXX") or ""
    candidates = [*chosen.split()[:1], "c++", "g++", "clang++"]
    return next((found for found in map(shutil.which, candidates) if found), None)


def compiles(compiler: str) -> bool:
    """Whether it can compile an extension module: a clang without its C++ library, for one, cannot."""
    with tempfile.TemporaryDirectory() as folder:
        probe = Path(folder, "probe.cpp")
        probe.write_text(PROBE, encoding="ascii")
        command = [compiler, "-std=c++11", "-fsyntax-only", "-I", sysconfig.get_path("include"), str(probe)]
        return subprocess.run(command, capture_output=True, check=False).returncode == 0


def can_install() -> bool:
    return os.name == "posix" and os.geteuid() == 0 and shutil.which("apt-get") is not None


def install(missing: list[str]) -> None:
    """With apt-get, as root. What could not be installed is found missing afterwards."""
    packages = [name for what in missing for name in PACKAGES[what]["debian"].format(python=python_package()).split()]
    print(f"installing {' '.join(packages)}", flush=True)
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    for command in (["update", "-qq"], ["install", "-y", "-qq", "--no-install-recommends", *packages]):
        subprocess.run(["apt-get", *command], env=environment, check=False, stdout=subprocess.DEVNULL)


def advice(missing: list[str]) -> str:
    """The command that installs it."""
    if sys.platform == "darwin":
        return "Install it with:  xcode-select --install"
    if sys.platform == "win32":
        return "Install the Visual Studio Build Tools with the workload 'Desktop development with C++'."
    family = distribution()
    packages = [PACKAGES[what].get(family) for what in missing]
    if None in packages:
        return "Install it with the package manager of this system."
    names = " ".join(str(package).format(python=python_package()) for package in packages)
    return f"Install it with:  sudo {INSTALL[family]} {names}"


def distribution() -> str:
    """The family of this Linux distribution, a key of INSTALL, or an empty string."""
    try:
        lines = Path("/etc/os-release").read_text(encoding="utf-8").splitlines()
    except OSError:
        return ""
    release = dict(line.split("=", 1) for line in lines if "=" in line)
    names = f"{release.get('ID', '')} {release.get('ID_LIKE', '')}".replace('"', "").split()
    return next((family for family in INSTALL if any(name.startswith(family) for name in names)), "")


def python_package() -> str:
    """What distributions call the running Python: "python3.11" if it is not their default one, else "python3"."""
    default = Path("/usr/bin/python3").resolve().name
    own = f"python{sys.version_info.major}.{sys.version_info.minor}"
    return "python3" if default in ("python3", own) else own


if __name__ == "__main__":
    sys.exit(main())
