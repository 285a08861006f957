"""The gate's verdict on a version as it is kept: a file among its run's artifacts, and tags."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from tracelate.comparison.significance import Significance
from tracelate.registry.alias_history import Author
from tracelate.registry.candidate import Candidate
from tracelate.registry.champion import Championship
from tracelate.registry.gate import Terms, Verdict
from tracelate.registry.versions import Alias
from tracelate.tracking.store import Store

RECORDS = "promotion"
"""The folder among a run's artifacts with a file for each verdict on it."""
TAG = "tracelate."

Decision = Literal["promoted", "forced", "refused", "unchanged"]


def verdict_document(
    candidate: Candidate,
    championship: Championship,
    verdict: Verdict,
    terms: Terms,
    author: Author,
    *,
    alias: Alias,
    version: str,
    decision: Decision,
    reason: str | None,
) -> dict[str, Any]:
    """The content of a verdict's file; scores and differences in percent."""
    found = championship.significance
    return {
        "decision": decision,
        **author._asdict(),
        "model": alias.model,
        "alias": alias.name,
        "version": version,
        "model_id": candidate.model_id,
        "run_id": candidate.run_id,
        "against_version": championship.version,
        "reason": reason,
        "checks": [check._asdict() for check in verdict.checks],
        "terms": terms._asdict(),
        "seed_margin": terms.seed_margin,
        "significance": None if found is None else _significance(found),
        "leakage": candidate.lineage.leakage["test"],
        "test_sha256": candidate.lineage.test_sha256,
        "weights_sha256": candidate.lineage.weights_sha256,
    }


def write_verdict(
    store: Store,
    candidate: Candidate,
    alias: Alias,
    version: str,
    document: Mapping[str, Any],
) -> str:
    """Logs the document to the candidate's run and tags its version with the main things of it.

    Gives the document's address, runs:/….
    """
    name = f"{RECORDS}/{document['when'].replace(':', '').replace('+0000', 'Z')}.json"
    address = f"runs:/{candidate.run_id}/{name}"
    store.runs.log_document(candidate.run_id, document, name)
    found = document["significance"] or {}
    failed = [check["name"] for check in document["checks"] if not check["passed"]]
    values = {
        "verdict": document["decision"],
        "verdict_alias": alias.name,
        "verdict_when": document["when"],
        "verdict_who": document["who"],
        "verdict_commit": document["commit"],
        "verdict_reason": document["reason"],
        "verdict_record": address,
        "against_version": document["against_version"],
        "failed_checks": ", ".join(failed),
        "metric": document["terms"]["metric"],
        "difference": found.get("difference"),
        "difference_low": found.get("low"),
        "difference_high": found.get("high"),
        "p_bootstrap": found.get("p_bootstrap"),
        "p_randomisation": found.get("p_randomisation"),
        "sentences": found.get("sentences"),
        "seed_margin": document["seed_margin"],
    }
    for key, value in values.items():
        # also where it is none: an earlier verdict's must not stay
        text = "none" if value in (None, "") else str(value)
        store.registry.set_version_tag(alias.model, version, TAG + key, text)
    return address


def _significance(found: Significance) -> dict[str, Any]:
    return {**found._asdict(), "resampling": found.resampling._asdict()}
