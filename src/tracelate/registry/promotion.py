"""Moving an alias of a registered model: to a better version through the gate, or back again.

What is slow, translating the test set twice, does not depend on the version that is to be
replaced and runs before the lock is taken. What does depend on it, the comparison and the
decision, is made while the lock is held, against what the alias points at then.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from tracelate.comparison.parity import Parity
from tracelate.errors import InputError
from tracelate.registry.alias_history import (
    Event,
    append_event,
    author_now,
    previous_version,
    read_history,
)
from tracelate.registry.alias_lock import hold_lock, refuse_lost
from tracelate.registry.candidate import Candidate, find_candidate, translate_again
from tracelate.registry.champion import Championship, compare_with_champion
from tracelate.registry.gate import Findings, Terms, Verdict, describe_significance, judge
from tracelate.registry.verdict import TAG, Decision, verdict_document, write_verdict
from tracelate.registry.versions import (
    Alias,
    current_version,
    find_version,
    register_version,
)
from tracelate.tracking.failures import reporting_failures
from tracelate.tracking.store import connect

LONGEST_REASON = 1000

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
    store = connect()
    candidate = find_candidate(store, wish.reference, wish.test)
    before = current_version(store, wish.alias)
    version = find_version(store, wish.alias.model, candidate.model_id)
    if version is not None and version == before:
        return Promotion("unchanged", version, before, Verdict([]), None)
    if wish.dry_run:
        served, alone = translate_again(candidate, candidate.uri, on_progress)
        championship = compare_with_champion(store, candidate, wish.alias, wish.metric)
        verdict = judge(_findings(candidate, championship, served, alone), _terms(wish, candidate))
        return Promotion(_decide(wish, verdict), version, championship.version, verdict, None)
    with hold_lock(store, wish.alias.model):
        version = register_version(store, wish.alias.model, candidate.model_id, candidate.run_id)
    uri = f"models:/{wish.alias.model}/{version}"
    served, alone = translate_again(candidate, uri, on_progress)
    with hold_lock(store, wish.alias.model) as lock:
        championship = compare_with_champion(store, candidate, wish.alias, wish.metric)
        if championship.version == version:  # another has done the same meanwhile
            return Promotion("unchanged", version, version, Verdict([]), None)
        verdict = judge(_findings(candidate, championship, served, alone), _terms(wish, candidate))
        decision = _decide(wish, verdict)
        author = author_now()
        document = verdict_document(
            candidate,
            championship,
            verdict,
            _terms(wish, candidate),
            author,
            alias=wish.alias,
            version=version,
            decision=decision,
            reason=wish.forced_because if decision == "forced" else None,
        )
        refuse_lost(store, lock)
        record = write_verdict(store, candidate, wish.alias, version, document)
        if decision != "refused":
            store.registry.set_alias(wish.alias.model, wish.alias.name, version)
            # after the alias: an event that is missing is an alias moved by hand, and no harm
            append_event(
                store,
                wish.alias.model,
                wish.alias.name,
                Event(
                    kind="promoted" if decision == "promoted" else "forced",
                    version=version,
                    replaced=championship.version,
                    when=author.when,
                    who=author.who,
                    commit=author.commit,
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
    store = connect()
    read_history(store, alias.model, alias.name)  # no registered model, no lock
    with hold_lock(store, alias.model) as lock:
        events = read_history(store, alias.model, alias.name)
        current = current_version(store, alias)
        existing = {one.version for one in store.registry.versions(alias.model)}
        previous = previous_version(events, current, existing)
        if previous is None:
            raise InputError(
                f"there is nothing to roll {alias} back to: `tracelate history` has no earlier "
                "version that is still there"
            )
        author = author_now()
        event = Event(
            kind="rolled back",
            version=previous,
            replaced=current,
            when=author.when,
            who=author.who,
            commit=author.commit,
            why=reason or "no reason given",
        )
        refuse_lost(store, lock)
        store.registry.set_alias(alias.model, alias.name, previous)
        append_event(store, alias.model, alias.name, event)
        if current in existing:
            told = f"{event.when} by {event.who}: {event.why}"
            store.registry.set_version_tag(alias.model, current, f"{TAG}rolled_back", told)
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


def _refuse_reason(reason: str | None) -> None:
    if reason is not None and not reason.strip():
        raise InputError("--reason is empty: say why")
    if reason is not None and len(reason) > LONGEST_REASON:
        raise InputError(
            f"--reason has {len(reason):,} characters: {LONGEST_REASON:,} are enough, link to more"
        )
