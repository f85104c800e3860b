"""The kept copy's sidecar with a removed copy's words, provided that the files are as the plan saw them."""

from __future__ import annotations

from blake3 import blake3

from dedupctl.disk.reading import Reader
from dedupctl.disk.refusal import Refused
from dedupctl.domain import Seen, Words
from dedupctl.fingerprint.takeout import words_in_takeout
from dedupctl.policy.companion_names import CompanionKind, kind_of
from dedupctl.policy.kept_words import embedded_words
from dedupctl.policy.xmp_merge import merged, text_of_words


def merged_as_planned(reader: Reader, sidecar: Seen, source: Seen) -> bytes:
    """The sidecar's text with everything the source says: another sidecar, a JSON file of Google Takeout, or a picture.

    Raises:
        Refused, OSError: one of them has changed since, or they cannot be merged without loss.
    """
    return merged(_text_as_planned(reader, sidecar), _xmp_of(reader, source))


def written_as_planned(reader: Reader, sidecar: Seen, source: Seen) -> bytes:
    """The text of the new sidecar that says what the source says: a JSON file of Takeout, or a picture.

    Raises:
        Refused, OSError: the source changed since, or another text than the planned one would come of it.
    """
    text = _xmp_of(reader, source)
    if blake3(text).digest() != sidecar.digest:
        raise Refused("what it would say changed since the plan was made")
    return text


def _xmp_of(reader: Reader, source: Seen) -> bytes:
    match kind_of(source.path):
        case CompanionKind.XMP:
            return _text_as_planned(reader, source)
        case CompanionKind.JSON:
            words = words_in_takeout(_text_as_planned(reader, source))
            return text_of_words(words or Words(), faces=True)
        case _:
            return text_of_words(embedded_words(reader, source), faces=False)


def _text_as_planned(reader: Reader, planned: Seen) -> bytes:
    seen, text = reader.text(planned.root, planned.path)
    if seen.digest != planned.digest:
        raise Refused("it has changed since the plan was made")
    return text
