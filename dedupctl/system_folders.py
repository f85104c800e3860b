"""System folders, which an operating system or a program fills by itself: bins, snapshots, thumbnails, caches.

They do not hold the user's pictures but leftovers or derivatives of them. A bin is emptied, a snapshot expires, a cache
is rebuilt at a smaller size: a copy in one must never be the reason to remove a copy elsewhere.
"""

from __future__ import annotations

from collections.abc import Iterable

_NAMES = frozenset(
    # Bins: Windows, Synology, QNAP, Samba, digiKam, Nextcloud.
    b"$recycle.bin|recycler|recycled|#recycle|@recycle|.recycle|.recycler|.recycle_bin|.dtrash|files_trashbin|"
    # Snapshots and versions: QNAP, Synology, NetApp, btrfs and snapper, ZFS, Windows, Syncthing, Nextcloud.
    b"@recently-snapshot|#snapshot|@snapshot|.snapshot|.snapshots|~snapshot|.zfs|system volume information|"
    b".stversions|files_versions|"
    # Thumbnails and caches: Synology, QNAP, freedesktop, Lightroom, Dropbox.
    b"@eadir|.@__thumb|@__thumb|@tmp|@upload_cache|.@upload_cache|.thumbnails|.thumbnail|.thumb|.cache|"
    b"lightroom previews|.dropbox.cache|"
    # What macOS and fsck leave in the top folder of a disk.
    b".spotlight-v100|.fseventsd|.temporaryitems|.documentrevisions-v100|.mobilebackups|lost+found".split(b"|")
)
_PREFIXES = (b".trash",)
"""`.Trash`, `.Trash-1000`, `.Trashes`."""
_SUFFIXES = (b".lrdata",)
"""Lightroom's previews and smart previews, in a folder named after the Lightroom catalog."""
_HOME_TRASH = (b".local", b"share", b"trash")
"""The trash of the desktop. It is told by its whole path, because "Trash" alone may be a folder of the user."""


def is_system_name(name: bytes) -> bool:
    """Whether a folder with this name is a system folder wherever it lies; upper and lower case are the same."""
    lower = name.lower()
    return lower in _NAMES or lower.startswith(_PREFIXES) or lower.endswith(_SUFFIXES)


def is_system_path(path: bytes) -> bool:
    """Whether the folder at this path, or one above it, is a system folder."""
    return _leads_to_system_folder(path.split(b"/"))


def in_system_folder(path: bytes) -> bool:
    """Whether the file at this path, absolute or relative, lies below a system folder and so may never be a keeper."""
    return _leads_to_system_folder(path.split(b"/")[:-1])


def _leads_to_system_folder(parts: list[bytes]) -> bool:
    return any(map(is_system_name, parts)) or _HOME_TRASH in _triples(parts)


def _triples(parts: list[bytes]) -> Iterable[tuple[bytes, bytes, bytes]]:
    lower = [part.lower() for part in parts]
    return zip(lower, lower[1:], lower[2:], strict=False)
