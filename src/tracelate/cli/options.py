"""Options, help texts and messages that several commands share."""

from __future__ import annotations

from typing import Annotated

import typer

from tracelate.tracking.references.references import FORMS

REFERENCE_HELP = f"The model, run or evaluation: {FORMS}."
"""Help of every argument that names a model, a run or an evaluation."""

ENSEMBLE_HELP = (
    " Several with + between them are an ensemble: the mean of their probabilities chooses each "
    "word."
)
"""Help of an argument that names one model or several."""

AliasOption = Annotated[
    str, typer.Option("--alias", help="Name by which the served version is found.")
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON.")]
NameOption = Annotated[
    str | None,
    typer.Option("--name", help="The registered model. Default: registry.name of params.yaml."),
]


def version_text(version: str | None) -> str:
    """Returns `version 3`, or `nothing` if there is no version."""
    return "nothing" if version is None else f"version {version}"
