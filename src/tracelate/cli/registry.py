"""Moving registered models' aliases: promote, rollback and history."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tracelate.cli.console import result_console
from tracelate.config import load_params
from tracelate.errors import InputError

if TYPE_CHECKING:
    from rich.table import Table

    from tracelate.evaluation.gate import Verdict
    from tracelate.tracking.alias_history import Event
    from tracelate.tracking.promotion import Promotion
    from tracelate.tracking.registry import Alias

app = typer.Typer()
AliasOption = Annotated[str, typer.Option("--alias", help="What serving asks for.")]
NameOption = Annotated[
    str | None,
    typer.Option("--name", help="The registered model. Default: registry.name of params.yaml."),
]


@app.command(epilog="Example: `tracelate promote 3f9c2a --dry-run`, then without it")
def promote(
    run: Annotated[
        str,
        typer.Argument(
            help="A run (its id, 6 or more characters of it, or its name) or models:/NAME/3."
        ),
    ],
    alias: AliasOption = "champion",
    name: NameOption = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what would happen, and change nothing.")
    ] = False,
    accept_leakage: Annotated[
        bool, typer.Option("--accept-leakage", help="Of test sentences into training.")
    ] = False,
    force: Annotated[
        bool, typer.Option("--force", help="Move the alias whatever the checks say.")
    ] = False,
    reason: Annotated[
        str | None, typer.Option(help="Why it is forced; is recorded with the failed checks.")
    ] = None,
    test: Annotated[
        Path, typer.Option(help="The test sentences that the run was scored on.")
    ] = Path("data/prepared/test.parquet"),
) -> None:
    """Move the alias to a run's model, if it is better than the one that has it.

    Asks for: the same test set and scoring, a difference that is significant and more than another
    seed may bring, no leakage, and the registered model's translations being those that were
    scored, one by one as in batches.
    """
    from tracelate.tracking.promotion import Wish
    from tracelate.tracking.promotion import promote as promote_run
    from tracelate.tracking.registry import make_alias

    if force != (reason is not None):
        raise InputError("--force and --reason belong together: say why it is forced")
    config = load_params().registry
    chosen = make_alias(name or config.name, alias)
    wish = Wish(
        run,
        chosen,
        config.metric,
        config.significance_level,
        test,
        config.seed_deviation,
        accept_leakage=accept_leakage,
        forced_because=reason,
        dry_run=dry_run,
    )
    with _progress() as on_progress:
        done = promote_run(wish, on_progress)
    if done.verdict.checks:
        result_console().print(_table_of_checks(done.verdict))
    typer.echo(_outcome(done, chosen, dry_run))
    if done.decision == "refused":
        raise typer.Exit(1)


@app.command(epilog="Example: `tracelate rollback --reason 'cuts long sentences short'`")
def rollback(
    alias: AliasOption = "champion",
    name: NameOption = None,
    reason: Annotated[str | None, typer.Option(help="Why; is recorded.")] = None,
) -> None:
    """Move the alias back to the version that had it before; again, and it goes further back."""
    from tracelate.tracking.promotion import roll_back
    from tracelate.tracking.registry import make_alias

    chosen = make_alias(name or load_params().registry.name, alias)
    event = roll_back(chosen, reason)
    typer.echo(f"{chosen} is version {event.version} again; before: {_version(event.replaced)}")


@app.command(epilog="Example: `tracelate history --alias champion --json`")
def history(
    alias: AliasOption = "champion",
    name: NameOption = None,
    as_json: Annotated[bool, typer.Option("--json", help="For machines.")] = False,
) -> None:
    """List what the alias has pointed at, since when, why, and who moved it."""
    from tracelate.tracking.promotion import alias_history
    from tracelate.tracking.registry import make_alias

    chosen = make_alias(name or load_params().registry.name, alias)
    events = alias_history(chosen)
    if as_json:
        documents = [event.model_dump() for event in events]
        typer.echo(json.dumps(documents, ensure_ascii=False, indent=2))
    elif not events:
        typer.echo(f"{chosen} has never been moved: `tracelate promote` does")
    else:
        result_console().print(_table_of_events(events))


@contextmanager
def _progress() -> Iterator[Callable[[str, int, int], object]]:
    """A bar for each thing under way, on stderr while that is a terminal."""
    from rich.console import Console
    from rich.progress import Progress, TaskID

    console = Console(stderr=True)
    tasks: dict[str, TaskID] = {}
    with Progress(console=console, transient=True, disable=not console.is_terminal) as shown:

        def advance(what: str, count: int, total: int) -> None:
            if what not in tasks:
                tasks[what] = shown.add_task(what, total=total)
            shown.advance(tasks[what], count)

        yield advance


def _table_of_checks(verdict: Verdict) -> Table:
    from rich.markup import escape
    from rich.table import Table

    table = Table()
    table.add_column("")
    table.add_column("check", no_wrap=True)
    table.add_column("what was found")
    for check in verdict.checks:
        mark = "[green]✓[/]" if check.passed else "[red]✗[/]"
        table.add_row(mark, check.name, escape(check.reason))
    return table


def _table_of_events(events: list[Event]) -> Table:
    from datetime import datetime

    from rich.markup import escape
    from rich.table import Table

    table = Table()
    for column in ("when", "what", "version", "replaced", "why", "failed checks", "who", "commit"):
        table.add_column(column, no_wrap=column in ("when", "what"))
    for event in events:
        table.add_row(
            f"{datetime.fromisoformat(event.when).astimezone():%Y-%m-%d %H:%M}",
            event.kind,
            event.version,
            event.replaced or "",
            escape(event.why),
            ", ".join(event.failed),
            escape(event.who),
            (event.commit or "")[:7],
        )
    return table


def _outcome(done: Promotion, alias: Alias, dry_run: bool) -> str:
    new = "a new version" if done.version is None else _version(done.version)
    old = _version(done.replaced)
    match done.decision, dry_run:
        case "unchanged", _:
            return f"{alias} is {new} already: nothing to do"
        case "refused", False:
            return (
                f"refused: {alias} stays {old}. Mend what failed (✗), or overrule it with --force "
                "--reason"
            )
        case "refused", True:
            return f"would be refused: {alias} would stay {old}"
        case decision, True:
            return f"would be {decision}: {alias} would become {new}; now: {old}"
        case decision, _:
            return f"{decision}: {alias} is {new} now; before: {old}"


def _version(version: str | None) -> str:
    return "nothing" if version is None else f"version {version}"
