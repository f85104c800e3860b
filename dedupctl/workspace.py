"""The workspace: one home directory, opened and wired. Knows the disk layout and holds the lock.

<home>/config.toml      what the user chose
<home>/catalog.db       the truth
<home>/catalog-id       says that there is one: an emptied catalog is told from a new one
<home>/vectors/         snapshots of the vector index: a cache
<home>/thumbs.db        thumbnails: a cache
<home>/workspace.lock   held by the one process that indexes
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from filelock import FileLock, Timeout

from dedupctl.catalog.catalog import CATALOG_NAME, Catalog, Transaction
from dedupctl.catalog.engine import Beat
from dedupctl.catalog.lost_tables import is_empty
from dedupctl.catalog.thumbs import THUMBS_NAME, Thumbs
from dedupctl.config import Config, load_config
from dedupctl.disk.durable import durable_file
from dedupctl.domain import FloatArray, IntArray
from dedupctl.errors import LockHeld, StoreDamaged, StoreError, UsageError
from dedupctl.fingerprint.embedder import ModelIdentity, identify_model
from dedupctl.modes import file_mode, file_mode_in, folder_mode, tighten
from dedupctl.vectors.hnsw import HnswIndex
from dedupctl.vectors.reconcile import OpenedIndex, open_index
from dedupctl.vectors.snapshot import MANIFEST_NAME, glance_at_snapshot, save, verify_snapshot

ID_NAME = "catalog-id"
LOCK_NAME = "workspace.lock"
VECTORS_NAME = "vectors"


@dataclass(frozen=True)
class Workspace:
    """The open stores of one home directory."""

    home: Path
    config: Config
    catalog: Catalog
    thumbs: Thumbs
    model: ModelIdentity
    model_id: int
    beat: Beat | None = None

    @classmethod
    @contextmanager
    def open(
        cls, home: Path, *, create: bool = False, beat: Beat | None = None, config: Config | None = None
    ) -> Iterator[Workspace]:
        """Open the stores; `create` makes an empty home, without it a missing one is an error.

        `beat` is called again and again while something in the stores takes long, and may raise `Interrupted`.
        `config` is used instead of the one in the home.

        Raises:
            UsageError: nothing was ever indexed here.
            ConfigError, StoreDamaged, StoreNewer, StoreUnavailable: as their names say. Damaged is also a catalog that
                was emptied.
        """
        if not create and not (home / CATALOG_NAME).exists():
            raise UsageError(f"nothing is indexed in {home} yet; run `dedupctl scan FOLDER` first")
        config = config or load_config(home)
        _make_home(home, group_readable=config.home.group_readable)
        _refuse_emptied(home)
        model = identify_model(config.model)
        with Catalog.open(home / CATALOG_NAME, beat) as catalog:
            _leave_word(home, catalog.id)
            thumbs = Thumbs(home / THUMBS_NAME)
            try:
                yield cls(home, config, catalog, thumbs, model, _model_id(catalog, model), beat)
            finally:
                thumbs.close()

    def open_index(self) -> OpenedIndex:
        """The vector index, in agreement with the catalog: loaded from its snapshot or rebuilt. Writes nothing."""
        with self.catalog.read() as tx:
            return open_index(
                self._vectors,
                dim=self.model.dim,
                model_key=self.model.key,
                catalog_id=self.catalog.id,
                alive=tx.embeddings.labels(self.model_id),
                fetch=lambda labels: self._fetched(tx, labels),
            )

    def _fetched(self, tx: Transaction, labels: IntArray) -> FloatArray:
        if self.beat is not None:  # an index is made anew from millions of vectors, a few thousand at a time
            self.beat()
        return tx.embeddings.vectors(labels)

    def model_in_use(self) -> int:
        """The model whose vectors show the library: an earlier one until most pictures have been embedded anew."""
        with self.catalog.read() as tx:
            return tx.embeddings.fullest_model(self.model_id)

    def save_index(self, index: HnswIndex) -> None:
        """Publish a new snapshot. Only for the holder of the lock."""
        save(index, self._vectors, model_key=self.model.key, catalog_id=self.catalog.id)

    def snapshot_fault(self) -> str | None:
        """What is wrong with the snapshot on disk, None when it is whole and of this catalog."""
        return verify_snapshot(self._vectors, dim=self.model.dim, model_key=self.model.key, catalog_id=self.catalog.id)

    def glance_at_snapshot(self) -> str | None:
        """What is wrong with the snapshot, as far as can be told without reading it."""
        return glance_at_snapshot(
            self._vectors, dim=self.model.dim, model_key=self.model.key, catalog_id=self.catalog.id
        )

    @property
    def _vectors(self) -> Path:
        return self.home / VECTORS_NAME / self.model.key[:16]


@contextmanager
def hold(lock: Path, doing: str) -> Iterator[None]:
    """Hold a lock file until the end of the block; the system lets go of it when the process dies.

    Raises:
        LockHeld: another process has it. `doing` says what for, in the message.
        UsageError: the lock file cannot be made.
        ConfigError: the configuration is wrong.
    """
    home = lock.parent
    group_readable = load_config(home).home.group_readable
    _make_home(home, group_readable=group_readable)
    guard = FileLock(lock, mode=file_mode(group_readable=group_readable))
    try:
        guard.acquire(timeout=0)
    except Timeout as error:
        raise LockHeld(f"another dedupctl is {doing} {home}; wait for it or stop it") from error
    except OSError as error:
        raise UsageError(f"cannot write to {home}: {error.strerror}") from error
    try:
        yield
    finally:
        guard.release()


def is_running(process: int) -> bool:
    """A process that was killed cannot take back what it last said of itself.

    Asked of the system and not of the lock: trying the lock would turn away a daemon that starts at that moment.
    """
    try:
        os.kill(process, 0)
    except PermissionError:
        return True
    except OSError:
        return False
    return True


def _model_id(catalog: Catalog, model: ModelIdentity) -> int:
    with catalog.read() as tx:
        known = tx.embeddings.known_model(model.key)
    if known is not None:
        return known
    with catalog.write() as tx:
        return tx.embeddings.model_id(model.key, model.dim)


def _refuse_emptied(home: Path) -> None:
    """A catalog without a table where there was one: taken for a new one, it would lose what a person said for good."""
    if not is_empty(home / CATALOG_NAME):
        return
    witness = next((path for path in _witnesses(home) if path.exists()), None)
    if witness is not None:
        raise StoreDamaged(
            f"{home / CATALOG_NAME} is empty, but {witness.name} says that there was a catalog; put a backup in its"
            " place, or move it away and scan again"
        )


def _witnesses(home: Path) -> Iterator[Path]:
    """What no home has whose catalog is only being made."""
    yield home / ID_NAME
    yield from (home / VECTORS_NAME).glob(f"*/{MANIFEST_NAME}")
    yield home / THUMBS_NAME


def _leave_word(home: Path, catalog_id: str) -> None:
    word = home / ID_NAME
    if _says(word, catalog_id):
        return
    try:
        with durable_file(word) as part:
            part.write_text(catalog_id, "ascii")
            part.chmod(file_mode_in(word.parent))
    except OSError as error:
        if not _says(word, catalog_id):  # another process may have been faster
            raise StoreError(f"cannot write {word}: {error.strerror}") from error


def _says(word: Path, catalog_id: str) -> bool:
    try:
        return word.read_text("ascii", "replace") == catalog_id
    except OSError:
        return False


def _make_home(home: Path, *, group_readable: bool) -> None:
    try:
        home.parent.mkdir(parents=True, exist_ok=True)
        home.mkdir(mode=folder_mode(group_readable=group_readable), exist_ok=True)
        tighten(home, group_readable=group_readable)
    except OSError as error:
        raise UsageError(f"cannot make the home directory {home}: {error.strerror}") from error
