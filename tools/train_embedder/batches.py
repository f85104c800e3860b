"""Batches: which pictures meet in one step of training, and in which two views each.

Every number drawn comes from the seed, the step and the place in the batch alone. So a batch is the same whichever
process makes it and whenever, and the step is all of the random state that a checkpoint must keep.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from random import Random

import cv2
import numpy as np
import numpy.typing as npt

from .look_alikes import family, series
from .photos import Album
from .pictures import Pixels
from .recipe import Recipe
from .views import gentle_view, light_view, strong_view

GROUP = 4
"""Look-alikes that meet in one batch."""
BOTH_STRONG = 0.3
"""Share of the pictures of which both views are strongly edited; of the others one is nearly the photo itself."""
MADE_UP = 1 << 40
"""Pictures that are no photo of the album are numbered from here."""

Identity = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Subject:
    """One picture of a batch."""

    pixels: Pixels
    picture: int
    """Its number: two views of one number are copies."""
    scene: int
    """Number of what it shows: two pictures of one scene are other shots of it, no copies."""
    gentle: bool = False
    """Only edits that leave its detail; what tells it from its look-alikes is detail."""
    template: int | None = None
    """Seed of the surroundings that its strong views share with its look-alikes."""


@dataclass(frozen=True, slots=True)
class Batch:
    views: npt.NDArray[np.uint8]
    """Shape (2 n, side, side, 3); rows 2 k and 2 k + 1 show picture k."""
    pictures: Identity
    """Which two pictures each view shows, shape (2 n, 2): twice the same one unless it is blended."""
    scenes: Identity
    """Which two scenes, shape (2 n, 2)."""


class Batches:
    """Makes the batch of any step. Its length is the number of steps, so a data loader can walk it."""

    def __init__(self, album: Album, photos: Sequence[int], recipe: Recipe) -> None:
        """`photos` are the numbers of those to train on."""
        self._album = album
        self._photos = photos
        self._recipe = recipe

    def __len__(self) -> int:
        return self._recipe.steps

    def __getitem__(self, step: int) -> Batch:
        subjects = list(self.subjects(step))
        views, shown = [], []
        for place, subject in enumerate(subjects):
            random = Random(f"{self._recipe.seed} {step} {place} views")
            views += self._two_views(subject, random)
            shown += [subject, subject]
        pictures = np.array([(subject.picture,) * 2 for subject in shown], np.int64)
        scenes = np.array([(subject.scene,) * 2 for subject in shown], np.int64)
        batch = Batch(np.stack(views), pictures, scenes)
        return blended(batch, self._recipe.mixup, Random(f"{self._recipe.seed} {step} mixup"))

    def subjects(self, step: int) -> Iterator[Subject]:
        """The pictures of a step: groups of look-alikes first, then photos that have nothing to do with each other."""
        recipe = self._recipe
        random = Random(f"{recipe.seed} {step} subjects")
        groups = round(recipe.look_alikes * recipe.pictures / GROUP)
        made_up = MADE_UP + step * recipe.pictures
        numbers = self._photos_of(step, recipe.pictures)
        for group in range(groups):
            kind, first = random.randrange(3), made_up + group * GROUP
            if kind == 0:
                for member, pixels in enumerate(family(random.getrandbits(60), GROUP)):
                    yield Subject(pixels, first + member, first + member, gentle=True)
            elif kind == 1:
                photo = next(numbers)
                for shot, pixels in enumerate(series(self._album[photo], random, GROUP)):
                    yield Subject(pixels, first + shot, photo, gentle=True)
            else:
                template = random.getrandbits(60)
                for _ in range(GROUP):
                    photo = next(numbers)
                    yield Subject(self._album[photo], photo, photo, template=template)
        for _ in range(recipe.pictures - groups * GROUP):
            photo = next(numbers)
            yield Subject(self._album[photo], photo, photo)

    def _photos_of(self, step: int, most: int) -> Iterator[int]:
        """Numbers of photos, none twice in a batch while there are enough.

        The step's share of an endless row in which all photos stand before one comes again. What a step does not take,
        because it shows made-up pictures instead, is passed over: no step need know what those before it took.
        """
        total = len(self._photos)
        orders: dict[int, Identity] = {}
        for place in range(step * most, (step + 1) * most):
            number, position = divmod(place, total)
            if number not in orders:
                orders[number] = np.random.default_rng((self._recipe.seed, number)).permutation(total)
            yield self._photos[orders[number][position]]

    def _two_views(self, subject: Subject, random: Random) -> list[Pixels]:
        side = self._recipe.side
        if subject.gentle:
            return [gentle_view(subject.pixels, random, side) for _ in range(2)]
        strong = strong_view(subject.pixels, random, self._other, side, subject.template)
        if random.random() < BOTH_STRONG:
            return [strong_view(subject.pixels, random, self._other, side), strong]
        return [light_view(subject.pixels, random, side), strong]

    def _other(self, random: Random) -> Pixels:
        return self._album[random.choice(self._photos)]


def blended(batch: Batch, share: float, random: Random) -> Batch:
    """A share of the views mixed with the view of another place (mixup): each then shows two pictures."""
    rows = random.sample(range(len(batch.views)), round(share * len(batch.views)))
    if not rows:
        return batch
    views, pictures, scenes = batch.views.copy(), batch.pictures.copy(), batch.scenes.copy()
    for row in rows:
        other = random.choice([place for place in range(len(views)) if place // 2 != row // 2])
        weight = random.uniform(0.3, 0.7)
        views[row] = cv2.addWeighted(batch.views[row], weight, batch.views[other], 1 - weight, 0)
        pictures[row, 1], scenes[row, 1] = batch.pictures[other, 0], batch.scenes[other, 0]
    return Batch(views, pictures, scenes)
