"""The promotion gate: checks of a candidate, each with its reason.

All of them have to pass, so that several test sets need no correction of the level (the
intersection-union test, Berger 1982).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from tracelate.comparison.describe import describe_significance, shortage
from tracelate.comparison.parity import Parity, describe
from tracelate.comparison.seeds import seed_margin
from tracelate.comparison.significance import Significance
from tracelate.config import Params, Requirement
from tracelate.registry.behaviour import FaultComparison
from tracelate.registry.behaviour_check import (
    FaultLimits,
    Models,
    describe_faults,
    exceeded_limits,
)
from tracelate.registry.leakage_again import LeakageAgain
from tracelate.registry.spellings import SpellingParity, Spellings
from tracelate.registry.unrecorded_moves import UnrecordedMove

NOT_WORSE_LEVEL = 0.05
"""Two-sided level of the interval that has to exclude a loss; one-sided it is 2.5 %."""


class GatePolicy(NamedTuple):
    """The thresholds that a candidate is checked against."""

    metric: str
    """Key of the metric."""
    significance_level: float
    """Both p values must be less than this."""
    max_near_leakage_percent: float
    """Largest allowed share of test sentences that nearly occur in the training text."""
    near_duplicate: Mapping[str, float]
    """Definition of a near duplicate that the leakage must have been measured with: `similarity`
    and `gram`."""
    normalise: Sequence[str]
    """Steps of the present prepare.normalise. A model must treat alike the spellings that they
    undo; one from before they were a setting, those that its own steps undo."""
    seed_deviation: float = 0.0
    """Standard deviation of the metric over seeds, in percent; 0 allows any significant gain."""
    accept_leakage: bool = False
    max_fault_increase: Mapping[str, float] = {}
    """By check of behaviour, the percent points by which the candidate's share of sentences with
    the fault may exceed the champion's."""
    max_fault_percent: Mapping[str, float] = {}
    """By check of behaviour, the largest share of sentences with the fault in percent."""
    tests: Mapping[str, Requirement] = {}
    """Requirements on further test sets, by their names."""
    not_worse_margin: float = 0.0
    """Largest loss, in percent points, that counts as not worse."""

    @property
    def test_levels(self) -> dict[str, float]:
        """Significance levels of the comparisons on further test sets, by their names."""
        return {
            test: self.significance_level if requirement == "better" else NOT_WORSE_LEVEL
            for test, requirement in self.tests.items()
        }

    @property
    def fault_limits(self) -> FaultLimits:
        return FaultLimits(self.max_fault_increase, self.max_fault_percent, self.significance_level)

    @property
    def seed_margin(self) -> float:
        """Smallest gain, in percent, that is more than a change of seed can explain."""
        return seed_margin(self.seed_deviation, self.significance_level)


def gate_policy(
    params: Params,
    *,
    accept_leakage: bool = False,
    tests: Mapping[str, Requirement] | None = None,
) -> GatePolicy:
    """Returns the policy that params.yaml describes, with requirements on more `tests`."""
    registry = params.registry
    return GatePolicy(
        registry.metric,
        registry.significance_level,
        registry.max_near_leakage_percent,
        params.prepare.near_duplicate.model_dump(),
        params.prepare.normalise,
        registry.seed_deviation,
        accept_leakage,
        registry.behaviour.max_increase,
        registry.behaviour.max_percent,
        {**registry.tests, **(tests or {})},
        registry.not_worse_margin,
    )


class FurtherTest(NamedTuple):
    """Comparison of candidate and champion on a further test set."""

    incomparable: Sequence[str]
    """Reasons why they cannot be compared on it, such as a missing evaluation."""
    significance: Significance | None
    """None if they were not compared."""


class GateInputs(NamedTuple):
    """The measurements of a candidate that the gate judges."""

    champion: str | None
    """Title of the version that the candidate would replace; None if there is none."""
    incomparable: Sequence[str]
    """Reasons why candidate and champion cannot be compared; empty without a champion."""
    significance: Significance | None
    """Comparison of the candidate with the champion by the policy's metric; None if they were not
    compared."""
    leakage: Mapping[str, Any]
    """Leakage of the test set into the training text, from the lineage."""
    near_duplicate: Mapping[str, float]
    """Definition of a near duplicate that it was measured with."""
    served: Parity
    """The packed model's translations compared with those that were scored."""
    alone: Parity
    """Translations of single sentences compared with those of batches."""
    spellings: Spellings
    """Translations of sentences in other spellings compared with those of the plain ones."""
    measured_again: LeakageAgain = LeakageAgain(None, "nobody asked for it")
    """Leakage by the training text itself, if it is here."""
    candidate: str = "the candidate"
    """Title of the candidate's run."""
    behaviour: Sequence[FaultComparison] = ()
    """Faults of the candidate and the champion, by the checks that the policy limits."""
    further: Mapping[str, FurtherTest] = {}
    """By the name of a further test set; empty without a champion."""
    move: UnrecordedMove | None = None
    """The move that has left the alias where it is, if no event of its history did."""
    move_remedy: str | None = None
    """The remedy of the move, which comes before this promotion; None if this one may settle it."""


class GateCheck(NamedTuple):
    """The result of one check."""

    name: str
    passed: bool
    reason: str
    """The measured values and, if the check failed, the remedy."""


class GateVerdict(NamedTuple):
    """The results of all checks."""

    checks: list[GateCheck]

    @property
    def is_open(self) -> bool:
        """True if every check passed."""
        return all(check.passed for check in self.checks)

    @property
    def failed(self) -> list[str]:
        """Names of the checks that failed."""
        return [check.name for check in self.checks if not check.passed]


def judge(inputs: GateInputs, policy: GatePolicy) -> GateVerdict:
    """Returns the results of all checks, also if one of them failed."""
    return GateVerdict(
        [
            _check_comparable(inputs),
            _check_better(inputs, policy),
            *(
                _check_further(inputs, policy, name, requirement)
                for name, requirement in policy.tests.items()
            ),
            _check_leakage(inputs, policy),
            _check_parity(
                "served as scored", inputs.served, "pack the model again, or evaluate it again"
            ),
            _check_parity(
                "single as batched", inputs.alone, "a batch must not change a translation"
            ),
            _check_spellings(inputs.spellings, policy),
            _check_alias(inputs),
            _check_behaviour(inputs, policy),
        ]
    )


def _check_comparable(inputs: GateInputs) -> GateCheck:
    name = "comparable"
    if inputs.champion is None:
        return GateCheck(name, True, "there is no champion yet to compare with")
    if inputs.incomparable:
        return GateCheck(
            name,
            False,
            f"not with {inputs.champion}: {'; '.join(inputs.incomparable)}. Evaluate both on the "
            "same test set, with the same settings and the same version of sacrebleu",
        )
    return GateCheck(name, True, f"with {inputs.champion}: same test set, same scoring")


def _check_better(inputs: GateInputs, policy: GatePolicy) -> GateCheck:
    name, found, champion = "better", inputs.significance, inputs.champion
    if champion is None:
        return GateCheck(name, True, "there is no champion yet to compare with")
    level = policy.significance_level
    if found is None or (found.metric, found.level) != (policy.metric, level):
        return GateCheck(
            name, False, f"not compared with {champion} by {policy.metric} at {level:g}"
        )
    numbers, margin = describe_significance(found), policy.seed_margin
    match found.verdict:
        case "better" if found.gain > margin:
            more = f"; more than the {margin:.2f} of another seed" if margin else ""
            return GateCheck(name, True, f"than {champion}: {numbers}{more}")
        case "better":
            return GateCheck(
                name,
                False,
                f"not shown to be more than random variation between seeds, against {champion}: "
                f"{numbers}; two seeds differ by up to {margin:.2f} "
                f"(registry.seed_deviation {policy.seed_deviation:g}). Train a better model, or "
                "set registry.seed_deviation to 0 to accept any significant gain",
            )
        case "worse":
            return GateCheck(name, False, f"worse than {champion}: {numbers}")
        case _:
            return GateCheck(
                name,
                False,
                f"not shown to be better than {champion}: {numbers}; both p values must be less "
                f"than {level:g}{_too_few(found)}. Train a better model, or test on more sentences",
            )


def _check_further(
    inputs: GateInputs, policy: GatePolicy, test: str, requirement: Requirement
) -> GateCheck:
    """Checks what is required on a further test set."""
    name = f"{requirement.replace('_', ' ')} on {test}"
    if inputs.champion is None:
        return GateCheck(name, True, "there is no champion yet to compare with")
    one = inputs.further.get(test)
    if one is None or one.incomparable or one.significance is None:
        reasons = "; ".join(one.incomparable) if one is not None else ""
        return GateCheck(
            name, False, f"not compared with {inputs.champion}: {reasons}".rstrip(": ")
        )
    if requirement == "better":
        further = inputs._replace(incomparable=(), significance=one.significance)
        return _check_better(further, policy)._replace(name=name)
    return _check_not_worse(name, one.significance, inputs.champion, policy.not_worse_margin)


def _check_not_worse(name: str, found: Significance, champion: str, margin: float) -> GateCheck:
    """Checks non-inferiority: the end of the 95 % interval with the least gain is above -margin.

    That a loss is not significant does not show that there is none, since a small test set shows
    nothing. The interval excludes losses of the margin or more at a one-sided level of 2.5 % (ICH
    E9 1998, section 3.3.2; Piaggio et al. 2012).
    """
    numbers = describe_significance(found)
    is_shown = math.isfinite(found.difference) and found.least_gain > -margin
    limit = f"losses of {margin:g} or more (registry.not_worse_margin)"
    if is_shown:
        return GateCheck(name, True, f"than {champion}: {numbers}; the interval excludes {limit}")
    return GateCheck(
        name,
        False,
        f"not shown, against {champion}: {numbers}; the interval does not exclude {limit}. Train a "
        "better model, or test on more sentences",
    )


def _too_few(found: Significance) -> str:
    reason = shortage(found)
    return "" if reason is None else f"; {reason}"


def _check_leakage(inputs: GateInputs, policy: GatePolicy) -> GateCheck:
    again = inputs.measured_again
    if differences := again.differences(inputs.leakage):
        # not to be accepted as leakage: the candidate states what is not so
        return GateCheck(
            "leakage", False, f"{'; '.join(differences)}: restore its lineage, or evaluate it again"
        )
    leakage, remedy = again.counts or inputs.leakage, "split by groups"
    exact, near_percent = leakage["exact_source"], leakage["near_source_percent"]
    text = (
        f"{exact:,} test sentences occur in the training text, and {near_percent:.1f} % nearly "
        f"occur; 0 and {policy.max_near_leakage_percent:g} % are allowed; "
        + ("measured again" if again.counts else f"not measured again: {again.why_not}")
    )
    same_definition = dict(inputs.near_duplicate) == dict(policy.near_duplicate)
    if not same_definition:
        text += (
            f"; near duplicates were measured with {_describe(inputs.near_duplicate)}, but "
            f"prepare.near_duplicate is {_describe(policy.near_duplicate)}"
        )
        remedy = "prepare, train and evaluate with the present settings"
    if same_definition and exact == 0 and near_percent <= policy.max_near_leakage_percent:
        return GateCheck("leakage", True, text)
    if policy.accept_leakage:
        return GateCheck("leakage", True, f"{text}: accepted with --accept-leakage")
    return GateCheck("leakage", False, f"{text}: {remedy}, or accept it with --accept-leakage")


def _describe(near_duplicate: Mapping[str, float]) -> str:
    return ", ".join(f"{name} {value:g}" for name, value in near_duplicate.items())


def _check_parity(name: str, parity: Parity, remedy: str) -> GateCheck:
    text = describe(parity)
    return GateCheck(name, parity.holds, text if parity.holds else f"{text}; {remedy}")


def _check_spellings(spellings: Spellings, policy: GatePolicy) -> GateCheck:
    name, own = "treats text alike", spellings.normaliser
    is_older = own.version == 0
    required = set(policy.normalise) & set(own.steps) if is_older else set(policy.normalise)
    asked = [one for one in spellings.parities if one.step in required]
    failed = [one for one in asked if one.parity.differences]
    others = [
        one for one in spellings.parities if one.step not in required and one.parity.differences
    ]
    counts = ", ".join(f"{one.name} {one.parity.sentences:,}" for one in asked)
    text = f"the same words for test sentences with {counts}" if asked else "no step requires it"
    if failed:
        text = "; ".join(map(_describe_spelling, failed))
    if others:
        whose = "it was trained before the steps were a setting" if is_older else "no step asks it"
        text += f"; not required, because {whose}: " + "; ".join(map(_count_spelling, others))
    if not failed:
        return GateCheck(name, True, text)
    missing = sorted({one.step for one in failed} - set(own.steps))
    remedy = (
        f"its text was not normalised by {', '.join(missing)}: train with the present "
        "prepare.normalise"
        if missing
        else "its normaliser does not undo them: correct the step"
    )
    return GateCheck(name, False, f"{text}. {remedy[0].upper()}{remedy[1:]}")


def _describe_spelling(found: SpellingParity) -> str:
    return f"with {found.name}, {describe(found.parity)}"


def _count_spelling(found: SpellingParity) -> str:
    parity = found.parity
    return f"{found.name} ({len(parity.differences):,} of {parity.sentences:,} differ)"


def _check_alias(inputs: GateInputs) -> GateCheck:
    """Checks that the version to be replaced has the alias by a promotion or a rollback.

    Otherwise a move in MLflow to a weaker version would open the gate for the next candidate.
    """
    name, move, to_do = "alias as recorded", inputs.move, inputs.move_remedy
    if move is None:
        return GateCheck(name, True, "it is where the last promotion or rollback left it")
    text = f"it {move.text}"
    return GateCheck(name, to_do is None, text if to_do is None else f"{text}: first {to_do}")


def _check_behaviour(inputs: GateInputs, policy: GatePolicy) -> GateCheck:
    models = Models(inputs.candidate, inputs.champion)
    if reasons := exceeded_limits(inputs.behaviour, policy.fault_limits, models):
        return GateCheck("behaviour", False, "; ".join(reasons))
    return GateCheck("behaviour", True, describe_faults(inputs.behaviour, models))
