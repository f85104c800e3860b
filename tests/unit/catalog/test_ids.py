from __future__ import annotations

from builders import make_fingerprint

from dedupctl.catalog.catalog import Catalog
from dedupctl.catalog.engine import Database
from dedupctl.catalog.ids import next_id
from dedupctl.catalog.schema import contents


def following(catalog: Catalog) -> int:
    database = Database(catalog.path)
    try:
        with database.read() as connection:
            return next_id(connection, contents)
    finally:
        database.close()


def test_the_next_id_was_never_given(catalog: Catalog) -> None:
    assert following(catalog) == 1
    with catalog.write() as tx:
        tx.contents.add([make_fingerprint("a"), make_fingerprint("b")])
    assert following(catalog) == 3
    with catalog.write() as tx:
        tx.contents.forget_unheld()
    assert following(catalog) == 3
