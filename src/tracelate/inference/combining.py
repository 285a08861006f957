"""Several trained models as one: an ensemble, whose members vote on each word."""

from __future__ import annotations

from collections.abc import Mapping
from typing import cast

from tracelate.errors import InputError
from tracelate.inference.ensemble import Ensemble
from tracelate.model.seq2seq import Seq2Seq
from tracelate.training.model_files import SavedConfig, TrainedModel

SHARED = ("source_language", "target_language", "tokenizer_sha256", "normaliser", "placeholders")
"""Entries of config.json in which all members agree."""


def combine(members: Mapping[str, TrainedModel]) -> TrainedModel:
    """Returns the ensemble of at least one model; the keys name them in errors.

    Its config is that of the first. Raises InputError unless all have the same languages,
    tokenizer, normaliser and treatment of placeholders.
    """
    (first_name, first), *others = members.items()
    for name, other in others:
        for field in SHARED:
            _refuse_other(field, first_name, first.config, name, other.config)
    models = [cast(Seq2Seq, one.model) for one in members.values()]
    return first._replace(model=Ensemble(models).eval())


def _refuse_other(
    field: str, first_name: str, first: SavedConfig, name: str, other: SavedConfig
) -> None:
    mine, theirs = getattr(first, field), getattr(other, field)
    if mine == theirs:
        return
    shown = "" if field == "tokenizer_sha256" else f" ({mine} and {theirs})"
    what = field.removesuffix("_sha256").replace("_", " ")
    raise InputError(
        f"{first_name} and {name} cannot be one ensemble, because their {what} differs{shown}: "
        "train all members on the same tokenized text"
    )
