"""The workspace: the open stores of one home directory. It knows the layout on disk and holds the lock.

<home>/config.toml      the user's settings
<home>/catalog.db       the truth
<home>/catalog-id       shows that there is a catalog, so that an emptied one is not taken for a new one
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
        """Open the stores. With `create` a missing home is made; otherwise it is an error.

        `beat` is called repeatedly while an operation on the stores takes long, and may raise `Interrupted`.
        `config` is used instead of the configuration in the home.

        Raises:
            UsageError: nothing was ever indexed here.
            ConfigError, StoreDamaged, StoreNewer, StoreUnavailable: as their names say. A catalog that was emptied
                counts as damaged.
        """
        if not create and not (home / CATALOG_NAME).exists():
            raise UsageError(f"nothing is indexed in {home} yet; run `dedupctl scan FOLDER` first")
        config = config or load_config(home)
        _make_home(home, group_readable=config.home.group_readable)
        _refuse_emptied(home)
        model = identify_model(config.model)
        with Catalog.open(home / CATALOG_NAME, beat) as catalog:
            _write_id_file(home, catalog.id)
            thumbs = Thumbs(home / THUMBS_NAME)
            try:
                yield cls(home, config, catalog, thumbs, model, _model_id(catalog, model), beat)
            finally:
                thumbs.close()

    def open_index(self) -> OpenedIndex:
        """The vector index in line with the catalog, loaded from its snapshot or rebuilt. Writes nothing."""
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
        if self.beat is not None:  # an index is rebuilt from up to millions of vectors, a few thousand at a time
            self.beat()
        return tx.embeddings.vectors(labels)

    def model_in_use(self) -> int:
        """The model whose vectors are used: the former one until most pictures have been embedded again."""
        with self.catalog.read() as tx:
            return tx.embeddings.fullest_model(self.model_id)

    def save_index(self, index: HnswIndex) -> None:
        """Publish a new snapshot. Only for the holder of the lock."""
        save(index, self._vectors, model_key=self.model.key, catalog_id=self.catalog.id)

    def snapshot_fault(self) -> str | None:
        """What is wrong with the snapshot on disk; None if it is intact and belongs to this catalog."""
        return verify_snapshot(self._vectors, dim=self.model.dim, model_key=self.model.key, catalog_id=self.catalog.id)

    def glance_at_snapshot(self) -> str | None:
        """What is wrong with the snapshot, as far as the manifest and the size of the file show."""
        return glance_at_snapshot(
            self._vectors, dim=self.model.dim, model_key=self.model.key, catalog_id=self.catalog.id
        )

    @property
    def _vectors(self) -> Path:
        return self.home / VECTORS_NAME / self.model.key[:16]


@contextmanager
def hold(lock: Path, doing: str) -> Iterator[None]:
    """Hold a lock file until the end of the block. The system releases it if the process dies.

    Raises:
        LockHeld: another process holds it. `doing` says in the message what that process is doing.
        UsageError: the lock file cannot be created.
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
    """Whether a process still runs, because a killed process cannot retract the state that it last stored.

    The system is asked and not the lock: trying the lock would turn away a daemon that starts at that moment.
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
    """Refuse a catalog that lost all its tables: taken for a new one, it would lose for good what a person said."""
    if not is_empty(home / CATALOG_NAME):
        return
    witness = next((path for path in _witnesses(home) if path.exists()), None)
    if witness is not None:
        raise StoreDamaged(
            f"{home / CATALOG_NAME} is empty, but {witness.name} shows that there was a catalog; put a backup in its"
            " place, or move it away and scan again"
        )


def _witnesses(home: Path) -> Iterator[Path]:
    """Files that a home does not have while its catalog is being created for the first time."""
    yield home / ID_NAME
    yield from (home / VECTORS_NAME).glob(f"*/{MANIFEST_NAME}")
    yield home / THUMBS_NAME


def _write_id_file(home: Path, catalog_id: str) -> None:
    id_file = home / ID_NAME
    if _contains(id_file, catalog_id):
        return
    try:
        with durable_file(id_file) as part:
            part.write_text(catalog_id, "ascii")
            part.chmod(file_mode_in(id_file.parent))
    except OSError as error:
        if not _contains(id_file, catalog_id):  # another process may have written it meanwhile
            raise StoreError(f"cannot write {id_file}: {error.strerror}") from error


def _contains(id_file: Path, catalog_id: str) -> bool:
    try:
        return id_file.read_text("ascii", "replace") == catalog_id
    except OSError:
        return False


def _make_home(home: Path, *, group_readable: bool) -> None:
    try:
        home.parent.mkdir(parents=True, exist_ok=True)
        home.mkdir(mode=folder_mode(group_readable=group_readable), exist_ok=True)
        tighten(home, group_readable=group_readable)
    except OSError as error:
        raise UsageError(f"cannot create the home directory {home}: {error.strerror}") from error
