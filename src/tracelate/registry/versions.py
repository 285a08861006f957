"""Aliases and versions of registered models."""

from __future__ import annotations

import re
from typing import NamedTuple

from tracelate.config_registry import MAX_MODEL_NAME, MODEL_NAME
from tracelate.errors import InputError
from tracelate.registry.alias_lock import hold_lock
from tracelate.tracking.runs.runs import DESCRIPTION_TAG
from tracelate.tracking.store.store import Store

NAME = re.compile(MODEL_NAME)
ALIAS = re.compile(r"(?!latest$|v[0-9]+$)[A-Za-z0-9_-]{1,200}", re.IGNORECASE)
"""MLflow reserves `latest`, and `v` followed by a number."""
DEFAULT_ALIAS = "champion"
"""Alias that commands move if none is named."""


class Alias(NamedTuple):
    """A name for one version of a registered model, such as champion."""

    model: str
    name: str

    @property
    def uri(self) -> str:
        return f"models:/{self.model}@{self.name}"

    def __str__(self) -> str:
        return f"{self.name} of {self.model}"


def make_alias(model: str, name: str) -> Alias:
    """Returns the alias. Raises InputError if MLflow does not allow one of the names."""
    if len(model) > MAX_MODEL_NAME or not NAME.fullmatch(model):
        raise InputError(
            f"the registered model's name {model!r} is not allowed: choose another one with "
            "--name, of at most 200 letters, digits, '.', '_' and '-', and neither '.' nor '..' "
            "at its beginning"
        )
    if not ALIAS.fullmatch(name):
        raise InputError(
            f"the alias {name!r} is not allowed: choose another one with --alias, of at most 200 "
            "letters, digits, '_' and '-', and not 'latest' or 'v' followed by a number"
        )
    return Alias(model, name)


def current_version(store: Store, alias: Alias) -> str | None:
    """Returns the version that the alias points at, or None if there is none."""
    registered = store.registry.find(alias.model)
    return None if registered is None else registered.aliases.get(alias.name)


def find_version(store: Store, model: str, model_id: str) -> str | None:
    """Returns the version that was made from the logged model, or None if there is none."""
    versions = store.registry.versions(model)
    return next((one.version for one in versions if one.model_id == model_id), None)


def register_version(store: Store, model: str, model_id: str, run_id: str) -> str:
    """Returns the version that was made from the logged model.

    Creates it with the description of the run, and the registered model, if there is none. Raises
    InputError if another process does not release the lock of the registered model.
    """
    found = find_version(store, model, model_id)
    if found is not None:
        return found
    with hold_lock(store, model):
        store.registry.create_if_missing(model)
        # another process may have created it meanwhile
        found = find_version(store, model, model_id)
        if found is not None:
            return found
        run = store.runs.find(run_id)
        description = None if run is None else run.tags.get(DESCRIPTION_TAG)
        return store.registry.create_version(model, model_id, run_id, description).version
