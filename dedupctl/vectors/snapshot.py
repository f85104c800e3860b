"""The index on disk: a verified file, replaced as a whole or not at all.

    vectors/<model>/
        graph-<token>.hnsw   one generation of the graph, never changed once it has this name
        MANIFEST.json        names the current generation and everything that must match it

hnswlib checks nothing: it loads a file of another dimension or metric, writes half a file to a full disk without an
error, and crashes the process on a file with a flipped byte. So the manifest records what the file must be, and a file
is loaded only after it was checked against the manifest.
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
"""A newer save may remove the file while a reader without the lock opens it; each try reads the manifest again."""


class Manifest(BaseModel):
    """What the current generation must be. It has a digest of its own, because its labels are data too."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    format: int
    dim: int
    metric: str
    model_key: str
    catalog_id: str
    graph: str
    """File name of the graph."""
    size: int
    """Size of the graph file in bytes, as hnswlib says it must be."""
    digest: str
    """BLAKE3 of the graph file, hexadecimal."""
    count: int
    """Number of labels that a search can find."""
    retired: tuple[int, ...]
    """Labels in the graph that a search must not find."""
    twins: dict[int, tuple[int, ...]]
    """Labels that are found through the vector of another label: node -> labels."""
    seal: str = ""
    """BLAKE3 of everything above, hexadecimal."""

    def expected_seal(self) -> str:
        return blake3(self.model_dump_json(exclude={"seal"}).encode()).hexdigest()


class SnapshotRefused(Exception):
    """There is no snapshot that may be loaded; the text names the check that failed. Always caught in this package."""


def save(index: HnswIndex, directory: Path, *, model_key: str, catalog_id: str) -> None:
    """Publish the index as the new generation and remove older ones. Only for the holder of the lock.

    If it fails or is killed at any moment, the last published generation stays current.

    Raises:
        StoreError: the files could not be written completely.
    """
    graph = directory / f"graph-{secrets.token_hex(8)}.hnsw"
    try:
        make_folder_in(make_folder_in(directory.parent.parent, directory.parent.name), directory.name)
        with durable_file(graph) as part:
            size = index.write(part)
            part.chmod(file_mode_in(directory))
            written = part.stat().st_size
            if written != size:
                raise StoreError(f"wrote only {written} of {size} bytes of the vector index to {directory}")
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
        sealed = manifest.model_copy(update={"seal": manifest.expected_seal()})
        with durable_file(directory / MANIFEST_NAME) as part:
            part.write_text(sealed.model_dump_json(), encoding="utf-8")
            part.chmod(file_mode_in(directory))
    except OSError as error:
        raise StoreError(f"cannot save the vector index in {directory}: {error}") from error
    finally:
        _remove_unnamed(directory)


def load(directory: Path, *, dim: int, model_key: str, catalog_id: str) -> HnswIndex:
    """The index as last saved, loaded only after every check has passed. Writes nothing and needs no lock.

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
    """Why the snapshot would not be loaded, in words; None if it would be. Reads the whole file, writes nothing."""
    try:
        load(directory, dim=dim, model_key=model_key, catalog_id=catalog_id)
    except SnapshotRefused as refused:
        return str(refused)
    return None


def glance_at_snapshot(directory: Path, *, dim: int, model_key: str, catalog_id: str) -> str | None:
    """Like `verify_snapshot`, but checks only the manifest and the size of the file, which takes milliseconds."""
    try:
        manifest = _verified_manifest(directory, dim, model_key, catalog_id)
        size = (directory / manifest.graph).stat().st_size
    except SnapshotRefused as refused:
        return str(refused)
    except OSError as error:
        return f"the graph cannot be read: {error}"
    return None if size == manifest.size else f"{manifest.graph} has {size} bytes, not {manifest.size}"


def _remove_unnamed(directory: Path) -> None:
    """Remove older generations and what a failed or killed save left behind: a full disk must not fill up further."""
    try:
        named = Manifest.model_validate_json((directory / MANIFEST_NAME).read_bytes()).graph
    except (OSError, ValidationError):
        named = None
    for graph in directory.glob(GRAPH_PATTERN):
        if graph.name != named:
            with suppress(OSError):  # on Windows a reader may have it open; the next save removes it
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
    if manifest.seal != manifest.expected_seal():
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
