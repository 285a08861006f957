"""Training a model again: replay."""

from __future__ import annotations

import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tracelate.cli.console import print_json, print_line, result_console
from tracelate.cli.options import REFERENCE_HELP, JsonOption
from tracelate.errors import InputError

if TYPE_CHECKING:
    from tracelate.lineage.trace import Trace
    from tracelate.tracking.references.references import Reference, ServedReference

app = typer.Typer()


@app.command(epilog="Example: `tracelate replay models:/tracelate@champion`")
def replay(
    reference: Annotated[str, typer.Argument(help=REFERENCE_HELP)],
    keep: Annotated[
        Path | None,
        typer.Option(help="Folder in which the worktree is made and kept.", show_default="removed"),
    ] = None,
    allow_dirty: Annotated[
        bool,
        typer.Option("--allow-dirty", help="Replay also if files differed from the commit."),
    ] = False,
    yes: Annotated[
        bool,
        typer.Option("--yes", help="Replay without asking. Needed for a lineage from elsewhere."),
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Train a model again, from its corpus on, and compare all results.

    The commit is checked out into a temporary folder, and every stage runs there with the settings
    of the run. Nothing is logged to the project's MLflow store. On the same kind of machine with
    the same number of threads, the weights are the same byte for byte. If something differs, it is
    named, and the exit status is 1.

    A replay runs the code of the commit. Before it, the commit, the corpus and the settings that
    differ from params.yaml are printed. On a terminal you are asked. Elsewhere, a lineage from a
    server or from a folder outside this project needs --yes.
    """
    from tracelate.cli.lineage_tree import print_checks
    from tracelate.lineage.checks import failed_checks
    from tracelate.lineage.replay import replay as replay_lineage
    from tracelate.lineage.trace import trace
    from tracelate.tracking.references.references import resolve_with_servers

    # as SystemExit, so that the temporary folder is removed
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    resolved = resolve_with_servers(reference)
    traced = trace(resolved)
    _confirm(resolved, traced, yes)
    checks = replay_lineage(
        traced.lineage,
        traced.chain.metrics,
        root=traced.found.root,
        kept=keep,
        allow_dirty=allow_dirty,
    )
    if as_json:
        print_json({"reference": reference, "checks": [check._asdict() for check in checks]})
    else:
        print_checks(result_console(), checks)
    if keep is not None:
        print_line(f"kept: {keep}; `git worktree remove --force {keep}` removes it", err=True)
    if failed := failed_checks(checks):
        raise InputError(
            f"the replay of {reference} gave other results for "
            f"{', '.join(one.what for one in failed)}: look for the cause at the first of them, "
            "because later ones follow from it"
        )


def _confirm(reference: Reference | ServedReference, traced: Trace, is_accepted: bool) -> None:
    """Shows the replay and asks for permission.

    Raises InputError if the lineage is invalid, if the answer is no, or if nobody can be asked
    about a lineage from elsewhere.
    """
    from tracelate.lineage.replay_plan import (
        describe_replay,
        is_own,
        refuse_files_outside_project,
        refuse_invalid_lineage,
    )

    refuse_invalid_lineage(traced.lineage)
    own = is_own(reference)
    if not own:
        refuse_files_outside_project(traced.lineage)
    for line in describe_replay(traced.lineage, traced.found.root):
        typer.echo(line, err=True)
    if is_accepted:
        return
    if sys.stdin.isatty():
        if not typer.confirm("Run this commit with these settings?", err=True):
            raise InputError("the replay was not started: answer y to start it")
    elif not own:
        raise InputError(
            f"the lineage of {reference.text} does not come from this project, and a replay runs "
            "the code and fetches the corpus that it names: read the lines above, then add --yes"
        )
