"""Promotion: moving an alias of a registered model to a better version, through the gate.

Translating the test set again takes the longest and does not depend on the champion, so it is done
before the lock is taken. The comparison with the champion and the decision are made while the lock
is held, so that no other process can replace the champion meanwhile. A dry run takes the same steps
without the lock and writes nothing.
"""

from __future__ import annotations

from contextlib import nullcontext
from pathlib import Path
from typing import NamedTuple

from tracelate.comparison.describe import describe_significance
from tracelate.comparison.parity import describe
from tracelate.errors import InputError
from tracelate.registry.alias_history import (
    Author,
    Event,
    append_event,
    author_now,
    check_reason,
)
from tracelate.registry.alias_lock import hold_lock, refuse_lost
from tracelate.registry.behaviour import compare_behaviour
from tracelate.registry.candidate import Candidate, find_candidate
from tracelate.registry.champion import (
    ChampionComparison,
    SettingsOfBoth,
    compare_with_champion,
    settings_of_both,
)
from tracelate.registry.gate import GateInputs, GatePolicy, GateVerdict, judge
from tracelate.registry.leakage_again import LeakageAgain, measure_leakage_again
from tracelate.registry.retranslation import OnProgress, Retranslation, translate_again
from tracelate.registry.signing import Origin, Signing, sign_version
from tracelate.registry.unrecorded_moves import (
    AliasState,
    UnrecordedMove,
    alias_state,
    remedy,
)
from tracelate.registry.verdict import Decision, Judgement, record_materials, record_verdict
from tracelate.registry.versions import Alias, find_version, register_version
from tracelate.tracking.references.references import Reference
from tracelate.tracking.store.store import Store, connect_existing


class PromotionRequest(NamedTuple):
    """The model to promote, the alias to move, and the gate's thresholds."""

    reference: Reference
    """The run whose model is to be promoted."""
    alias: Alias
    policy: GatePolicy
    test: Path
    """File with the test sentences."""
    forced_because: str | None = None
    """Reason to move the alias even if checks fail; None to refuse then."""
    dry_run: bool = False
    """True to write nothing, and only return what would happen."""
    signing: Signing = Signing()


class Promotion(NamedTuple):
    """The outcome of a promotion, or with dry_run the outcome that it would have."""

    decision: Decision
    version: str | None
    """The candidate's version; None with dry_run if it has none yet."""
    replaced: str | None
    """Version that the alias pointed at before; None if there was none."""
    verdict: GateVerdict
    """Without checks if the alias pointed at the candidate already."""
    record: str | None
    """Address of the verdict's file, runs:/…; None if it was not written."""
    signed: Origin | None = None
    """None if the version was not signed."""
    move: UnrecordedMove | None = None
    """The move that had left the alias where it was, if no event of its history did."""
    differing_settings: SettingsOfBoth | None = None
    """Settings in which candidate and champion differ; None if they were not compared."""


def promote(request: PromotionRequest, on_progress: OnProgress = lambda *_: None) -> Promotion:
    """Registers a run's model as a version, and moves the alias to it if the gate is open.

    With a key, the version is signed before the alias is moved. A version that the alias points at
    already is then signed again, if it translates as it was scored.

    Raises InputError if a file of the run or the model, or the test set, is missing or has changed,
    if the model has to be signed and is not, or if the lock is not released in time; and StoreError
    if MLflow fails.
    """
    check_reason(request.forced_because)
    if not request.dry_run:
        request.signing.refuse_untrusted()
    store, alias = connect_existing(), request.alias
    candidate = find_candidate(store, request.reference, request.test)
    if request.dry_run:
        version = find_version(store, alias.model, candidate.model_id)
    else:
        version = register_version(store, alias.model, candidate.model_id, candidate.run_id)
    state = alias_state(store, alias)
    # a version that was given the alias in MLflow passes the gate like any other
    is_champion = version is not None and state == AliasState(version, None)
    signs = request.signing.key is not None and not request.dry_run
    if is_champion and not signs:
        return Promotion("unchanged", version, version, GateVerdict([]), None)
    uri = candidate.uri if version is None else f"models:/{alias.model}/{version}"
    retranslation = translate_again(candidate, uri, on_progress)
    if is_champion and version is not None:
        signed = _sign_again(store, candidate, version, retranslation, request)
        return Promotion("unchanged", version, version, GateVerdict([]), None, signed)
    leakage = measure_leakage_again(candidate.lineage, request.test, on_progress)
    with nullcontext() if request.dry_run else hold_lock(store, alias.model) as lock:
        judgement = _judge(store, candidate, version, retranslation, leakage, request)
        record, signed = None, None
        if lock is not None and version is not None and judgement.decision != "unchanged":
            refuse_lost(store, lock)
            record, signed = _carry_out(
                store, candidate, version, retranslation, judgement, request
            )
    version_before, move = judgement.before
    return Promotion(
        judgement.decision,
        version,
        version_before,
        judgement.verdict,
        record,
        signed,
        move,
        settings_of_both(candidate.evidence, judgement.comparison.evidence),
    )


def _sign_again(
    store: Store,
    candidate: Candidate,
    version: str,
    retranslation: Retranslation,
    request: PromotionRequest,
) -> Origin | None:
    """Signs the version that the alias points at. Raises InputError if it translates otherwise."""
    for parity in (retranslation.served, retranslation.alone):
        if not parity.holds:
            raise InputError(
                f"version {version} of {request.alias.model} was not signed, because it does not "
                f"translate as it was scored ({describe(parity)}): evaluate it again"
            )
    with hold_lock(store, request.alias.model) as lock:
        refuse_lost(store, lock)
        return sign_version(
            store, candidate, request.alias, version, retranslation, request.signing
        )


def _judge(
    store: Store,
    candidate: Candidate,
    version: str | None,
    retranslation: Retranslation,
    leakage: LeakageAgain,
    request: PromotionRequest,
) -> Judgement:
    """Compares the candidate with the present champion and decides."""
    policy, evidence, alias = request.policy, candidate.evidence, request.alias
    before = alias_state(store, alias)
    if version is not None and before == AliasState(version, None):
        # another process has promoted the candidate since the first look
        nothing = ChampionComparison(version, None, [], None)
        return Judgement("unchanged", GateVerdict([]), nothing, policy, None, before)
    against, move_remedy = _champion_of(store, alias, before, version)
    comparison = compare_with_champion(
        store,
        evidence,
        alias,
        against,
        policy.metric,
        policy.significance_level,
        request.signing.trust,
        policy.test_levels,
    )
    inputs = GateInputs(
        champion=comparison.title,
        incomparable=comparison.incomparable,
        significance=comparison.significance,
        leakage=candidate.lineage.leakage["test"],
        near_duplicate=candidate.lineage.near_duplicate,
        served=retranslation.served,
        alone=retranslation.alone,
        spellings=retranslation.spellings,
        measured_again=leakage,
        candidate=candidate.title,
        behaviour=compare_behaviour(
            evidence,
            comparison.evidence,
            {*policy.max_fault_increase, *policy.max_fault_percent},
        ),
        further=comparison.further,
        move=before.move,
        move_remedy=move_remedy,
    )
    verdict = judge(inputs, policy)
    if verdict.is_open:
        return Judgement("promoted", verdict, comparison, policy, None, before)
    decision: Decision = "refused" if request.forced_because is None else "forced"
    return Judgement(decision, verdict, comparison, policy, request.forced_because, before)


def _champion_of(
    store: Store, alias: Alias, before: AliasState, candidate: str | None
) -> tuple[str | None, str | None]:
    """Returns the version that the candidate must be better than, and what to do before it.

    If the alias was moved without a record, it is the version at which the history left it, so that
    such a move never makes the gate wider. Unless the candidate is the version that the alias was
    moved to, the move has to be settled first.
    """
    move = before.move
    if move is None:
        return before.version, None
    existing = {one.version for one in store.registry.versions(alias.model)}
    is_candidate = candidate is not None and before.version == candidate
    if move.replaced in existing:
        to_do = None if is_candidate else remedy(alias, move)
        return (before.version if move.replaced == candidate else move.replaced), to_do
    return (None if is_candidate else before.version), None


def _carry_out(
    store: Store,
    candidate: Candidate,
    version: str,
    retranslation: Retranslation,
    judgement: Judgement,
    request: PromotionRequest,
) -> tuple[str, Origin | None]:
    """Records the verdict and, unless it is refused, signs the version and moves the alias.

    The caller must hold the lock of the registered model.

    Returns the record's address, and the origin of the signed files if the version was signed.
    """
    alias, author = request.alias, author_now()
    if judgement.decision == "refused":
        return record_verdict(store, candidate, judgement, alias, version, author), None
    signed = sign_version(store, candidate, alias, version, retranslation, request.signing)
    record = record_verdict(store, candidate, judgement, alias, version, author)
    store.registry.set_alias(alias.model, alias.name, version)
    # after the alias: if the process dies in between, the alias looks as if moved by hand
    append_event(store, alias, _event(judgement, version, author, record))
    record_materials(store, candidate, alias.model, version, retranslation.libraries)
    return record, signed


def _event(judgement: Judgement, version: str, author: Author, record: str) -> Event:
    found = judgement.comparison.significance
    numbers = "no champion before" if found is None else describe_significance(found)
    forced = judgement.decision == "forced"
    return Event(
        kind="forced" if forced else "promoted",
        version=version,
        replaced=judgement.before.version,
        why=f"{judgement.reason} ({numbers})" if forced else numbers,
        failed=judgement.verdict.failed,
        record=record,
        **author._asdict(),
    )
