"""From a trained run to the file that ships: export, figures and card. Needs the product's libraries, and no GPU."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from random import Random

from jinja2 import Environment, StrictUndefined

from dedupctl.config import ModelConfig

from .benchmark import copies_set_in
from .checkpoint import WEIGHTS_NAME
from .evaluate import Figures, as_markdown, evaluate, save
from .export import Exported, export
from .network import read_weights
from .photos import Album, Packed, encoded, held_out
from .pictures import Pixels
from .progress import Tell
from .recipe import Recipe
from .run import Origin
from .views import light_view, strong_view

MODEL_NAME, EXPORTED_NAME, FIGURES_NAME, CARD_NAME = "model.onnx", "exported.json", "figures.json", "MODEL.md"
CARD_TEMPLATE = Path(__file__).with_name("card.md.jinja")
CALIBRATED, CHECKED = 128, 128
"""Views that the 8-bit scales are taken from, and others that the two forms are compared on."""


def finish(folder: Path, test: Path | None, scenes: Path | None, edited: int, workers: int, *, tell: Tell) -> None:
    """Export what a finished run learnt, measure it and write its card.

    Raises:
        ValueError: the run is not finished.
    """
    packed = Packed.load(folder)
    if packed is None or not (folder / WEIGHTS_NAME).exists():
        raise ValueError(f"{folder} holds no finished run")
    recipe, album = Recipe.load(folder), Album(folder)
    tell("exporting")
    exported = export_run(folder, recipe, album)
    tell(f"8-bit against float: mean cosine {exported.mean_cosine:.4f}, worst {exported.worst_cosine:.4f}")
    photos = test or unseen_photos(folder, recipe, album)
    items = copies_set_in(folder / "test-set", photos, scenes, edited, recipe.seed)
    tell(f"measuring on {len(items)} pictures")
    figures = evaluate(items, ModelConfig(path=folder / MODEL_NAME, input_size=recipe.use_side), max(1, workers))
    save(figures, folder / FIGURES_NAME)
    tell(as_markdown(figures))
    tested_on = "photos it was not trained on" if test else "the photos held out of its training"
    text = card(recipe, Origin.load(folder), packed, exported, figures, tested_on=tested_on)
    (folder / CARD_NAME).write_text(text, encoding="utf-8")
    tell(f"{folder / MODEL_NAME} and its card {folder / CARD_NAME}")


def export_run(folder: Path, recipe: Recipe, album: Album) -> Exported:
    """Write the run's model file, calibrated on views of photos that it was trained on, checked on others."""
    weights = {name: value.numpy() for name, value in read_weights(folder / WEIGHTS_NAME).items()}
    learnt, unseen = held_out(len(album), recipe.held_out)
    calibration = some_views(album, learnt, recipe, CALIBRATED)
    exported = export(weights, calibration, some_views(album, unseen or learnt, recipe, CHECKED), folder / MODEL_NAME)
    exported.save(folder / EXPORTED_NAME)
    return exported


def some_views(album: Album, photos: Sequence[int], recipe: Recipe, count: int) -> list[Pixels]:
    """Views of `photos` at the size of use, half of them strongly edited: a library holds both."""

    def other(random: Random) -> Pixels:
        return album[random.choice(photos)]

    random, side = Random(f"{recipe.seed} views to export with"), recipe.use_side
    chosen = [random.choice(photos) for _ in range(count)]
    half = count // 2
    return [light_view(album[number], random, side) for number in chosen[:half]] + [
        strong_view(album[number], random, other, side) for number in chosen[half:]
    ]


def unseen_photos(folder: Path, recipe: Recipe, album: Album) -> Path:
    """The photos that were held out, as files, which the test set is made of."""
    target = folder / "held-out"
    target.mkdir(exist_ok=True)
    for number in held_out(len(album), recipe.held_out)[1]:
        (target / f"{number:06d}.jpg").write_bytes(encoded(album[number]))
    return target


def card(
    recipe: Recipe, origin: Origin, packed: Packed, exported: Exported, figures: Figures, *, tested_on: str
) -> str:
    """The model card: what the file is, where it comes from, what was measured of it and what it cannot do."""
    markdown = Environment(undefined=StrictUndefined, keep_trailing_newline=True, autoescape=False)  # noqa: S701
    return markdown.from_string(CARD_TEMPLATE.read_text(encoding="utf-8")).render(
        recipe=recipe,
        settings=asdict(recipe),
        origin=origin,
        packed=packed,
        exported=exported,
        figures=as_markdown(figures),
        tested_on=tested_on,
    )
