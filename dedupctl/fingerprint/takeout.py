"""What Google Takeout says about a picture, in the JSON file that it saves beside it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from dedupctl.domain import WordKind, Words
from dedupctl.fingerprint.camera_captions import is_by_camera

_MARKS = ({"photoTakenTime"}, {"googlePhotosOrigin"}, {"title", "creationTime"}, {"title", "url"})
"""Sets of keys; every such file, whatever its age, contains one of them."""


def words_in_takeout(text: bytes) -> Words | None:
    """The caption, the names of people and the favourite mark; None for a JSON document that is not from Takeout."""
    try:
        document = json.loads(text)
    except (ValueError, RecursionError):
        return None
    if not isinstance(document, dict) or not any(marks <= document.keys() for marks in _MARKS):
        return None
    return Words.of(_said(document))


def _said(document: Mapping[str, Any]) -> Iterator[tuple[WordKind, str]]:
    caption = document.get("description")
    if isinstance(caption, str) and not is_by_camera(caption):
        yield WordKind.CAPTION, caption
    people = document.get("people")
    for person in people if isinstance(people, list) else ():
        if isinstance(person, dict) and isinstance(person.get("name"), str):
            yield WordKind.FACES, person["name"]
    if document.get("favorited") is True:
        yield WordKind.LABEL, "favorite"
