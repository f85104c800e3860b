"""The loop: batches in, steps made, progress told, checkpoints kept."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import cv2
import torch
from torch import Tensor
from torch.utils.data import DataLoader

from .batches import Batch, Batches
from .checkpoint import Run
from .compute import features_of, keep_memory, mixed_precision, on_device
from .losses import Shown, info_nce, koleo
from .network import Network, published_weights, read_weights
from .photos import Album, held_out
from .pictures import squeezed
from .progress import Curves, Exam, Progress, Tell
from .recipe import Recipe

CHECKPOINT_SECONDS = 60.0
WHITENED_PHOTOS = 2000


@dataclass(frozen=True, slots=True)
class Machine:
    """What computes: none of it changes what comes out, but for rounding."""

    device: torch.device
    workers: int
    """Processes that make views; 0 = none, the one that trains does it."""


def train(folder: Path, recipe: Recipe, album: Album, start: Path | None, machine: Machine, *, tell: Tell) -> bool:
    """Train from the folder's checkpoint, or from `start`, to the end; False if a signal ended it before.

    Without a file to start from, the published weights are taken.

    Raises:
        ValueError: the folder's checkpoint is of another recipe, or `start` is of another network.
    """
    torch.backends.cudnn.benchmark = True  # all batches have one shape
    keep_memory()
    learnt, unseen = held_out(len(album), recipe.held_out)
    run = Run(recipe, Network(recipe.dim), machine.device)
    with stop_at_signal() as asked_to_stop:
        if not run.resume(folder):
            has_head = run.network.take(read_weights(start or published_weights()))
            if not has_head:
                tell("starting the head as whitening of the features of the start")
                start_head(run, album, learnt)
            run.save_start(folder)
        curves = Curves(folder, run.step)
        exam = Exam(album, unseen, recipe) if unseen else None
        tell(f"{len(learnt)} photos, {len(unseen)} more held out; {machine.device}; step {run.step} of {recipe.steps}")
        loader = loader_of(Batches(album, learnt, recipe), run.step, machine)
        _steps(run, loader, Progress(run, curves, exam, tell), folder, asked_to_stop)
        run.save(folder)
        finished = run.step == recipe.steps
        if finished:
            run.save_weights(folder)
            curves.draw()
    return finished


def _steps(
    run: Run, loader: DataLoader[Batch], progress: Progress, folder: Path, asked_to_stop: threading.Event
) -> None:
    saved = time.monotonic()
    for batch in loader:
        progress.count(make_step(run, *batch))
        if time.monotonic() - saved > CHECKPOINT_SECONDS:
            run.save(folder)
            saved = time.monotonic()
        if asked_to_stop.is_set():
            return


def make_step(run: Run, views: Tensor, pictures: Tensor, scenes: Tensor) -> tuple[Tensor, Tensor]:
    """One step of the optimiser; InfoNCE and KoLeo before it."""
    recipe = run.recipe
    with mixed_precision(run.device):
        vectors = run.network(on_device(views, run.device))
    shown = Shown(vectors.float(), pictures.to(run.device), scenes.to(run.device))
    contrast = info_nce(shown, run.memory.shown, recipe.temperature, recipe.series_weight)
    spread = koleo(shown)
    run.optimiser.zero_grad(set_to_none=True)
    (contrast + recipe.koleo * spread).backward()
    run.optimiser.step()
    run.schedule.step()
    run.memory.add(shown)
    run.step += 1
    return contrast.detach(), spread.detach()


def loader_of(batches: Batches, first: int, machine: Machine) -> DataLoader[Batch]:
    """Batches from step `first` on, in their order, made by worker processes while the network computes.

    The processes start from nothing: one forked from a process whose OpenCV had threads waited for those for ever.
    """
    return DataLoader(
        batches,
        batch_size=None,
        sampler=range(first, len(batches)),
        num_workers=machine.workers,
        collate_fn=as_tensors,
        worker_init_fn=settle,
        multiprocessing_context="spawn" if machine.workers else None,
        pin_memory=machine.device.type == "cuda",
        prefetch_factor=4 if machine.workers else None,
    )


def settle(_: int) -> None:
    """Make a process ready to make views: on one core, as there is one process a core, and without an ear for signals.

    Ctrl-C and `timeout` signal every process of the command: the one that trains ends the others when it is done.
    """
    cv2.setNumThreads(1)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)


def as_tensors(batch: Batch) -> tuple[Tensor, Tensor, Tensor]:
    return torch.from_numpy(batch.views), torch.from_numpy(batch.pictures), torch.from_numpy(batch.scenes)


def start_head(run: Run, album: Album, photos: Sequence[int]) -> None:
    some = photos[:: max(1, len(photos) // WHITENED_PHOTOS)][:WHITENED_PHOTOS]
    pixels = (squeezed(album[number], run.recipe.side) for number in some)
    run.network.start_head(features_of(run.network, pixels, run.device))


@contextmanager
def stop_at_signal() -> Iterator[threading.Event]:
    """Ctrl-C, or a time limit's SIGTERM, sets the event instead of ending the process in the middle of a step."""
    asked = threading.Event()
    earlier = {number: signal.signal(number, lambda *_: asked.set()) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield asked
    finally:
        for number, handler in earlier.items():
            signal.signal(number, handler)
