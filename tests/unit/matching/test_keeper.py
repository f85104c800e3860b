"""Which copy stays: the rules in their order, and that the one that decided is named."""

from __future__ import annotations

from dataclasses import replace
from itertools import permutations, product

import pytest

from dedupctl.config import DEFAULT_KEEP, KEEPER_RULES, KeeperRule
from dedupctl.domain import Content, File, FileState, Identity, PictureFacts
from dedupctl.matching.keeper import CHOSEN, Contender, KeeperOrder, Places, reasons_in_words, rule_in_words

FACTS = PictureFacts("JPEG", 4000, 3000, taken_at="2020-05-01T10:00:00", camera="Canon", exif_tags=20, has_gps=True)
PLAIN = PictureFacts("JPEG", 4000, 3000)


def contender(
    path: bytes = b"/photos/a.jpg",
    *,
    size: int = 1000,
    generation: int = 0,
    base: PictureFacts = FACTS,
    file_id: int = 1,
    **facts: object,
) -> Contender:
    content = Content(1, b"", size, replace(base, **facts), None, False, b"")  # type: ignore[arg-type]
    file = File(file_id, 1, path, Identity(1, 1, size, 0, 0), FileState.PRESENT, 1)
    return Contender(file, path, content, generation)


ORDER = {
    "the original before more pixels": ("original", contender(width=2000), contender(generation=1)),
    "the original before a richer copy": ("original", contender(base=PLAIN), contender(generation=1)),
    "nearer to the original before farther": ("original", contender(generation=1), contender(generation=2)),
    "a camera before more pixels": ("camera", contender(width=2000), contender(camera=None)),
    "a time before more pixels": ("camera", contender(width=2000), contender(taken_at=None)),
    "a place before more pixels": ("camera", contender(width=2000), contender(has_gps=False)),
    "a camera before a place": ("camera", contender(has_gps=False), contender(camera=None)),
    "RAW before JPEG": ("format", contender(format="RAW", width=10, size=10), contender()),
    "HEIC before JPEG": ("format", contender(format="HEIF", width=10, size=10), contender()),
    "JPEG of a camera before PNG": ("format", contender(size=10), contender(format="PNG")),
    "JPEG of a camera before WebP": ("format", contender(size=10), contender(format="WEBP", width=5000)),
    "a picture of many colours before GIF": ("format", contender(base=PLAIN), contender(base=PLAIN, format="GIF")),
    "a larger download before a smaller": (
        "resolution",
        contender(base=PLAIN, format="WEBP"),
        contender(base=PLAIN, width=200),
    ),
    "a lossless scan before a JPEG of it": (
        "bytes",
        contender(base=PLAIN, format="TIFF", size=9000),
        contender(base=PLAIN),
    ),
    "more bytes before more metadata": ("bytes", contender(size=1001, exif_tags=3), contender()),
    "more metadata before an earlier date": (
        "metadata",
        contender(taken_at="2021-01-01T00:00:00"),
        contender(exif_tags=3),
    ),
    "an earlier date before a later": (
        "capture-date",
        contender(b"/long/path/b.jpg"),
        contender(taken_at="2021-01-01T00:00:00"),
    ),
    "a name before one that says copy": ("name", contender(b"/long name.jpg"), contender(b"/a (1).jpg")),
    "a shorter path before a longer": ("path", contender(b"/b/a.jpg"), contender(b"/bb/a.jpg")),
    "paths in order": ("path", contender(b"/a.jpg"), contender(b"/b.jpg")),
}


@pytest.mark.parametrize(("rule", "kept", "dropped"), ORDER.values(), ids=ORDER)
def test_the_better_one_is_kept_and_the_rule_is_named(rule: str, kept: Contender, dropped: Contender) -> None:
    order = KeeperOrder()
    assert order.key(kept) < order.key(dropped)
    assert order.deciding(kept, dropped) == rule


def test_two_files_never_stand_equal() -> None:
    ranks = [KeeperOrder().key(contender(path)) for path in (b"/a.jpg", b"/b.jpg", b"/\xff.jpg")]
    assert all(one != other for one, other in permutations(ranks, 2))


def test_the_order_is_transitive_over_all_that_rules_look_at() -> None:
    choices = product(("RAW", "HEIF", "JPEG", "PNG", "GIF"), (None, "Canon"), (False, True), (10, 20), (0, 1))
    crowd = [
        contender(b"/%d.jpg" % number, format=form, camera=camera, has_gps=gps, width=width, generation=generation)
        for number, (form, camera, gps, width, generation) in enumerate(choices)
    ]
    order = KeeperOrder()
    ranked = sorted(crowd, key=order.key)
    crowd.reverse()
    assert ranked == sorted(crowd, key=order.key)
    assert all(order.key(one) < order.key(other) for place, one in enumerate(ranked) for other in ranked[place + 1 :])


def test_places_that_a_person_named_come_before_what_the_picture_is_but_not_before_the_original() -> None:
    order = KeeperOrder(places=Places(path_priority=("*/best/*", "*/good/*"), protected=lambda path: b"safe" in path))
    best, good, other = (contender(b"/%b/a.jpg" % name, width=10) for name in (b"best", b"good", b"other"))
    larger = contender(b"/x.jpg")
    assert [order.deciding(best, good), order.deciding(good, other)] == ["path-priority"] * 2
    assert order.key(best) < order.key(good) < order.key(larger)
    assert order.key(larger) < order.key(contender(b"/best/a.jpg", generation=1))
    assert order.deciding(contender(b"/safe/a.jpg"), best) == "protected"


def test_a_policy_may_put_its_places_before_the_original() -> None:
    order = KeeperOrder(("path-priority", "original"), Places(path_priority=("/album/*",)))
    assert order.deciding(contender(b"/album/crop.jpg", generation=1), contender()) == "path-priority"
    assert order.key(contender(b"/album/crop.jpg", generation=1)) < order.key(contender())


def test_what_a_person_chose_comes_before_every_rule() -> None:
    order = KeeperOrder(places=Places(chosen=7))
    chosen = contender(b"/a copy of a copy (2).gif", file_id=7, generation=3, format="GIF")
    assert order.key(chosen) < order.key(contender())
    assert order.deciding(chosen, contender()) == CHOSEN


def test_a_list_of_rules_from_before_means_what_it_meant() -> None:
    whole = replace(contender(width=10), cropped=False)
    cropped = replace(contender(width=99), cropped=True)
    named: tuple[KeeperRule, ...] = ("uncropped", "resolution")
    assert KeeperOrder(named).deciding(whole, cropped) == "uncropped"
    assert KeeperOrder(("resolution", "uncropped")).deciding(cropped, whole) == "resolution"


def test_every_rule_has_words_of_its_own() -> None:
    words = [rule_in_words(rule) for rule in KEEPER_RULES]
    assert len(set(words)) == len(KEEPER_RULES)
    assert all(" " in one for one in words)
    assert rule_in_words("goes with a.jpg") == "goes with a.jpg"
    assert rule_in_words(CHOSEN) == "you chose it"
    assert reasons_in_words(("bytes", "path", "bytes")) == "it has more bytes; its path is shorter"
    assert set(DEFAULT_KEEP) == set(KEEPER_RULES) - {"uncropped"}
