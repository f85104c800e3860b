from __future__ import annotations

import pytest
from builders import DEVICE, add_file, make_fingerprint, make_identity
from hypothesis import given
from hypothesis import strategies as st

from dedupctl.catalog import chunked
from dedupctl.catalog.catalog import Catalog
from dedupctl.catalog.files import Sighting
from dedupctl.domain import FileState, Identity, Root, Unreadable
from dedupctl.errors import StoreError
from dedupctl.paths import join, split

BROKEN = Unreadable("truncated", "ends in the middle")


@pytest.fixture
def contents(catalog: Catalog) -> list[int]:
    with catalog.write() as tx:
        return tx.contents.add([make_fingerprint(name) for name in "abc"])


def test_a_file_comes_back_as_seen(catalog: Catalog, root: Root, contents: list[int]) -> None:
    identity = Identity(7, 2**63 - 1, 5, -1, 2**62)
    with catalog.write() as tx:
        file_id = add_file(tx, root, b"caf\xe9/\xff.jpg", contents[0], identity)

    with catalog.read() as tx:
        file = tx.files.at(root.id, b"caf\xe9/\xff.jpg")
        (located,) = tx.files.of_contents([contents[0]])
    assert file is not None
    assert (file.id, file.path, file.identity) == (file_id, b"caf\xe9/\xff.jpg", identity)
    assert (file.state, file.content_id, file.error) == (FileState.PRESENT, contents[0], None)
    assert (located.file, located.path) == (file, b"/photos/caf\xe9/\xff.jpg")


def test_an_unreadable_file_comes_back_with_its_reason(catalog: Catalog, root: Root) -> None:
    with catalog.write() as tx:
        add_file(tx, root, b"a.jpg", BROKEN, make_identity(1))

    with catalog.read() as tx:
        ((located, reason),) = tx.files.errors()
        assert list(tx.files.present()) == []
    assert reason == BROKEN
    assert located.path == b"/photos/a.jpg"
    assert located.file.state is FileState.ERROR
    assert located.file.error == "truncated: ends in the middle"


@pytest.mark.parametrize("outcome", ["content", BROKEN])
def test_a_later_look_replaces_an_earlier_one(
    catalog: Catalog, root: Root, contents: list[int], outcome: Unreadable | str
) -> None:
    later = outcome if isinstance(outcome, Unreadable) else contents[1]
    with catalog.write() as tx:
        for earlier in (contents[0], BROKEN):
            file_id = add_file(tx, root, b"a.jpg", earlier, make_identity(1))
            tx.files.mark_gone([file_id], at=1)
        assert add_file(tx, root, b"a.jpg", later, make_identity(2)) == file_id
        file = tx.files.at(root.id, b"a.jpg")

    assert file is not None
    assert file.identity == make_identity(2)
    assert file.content_id == (None if later is BROKEN else later)
    assert file.error == (str(BROKEN) if later is BROKEN else None)


def test_nothing_seen_is_nothing_recorded(catalog: Catalog) -> None:
    with catalog.write() as tx:
        tx.files.record([])
        tx.files.mark_gone([], at=1)
        tx.files.revive([])
        tx.files.vanish(1, [], at=1)

        assert sum(tx.files.count().values()) == 0


def test_a_folder_lists_its_own_files_in_every_state(catalog: Catalog, root: Root, contents: list[int]) -> None:
    with catalog.write() as tx:
        here = add_file(tx, root, b"trip/a.jpg", contents[0], make_identity(1))
        broken = add_file(tx, root, b"trip/b.jpg", BROKEN, make_identity(2))
        left = add_file(tx, root, b"trip/c.jpg", contents[0], make_identity(3))
        add_file(tx, root, b"trip/day/d.jpg", contents[0], make_identity(4))
        add_file(tx, root, b"e.jpg", contents[0], make_identity(5))
        tx.files.mark_gone([left], at=1)
        known = tx.files.in_folder(root.id, b"trip")
        assert tx.files.in_folder(root.id, b"").keys() == {b"e.jpg"}
        assert tx.files.in_folder(root.id, b"nowhere") == {}

    assert {name: (file.file_id, file.state, file.identity) for name, file in known.items()} == {
        b"a.jpg": (here, FileState.PRESENT, make_identity(1)),
        b"b.jpg": (broken, FileState.ERROR, make_identity(2)),
        b"c.jpg": (left, FileState.GONE, make_identity(3)),
    }


def test_folders_are_those_below_with_files_that_are_not_gone(
    catalog: Catalog, root: Root, contents: list[int]
) -> None:
    with catalog.write() as tx:
        for number, path in enumerate([b"a.jpg", b"trip/b.jpg", b"trip/x/y/c.jpg", b"trip-2/d.jpg", b"trip0/e.jpg"]):
            add_file(tx, root, path, contents[0], make_identity(number))
        tx.files.mark_gone([add_file(tx, root, b"trip/old/f.jpg", contents[0], make_identity(9))], at=1)
        other = tx.roots.add(b"/other", 1, None)
        add_file(tx, other, b"trip/else/g.jpg", contents[0], make_identity(10))

        assert tx.files.folders_under(root.id, b"trip") == {b"trip", b"trip/x/y"}
        assert tx.files.folders_under(root.id, b"trip/x") == {b"trip/x/y"}
        assert tx.files.folders_under(root.id, b"") == {b"", b"trip", b"trip/x/y", b"trip-2", b"trip0"}


def test_known_bytes_are_told_by_inode_size_and_mtime(catalog: Catalog, root: Root, contents: list[int]) -> None:
    identity = make_identity(1)
    renamed = identity._replace(ctime_ns=5)
    others = [
        identity._replace(device=8),
        identity._replace(inode=2),
        identity._replace(size=2),
        identity._replace(mtime_ns=5),
    ]
    with catalog.write() as tx:
        add_file(tx, root, b"a.jpg", contents[0], identity)
        found = tx.files.with_inodes([renamed, *others])

    assert {key: [twin.path for twin in twins] for key, twins in found.items()} == {
        renamed: [b"/photos/a.jpg"],
        **{other: [] for other in others},
    }


def test_a_file_that_could_not_be_read_vouches_for_no_bytes(catalog: Catalog, root: Root) -> None:
    with catalog.write() as tx:
        add_file(tx, root, b"a.jpg", BROKEN, make_identity(1))

        assert tx.files.with_inodes([make_identity(1)]) == {make_identity(1): []}


def test_files_that_went_and_came_keep_what_was_known(catalog: Catalog, root: Root, contents: list[int]) -> None:
    with catalog.write() as tx:
        ids = [
            add_file(tx, root, b"a.jpg", contents[0], make_identity(1)),
            add_file(tx, root, b"b.jpg", BROKEN, make_identity(2)),
        ]
        tx.files.mark_gone(ids, at=5)
        assert tx.files.count() == {FileState.PRESENT: 0, FileState.ERROR: 0, FileState.GONE: 2}
        assert tx.files.of_contents(contents) == []
        assert tx.files.errors() == []

        tx.files.revive(ids)
        assert tx.files.count() == {FileState.PRESENT: 1, FileState.ERROR: 1, FileState.GONE: 0}
        assert [reason for _, reason in tx.files.errors()] == [BROKEN]


def test_what_was_taken_away_by_path_is_gone(catalog: Catalog, root: Root, contents: list[int]) -> None:
    with catalog.write() as tx:
        add_file(tx, root, b"trip/a.jpg", contents[0], make_identity(1))
        add_file(tx, root, b"a.jpg", contents[0], make_identity(2))
        tx.files.vanish(root.id, [b"trip/a.jpg", b"never/seen.jpg"], at=1)

        assert [located.file.path for located in tx.files.present()] == [b"a.jpg"]


def test_the_long_gone_are_forgotten(catalog: Catalog, root: Root, contents: list[int]) -> None:
    with catalog.write() as tx:
        for number, at in enumerate([10, 20, 30]):
            file_id = add_file(tx, root, b"%d.jpg" % number, contents[0], make_identity(number))
            tx.files.mark_gone([file_id], at=at)
        add_file(tx, root, b"here.jpg", contents[0], make_identity(9))

        assert tx.files.forget_gone(before=20) == 1
        assert tx.files.at(root.id, b"0.jpg") is None
        assert tx.files.at(root.id, b"1.jpg") is not None
        assert tx.files.at(root.id, b"here.jpg") is not None


def test_a_content_is_shared_if_two_present_files_hold_it(catalog: Catalog, root: Root, contents: list[int]) -> None:
    shared, single, left = contents
    with catalog.write() as tx:
        for number, content_id in enumerate([shared, shared, single, left, left]):
            file_id = add_file(tx, root, b"%d.jpg" % number, content_id, make_identity(number))
        tx.files.mark_gone([file_id], at=1)

        assert tx.files.shared_contents() == [shared]


def test_of_contents_takes_more_ids_than_one_statement(
    catalog: Catalog, root: Root, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(chunked, "MAX_VARIABLES", 2)
    with catalog.write() as tx:
        ids = tx.contents.add([make_fingerprint(str(number)) for number in range(5)])
        for content_id in ids:
            add_file(tx, root, b"%d.jpg" % content_id, content_id, make_identity(content_id))
        wanted = tx.files.of_contents(ids)
        twins = tx.files.with_inodes([make_identity(content_id) for content_id in ids])

    assert [located.file.content_id for located in wanted] == ids
    assert all(len(found) == 1 for found in twins.values())


def test_present_files_come_in_order_of_path(catalog: Catalog, root: Root, contents: list[int]) -> None:
    with catalog.write() as tx:
        other = tx.roots.add(b"/other", 1, None)
        add_file(tx, other, b"a.jpg", contents[0], make_identity(1))
        for number, path in enumerate([b"b/a.jpg", b"a/b.jpg", b"a/a.jpg"]):
            add_file(tx, root, path, contents[0], make_identity(number))

        assert [located.path for located in tx.files.present(root.id)] == [
            b"/photos/a/a.jpg",
            b"/photos/a/b.jpg",
            b"/photos/b/a.jpg",
        ]
        assert len(list(tx.files.present())) == 4


def test_bytes_of_hard_links_count_once(catalog: Catalog, root: Root, contents: list[int]) -> None:
    with catalog.write() as tx:
        assert tx.files.total_bytes() == 0
        add_file(tx, root, b"a.jpg", contents[0], make_identity(1, size=100))
        add_file(tx, root, b"link-to-a.jpg", contents[0], make_identity(1, size=100))
        add_file(tx, root, b"copy-of-a.jpg", contents[0], make_identity(2, size=100))
        other = tx.roots.add(b"/other", 1, None)
        add_file(tx, other, b"b.jpg", contents[1], make_identity(3, size=1))

        assert tx.files.total_bytes() == 201
        assert tx.files.total_bytes(root.id) == 200
        assert tx.files.count(other.id)[FileState.PRESENT] == 1


def test_a_present_file_must_have_a_content(catalog: Catalog, root: Root) -> None:
    with pytest.raises(StoreError, match="present_has_content"), catalog.write() as tx:
        tx.files.record([Sighting(root.id, b"a.jpg", make_identity(1), None)])  # type: ignore[arg-type]


names = st.binary(min_size=1).map(lambda name: name.replace(b"/", b"_"))


@given(st.lists(names, min_size=1, max_size=4))
def test_a_path_is_its_folder_and_its_name(parts: list[bytes]) -> None:
    path = b"/".join(parts)

    assert join(*split(path)) == path
    assert b"/" not in split(path)[1]


@pytest.mark.parametrize(
    ("parts", "path"),
    [
        ((b"/", b"a.jpg"), b"/a.jpg"),
        ((b"/photos", b"", b"a.jpg"), b"/photos/a.jpg"),
        ((b"/photos/", b"a.jpg"), b"/photos/a.jpg"),
        ((b"/photos", b""), b"/photos"),
        ((b"", b"a.jpg"), b"a.jpg"),
    ],
)
def test_paths_are_joined_by_one_slash(parts: tuple[bytes, ...], path: bytes) -> None:
    assert join(*parts) == path


def test_files_are_counted_by_reason_and_by_device(catalog: Catalog) -> None:
    with catalog.write() as tx:
        root = tx.roots.add(b"/counted", DEVICE, None)
        (content_id,) = tx.contents.add([make_fingerprint("counted")])
        add_file(tx, root, b"a.jpg", content_id, make_identity(901))
        add_file(tx, root, b"usb/b.jpg", content_id, make_identity(902, device=DEVICE + 1))
        add_file(tx, root, b"usb/c.jpg", Unreadable("corrupt", "no"), make_identity(903, device=DEVICE + 1))
        assert tx.files.count_errors() == {"corrupt": 1}
        assert tx.files.count_by_device(root.id) == {DEVICE: (1, b""), DEVICE + 1: (2, b"usb")}
        held = tx.files.contents_held([file.file.id for file in tx.files.present(root.id)])
        assert set(held.values()) == {content_id}
        assert len(tx.files.sample(root.id, 1)) == 1
        (name,) = tx.files.names_of(make_identity(902, device=DEVICE + 1, changed=5))
        assert name.path == b"/counted/usb/b.jpg"
