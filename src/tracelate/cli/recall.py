"""Finding all that was made from a text or a corpus: recall."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from tracelate.cli.console import print_json, print_line, result_console
from tracelate.cli.options import JsonOption
from tracelate.errors import InputError

if TYPE_CHECKING:
    from rich.table import Table

    from tracelate.corpus.exclusion import PairSelection
    from tracelate.lineage.recall import Recall, RecallQuery

app = typer.Typer()


@app.command(
    epilog='Example: `tracelate recall --pair "Could not connect." --exclude`, then `dvc repro`'
)
def recall(
    corpus: Annotated[
        str | None, typer.Option(help="Name of a corpus, with or without its version.")
    ] = None,
    licence: Annotated[
        str | None, typer.Option(help="Licence of a corpus, as its provenance states it.")
    ] = None,
    pair: Annotated[
        list[str] | None,
        typer.Option(help="Whole text of a sentence, on either side; may be repeated."),
    ] = None,
    origin: Annotated[
        list[str] | None,
        typer.Option(
            help="File that pairs were read from, or FILE:PLACE, as the corpus names it; may be "
            "repeated."
        ),
    ] = None,
    exclude: Annotated[
        bool,
        typer.Option(
            "--exclude",
            help="Add the texts and origins to prepare.excluded of params.yaml, so that `dvc "
            "repro` trains without them.",
        ),
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """List the runs, models, versions and aliases that a text or a corpus has reached.

    Sentences and origins are searched in the data of every run: in this folder and in DVC's cache.
    Where data are missing, their runs are named, and the exit status is 1.
    """
    from tracelate.lineage.exclude import exclude_pairs
    from tracelate.lineage.recall import recall as recall_runs
    from tracelate.progress import spinner
    from tracelate.tracking.store.store import connect_existing

    query = _query(corpus, licence, pair or [], origin or [])
    if exclude and query.pairs is None:
        raise InputError(
            "--exclude belongs to --pair and --origin: name another corpus in the section download "
            "of params.yaml to train without this one"
        )
    with spinner("searching the data of all runs"):
        found = recall_runs(connect_existing(), query)
    if as_json:
        print_json(_document(found))
    else:
        _print(found, query, exclude=exclude)
    if exclude and query.pairs is not None:
        exclude_pairs(query.pairs)
    if found.unknown:
        raise typer.Exit(1)


def _query(
    corpus: str | None, licence: str | None, texts: list[str], origins: list[str]
) -> RecallQuery:
    from tracelate.corpus.exclusion import selection
    from tracelate.lineage.recall import RecallQuery
    from tracelate.text.normaliser import STEP_NAMES, Normaliser

    pairs = selection(texts, origins) if texts or origins else None
    if sum(one is not None for one in (corpus, licence, pairs)) != 1:
        raise InputError("give one of --corpus, --licence, or --pair and --origin")
    if pairs is not None and "" in {*map(Normaliser(STEP_NAMES), pairs.texts), *pairs.origins}:
        raise InputError("--pair and --origin must not be empty: give the text or the file")
    return RecallQuery(corpus, licence, pairs)


def _document(found: Recall) -> dict[str, object]:
    return {
        "searched_runs": found.searched_runs,
        "runs": [run._asdict() for run in found.runs],
        "unknown": [data._asdict() for data in found.unknown],
    }


def _print(found: Recall, query: RecallQuery, *, exclude: bool) -> None:
    if found.runs:
        result_console().print(_table(found))
    print_line(f"{len(found.runs):,} of {found.searched_runs:,} runs were reached")
    for data in found.unknown:
        print_line(f"unknown: {len(data.run_ids):,} runs with data {data.data}: {data.reason}")
    if not found.runs:
        return
    if query.pairs is None:
        print_line(
            "to train without it: name another corpus in the section download of params.yaml, then "
            "run `dvc repro`"
        )
    elif exclude:
        print_line("params.yaml excludes it now: run `dvc repro` to train without it")
    else:
        print_line(f"to train without it: {_command(query.pairs)} && dvc repro")


def _command(pairs: PairSelection) -> str:
    import shlex

    from tracelate.text.normaliser import STEPS_BEFORE, Normaliser

    texts = sorted(set(map(Normaliser(STEPS_BEFORE), pairs.texts)))
    options = [
        *(word for text in texts for word in ("--pair", text)),
        *(word for origin in pairs.origins for word in ("--origin", origin)),
    ]
    return shlex.join(["tracelate", "recall", *options, "--exclude"])


def _table(found: Recall) -> Table:
    from rich.markup import escape
    from rich.table import Table

    from tracelate.metric_table import metric_title

    metrics = sorted({key for run in found.runs for key in run.scores})
    table = Table()
    for column in ("run", "name", "status", "corpus", "pairs", *map(metric_title, metrics)):
        table.add_column(column, no_wrap=column == "run")
    table.add_column("versions and aliases")
    for run in found.runs:
        pairs = run.pairs or {}
        table.add_row(
            run.run_id[:8],
            escape(run.name),
            run.status.lower(),
            escape(run.corpus),
            ", ".join(f"{split} {count:,}" for split, count in pairs.items()),
            *(f"{run.scores[key]:.2f}" if key in run.scores else "" for key in metrics),
            escape(", ".join([*run.versions, *run.aliases])),
        )
    return table
