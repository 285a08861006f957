"""The name of a run: its languages, its architecture, and the settings that it tries out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tracelate.comparison.settings import HASH, WITHOUT_EFFECT, short_names
from tracelate.errors import InputError
from tracelate.git import committed_text
from tracelate.layout import PARAMS
from tracelate.model.architecture import architecture_name
from tracelate.saved_settings import model_config_of
from tracelate.text.languages import shown_pair
from tracelate.tracking.runs.run_writer import flatten
from tracelate.yaml_file import parse_yaml

NAMED = (
    "download.source_language",
    "download.target_language",
    "model.architecture",
    "model.attention",
    "model.cell",
    "model.directions",
    "model.encoder",
    "model.hops",
    "model.input_feeding",
    "model.layers",
)
"""Settings that the languages and the architecture in a run's name say already."""
MOST = 3
"""Settings in a name; more are counted."""


def run_name(params: Mapping[str, Any]) -> str:
    """Returns the languages and the architecture, such as `en-es gru, general`."""
    return f"{language_pair(params)} {architecture_name(model_config_of(params['model']))}"


def experiment_name(params: Mapping[str, Any]) -> str:
    """Returns `run_name` with the settings that differ from those of the commit.

    For example `en-es gru, general, seed 2, learning_rate 0.01`.
    """
    changed = changed_settings(params)
    shown = [f"{name} {changed[name]}" for name in list(changed)[:MOST]]
    if len(changed) > MOST:
        shown.append(f"{len(changed) - MOST} more")
    return ", ".join([run_name(params), *shown])


def changed_settings(params: Mapping[str, Any]) -> dict[str, object]:
    """Returns the settings that differ from params.yaml of the commit, by their short names.

    Those that `run_name` has or that change no result are left out, and hashes, which other
    settings stand for; all are outside a repository.
    """
    text = committed_text(PARAMS)
    try:
        committed = None if text is None else parse_yaml(text, str(PARAMS))
    except InputError:
        return {}
    if not isinstance(committed, dict):
        return {}
    before = dict(flatten(committed))
    changed = {
        name: value
        for name, value in flatten(params)
        if name in before
        and before[name] != value
        and name not in NAMED
        and not name.startswith(WITHOUT_EFFECT)
        and not HASH.fullmatch(str(value))
    }
    return dict(zip(short_names(list(changed)), changed.values(), strict=True))


def language_pair(params: Mapping[str, Any]) -> str:
    """Returns the codes of source and target language in their normal forms, such as `en-es`."""
    return shown_pair(params["download"]["source_language"], params["download"]["target_language"])
