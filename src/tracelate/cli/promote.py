"""Moving an alias to a better version: promote."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tracelate.cli.console import print_json, print_line, result_console
from tracelate.cli.options import (
    REFERENCE_HELP,
    AliasOption,
    JsonOption,
    NameOption,
    version_text,
)
from tracelate.cli.signing_options import SignWithOption, load_key
from tracelate.config import Requirement, load_params
from tracelate.errors import InputError
from tracelate.layout import TEST

if TYPE_CHECKING:
    from rich.table import Table

    from tracelate.registry.champion import SettingsOfBoth
    from tracelate.registry.gate import GateVerdict
    from tracelate.registry.promotion import Promotion
    from tracelate.registry.versions import Alias

app = typer.Typer()
REFUSED = 3
"""Exit status if the gate refuses the model; that of an error is 1, and of a wrong option 2."""


@app.command(epilog="Example: `tracelate promote 3f9c2a --dry-run`, then without it")
def promote(
    run: Annotated[str, typer.Argument(help=REFERENCE_HELP)],
    alias: AliasOption = "champion",
    name: NameOption = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Print what would happen, and change nothing.")
    ] = False,
    accept_leakage: Annotated[
        bool,
        typer.Option(
            "--accept-leakage",
            help="Accept test sentences that occur in the training text.",
        ),
    ] = False,
    force: Annotated[
        bool, typer.Option("--force", help="Move the alias even if checks fail.")
    ] = False,
    reason: Annotated[
        str | None, typer.Option(help="Reason for --force; recorded with the failed checks.")
    ] = None,
    test: Annotated[
        Path, typer.Option(help="File with the test sentences that the run was scored on.")
    ] = TEST,
    better_on: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME",
            help="Further test set on which the model must be better too; may be repeated. It adds "
            "to registry.tests.",
        ),
    ] = None,
    not_worse_on: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME",
            help="Further test set on which the model must not be worse than by "
            "registry.not_worse_margin; may be repeated. It adds to registry.tests.",
        ),
    ] = None,
    sign_with: SignWithOption = None,
    as_json: JsonOption = False,
) -> None:
    """Move the alias to a run's model if it is better than the alias's present version.

    The gate requires the same test set and scoring, a gain that is significant and larger than the
    variation between seeds, what registry.tests asks for on further test sets, no leakage, that the
    registered model's translations equal those that were scored, in batches and one by one, and an
    alias that is where the last promotion or rollback left it. A version that was given the alias
    in MLflow's own pages can be promoted, too.

    With a key, the model's files are signed as this version. A model that has the alias already is
    signed again.

    Exits with status 3 if the gate refuses the model, and with 1 after an error.
    """
    from tracelate.progress import bar_for_each_step
    from tracelate.registry.gate import gate_policy
    from tracelate.registry.promotion import PromotionRequest
    from tracelate.registry.promotion import promote as promote_run
    from tracelate.registry.signing import Signing
    from tracelate.registry.versions import make_alias
    from tracelate.signing.trust import read_trust
    from tracelate.tracking.references.references import resolve

    if force != (reason is not None):
        raise InputError("--force and --reason belong together: give a reason for --force")
    tests: dict[str, Requirement] = {
        **dict.fromkeys(not_worse_on or [], "not_worse"),
        **dict.fromkeys(better_on or [], "better"),
    }
    policy = gate_policy(load_params(), accept_leakage=accept_leakage, tests=tests)
    chosen = make_alias(name or load_params().registry.name, alias)
    request = PromotionRequest(
        resolve(run),
        chosen,
        policy,
        test,
        forced_because=reason,
        dry_run=dry_run,
        signing=Signing(None if dry_run else load_key(sign_with), read_trust()),
    )
    with bar_for_each_step() as on_progress:
        done = promote_run(request, on_progress)
    if as_json:
        print_json(_document(done, chosen, dry_run))
    elif done.verdict.checks:
        result_console().print(_table_of_checks(done.verdict))
        if done.differing_settings:
            print_line(_listed(done.differing_settings))
    if not as_json:
        print_line(_outcome(done, chosen, dry_run))
    if done.decision == "refused":
        raise typer.Exit(REFUSED)


def _document(done: Promotion, alias: Alias, dry_run: bool) -> dict[str, object]:
    return {
        "decision": done.decision,
        "dry_run": dry_run,
        "model": alias.model,
        "alias": alias.name,
        "version": done.version,
        "replaced": done.replaced,
        "checks": [check._asdict() for check in done.verdict.checks],
        "record": done.record,
        "signed": done.signed,
        "differing_settings": done.differing_settings,
        "unrecorded_move": None if done.move is None else done.move._asdict(),
    }


def _listed(settings: SettingsOfBoth) -> str:
    """Returns a line with the champion's and the candidate's value of each setting."""
    from tracelate.comparison.settings import shown_settings

    champion, candidate = shown_settings(
        [
            {name: str(values[of]) for name, values in settings.items()}
            for of in ("champion", "candidate")
        ]
    )
    changes = (f"{name} {champion[name]} → {candidate[name]}" for name in champion)
    return f"settings that differ from the champion's: {', '.join(changes)}"


def _table_of_checks(verdict: GateVerdict) -> Table:
    from rich.markup import escape
    from rich.table import Table

    table = Table()
    table.add_column("")
    table.add_column("check", no_wrap=True)
    table.add_column("result")
    for check in verdict.checks:
        mark = "[green]✓[/]" if check.passed else "[red]✗[/]"
        table.add_row(mark, check.name, escape(check.reason))
    return table


def _outcome(done: Promotion, alias: Alias, dry_run: bool) -> str:
    new = "a new version" if done.version is None else version_text(done.version)
    old = version_text(done.replaced)
    match done.decision, dry_run:
        case "unchanged", _ if done.signed:
            return f"{alias} is {new} already; now {_signed(done)}"
        case "unchanged", _:
            return f"{alias} is {new} already: nothing to do"
        case "refused", False:
            return (
                f"refused: {alias} stays {old}. Fix what failed (✗), or promote anyway with "
                "--force --reason"
            )
        case "refused", True:
            return f"would be refused: {alias} would stay {old}"
        case decision, True:
            return f"would be {decision}: {alias} would become {new}; now: {old}"
        case decision, _:
            return f"{decision}: {alias} is {new} now, {_signed(done)}; before: {old}"


def _signed(done: Promotion) -> str:
    match done.signed:
        case "folder":
            return "signed (its files are those of this folder)"
        case "store":
            return "signed (as MLflow has it: this folder has another model)"
        case _:
            return "unsigned"
