"""Whether two JPEG files contain the same image stream and so the same pixels, without decoding them."""

from __future__ import annotations

import io

from dedupctl.fingerprint.digest import jpeg_stream_digest, open_steady
from dedupctl.fingerprint.fingerprinter import IN_MEMORY_BYTES
from dedupctl.fingerprint.opening import open_picture
from dedupctl.fingerprint.unreadable import DEFAULT_LIMITS, ignoring_warnings


def streams_equal(path_a: bytes, path_b: bytes) -> bool:
    """Whether two files contain the same JPEG image stream with the same orientation; False if that is uncertain."""
    digest = stream_digest_of(path_a)
    return digest is not None and digest == stream_digest_of(path_b)


def stream_digest_of(path: bytes) -> bytes | None:
    """`Fingerprint.stream_digest` of the file as it is now; None if it cannot be read or is not a JPEG."""
    try:
        with ignoring_warnings(), open_steady(path) as (file, identity):
            if identity.size > IN_MEMORY_BYTES:
                return None
            data = file.read()
        with ignoring_warnings():
            opened = open_picture(io.BytesIO(data), DEFAULT_LIMITS)
        return jpeg_stream_digest(data, opened.orientation) if opened.container in {"JPEG", "MPO"} else None
    except Exception:  # decoders raise exceptions of any kind
        return None
