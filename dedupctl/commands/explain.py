"""`explain` and `verdict`: the evidence on two pictures, and what a person says about them."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from dedupctl.commands.messages import answer, say
from dedupctl.commands.output_files import written_file
from dedupctl.commands.session import AsJson, Session, existing_path, print_json
from dedupctl.domain import Verdict
from dedupctl.report.documents import explanation_as_json


def register(app: typer.Typer) -> None:
    app.command(epilog="Example:  dedupctl explain a.jpg b.jpg --image proof.png")(explain)
    app.command(epilog="Example:  dedupctl verdict a.jpg b.jpg different")(verdict)


def explain(
    context: typer.Context,
    path_a: Annotated[Path, typer.Argument(metavar="A", help="A picture of the library.")],
    path_b: Annotated[Path, typer.Argument(metavar="B", help="Another one.")],
    image: Annotated[
        Path | None, typer.Option("--image", metavar="PNG", help="Draw the two side by side with the matched outline.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Show the evidence on two pictures, in words: what B is to A, and how that is known."""
    session: Session = context.obj
    a, b = existing_path(path_a), existing_path(path_b)
    with session.library() as library:
        explanation = library.explain(a, b)
        if image is not None:
            drawing = library.draw(explanation)
            with written_file(library, image, "wb") as file:
                file.write(drawing)
            say(f"drawn: {image}")
    if as_json:
        print_json(explanation_as_json(a, b, explanation))
    else:
        answer(f"{explanation.kind or 'no pair'}: {explanation.words}")


def verdict(
    context: typer.Context,
    a: Annotated[Path, typer.Argument(help="A picture of the library.")],
    b: Annotated[Path, typer.Argument(help="Another one.")],
    said: Annotated[Verdict, typer.Argument(metavar="same|different", help="What you see.")],
) -> None:
    """Say that two pictures are the same or different. It is kept by content, and no proof overrules it."""
    session: Session = context.obj
    with session.library() as library:
        library.verdict(existing_path(a), existing_path(b), said)
    say(f"remembered: {said.value}")
