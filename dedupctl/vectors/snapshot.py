"""The index on disk: a verified file, replaced as a whole or not at all.

    vectors/<model>/
        graph-<token>.hnsw   one generation of the graph, never changed once it has this name
        MANIFEST.json        names the generation that counts, and everything it must agree with

hnswlib checks nothing: it loads a file of another dimension or metric, writes half a file to a full disk without an
error, and crashes the process on a file with a flipped byte. So the manifest holds what a file must be, and a file is
loaded only after it was compared with it.
"""

from __future__ import annotations

import secrets
from contextlib import suppress
from pathlib import Path

from blake3 import blake3
from pydantic import BaseModel, ConfigDict, ValidationError

from dedupctl.disk.durable import durable_file
from dedupctl.errors import StoreError
from dedupctl.modes import file_mode_in, make_folder_in
from dedupctl.vectors.hnsw import METRIC, HnswIndex

MANIFEST_NAME = "MANIFEST.json"
GRAPH_PATTERN = "graph-*.hnsw*"
FORMAT = 1
TRIES = 5
"""A reader without the lock may see its file removed by a newer save; each try starts from the newer manifest."""


class Manifest(BaseModel):
    """What the generation that counts must be. Sealed by a digest of its own, because its labels are data too."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    format: int
    dim: int
    metric: str
    model_key: str
    catalog_id: str
    graph: str
    """File name of the graph."""
    size: int
    """Its bytes, as hnswlib says they must be."""
    digest: str
    """Its BLAKE3, hexadecimal."""
    count: int
    """Labels a search can find."""
    retired: tuple[int, ...]
    """Labels in the graph that a search must not find."""
    twins: dict[int, tuple[int, ...]]
    """Labels found through another's vector."""
    seal: str = ""
    """BLAKE3 of everything above, hexadecimal."""

    def proper_seal(self) -> str:
        return blake3(self.model_dump_json(exclude={"seal"}).encode()).hexdigest()


class SnapshotRefused(Exception):
    """There is no snapshot that may be loaded; the text names the check that failed. Never leaves this room."""


def save(index: HnswIndex, directory: Path, *, model_key: str, catalog_id: str) -> None:
    """Publish the index as the new generation and remove older ones. Only for the holder of the lock.

    Killed at any moment, or failing, it leaves the last published generation in force.

    Raises:
        StoreError: the files could not be written whole.
    """
    graph = directory / f"graph-{secrets.token_hex(8)}.hnsw"
    try:
        make_folder_in(make_folder_in(directory.parent.parent, directory.parent.name), directory.name)
        with durable_file(graph) as part:
            size = index.write(part)
            part.chmod(file_mode_in(directory))
            written = part.stat().st_size
            if written != size:
                raise StoreError(f"only {written} of {size} bytes of the vector index could be written to {directory}")
            digest = _digest(part)
        manifest = Manifest(
            format=FORMAT,
            dim=index.dim,
            metric=METRIC,
            model_key=model_key,
            catalog_id=catalog_id,
            graph=graph.name,
            size=size,
            digest=digest,
            count=len(index),
            retired=index.retired,
            twins=index.twins,
        )
        sealed = manifest.model_copy(update={"seal": manifest.proper_seal()})
        with durable_file(directory / MANIFEST_NAME) as part:
            part.write_text(sealed.model_dump_json(), encoding="utf-8")
            part.chmod(file_mode_in(directory))
    except OSError as error:
        raise StoreError(f"cannot save the vector index in {directory}: {error}") from error
    finally:
        _remove_unnamed(directory)


def load(directory: Path, *, dim: int, model_key: str, catalog_id: str) -> HnswIndex:
    """The index of the last `save`, once every check has passed. Writes nothing, needs no lock.

    Raises:
        SnapshotRefused: a check failed.
    """
    for _ in range(TRIES):
        manifest = _verified_manifest(directory, dim, model_key, catalog_id)
        graph = directory / manifest.graph
        try:
            _verify_graph(graph, manifest)
            index = HnswIndex.load(graph, dim, manifest.retired, manifest.twins)
        except FileNotFoundError:
            continue
        except RuntimeError as error:
            if not graph.exists():
                continue
            raise SnapshotRefused(f"hnswlib refuses {manifest.graph}: {error}") from error
        if len(index) != manifest.count:
            raise SnapshotRefused(f"the graph holds {len(index)} labels, the manifest says {manifest.count}")
        return index
    raise SnapshotRefused(f"{manifest.graph} is missing")


def verify_snapshot(directory: Path, *, dim: int, model_key: str, catalog_id: str) -> str | None:
    """Why the snapshot would not be loaded, in words; None if it would. Reads the whole file, writes nothing."""
    try:
        load(directory, dim=dim, model_key=model_key, catalog_id=catalog_id)
    except SnapshotRefused as refused:
        return str(refused)
    return None


def glance_at_snapshot(directory: Path, *, dim: int, model_key: str, catalog_id: str) -> str | None:
    """As `verify_snapshot`, but only by the manifest and the size of the file: an answer within milliseconds."""
    try:
        manifest = _verified_manifest(directory, dim, model_key, catalog_id)
        size = (directory / manifest.graph).stat().st_size
    except SnapshotRefused as refused:
        return str(refused)
    except OSError as error:
        return f"the graph cannot be read: {error}"
    return None if size == manifest.size else f"{manifest.graph} has {size} bytes, not {manifest.size}"


def _remove_unnamed(directory: Path) -> None:
    """Remove older generations, and what a failed or killed save left: a full disk must not fill up further."""
    try:
        named = Manifest.model_validate_json((directory / MANIFEST_NAME).read_bytes()).graph
    except (OSError, ValidationError):
        named = None
    for graph in directory.glob(GRAPH_PATTERN):
        if graph.name != named:
            with suppress(OSError):  # on Windows a reader may hold it; the next save removes it
                graph.unlink()


def _verified_manifest(directory: Path, dim: int, model_key: str, catalog_id: str) -> Manifest:
    try:
        manifest = Manifest.model_validate_json((directory / MANIFEST_NAME).read_bytes())
    except FileNotFoundError as error:
        raise SnapshotRefused("there is no snapshot") from error
    except OSError as error:
        raise SnapshotRefused(f"{MANIFEST_NAME} cannot be read: {error}") from error
    except ValidationError as error:
        first = error.errors()[0]
        raise SnapshotRefused(f"{MANIFEST_NAME} is damaged: {first['msg']}") from error
    if manifest.seal != manifest.proper_seal():
        raise SnapshotRefused(f"{MANIFEST_NAME} is damaged: it does not match its own digest")
    for what, found, wanted in (
        ("format", manifest.format, FORMAT),
        ("dimension", manifest.dim, dim),
        ("metric", manifest.metric, METRIC),
        ("model", manifest.model_key, model_key),
        ("catalog", manifest.catalog_id, catalog_id),
    ):
        if found != wanted:
            raise SnapshotRefused(f"its {what} is {found}, not {wanted}")
    return manifest


def _verify_graph(graph: Path, manifest: Manifest) -> None:
    try:
        size = graph.stat().st_size
        if size != manifest.size:
            raise SnapshotRefused(f"{graph.name} has {size} bytes, not {manifest.size}")
        digest = _digest(graph)
    except FileNotFoundError:
        raise
    except OSError as error:
        raise SnapshotRefused(f"{graph.name} cannot be read: {error}") from error
    if digest != manifest.digest:
        raise SnapshotRefused(f"{graph.name} is damaged: its digest differs from the manifest's")


def _digest(path: Path) -> str:
    return blake3().update_mmap(path).hexdigest()
