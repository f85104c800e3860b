"""Worker processes that read, decode, hash, embed, compare and show pictures.

A decoder may crash, hang or exhaust memory on a broken file. It does so in a separate process: the file becomes an
error row, the worker is replaced, and the scan continues. `pool` manages the processes, `cage` enforces their limits.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, wait
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import Any

from dedupctl.catalog.catalog import Catalog
from dedupctl.config import Config
from dedupctl.domain import Evidence, FloatArray, Identity, Unreadable
from dedupctl.fingerprint.fingerprinter import Fingerprinter, Read, thumbnail_of
from dedupctl.fingerprint.jpeg_streams import streams_equal
from dedupctl.fingerprint.pixels import pixels_equal
from dedupctl.fingerprint.unreadable import NEEDS_MEMORY, Limits
from dedupctl.fingerprint.view import exif_of, view_of
from dedupctl.indexing.budget import budget_of
from dedupctl.indexing.cage import OUT_OF_CPU, OUT_OF_TIME, PATIENCE, Allowance, Work
from dedupctl.indexing.pool import Batch, Death, Pool
from dedupctl.matching.comparison import Case, Comparer
from dedupctl.matching.proof.picture import Picture
from dedupctl.matching.sketch import sketches_of

BEAT_SECONDS = 1.0


class Workers:
    """The requests that worker processes answer. No process runs before the first request; `close` ends all.

    An item that cannot be answered yields an Unreadable: "crash", "timeout" or "memory" after a second attempt, alone
    and with the full memory of a large item, or "internal".

    Args:
        count: the maximum number of processes; by default as configured, or one per core.
        seconds: CPU seconds for each picture; by default as configured.
    """

    def __init__(
        self, config: Config, catalog_path: Path, *, count: int | None = None, seconds: float | None = None
    ) -> None:
        budget = budget_of(config.scan)
        self.count = min(count or config.scan.workers or os.cpu_count() or 1, budget.workers)
        self._seconds = seconds or config.scan.decode_seconds
        self._pool = Pool(self.count, budget, _State, (config, catalog_path), _wants_more)

    def start(self) -> Future[Batch]:
        """Start a process before there is work. Otherwise the first batch would wait a second for it."""
        return self._answered(_READ, [])

    def read(self, paths: Sequence[bytes]) -> Future[Batch]:
        """Fingerprint these files: a `Read | Unreadable` for each, without a fingerprint if the catalog has it.

        The answer raises DedupctlError for failures unrelated to a file: of the model, the catalog or the pool.
        """
        return self._answered(_READ, paths)

    def judge(self, cases: Sequence[Case]) -> Future[Batch]:
        """Compare these candidates: an `Evidence | None | Unreadable` for each. Raises as `read`."""
        return self._answered(_JUDGE, cases, seconds=2 * self._seconds)  # two pictures may be decoded for one case

    def embed(self, thumbnails: Sequence[bytes]) -> Future[Batch]:
        """Vectors of these thumbnails by the configured model: a `FloatArray | Unreadable` for each."""
        return self._answered(_EMBED, thumbnails)

    def fingerprint(self, path: bytes) -> Read | Unreadable:
        """Read one file, even if its content is known, and wait for the result. Raises as `read`."""
        answer: Read | Unreadable = self._one(_FINGERPRINT, path)
        return answer

    def evidence(self, cases: Sequence[Case]) -> list[Evidence | None]:
        """Compare these candidates and wait; None where no evidence could be obtained. Raises as `read`."""
        return [found if isinstance(found, Evidence) else None for found in self.judge(cases).result().results]

    def same_pixels(
        self, path_a: bytes, path_b: bytes, *, beat: Callable[[], None] = lambda: None
    ) -> bool | Unreadable:
        """Whether two files show the same pixels now; Unreadable if that is uncertain. Waits for it. Raises as `read`.

        Two large pictures may take minutes: `beat` is called every second meanwhile.
        """
        answer = self._answered(_SAME_PIXELS, [(path_a, path_b)], seconds=2 * self._seconds)
        while not wait([answer], BEAT_SECONDS).done:
            beat()
        same: bool | Unreadable = answer.result().results[0]
        return same

    def view(self, path: bytes, expected: Identity, longest: int) -> bytes | Unreadable:
        """As `fingerprint.view.view_of`, in a worker process. Waits for the result."""
        answer: bytes | Unreadable = self._one(_VIEW, (path, expected, longest))
        return answer

    def exif(self, path: bytes, expected: Identity) -> Mapping[str, str] | Unreadable:
        """As `fingerprint.view.exif_of`, in a worker process. Waits for the result."""
        answer: Mapping[str, str] | Unreadable = self._one(_EXIF, (path, expected))
        return answer

    def thumbnails(self, paths: Sequence[bytes]) -> Future[Batch]:
        """Newly made thumbnails of these files: `bytes | Unreadable` for each."""
        return self._answered(_THUMBNAIL, paths)

    def thumbnail(self, path: bytes) -> bytes | Unreadable:
        """A newly made thumbnail of a file. Waits for the result."""
        answer: bytes | Unreadable = self._one(_THUMBNAIL, path)
        return answer

    def close(self) -> None:
        """Stop at once. Uncollected results are lost, and the work is done again later."""
        self._pool.close()

    def _one(self, work: Work, item: object) -> Any:
        return self._answered(work, [item]).result().results[0]

    def _answered(self, work: Work, items: Sequence[object], seconds: float | None = None) -> Future[Batch]:
        """As `Pool.submit`, but items without an answer yield an Unreadable, as the catalog stores it."""
        allowed = seconds or self._seconds
        answer: Future[Batch] = Future()
        answer.set_running_or_notify_cancel()

        def pass_on(done: Future[Batch]) -> None:
            error = done.exception()
            if error is not None:
                answer.set_exception(error)
                return
            batch = done.result()
            answer.set_result(Batch([_as_stored(result, allowed) for result in batch.results], batch.cpu_seconds))

        self._pool.submit(work, items, allowed).add_done_callback(pass_on)
        return answer


def _as_stored(result: Any, seconds: float) -> Any:
    match result:
        case Death(exitcode):
            return _cause_of(exitcode, seconds)
        case MemoryError():
            return Unreadable(NEEDS_MEMORY, "there is not enough memory to decode it")
        case Exception():
            return Unreadable("internal", str(result))
    return result


def _cause_of(exitcode: int, seconds: float) -> Unreadable:
    """Why an item killed its processes."""
    if exitcode == -OUT_OF_CPU:
        return Unreadable("timeout", f"decoding it takes more than {seconds:,g} s of CPU")
    if exitcode == -OUT_OF_TIME:
        return Unreadable("timeout", f"it could not be read within {seconds * PATIENCE:,g} s")
    if exitcode == -signal.SIGKILL:
        return Unreadable("crash", "its worker was killed twice, as the system does when memory runs out")
    return Unreadable("crash", f"the decoder crashed on it (exit code {exitcode})")


def _wants_more(result: Any) -> bool:
    return isinstance(result, Unreadable) and result.code == NEEDS_MEMORY


# --- in the worker process -------------------------------------------------------------------------------------------


class _State:
    """What a worker process keeps between items. If creating it fails, the first item reports the failure."""

    def __init__(self, config: Config, catalog_path: Path) -> None:
        self._config = config
        self._catalog_path = catalog_path

    @cached_property
    def fingerprinter(self) -> Fingerprinter:
        return Fingerprinter(self._config)

    @cached_property
    def comparer(self) -> Comparer:
        return Comparer()

    @cached_property
    def _catalog(self) -> Catalog:
        return Catalog.open(self._catalog_path)

    def is_known(self, digest: bytes) -> bool:
        """Whether decoding this content would reveal nothing new."""
        with self._catalog.read() as tx:
            content_id = tx.contents.id_of(digest)
            return content_id is not None and not tx.imported.must_be_read(content_id)

    def limits(self, allowance: Allowance) -> Limits:
        return Limits(self._config.scan.max_megapixels * 1_000_000, allowance.memory)


def _load_model(state: _State) -> None:
    state.fingerprinter.load()


def _load_nothing(_: _State) -> None:
    pass


def _read(state: _State, path: bytes, allowance: Allowance) -> Read | Unreadable:
    read = state.fingerprinter.read(path, state.is_known, memory=allowance.memory)
    if isinstance(read, Unreadable) or read.fingerprint is None:
        return read
    facts, thumbnail = read.fingerprint.facts, read.fingerprint.thumbnail
    # Computed from what the proof will see, and here because the single matching thread has no time for it.
    drawn = sketches_of(Picture.from_thumbnail(thumbnail, facts.width, facts.height)).to_bytes()
    return replace(read, fingerprint=replace(read.fingerprint, sketches=drawn))


def _fingerprint(state: _State, path: bytes, allowance: Allowance) -> Read | Unreadable:
    return state.fingerprinter.read(path, memory=allowance.memory)


def _embed(state: _State, thumbnail: bytes, _: Allowance) -> FloatArray:
    return state.fingerprinter.vectors_of(thumbnail)


def _judge(state: _State, case: Case, allowance: Allowance) -> Evidence | None:
    return state.comparer.evidence(case, state.limits(allowance), is_last_try=allowance.is_last)


def _same_pixels(state: _State, paths: tuple[bytes, bytes], allowance: Allowance) -> bool | Unreadable:
    return streams_equal(*paths) or pixels_equal(*paths, state.limits(allowance))


def _view(state: _State, asked: tuple[bytes, Identity, int], allowance: Allowance) -> bytes | Unreadable:
    path, expected, longest = asked
    return view_of(path, expected, longest=longest, limits=state.limits(allowance))


def _exif(state: _State, asked: tuple[bytes, Identity], allowance: Allowance) -> Mapping[str, str] | Unreadable:
    path, expected = asked
    return exif_of(path, expected, limits=state.limits(allowance))


def _thumbnail(state: _State, path: bytes, allowance: Allowance) -> bytes | Unreadable:
    return thumbnail_of(path, state.limits(allowance))


_READ = Work(_load_model, _read)
_FINGERPRINT = Work(_load_model, _fingerprint)
_EMBED = Work(_load_model, _embed)
_JUDGE = Work(_load_nothing, _judge)
_SAME_PIXELS = Work(_load_nothing, _same_pixels)
_VIEW = Work(_load_nothing, _view)
_EXIF = Work(_load_nothing, _exif)
_THUMBNAIL = Work(_load_nothing, _thumbnail)
