"""What only one of two files says is found, however differently programs write the same."""

from __future__ import annotations

import pytest

from dedupctl.domain import WordKind, Words

TAGS, TITLE, CAPTION, RATING = WordKind.TAGS, WordKind.TITLE, WordKind.CAPTION, WordKind.RATING


def words(*pairs: tuple[WordKind, str]) -> Words:
    return Words.of(pairs)


@pytest.mark.parametrize(
    ("removed", "kept"),
    [
        (words((TAGS, "Rome")), words((TAGS, "Places|Italy|Rome"))),
        (words((TAGS, "Places/Italy")), words((TAGS, "Places|Italy|Rome"))),
        (words((TITLE, "By the sea")), words((CAPTION, "By  the\nsea\0"))),
        (words((CAPTION, "Cafe\u0301")), words((CAPTION, "Caf\u00e9"))),
        (words((TITLE, "x" * 64)), words((TITLE, "x" * 200))),
        (words((RATING, "4.0")), words((RATING, "4"))),
        (words((RATING, "0"), (TAGS, " "), (CAPTION, "\0")), words()),
    ],
)
def test_the_same_words_in_another_form_are_not_missed(removed: Words, kept: Words) -> None:
    assert not removed.lacking_in(kept)


@pytest.mark.parametrize(
    ("removed", "kept", "missing"),
    [
        (words((TAGS, "Places|Italy|Rome")), words((TAGS, "Rome")), "tags"),
        (words((RATING, "4")), words((RATING, "5")), "a rating"),
        (words((RATING, "-1")), words(), "a rating"),
        (words((TITLE, "sea")), words((TITLE, "seaside")), "a title"),
        (words((CAPTION, "a"), (RATING, "1")), words(), "a rating and a caption"),
        (words((WordKind.FACES, "Anna"), (WordKind.FACES, "Ben")), words((WordKind.FACES, "Ben")), "faces"),
    ],
)
def test_what_only_the_removed_one_says_is_missed(removed: Words, kept: Words, missing: str) -> None:
    assert removed.lacking_in(kept).in_words == missing


def test_what_several_files_say_counts_together() -> None:
    assert not words((TAGS, "a"), (RATING, "2")).lacking_in(words((TAGS, "a")) | words((RATING, "2")))
