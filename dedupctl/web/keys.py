"""The secrets of one start of the server, and the addresses that they make."""

from __future__ import annotations

import ipaddress
import secrets
from dataclasses import dataclass, field

from dedupctl.errors import UsageError
from dedupctl.web.password import Password
from dedupctl.web.sessions import OneTimeToken, Sessions

THIS_MACHINE = "127.0.0.1"
_PLAIN = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~/")


@dataclass(frozen=True)
class Keys:
    """One start of the server. With a password whoever knows it is let in; without, the browser that has the link."""

    port: int
    password: Password | None = None
    address: str = THIS_MACHINE
    """Where it listens."""
    base_url: str = ""
    """The path below which a proxy shows the page, with a slash in front and none behind."""
    csrf: str = field(default_factory=lambda: secrets.token_urlsafe(32))
    folder: str = field(default_factory=lambda: f"/{secrets.token_urlsafe(12)}")
    """Below `base_url`; all pages stand in it. Nobody but the browsers that were let in learns its name."""
    token: OneTimeToken = field(default_factory=OneTimeToken)
    sessions: Sessions = field(default_factory=Sessions)

    @property
    def base(self) -> str:
        """What every address of a page begins with."""
        return self.base_url + self.folder

    @property
    def cookie(self) -> str:
        """Two servers on one host must not overwrite each other's."""
        return f"dedupctl-{self.port}"

    @property
    def hosts(self) -> tuple[str, str]:
        """The names of this machine, for a page that no other may open."""
        return f"{THIS_MACHINE}:{self.port}", f"localhost:{self.port}"

    @property
    def link(self) -> str:
        """For a browser on this machine: with the token, or to the page that asks for the password."""
        if self.password is None:
            return f"http://{self.hosts[0]}{self.base}/?token={self.token.value}"
        return f"http://{_host(self.address)}:{self.port}{self.base_url}/"


def base_url_of(text: str) -> str:
    """A path as `--base-url` takes it, `/photos/` or `photos`, as `Keys` has it.

    Raises:
        UsageError: it is no plain path.
    """
    parts = [part for part in text.split("/") if part]
    if not _PLAIN.issuperset(text) or "." in parts or ".." in parts:
        raise UsageError("--base-url takes a path of letters, digits and -._~ such as /photos/")
    return "".join(f"/{part}" for part in parts)


def _host(address: str) -> str:
    """The address as a link has it; this machine's own where it listens on all of them."""
    try:
        known = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return address
    if known.is_unspecified:
        return THIS_MACHINE
    return f"[{known}]" if known.version == 6 else str(known)
