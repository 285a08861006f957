"""Moving an alias back: rollback."""

from __future__ import annotations

from typing import Annotated

import typer

from tracelate.cli.console import print_json, print_line
from tracelate.cli.options import AliasOption, JsonOption, NameOption, version_text
from tracelate.config import load_params

app = typer.Typer()


@app.command(epilog="Example: `tracelate rollback --reason 'cuts long sentences short'`")
def rollback(
    alias: AliasOption = "champion",
    name: NameOption = None,
    reason: Annotated[str | None, typer.Option(help="Recorded in the alias's history.")] = None,
    as_json: JsonOption = False,
) -> None:
    """Move the alias back to its previous version; call it again to go further back."""
    from tracelate.registry.rollback import roll_back
    from tracelate.registry.versions import make_alias

    chosen = make_alias(name or load_params().registry.name, alias)
    event = roll_back(chosen, reason)
    if as_json:
        print_json(event.model_dump())
        return
    print_line(
        f"{chosen} is {version_text(event.version)} again; before: {version_text(event.replaced)}"
    )
