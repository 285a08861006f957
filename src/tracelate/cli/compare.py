"""Comparing two evaluations: compare."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tracelate.cli.console import print_json, print_line, result_console
from tracelate.cli.options import REFERENCE_HELP

if TYPE_CHECKING:
    from tracelate.comparison.compare import Comparison
    from tracelate.comparison.significance import Resampling
    from tracelate.evaluation.results import Evidence

app = typer.Typer()


@app.command(epilog="Example: `tracelate compare models:/tracelate@champion reports`")
def compare(
    a: Annotated[str, typer.Argument(help=REFERENCE_HELP)],
    b: Annotated[
        str, typer.Argument(help="The model, run or evaluation to compare with A, named likewise.")
    ],
    level: Annotated[
        float,
        typer.Option(
            min=0,
            max=1,
            help="Significance level: a difference is shown if both tests' p is less, so that the "
            "interval excludes 0.",
        ),
    ] = 0.05,
    sentences: Annotated[
        int,
        typer.Option(
            min=0, help="Number of sentences to print that changed most, for better and for worse."
        ),
    ] = 5,
    seed: Annotated[int, typer.Option(min=0, help="Seed of both tests.")] = 12345,
    test: Annotated[
        str | None,
        typer.Option(
            help="Name of a further test set of evaluate.tests or `tracelate evaluate --log`, "
            "which the runs of both have. Default: the test set of their own evaluations."
        ),
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option(
            help="Folder for comparison.json and a plot of the difference by source length."
        ),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print comparison.json.")] = False,
) -> None:
    """Test whether B translates better than A, or the difference may be chance.

    Evaluations with different test sets or scoring are refused. The result holds for these two
    models: `tracelate seeds` measures how much the seed of the training changes the scores.
    """
    from tracelate.cli.comparison_tables import print_comparison
    from tracelate.comparison.compare import comparison_document, write_comparison
    from tracelate.comparison.significance import Resampling
    from tracelate.tracking.references.references import resolve
    from tracelate.tracking.results import find_evidence

    evidence_a, evidence_b = (find_evidence(resolve(text), test) for text in (a, b))
    comparison = _compare(evidence_a, evidence_b, Resampling(seed=seed), level)
    if as_json:
        print_json(comparison_document(comparison))
    else:
        print_comparison(result_console(), comparison, sentences)
    if output is not None:
        from tracelate.comparison.figure import length_difference_figure
        from tracelate.evaluation.figures.style import write_png

        write_comparison(output / "comparison.json", comparison)
        figure = length_difference_figure(
            comparison.by_source_length, comparison.a.name, comparison.b.name
        )
        write_png(figure, output / "difference_by_source_length.png")
        print_line(f"written: {output}", err=True)


def _compare(a: Evidence, b: Evidence, resampling: Resampling, level: float) -> Comparison:
    """Compares, with a progress bar on standard error if that is a terminal."""
    from tracelate.comparison.compare import compare
    from tracelate.comparison.significance import draws_in_all
    from tracelate.progress import bar

    with bar("resampling", draws_in_all(resampling)) as advance:
        return compare(a, b, resampling, level, advance)
