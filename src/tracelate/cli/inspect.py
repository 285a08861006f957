"""A page about the corpus as prepare sees it: inspect."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from tracelate.cli.console import print_json, print_line
from tracelate.cli.options import JsonOption
from tracelate.config import load_params
from tracelate.errors import InputError
from tracelate.layout import LOCAL

app = typer.Typer()


@app.command(
    epilog="Example: `tracelate inspect`, or `tracelate inspect --against other.yaml --samples 50`"
)
def inspect(
    output: Annotated[Path, typer.Option(help="The page to write.")] = LOCAL / "inspect.html",
    against: Annotated[
        Path | None,
        typer.Option(
            help="Another params.yaml; the page then also shows which pairs its section prepare "
            "keeps and drops in place of those of params.yaml."
        ),
    ] = None,
    samples: Annotated[int, typer.Option(min=1, max=1_000, help="Most pairs of each sample.")] = 20,
    seed: Annotated[int, typer.Option(min=0, max=2**63 - 1, help="Seed of the samples.")] = 1,
    as_json: JsonOption = False,
) -> None:
    """Write a page about the corpus in data/raw as the stage prepare sees it.

    It shows samples of the pairs that each rule drops and of those that are kept, counts by rule,
    lengths, characters, the most frequent pairs, shifted lines and leakage. Nothing else is
    written: data/ and reports/ stay as they are. The page opens from disk.
    """
    from tracelate.inspection.writing import OtherSettings, write_inspection

    if output.is_dir():
        raise InputError(f"{output} is a folder: name a file for the page with --output")
    config = load_params().prepare
    other = None
    if against is not None:
        other = OtherSettings(str(against), load_params(against).prepare)
    document = write_inspection(output, config, other, samples, seed)
    if as_json:
        print_json({"page": str(output), **document})
        return
    dropped = ", ".join(f"{rule} {count:,}" for rule, count in document["dropped"].items() if count)
    print_line(
        f"inspect: {document['kept']:,} of {document['read']:,} pairs are kept; dropped are "
        f"{dropped or 'none'}"
    )
    if other is not None:
        changed = document["against"]
        print_line(
            f"inspect: {changed['only_after']:,} pairs are kept by {other.name} alone, "
            f"{changed['only_before']:,} by params.yaml alone; {changed['other_split']:,} are in "
            "another split"
        )
    print_line(f"inspect: {output} shows samples and more")
