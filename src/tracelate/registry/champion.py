"""The version that an alias points at, and how a candidate compares with it."""

from __future__ import annotations

from typing import NamedTuple

from tracelate import layout
from tracelate.comparison.comparability import differences, inconsistencies
from tracelate.comparison.significance import Resampling, Significance, compare_systems
from tracelate.errors import InputError
from tracelate.metric_table import METRICS
from tracelate.registry.candidate import Candidate, kept_hashes
from tracelate.registry.versions import Alias, current_version
from tracelate.tracking.failures import StoreError
from tracelate.tracking.log_model import LINEAGE_TAG
from tracelate.tracking.results import find_evidence
from tracelate.tracking.store import Store


class Championship(NamedTuple):
    version: str | None
    """What the alias points at; None: nothing."""
    title: str | None
    incomparable: list[str]
    """Why the candidate cannot be compared with it, a reason each."""
    significance: Significance | None
    """Of the candidate against it, by one metric."""


def compare_with_champion(
    store: Store, candidate: Candidate, alias: Alias, metric: str
) -> Championship:
    """Against what the alias points at now."""
    version = current_version(store, alias)
    if version is None:
        return Championship(None, None, [], None)
    title = f"version {version} ({alias.name})"
    try:
        evidence = find_evidence(f"models:/{alias.model}/{version}")
        hashes = kept_hashes(store, evidence.run_id or "", evidence.name)
        _refuse_other_evaluation(store, alias.model, version, hashes[layout.LINEAGE.as_posix()])
    except StoreError:
        raise
    except InputError as error:
        return Championship(version, title, [str(error)], None)
    reasons = [
        *differences(evidence, candidate.evidence),
        *(f"{evidence.name}: {reason}" for reason in inconsistencies(evidence)),
    ]
    if reasons:
        return Championship(version, title, reasons, None)
    [significance] = compare_systems(
        [row.translation for row in evidence.rows],
        [row.translation for row in candidate.evidence.rows],
        [row.reference for row in evidence.rows],
        Resampling(),
        metrics=[METRICS[metric]],
    )
    return Championship(version, title, [], significance)


def _refuse_other_evaluation(store: Store, name: str, version: str, found: str) -> None:
    """`found` is the sha256 of the lineage that the version's run has.

    Raises InputError where the model was packed with the evaluation of another run.
    """
    model_id = store.registry.version(name, version).model_id
    packed_with = store.models.get(model_id).tags.get(LINEAGE_TAG) if model_id else found
    if packed_with != found:
        raise InputError(
            f"models:/{name}/{version} was packed with another evaluation than its run has: "
            "delete the version and promote the run that the model came from"
        )
