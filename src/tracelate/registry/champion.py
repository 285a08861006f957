"""Comparison of a candidate with the version that an alias points at."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from tracelate.comparison.comparability import differences, inconsistencies, metric_as_scored
from tracelate.comparison.settings import difference_of_two
from tracelate.comparison.significance import Resampling, Significance, compare_systems
from tracelate.errors import InputError
from tracelate.evaluation.results import Evidence
from tracelate.registry.gate import FurtherTest
from tracelate.registry.logged_evaluation import (
    read_evaluation,
    refuse_other_lineage,
    refuse_unsigned_evaluation,
)
from tracelate.registry.versions import Alias
from tracelate.signing.trust import NO_TRUST, Trust
from tracelate.tracking.references.signatures import find_version_signature
from tracelate.tracking.references.stored_references import find_stored
from tracelate.tracking.results import download_further
from tracelate.tracking.runs.log_model import LINEAGE_TAG
from tracelate.tracking.store.failures import StoreError
from tracelate.tracking.store.store import Store

SettingsOfBoth = dict[str, dict[str, str | None]]
"""By the dotted name of a setting its values in `champion` and `candidate`; None where one has no
such setting."""


class ChampionComparison(NamedTuple):
    """The champion and how the candidate compares with it."""

    version: str | None
    """Version that the candidate was compared with; None if there is none."""
    title: str | None
    incomparable: list[str]
    """Reasons why the candidate cannot be compared with the champion."""
    significance: Significance | None
    """Comparison by one metric; None if the two cannot be compared."""
    evidence: Evidence | None = None
    """The champion's evaluation; None if the two cannot be compared."""
    further: Mapping[str, FurtherTest] = {}
    """Comparisons on further test sets, by their names."""


def compare_with_champion(
    store: Store,
    candidate: Evidence,
    alias: Alias,
    version: str | None,
    metric: str,
    level: float,
    trust: Trust = NO_TRUST,
    tests: Mapping[str, float] = {},
) -> ChampionComparison:
    """Compares the candidate by `metric` with the `version` that has, or should have, the alias.

    `level` is the significance level on the models' own test set, and `tests` has those on further
    test sets by their names. A version that none of the trusted keys has signed cannot be compared
    with.

    Raises StoreError if MLflow fails.
    """
    if version is None:
        return ChampionComparison(None, None, [], None)
    title = f"version {version} ({alias.name})"
    try:
        champion = _read_champion(store, alias.model, version, trust)
    except StoreError:
        raise
    except InputError as error:
        return ChampionComparison(version, title, [str(error)], None)
    reasons = differences(champion, candidate)
    found = None if reasons else _significance(champion, candidate, metric, level)
    further = {
        test: compare_on(store, champion, candidate, metric, test, at_level)
        for test, at_level in tests.items()
    }
    evidence = None if reasons else champion
    return ChampionComparison(version, title, reasons, found, evidence, further)


def settings_of_both(candidate: Evidence, champion: Evidence | None) -> SettingsOfBoth | None:
    """Returns the settings that differ; None if there is no champion, or if they are not known."""
    if champion is None:
        return None
    return difference_of_two(champion.params, candidate.params, ("champion", "candidate"))


def compare_on(
    store: Store, champion: Evidence, candidate: Evidence, metric: str, test: str, level: float
) -> FurtherTest:
    """Compares the runs' evaluations on a further test set, if both have one."""
    try:
        found = [_read_further(store, one, test) for one in (champion, candidate)]
    except StoreError:
        raise
    except InputError as error:
        return FurtherTest([str(error)], None)
    reasons = differences(*found)
    significance = None if reasons else _significance(found[0], found[1], metric, level)
    return FurtherTest(reasons, significance)


def _read_further(store: Store, evidence: Evidence, test: str) -> Evidence:
    """Raises InputError if the run has no evaluation on the test set, or a contradictory one."""
    further = download_further(store, store.runs.get(str(evidence.run_id)), evidence.name, test)
    if reasons := inconsistencies(further):
        raise InputError(f"{further.name}: {'; '.join(reasons)}. Evaluate it again")
    return further


def _read_champion(store: Store, model: str, version: str, trust: Trust) -> Evidence:
    """Raises InputError if the version's evaluation or model has changed, or is not signed."""
    uri = f"models:/{model}/{version}"
    evaluation = read_evaluation(store, find_stored(uri))
    stored = store.registry.version(model, version)
    if trust.is_required:
        signature = find_version_signature(store, stored, trust)
        refuse_unsigned_evaluation(evaluation, signature)
    model_id = stored.model_id
    if model_id is not None:
        packed_with = store.models.get(model_id).tags.get(LINEAGE_TAG)
        refuse_other_lineage(evaluation, uri, packed_with)
    return evaluation.evidence


def _significance(
    champion: Evidence, candidate: Evidence, metric: str, level: float
) -> Significance:
    [found] = compare_systems(
        [row.translation for row in champion.rows],
        [row.translation for row in candidate.rows],
        [row.references for row in champion.rows],
        Resampling(),
        level=level,
        metrics=[metric_as_scored(metric, candidate, champion)],
    )
    return found
