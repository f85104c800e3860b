"""The secrets of one start of the server, and the addresses that contain them."""

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
    """One start of the server. Access is by the password if there is one, otherwise by the link, in one browser."""

    port: int
    password: Password | None = None
    address: str = THIS_MACHINE
    """The address on which the server listens."""
    base_url: str = ""
    """The path below which a proxy serves the page, with a leading slash and no trailing one."""
    csrf: str = field(default_factory=lambda: secrets.token_urlsafe(32))
    folder: str = field(default_factory=lambda: f"/{secrets.token_urlsafe(12)}")
    """Below `base_url`; contains all pages. Only browsers with a session learn its name."""
    token: OneTimeToken = field(default_factory=OneTimeToken)
    sessions: Sessions = field(default_factory=Sessions)

    @property
    def base(self) -> str:
        """The prefix of every address of a page."""
        return self.base_url + self.folder

    @property
    def cookie(self) -> str:
        """The name of the cookie; it contains the port, because servers on one host must not overwrite each other's."""
        return f"dedupctl-{self.port}"

    @property
    def hosts(self) -> tuple[str, str]:
        """The host names of this machine, for a page that no other machine may open."""
        return f"{THIS_MACHINE}:{self.port}", f"localhost:{self.port}"

    @property
    def link(self) -> str:
        """The link for a browser: with the token, or to the page that asks for the password."""
        if self.password is None:
            return f"http://{self.hosts[0]}{self.base}/?token={self.token.value}"
        return f"http://{_host(self.address)}:{self.port}{self.base_url}/"


def base_url_of(text: str) -> str:
    """Convert a path as `--base-url` takes it, `/photos/` or `photos`, to the form that `Keys` needs.

    Raises:
        UsageError: it is not a plain path.
    """
    parts = [part for part in text.split("/") if part]
    if not _PLAIN.issuperset(text) or "." in parts or ".." in parts:
        raise UsageError("--base-url takes a path of letters, digits and -._~ such as /photos/")
    return "".join(f"/{part}" for part in parts)


def _host(address: str) -> str:
    """The address as it is written in a link; that of this machine if the server listens on all addresses."""
    try:
        known = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return address
    if known.is_unspecified:
        return THIS_MACHINE
    return f"[{known}]" if known.version == 6 else str(known)
