"""Finds variants that repeat another variant with more epochs."""

from __future__ import annotations

from typing import Any

from studies.attention.settings import Changes, Study


def longer_trained(study: Study) -> dict[str, str]:
    """Maps each variant that only has more epochs than another variant to that other one."""
    return {
        name: other
        for name in study.names
        for other in study.names
        if epochs(study, name) > epochs(study, other)
        and _but_epochs(study.variants[name]) == _but_epochs(study.variants[other])
    }


def epochs(study: Study, name: str) -> int:
    """Returns the epochs that the study sets for the variant; 0 if params.yaml sets them."""
    for changes in (study.variants[name], study.base):
        if "epochs" in changes.get("train", {}):
            return int(changes["train"]["epochs"])
    return 0


def _but_epochs(changes: Changes) -> dict[str, dict[str, Any]]:
    kept = {
        section: {name: value for name, value in settings.items() if name != "epochs"}
        for section, settings in changes.items()
    }
    return {section: settings for section, settings in kept.items() if settings}
