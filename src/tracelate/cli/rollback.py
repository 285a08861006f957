"""Moving an alias back: rollback."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from tracelate.config import load_params

if TYPE_CHECKING:
    pass
from tracelate.cli.options import AliasOption, NameOption, version_text

app = typer.Typer()


@app.command(epilog="Example: `tracelate rollback --reason 'cuts long sentences short'`")
def rollback(
    alias: AliasOption = "champion",
    name: NameOption = None,
    reason: Annotated[str | None, typer.Option(help="Why; is recorded.")] = None,
) -> None:
    """Move the alias back to the version that had it before; again, and it goes further back."""
    from tracelate.registry.promotion import roll_back
    from tracelate.registry.versions import make_alias

    chosen = make_alias(name or load_params().registry.name, alias)
    event = roll_back(chosen, reason)
    typer.echo(f"{chosen} is version {event.version} again; before: {version_text(event.replaced)}")
