"""Moving an alias to a better model: promote."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tracelate.cli.console import result_console
from tracelate.config import load_params
from tracelate.errors import InputError
from tracelate.layout import TEST

if TYPE_CHECKING:
    from rich.table import Table

    from tracelate.registry.gate import Verdict
    from tracelate.registry.promotion import Promotion
    from tracelate.registry.versions import Alias

from tracelate.cli.options import AliasOption, NameOption, version_text

app = typer.Typer()


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
    ] = TEST,
) -> None:
    """Move the alias to a run's model, if it is better than the one that has it.

    Asks for: the same test set and scoring, a difference that is significant and more than another
    seed may bring, no leakage, and the registered model's translations being those that were
    scored, one by one as in batches.
    """
    from tracelate.registry.promotion import Wish
    from tracelate.registry.promotion import promote as promote_run
    from tracelate.registry.versions import make_alias

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


def _outcome(done: Promotion, alias: Alias, dry_run: bool) -> str:
    new = "a new version" if done.version is None else version_text(done.version)
    old = version_text(done.replaced)
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
