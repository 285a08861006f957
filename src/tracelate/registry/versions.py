"""Registered models: their versions, and what an alias points at. Aliases replace stages."""

from __future__ import annotations

import re
from typing import NamedTuple

from mlflow import MlflowClient
from mlflow.entities.model_registry import ModelVersion
from mlflow.exceptions import MlflowException

from tracelate.errors import InputError
from tracelate.tracking.references import MODEL_TAG, model_id_of
from tracelate.tracking.store import default_store

NAME = re.compile(r"[A-Za-z0-9._-]{1,200}")
ALIAS = re.compile(r"(?!latest$|v[0-9]+$)[A-Za-z0-9_-]{1,200}", re.IGNORECASE)
"""MLflow keeps the excluded words for itself."""
PAGE = 1000


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
    """Raises InputError where MLflow would refuse one of the names."""
    if not NAME.fullmatch(model):
        raise InputError(
            f"the registered model's name {model!r} may have letters, digits, '.', '_' and '-' "
            "alone, and 200 of them at most: choose another with --name"
        )
    if not ALIAS.fullmatch(name):
        raise InputError(
            f"the alias {name!r} may have letters, digits, '_' and '-' alone, 200 of them at most, "
            "and not be 'latest' or a number after a 'v': choose another with --alias"
        )
    return Alias(model, name)


def current_version(client: MlflowClient, alias: Alias) -> str | None:
    """None where the alias, or the registered model, is not there."""
    try:
        aliases: dict[str, str] = client.get_registered_model(alias.model).aliases
    except MlflowException as error:
        if error.error_code == "RESOURCE_DOES_NOT_EXIST":
            return None
        raise
    version = aliases.get(alias.name)
    return None if version is None else str(version)


def all_versions(client: MlflowClient, model: str) -> list[ModelVersion]:
    """The newest first; their aliases are not filled in."""
    found: list[ModelVersion] = []
    token: str | None = None
    while True:
        page = client.search_model_versions(
            f"name = '{model}'",
            max_results=PAGE,
            order_by=["version_number DESC"],
            page_token=token,
        )
        found += page
        token = page.token
        if not token:
            return found


def find_version(client: MlflowClient, model: str, model_id: str) -> str | None:
    """The version of `model` that is this LoggedModel; None where there is none."""
    for version in all_versions(client, model):
        if model_id_of(version) == model_id:
            return str(version.version)
    return None


def register_version(client: MlflowClient, model: str, model_id: str, run_id: str) -> str:
    """The version that is this LoggedModel, made where there is none yet; only for the holder of
    the model's lock.
    """
    try:
        client.create_registered_model(model)
    except MlflowException as error:
        if error.error_code != "RESOURCE_ALREADY_EXISTS":
            raise
    found = find_version(client, model, model_id)
    if found is not None:
        return found
    with default_store():
        version = client.create_model_version(
            model,
            f"models:/{model_id}",
            run_id=run_id,
            tags={MODEL_TAG: model_id},
            model_id=model_id,
        )
    return str(version.version)
