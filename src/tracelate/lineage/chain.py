"""The chain from a model's weights to the text it was trained on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from tracelate.evaluation.lineage import Lineage
from tracelate.evaluation.report import Metrics
from tracelate.lineage.checks import Check


class RunState(NamedTuple):
    """What MLflow says of the run that trained, or of the one that stands for it."""

    run_id: str
    name: str
    status: str
    experiment: str


class VersionState(NamedTuple):
    """A version of a registered model."""

    name: str
    version: str
    aliases: Sequence[str]
    tags: Mapping[str, str]
    """Those that Tracelate wrote, such as a promotion's verdict."""


class Chain(NamedTuple):
    reference: str
    """What was asked for."""
    lineage: Lineage
    metrics: Metrics | None
    """None where only the lineage is within reach."""
    run: RunState | None
    """None where MLflow knows no such run, or cannot be reached."""
    version: VersionState | None
    """None where a model's version was not asked for."""
    commit_subject: str | None
    """The first line of the commit's message, where git has it here."""


def chain_document(chain: Chain, checks: Sequence[Check] | None = None) -> dict[str, Any]:
    """The chain as JSON; hashes and settings in full."""
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
