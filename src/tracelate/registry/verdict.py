"""Recording the gate's verdict on a version: as an artifact of its run, and as tags."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal, NamedTuple

from tracelate.lineage.bill_of_materials import bill_of_materials
from tracelate.registry.alias_history import Author
from tracelate.registry.candidate import Candidate
from tracelate.registry.champion import ChampionComparison, settings_of_both
from tracelate.registry.gate import GatePolicy, GateVerdict
from tracelate.registry.unrecorded_moves import AliasState
from tracelate.registry.versions import Alias
from tracelate.tracking.store.store import Store

VERDICT_FOLDER = "promotion"
"""Folder of the verdicts' files among a run's artifacts."""
VERDICT_TAG = "tracelate."
"""Beginning of the names of a version's tags."""

Decision = Literal["promoted", "forced", "refused", "unchanged"]


class Judgement(NamedTuple):
    """The decision on a candidate, and everything that led to it."""

    decision: Decision
    verdict: GateVerdict
    comparison: ChampionComparison
    policy: GatePolicy
    reason: str | None
    """The user's reason for a forced promotion."""
    before: AliasState
    """The alias when the decision was made."""


def record_verdict(
    store: Store,
    candidate: Candidate,
    judgement: Judgement,
    alias: Alias,
    version: str,
    author: Author,
) -> str:
    """Logs a judgement to the candidate's run, and tags the version with its main values.

    Returns the address of the file, runs:/….
    """
    document = verdict_document(candidate, judgement, alias, version, author)
    name = f"{VERDICT_FOLDER}/{author.when.replace(':', '').replace('+0000', 'Z')}.json"
    address = f"runs:/{candidate.run_id}/{name}"
    store.runs.log_document(candidate.run_id, document, name)
    for key, value in _tag_values(document, judgement, address).items():
        # also without a value, so that the tag of an earlier verdict is replaced
        text = "none" if value in (None, "") else str(value)
        store.registry.set_version_tag(alias.model, version, VERDICT_TAG + key, text)
    return address


def record_materials(
    store: Store, candidate: Candidate, model: str, version: str, libraries: Sequence[str]
) -> None:
    """Logs the version's bill of materials to the candidate's run, and tags its address."""
    document = bill_of_materials(
        candidate.lineage, candidate.evidence.metrics, libraries, name=model, version=version
    )
    name = f"{VERDICT_FOLDER}/{model}-{version}.cdx.json"
    store.runs.log_document(candidate.run_id, document, name)
    address = f"runs:/{candidate.run_id}/{name}"
    store.registry.set_version_tag(model, version, f"{VERDICT_TAG}bill_of_materials", address)


def verdict_document(
    candidate: Candidate, judgement: Judgement, alias: Alias, version: str, author: Author
) -> dict[str, Any]:
    """Returns the content of a verdict's file; scores and differences are in percent."""
    found, policy = judgement.comparison.significance, judgement.policy
    move = judgement.before.move
    return {
        "decision": judgement.decision,
        **author._asdict(),
        "model": alias.model,
        "alias": alias.name,
        "version": version,
        "model_id": candidate.model_id,
        "run_id": candidate.run_id,
        "against_version": judgement.comparison.version,
        "replaced": judgement.before.version,
        "unrecorded_move": None if move is None else move._asdict(),
        "reason": judgement.reason,
        "checks": [check._asdict() for check in judgement.verdict.checks],
        "terms": policy._asdict(),
        "seed_margin": policy.seed_margin,
        "significance": None if found is None else found.document(),
        "further_significance": {
            test: None if one.significance is None else one.significance.document()
            for test, one in judgement.comparison.further.items()
        },
        "differing_settings": settings_of_both(candidate.evidence, judgement.comparison.evidence),
        "leakage": candidate.lineage.leakage["test"],
        "test_sha256": candidate.lineage.test_sha256,
        "weights_sha256": candidate.lineage.weights_sha256,
    }


def _tag_values(
    document: Mapping[str, Any], judgement: Judgement, address: str
) -> dict[str, object]:
    significance = document["significance"] or {}
    return {
        "verdict": document["decision"],
        "verdict_alias": document["alias"],
        "verdict_when": document["when"],
        "verdict_who": document["who"],
        "verdict_commit": document["commit"],
        "verdict_reason": document["reason"],
        "verdict_record": address,
        "against_version": document["against_version"],
        "failed_checks": ", ".join(judgement.verdict.failed),
        "metric": judgement.policy.metric,
        "difference": significance.get("difference"),
        "difference_low": significance.get("low"),
        "difference_high": significance.get("high"),
        "significance_level": significance.get("level"),
        "p_bootstrap": significance.get("p_bootstrap"),
        "p_randomisation": significance.get("p_randomisation"),
        "sentences": significance.get("sentences"),
        "seed_margin": document["seed_margin"],
    }
