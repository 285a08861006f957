"""Options and texts that several commands share."""

from __future__ import annotations

from typing import Annotated

import typer

REFERENCE_HELP = (
    "models:/NAME@alias, models:/NAME/3, a run (its id, 6 or more characters of it, or its name), "
    "a file or folder such as models, or a served model's address."
)


AliasOption = Annotated[str, typer.Option("--alias", help="What serving asks for.")]
NameOption = Annotated[
    str | None,
    typer.Option("--name", help="The registered model. Default: registry.name of params.yaml."),
]


def version_text(version: str | None) -> str:
    return "nothing" if version is None else f"version {version}"
