"""Whether two JPEG files carry the very same image stream: the same pixels, told without decoding one."""

from __future__ import annotations

import io

from dedupctl.fingerprint.digest import jpeg_stream_digest, open_steady
from dedupctl.fingerprint.fingerprinter import IN_MEMORY_BYTES
from dedupctl.fingerprint.opening import open_picture
from dedupctl.fingerprint.outcome import DEFAULT_LIMITS, quietly


def streams_equal(path_a: bytes, path_b: bytes) -> bool:
    """Do two files hold the same JPEG image stream, shown the same way up? False where nobody can tell."""
    digest = stream_digest_of(path_a)
    return digest is not None and digest == stream_digest_of(path_b)


def stream_digest_of(path: bytes) -> bytes | None:
    """As in `Fingerprint.stream_digest`, from the file as it is now; None if it cannot be read or is no JPEG."""
    try:
        with quietly(), open_steady(path) as (file, identity):
            if identity.size > IN_MEMORY_BYTES:
                return None
            data = file.read()
        with quietly():
            opened = open_picture(io.BytesIO(data), DEFAULT_LIMITS)
        return jpeg_stream_digest(data, opened.orientation) if opened.container in {"JPEG", "MPO"} else None
    except Exception:  # decoders raise whatever they like
        return None
