from __future__ import annotations

from pathlib import Path

from living_library import EXACT_ONLY, TIDY_ALL, LivingLibrary, picture, quarantined, tree


def test_an_exact_copy_goes_to_the_quarantine_of_its_root(library: LivingLibrary, root: Path) -> None:
    (root / "a.jpg").write_bytes(picture(1))
    (root / "album").mkdir()
    (root / "album" / "a copy.jpg").write_bytes(picture(1))
    library.scan()

    applied = library.apply(library.plan())

    assert applied.complete
    assert applied.removed == 1
    assert tree(root) == {"a.jpg": picture(1)}
    assert quarantined(root) == [root / ".dedupctl/quarantine/1/album/a copy.jpg"]


def test_a_chain_keeps_a_copy_with_its_own_pair_to_each_removed_one(library: LivingLibrary, root: Path) -> None:
    for variant in range(5):
        (root / f"{variant}.jpg").write_bytes(picture(1, variant))
    library.scan()

    library.apply(library.plan(TIDY_ALL))

    left = set(tree(root).values())
    assert len(left) < 5
    assert all(any(abs(kept - gone) <= 1 for kept in range(5) if picture(1, kept) in left) for gone in range(5))


def test_a_restore_after_an_apply_gives_the_same_tree(library: LivingLibrary, root: Path) -> None:
    for name in ("a.jpg", "b.jpg", "c.jpg"):
        (root / name).write_bytes(picture(1))
    library.scan()
    before = tree(root)

    library.apply(library.plan(EXACT_ONLY))
    restored = library.restore_all()

    assert [one.done for one in restored] == [True, True]
    assert tree(root) == before
    assert quarantined(root) == []


def test_a_purge_ends_what_has_a_kept_copy(library: LivingLibrary, root: Path) -> None:
    for name in ("a.jpg", "b.jpg"):
        (root / name).write_bytes(picture(1))
    library.scan()
    library.apply(library.plan())

    purged = library.purge()

    assert [one.done for one in purged] == [True]
    assert tree(root) == {"a.jpg": picture(1)}
    assert quarantined(root) == []
