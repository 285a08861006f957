"""Settings as files of older versions have them.

A setting is added to params.yaml over time, and a model trained before does not have it. Its value
in such a model is what the code did before it was a setting: `Before` beside the field in config.py
has it. A switch that is missing is off.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError
from pydantic.fields import FieldInfo

from tracelate.config import Before, DropoutConfig, ModelConfig
from tracelate.errors import InputError


def complete_model_settings(saved: Mapping[str, Any]) -> dict[str, Any]:
    """The section `model` of any version with all settings of this version."""
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
    """The typed settings of a saved model of any version.

    Raises InputError if they are no settings of a model.
    """
    try:
        return ModelConfig.model_validate(complete_model_settings(saved))
    except ValidationError as error:
        first = error.errors()[0]
        name = ".".join(str(part) for part in first["loc"])
        raise InputError(f"the saved setting model.{name} is wrong: {first['msg']}") from error


def _has_value_before(field: FieldInfo) -> bool:
    return field.annotation is bool or any(isinstance(one, Before) for one in field.metadata)


def _value_before(field: FieldInfo) -> Any:
    return next((one.value for one in field.metadata if isinstance(one, Before)), False)
