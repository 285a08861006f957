"""The chain from a model's weights to the text it was trained on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from tracelate.evaluation.lineage import Lineage
from tracelate.evaluation.report import Metrics
from tracelate.lineage.checks import LineageCheck


class RunState(NamedTuple):
    """The run of the training, or its replacement, as MLflow has it."""

    run_id: str
    name: str
    status: str
    """RUNNING, SCHEDULED, FINISHED, FAILED or KILLED."""
    experiment: str


class VersionState(NamedTuple):
    """A version of a registered model."""

    name: str
    version: str
    aliases: Sequence[str]
    """Aliases that point at the version."""
    tags: Mapping[str, str]
    """Tags that Tracelate set, such as the verdict of a promotion."""


class Chain(NamedTuple):
    """A lineage, and what MLflow and git know about its run, version and commit."""

    reference: str
    """The reference as the user wrote it."""
    lineage: Lineage
    metrics: Metrics | None
    """None if neither the project nor the run has the scores that the lineage names."""
    run: RunState | None
    """None if MLflow has no such run or cannot be reached."""
    version: VersionState | None
    """None if the reference does not lead to a version."""
    commit_subject: str | None
    """First line of the commit's message; None if the commit is not in this repository."""


def chain_document(chain: Chain, checks: Sequence[LineageCheck] | None = None) -> dict[str, Any]:
    """Returns the chain as JSON values, with hashes and settings in full."""
    scores = chain.metrics.scores if chain.metrics is not None else []
    document: dict[str, Any] = {
        "reference": chain.reference,
        "weights_sha256": chain.lineage.weights_sha256,
        "version": None if chain.version is None else chain.version._asdict(),
        "run": None if chain.run is None else chain.run._asdict(),
        "commit_subject": chain.commit_subject,
        "scores": [score._asdict() for score in scores],
        "lineage": chain.lineage.model_dump(),
    }
    if checks is not None:
        document["checks"] = [check._asdict() for check in checks]
    return document
