"""Comparison of a candidate with the version that an alias points at."""

from __future__ import annotations

from typing import NamedTuple

from tracelate.comparison.comparability import differences
from tracelate.comparison.significance import Resampling, Significance, compare_systems
from tracelate.errors import InputError
from tracelate.evaluation.results import Evidence
from tracelate.metric_table import METRICS
from tracelate.registry.logged_evaluation import LoggedEvaluation, read_evaluation
from tracelate.registry.versions import Alias, current_version
from tracelate.tracking.failures import StoreError
from tracelate.tracking.log_model import LINEAGE_TAG
from tracelate.tracking.store import Store


class ChampionComparison(NamedTuple):
    """The champion and how the candidate compares with it."""

    version: str | None
    """Version that the alias points at; None if there is none."""
    title: str | None
    incomparable: list[str]
    """Reasons why the candidate cannot be compared with the champion."""
    significance: Significance | None
    """Comparison by one metric; None if the two cannot be compared."""


def compare_with_champion(
    store: Store, candidate: Evidence, alias: Alias, metric: str
) -> ChampionComparison:
    """Compares the candidate with the version that the alias points at now.

    Raises StoreError if MLflow fails.
    """
    version = current_version(store, alias)
    if version is None:
        return ChampionComparison(None, None, [], None)
    title = f"version {version} ({alias.name})"
    try:
        champion = read_evaluation(store, f"models:/{alias.model}/{version}")
        _refuse_other_lineage(store, alias.model, version, champion)
    except StoreError:
        raise
    except InputError as error:
        return ChampionComparison(version, title, [str(error)], None)
    reasons = [
        *differences(champion.evidence, candidate),
        *(f"{champion.title}: {reason}" for reason in champion.inconsistencies),
    ]
    found = None if reasons else _significance(champion.evidence, candidate, metric)
    return ChampionComparison(version, title, reasons, found)


def _significance(champion: Evidence, candidate: Evidence, metric: str) -> Significance:
    [found] = compare_systems(
        [row.translation for row in champion.rows],
        [row.translation for row in candidate.rows],
        [row.reference for row in champion.rows],
        Resampling(),
        metrics=[METRICS[metric]],
    )
    return found


def _refuse_other_lineage(
    store: Store, name: str, version: str, champion: LoggedEvaluation
) -> None:
    """Raises InputError if the version was packed with the evaluation of another run."""
    model_id = store.registry.version(name, version).model_id
    if model_id is None:
        return
    if store.models.get(model_id).tags.get(LINEAGE_TAG) != champion.lineage_sha256:
        raise InputError(
            f"models:/{name}/{version} was packed with another evaluation than its run has: "
            "delete the version and promote the run that the model came from"
        )
