"""Folders that a system or a program fills by itself: bins, snapshots, thumbnails, caches.

What lies in one is not the user's picture but a rest or a reflection of one. A bin is emptied, a snapshot expires, a
cache is rebuilt smaller: a copy there must never be the reason to remove one outside.
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
    # What macOS and fsck leave at the top of a disk.
    b".spotlight-v100|.fseventsd|.temporaryitems|.documentrevisions-v100|.mobilebackups|lost+found".split(b"|")
)
_PREFIXES = (b".trash",)
"""`.Trash`, `.Trash-1000`, `.Trashes`."""
_SUFFIXES = (b".lrdata",)
"""Lightroom's previews and smart previews, in a folder named after the catalog."""
_HOME_TRASH = (b".local", b"share", b"trash")
"""Where the desktop puts what is deleted; by its whole path, because "Trash" alone may be a folder of the user's."""


def is_system_name(name: bytes) -> bool:
    """Is a folder of this name one of a system or program, wherever it lies? Whatever the case of its letters."""
    lower = name.lower()
    return lower in _NAMES or lower.startswith(_PREFIXES) or lower.endswith(_SUFFIXES)


def is_system_path(path: bytes) -> bool:
    """Is the folder at this path, or one above it, a system folder?"""
    return _leads_to_system_folder(path.split(b"/"))


def in_system_folder(path: bytes) -> bool:
    """Does the file at this path, absolute or relative, lie below a system folder? It may never be a keeper."""
    return _leads_to_system_folder(path.split(b"/")[:-1])


def _leads_to_system_folder(parts: list[bytes]) -> bool:
    return any(map(is_system_name, parts)) or _HOME_TRASH in _triples(parts)


def _triples(parts: list[bytes]) -> Iterable[tuple[bytes, bytes, bytes]]:
    lower = [part.lower() for part in parts]
    return zip(lower, lower[1:], lower[2:], strict=False)
