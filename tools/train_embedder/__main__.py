"""Make an embedding model from photos: `python -m tools.train_embedder train | pack | export | evaluate`."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from .recipe import Recipe

app = typer.Typer(help=__doc__, add_completion=False, no_args_is_help=True, pretty_exceptions_enable=False)

DEFAULT = Recipe()
STOPPED = 130
"""Exit code of a run that a signal ended: the same command goes on."""

RunFolder = Annotated[Path, typer.Option("--out", help="Folder of the run; everything it makes is kept there.")]
TestPhotos = Annotated[
    Path | None,
    typer.Option("--test", help="Folder of photos to measure on. Default: the photos held out.", exists=True),
]
Scenes = Annotated[
    Path | None, typer.Option(help="Folders with several shots of one scene each, to measure on.", exists=True)
]
Edited = Annotated[int, typer.Option(help="How many test photos are edited, in fifty ways each.")]
Workers = Annotated[int, typer.Option(help="Worker processes.", min=0)]
OTHER_CORES = max(1, (os.cpu_count() or 1) - 1)


@app.command()
def pack(
    photos: Annotated[list[Path], typer.Argument(help="Folders and tar files of photos.", exists=True)],
    out: RunFolder = Path("out/embedder"),
) -> None:
    """Only pack photos into the run's folder, to train where PyTorch is but the product's libraries are not."""
    from .run import pack_once

    pack_once(out, photos, tell=typer.echo)


@app.command()
def train(
    photos: Annotated[
        list[Path] | None,
        typer.Argument(help="Folders and tar files of photos; none to continue a run.", exists=True),
    ] = None,
    out: RunFolder = Path("out/embedder"),
    start: Annotated[
        Path | None,
        typer.Option(help="Weights or an exported model to start from. Default: the published weights.", exists=True),
    ] = None,
    stated: Annotated[
        list[str] | None, typer.Option(help="A line for the card about the data and its licence.")
    ] = None,
    test: TestPhotos = None,
    scenes: Scenes = None,
    edited: Edited = 40,
    weights_only: Annotated[
        bool, typer.Option("--weights-only", help="Only train; `export` does the rest later.")
    ] = False,
    device: Annotated[
        str | None, typer.Option(help='As PyTorch names it ("cpu", "cuda"). Default: a GPU if there is one.')
    ] = None,
    workers: Workers = OTHER_CORES,
    seed: int = DEFAULT.seed,
    steps: int = DEFAULT.steps,
    pictures: Annotated[int, typer.Option(help="Pictures in a batch, two views each.")] = DEFAULT.pictures,
    side: Annotated[int, typer.Option(help="Side of the views in training, in pixels.")] = DEFAULT.side,
    use_side: Annotated[int, typer.Option(help="Side of the pictures in use, in pixels.")] = DEFAULT.use_side,
    dim: Annotated[int, typer.Option(help="Numbers in a vector.")] = DEFAULT.dim,
    first_block: Annotated[
        int, typer.Option(min=0, max=16, help="First of the 16 blocks to train; 0 trains all.")
    ] = DEFAULT.first_block,
    learning_rate: float = DEFAULT.learning_rate,
    koleo: Annotated[float, typer.Option(help="Weight of the KoLeo loss.")] = DEFAULT.koleo,
    queue: Annotated[int, typer.Option(help="Earlier vectors kept as negatives.")] = DEFAULT.queue,
    mixup: Annotated[float, typer.Option(help="Share of views blended with another.", min=0, max=1)] = DEFAULT.mixup,
    look_alikes: Annotated[
        float, typer.Option(help="Share of look-alikes in a batch.", min=0, max=1)
    ] = DEFAULT.look_alikes,
    series_weight: Annotated[
        float, typer.Option(help="How much another shot of one scene counts as a negative.", min=0, max=1)
    ] = DEFAULT.series_weight,
    of_start: Annotated[
        float, typer.Option(help="Share of the starting weights in the result.", min=0, max=1)
    ] = DEFAULT.of_start,
) -> None:
    """Train on photos, then export, measure and describe the model. Run again, it continues where it was stopped."""
    from .run import pack_once, prepare, train_run

    recipe = Recipe(
        seed=seed,
        steps=steps,
        pictures=pictures,
        side=side,
        use_side=use_side,
        dim=dim,
        first_block=first_block,
        learning_rate=learning_rate,
        koleo=koleo,
        queue=queue,
        mixup=mixup,
        look_alikes=look_alikes,
        series_weight=series_weight,
        of_start=of_start,
    )
    pack_once(out, photos or [], tell=typer.echo)
    prepare(out, recipe, start, stated or [])
    if not train_run(out, start, device, workers, tell=typer.echo):
        typer.echo(f"stopped; the same command goes on from {out}", err=True)
        raise typer.Exit(STOPPED)
    if not weights_only:
        from .finish import finish

        finish(out, test, scenes, edited, workers, tell=typer.echo)


@app.command()
def export(
    out: RunFolder = Path("out/embedder"),
    test: TestPhotos = None,
    scenes: Scenes = None,
    edited: Edited = 40,
    workers: Workers = OTHER_CORES,
) -> None:
    """Export, measure and describe a run that was trained with --weights-only, or measure it on other photos."""
    from .finish import finish

    finish(out, test, scenes, edited, workers, tell=typer.echo)


@app.command()
def evaluate(
    photos: Annotated[Path, typer.Option(help="Folder of photos that the model was not trained on.", exists=True)],
    work: Annotated[Path, typer.Option(help="Where the test set is made and kept for the next model.")],
    model: Annotated[
        Path | None, typer.Argument(help="An ONNX file. Default: the built-in model.", exists=True)
    ] = None,
    use_side: Annotated[int, typer.Option(help="Side of the square it is given, in pixels.")] = DEFAULT.use_side,
    layout: Annotated[str, typer.Option(help='Layout of its input: "nhwc-uint8" or "nchw-float32".')] = "nhwc-uint8",
    mean: Annotated[tuple[float, float, float], typer.Option(help="Subtracted from levels of 0 to 1; floats only.")] = (
        0,
        0,
        0,
    ),
    std: Annotated[tuple[float, float, float], typer.Option(help="The difference is divided by it.")] = (1, 1, 1),
    scenes: Scenes = None,
    edited: Edited = 40,
    workers: Workers = OTHER_CORES,
    seed: int = 11,
    json: Annotated[Path | None, typer.Option(help="Also write the figures to this file.")] = None,
) -> None:
    """Measure how well a model proposes copies. To compare models, run this for each of them with the same --work."""
    from dedupctl.config import ModelConfig
    from dedupctl.errors import DedupctlError

    from .benchmark import copies_set_in
    from .evaluate import as_markdown, save
    from .evaluate import evaluate as measured

    chosen = {"path": model, "input_size": use_side, "layout": layout, "mean": mean, "std": std}
    items = copies_set_in(work, photos, scenes, edited, seed)
    try:
        figures = measured(items, ModelConfig.model_validate(chosen), max(1, workers))
    except DedupctlError as error:
        raise ValueError(str(error)) from error
    if json:
        save(figures, json)
    typer.echo(as_markdown(figures))


def main() -> None:
    try:
        app()
    except ValueError as error:
        typer.echo(f"train_embedder: {error}", err=True)
        sys.exit(2)


if __name__ == "__main__":
    main()
