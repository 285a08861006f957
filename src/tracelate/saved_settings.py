"""Reads settings that older versions have saved.

A model lacks the settings that were added to params.yaml after its training. The value of such a
setting is the behaviour before it existed: `Before` beside the field in config.py. A missing
boolean is false.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError
from pydantic.fields import FieldInfo

from tracelate.config import Before, DropoutConfig, ModelConfig
from tracelate.errors import InputError
from tracelate.file_format import first_error


def complete_model_settings(saved: Mapping[str, Any]) -> dict[str, Any]:
    """Returns the section `model` of any version, completed with settings of this version."""
    missing = {
        name: _value_before(field)
        for name, field in ModelConfig.model_fields.items()
        if name not in saved and _has_value_before(field)
    }
    settings = {**saved, **missing}
    if isinstance(settings.get("dropout"), int | float):  # 0.1 had one number for all places
        settings["dropout"] = dict.fromkeys(DropoutConfig.model_fields, settings["dropout"])
    return settings


def model_config_of(saved: Mapping[str, Any]) -> ModelConfig:
    """Returns the typed settings of a saved model of any version.

    Raises InputError if a setting is unknown, missing or invalid.
    """
    try:
        return ModelConfig.model_validate(complete_model_settings(saved))
    except ValidationError as error:
        raise InputError(f"the saved setting model.{first_error(error)}") from error


def _has_value_before(field: FieldInfo) -> bool:
    return field.annotation is bool or any(isinstance(one, Before) for one in field.metadata)


def _value_before(field: FieldInfo) -> Any:
    return next((one.value for one in field.metadata if isinstance(one, Before)), False)
