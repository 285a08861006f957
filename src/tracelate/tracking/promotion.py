"""Moving an alias of a registered model: to a better version through the gate, or back again.

What is slow, translating the test set twice, does not depend on the version that is to be
replaced and runs before the lock is taken. What does depend on it, the comparison and the
decision, is made while the lock is held, against what the alias points at then.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from socket import gethostname
from typing import Any, Literal, NamedTuple

from mlflow import MlflowClient

from tracelate.errors import InputError
from tracelate.evaluation.gate import (
    Findings,
    Terms,
    Verdict,
    describe_significance,
    judge,
)
from tracelate.evaluation.parity import Parity
from tracelate.evaluation.significance import Significance
from tracelate.tracking.alias_history import (
    Event,
    append_event,
    previous_version,
    read_history,
)
from tracelate.tracking.alias_lock import hold_lock, refuse_lost, user_name
from tracelate.tracking.candidate import Candidate, find_candidate, translate_again
from tracelate.tracking.championship import Championship, compare_with_champion
from tracelate.tracking.registry import (
    Alias,
    all_versions,
    current_version,
    find_version,
    register_version,
    reporting_failures,
)
from tracelate.tracking.store import connect
from tracelate.training.run_file import current_commit

RECORDS = "promotion"
"""The folder among a run's artifacts with a file for each verdict on it."""
LONGEST_REASON = 1000
TAG = "tracelate."

Decision = Literal["promoted", "forced", "refused", "unchanged"]
OnProgress = Callable[[str, int, int], object]
"""Hears what is under way, how many more of it are done, and of how many."""


class Wish(NamedTuple):
    """What a person asks for."""

    reference: str
    """A run or models:/NAME/3, as `compare` takes it."""
    alias: Alias
    metric: str
    significance_level: float
    test: Path
    """The file with the test sentences."""
    seed_deviation: float = 0.0
    """As `Terms` has it."""
    accept_leakage: bool = False
    forced_because: str | None = None
    """Moves the alias even if checks fail; None: it does not."""
    dry_run: bool = False
    """Changes nothing, and says what would happen."""


class Promotion(NamedTuple):
    """What `promote` did, or with dry_run would do."""

    decision: Decision
    version: str | None
    """None: with dry_run, of a model that is no version yet."""
    replaced: str | None
    """What the alias pointed at; None: nothing."""
    verdict: Verdict
    """Without checks where nothing was to decide."""
    record: str | None
    """The verdict's file, an artifact's address; None: not written."""


@reporting_failures()
def promote(wish: Wish, on_progress: OnProgress = lambda *_: None) -> Promotion:
    """Registers the run's model and moves the alias to it, if the gate opens.

    Raises InputError where a file of the run, the model or the test set is missing or not the one
    that was scored, where another promotion is under way, or where the store cannot be reached.
    """
    _refuse_reason(wish.forced_because)
    client = connect()
    candidate = find_candidate(client, wish.reference, wish.test)
    before = current_version(client, wish.alias)
    version = find_version(client, wish.alias.model, candidate.model_id)
    if version is not None and version == before:
        return Promotion("unchanged", version, before, Verdict([]), None)
    if wish.dry_run:
        served, alone = translate_again(candidate, candidate.uri, on_progress)
        championship = compare_with_champion(client, candidate, wish.alias, wish.metric)
        verdict = judge(_findings(candidate, championship, served, alone), _terms(wish, candidate))
        return Promotion(_decide(wish, verdict), version, championship.version, verdict, None)
    with hold_lock(client, wish.alias.model):
        version = register_version(client, wish.alias.model, candidate.model_id, candidate.run_id)
    uri = f"models:/{wish.alias.model}/{version}"
    served, alone = translate_again(candidate, uri, on_progress)
    with hold_lock(client, wish.alias.model) as lock:
        championship = compare_with_champion(client, candidate, wish.alias, wish.metric)
        if championship.version == version:  # another has done the same meanwhile
            return Promotion("unchanged", version, version, Verdict([]), None)
        verdict = judge(_findings(candidate, championship, served, alone), _terms(wish, candidate))
        decision = _decide(wish, verdict)
        document = _document(wish, candidate, championship, verdict, decision, version)
        refuse_lost(client, lock)
        record = _record(client, candidate, wish.alias, version, document)
        if decision != "refused":
            client.set_registered_model_alias(wish.alias.model, wish.alias.name, version)
            # after the alias: an event that is missing is an alias moved by hand, and no harm
            append_event(
                client,
                wish.alias.model,
                wish.alias.name,
                Event(
                    kind="promoted" if decision == "promoted" else "forced",
                    version=version,
                    replaced=championship.version,
                    when=document["when"],
                    who=document["who"],
                    commit=document["commit"],
                    why=_why(wish, championship, decision),
                    failed=verdict.failed,
                    record=record,
                ),
            )
    return Promotion(decision, version, championship.version, verdict, record)


@reporting_failures()
def roll_back(alias: Alias, reason: str | None) -> Event:
    """Moves the alias back to what it pointed at before; again, and it goes further back.

    Raises InputError where there is nothing to go back to.
    """
    _refuse_reason(reason)
    client = connect()
    read_history(client, alias.model, alias.name)  # no registered model, no lock
    with hold_lock(client, alias.model) as lock:
        events = read_history(client, alias.model, alias.name)
        current = current_version(client, alias)
        existing = {str(version.version) for version in all_versions(client, alias.model)}
        previous = previous_version(events, current, existing)
        if previous is None:
            raise InputError(
                f"there is nothing to roll {alias} back to: `tracelate history` has no earlier "
                "version that is still there"
            )
        event = Event(
            kind="rolled back",
            version=previous,
            replaced=current,
            when=_now(),
            who=_who(),
            commit=current_commit().sha,
            why=reason or "no reason given",
        )
        refuse_lost(client, lock)
        client.set_registered_model_alias(alias.model, alias.name, previous)
        append_event(client, alias.model, alias.name, event)
        if current in existing:
            told = f"{event.when} by {event.who}: {event.why}"
            client.set_model_version_tag(alias.model, current, f"{TAG}rolled_back", told)
    return event


@reporting_failures()
def alias_history(alias: Alias) -> list[Event]:
    """The oldest first. Raises InputError where the registered model is not there."""
    return read_history(connect(), alias.model, alias.name)


def _findings(
    candidate: Candidate, championship: Championship, served: Parity, alone: Parity
) -> Findings:
    return Findings(
        champion=championship.title,
        incomparable=championship.incomparable,
        significance=championship.significance,
        leakage=candidate.lineage.leakage["test"],
        served=served,
        alone=alone,
    )


def _terms(wish: Wish, candidate: Candidate) -> Terms:
    return Terms(
        wish.metric,
        wish.significance_level,
        candidate.lineage.params["prepare"]["max_near_leakage_percent"],
        wish.seed_deviation,
        wish.accept_leakage,
    )


def _decide(wish: Wish, verdict: Verdict) -> Decision:
    if verdict.is_open:
        return "promoted"
    return "refused" if wish.forced_because is None else "forced"


def _why(wish: Wish, championship: Championship, decision: Decision) -> str:
    found = championship.significance
    numbers = "the first" if found is None else describe_significance(found)
    return numbers if decision == "promoted" else f"{wish.forced_because} ({numbers})"


def _document(
    wish: Wish,
    candidate: Candidate,
    championship: Championship,
    verdict: Verdict,
    decision: Decision,
    version: str,
) -> dict[str, Any]:
    """The content of a verdict's file; scores and differences in percent."""
    found, terms = championship.significance, _terms(wish, candidate)
    return {
        "decision": decision,
        "when": _now(),
        "who": _who(),
        "commit": current_commit().sha,
        "model": wish.alias.model,
        "alias": wish.alias.name,
        "version": version,
        "model_id": candidate.model_id,
        "run_id": candidate.run_id,
        "against_version": championship.version,
        "reason": wish.forced_because if decision == "forced" else None,
        "checks": [check._asdict() for check in verdict.checks],
        "terms": terms._asdict(),
        "seed_margin": terms.seed_margin,
        "significance": None if found is None else _significance(found),
        "leakage": candidate.lineage.leakage["test"],
        "test_sha256": candidate.lineage.test_sha256,
        "weights_sha256": candidate.lineage.weights_sha256,
    }


def _significance(found: Significance) -> dict[str, Any]:
    return {**found._asdict(), "resampling": found.resampling._asdict()}


def _record(
    client: MlflowClient,
    candidate: Candidate,
    alias: Alias,
    version: str,
    document: dict[str, Any],
) -> str:
    name = f"{RECORDS}/{document['when'].replace(':', '').replace('+0000', 'Z')}.json"
    address = f"runs:/{candidate.run_id}/{name}"
    client.log_dict(candidate.run_id, document, name)
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
        client.set_model_version_tag(alias.model, version, TAG + key, text)
    return address


def _refuse_reason(reason: str | None) -> None:
    if reason is not None and not reason.strip():
        raise InputError("--reason is empty: say why")
    if reason is not None and len(reason) > LONGEST_REASON:
        raise InputError(
            f"--reason has {len(reason):,} characters: {LONGEST_REASON:,} are enough, link to more"
        )


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="microseconds")


def _who() -> str:
    return f"{user_name()}@{gethostname()}"
