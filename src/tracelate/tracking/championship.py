"""The version that an alias points at, and how a candidate compares with it."""

from __future__ import annotations

from typing import NamedTuple

from mlflow import MlflowClient

from tracelate.errors import InputError
from tracelate.evaluation.comparability import differences, inconsistencies
from tracelate.evaluation.metrics import corpus_metrics
from tracelate.evaluation.significance import Resampling, Significance, compare_systems
from tracelate.tracking.candidate import Candidate, kept_hashes
from tracelate.tracking.evidence import find_evidence
from tracelate.tracking.registry import Alias, current_version


class Championship(NamedTuple):
    version: str | None
    """What the alias points at; None: nothing."""
    title: str | None
    incomparable: list[str]
    """Why the candidate cannot be compared with it, a reason each."""
    significance: Significance | None
    """Of the candidate against it, by one metric."""


def compare_with_champion(
    client: MlflowClient, candidate: Candidate, alias: Alias, metric: str
) -> Championship:
    """Against what the alias points at now."""
    version = current_version(client, alias)
    if version is None:
        return Championship(None, None, [], None)
    title = f"version {version} ({alias.name})"
    try:
        evidence = find_evidence(f"models:/{alias.model}/{version}")
        kept_hashes(client, evidence.run_id or "", evidence.name)
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
        metrics={metric: corpus_metrics()[metric]},
    )
    return Championship(version, title, [], significance)
