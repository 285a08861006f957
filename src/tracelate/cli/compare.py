"""Comparing what was trained: compare, runs and seeds."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tracelate.cli.console import result_console

if TYPE_CHECKING:
    from tracelate.comparison.compare import Comparison
    from tracelate.comparison.significance import Resampling
    from tracelate.evaluation.results import Evidence

app = typer.Typer()


@app.command(epilog="Example: `tracelate compare models:/en-es@champion reports`")
def compare(
    a: Annotated[
        str,
        typer.Argument(
            help="A run (its id, 6 or more characters of it, or its name), models:/NAME@alias, "
            "models:/NAME/3, or a folder such as reports."
        ),
    ],
    b: Annotated[str, typer.Argument(help="The same, to be held against A.")],
    level: Annotated[
        float, typer.Option(min=0, max=1, help="A difference is shown where both tests' p is less.")
    ] = 0.05,
    sentences: Annotated[
        int, typer.Option(min=0, help="How many of the most changed sentences to show, each way.")
    ] = 5,
    seed: Annotated[int, typer.Option(min=0, help="Of both tests.")] = 12345,
    output: Annotated[
        Path | None,
        typer.Option(help="Folder for comparison.json and a picture by source length."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print comparison.json.")] = False,
) -> None:
    """Say whether B translates better than A, or the difference may be chance.

    Refuses, and names the difference, where test set or scoring are not the same. It is about these
    two models: `tracelate seeds` says what another seed of the same settings brings.
    """
    from tracelate.cli.comparison_tables import print_comparison
    from tracelate.comparison.compare import comparison_document, write_comparison
    from tracelate.comparison.significance import Resampling
    from tracelate.tracking.results import find_evidence

    comparison = _compare(find_evidence(a), find_evidence(b), Resampling(seed=seed))
    if as_json:
        typer.echo(json.dumps(comparison_document(comparison, level), ensure_ascii=False, indent=2))
    else:
        print_comparison(result_console(), comparison, level, sentences)
    if output is not None:
        from tracelate.comparison.figure import length_difference_figure
        from tracelate.evaluation.figures.style import write_png

        write_comparison(output / "comparison.json", comparison, level)
        figure = length_difference_figure(
            comparison.by_source_length, comparison.a.name, comparison.b.name
        )
        write_png(figure, output / "difference_by_source_length.png")
        typer.echo(f"written: {output}", err=True)


def _compare(a: Evidence, b: Evidence, resampling: Resampling) -> Comparison:
    """Compares two evaluations and shows a bar."""
    from tracelate.comparison.compare import compare
    from tracelate.comparison.significance import draws_in_all
    from tracelate.progress import bar

    with bar("resampling", draws_in_all(resampling)) as advance:
        return compare(a, b, resampling, advance)
