"""Settings as files of older versions have them.

A setting is added to params.yaml over time, and a model trained before does not have it. What the
code did before it was a setting is its value in such a model: MODEL_BEFORE has it, and a switch
that is missing is off.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError

from tracelate.config import DropoutConfig, ModelConfig
from tracelate.errors import InputError

MODEL_BEFORE: Mapping[str, Any] = {
    "feed_forward_ratio": 4,
    "embedding_deviation": 0.1,
    "max_length_ratio": 2,
    "max_length_extra": 10,
}
"""The value in older models of each setting in the section `model` that was added since 0.1."""


def complete_model_settings(saved: Mapping[str, Any]) -> dict[str, Any]:
    """The section `model` of any version with all settings of this version."""
    switches = {
        name: False for name, field in ModelConfig.model_fields.items() if field.annotation is bool
    }
    settings = {**switches, **MODEL_BEFORE, **saved}
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
