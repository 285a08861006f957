"""The gate of the registry: what is known of a model in, a verdict with its reasons out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from tracelate.comparison.parity import Parity, describe
from tracelate.comparison.seeds import seed_margin
from tracelate.comparison.significance import Significance
from tracelate.metric_table import metric_title


class Terms(NamedTuple):
    """What the gate asks for."""

    metric: str
    """Key of the metric."""
    significance_level: float
    max_near_leakage_percent: float
    seed_deviation: float = 0.0
    """The standard deviation of the metric over seeds, in percent; 0: any better model will do."""
    accept_leakage: bool = False

    @property
    def seed_margin(self) -> float:
        """What a model must gain at least, in percent, for more than another seed may bring it."""
        return seed_margin(self.seed_deviation, self.significance_level)


class Findings(NamedTuple):
    """What is known of a model that wants to be promoted."""

    champion: str | None
    """What the model is to replace; None: nothing."""
    incomparable: Sequence[str]
    """Why the two cannot be compared, a reason each; empty without a champion."""
    significance: Significance | None
    """Of the model against the champion, by the terms' metric; None where nothing was compared."""
    leakage: Mapping[str, Any]
    """Of the test set into training, as the lineage says it."""
    served: Parity
    """The packed model's translations against those that were scored."""
    alone: Parity
    """Its translations of single sentences against those of batches."""


class Check(NamedTuple):
    name: str
    passed: bool
    reason: str
    """What was found; where it failed, also the remedy."""


class Verdict(NamedTuple):
    checks: list[Check]

    @property
    def is_open(self) -> bool:
        return all(check.passed for check in self.checks)

    @property
    def failed(self) -> list[str]:
        return [check.name for check in self.checks if not check.passed]


def judge(findings: Findings, terms: Terms) -> Verdict:
    """The gate is open where every check passes."""
    return Verdict(
        [
            _comparable(findings),
            _better(findings, terms),
            _leakage(findings.leakage, terms),
            _parity("served as scored", findings.served, "pack the model again, or evaluate again"),
            _parity("single as batched", findings.alone, "a batch must not change a translation"),
        ]
    )


def describe_significance(found: Significance) -> str:
    """The difference with its interval and both tests' p, in one line."""
    return (
        f"{metric_title(found.metric)} {found.b:.2f} against {found.a:.2f}, gain "
        f"{found.difference:+z.2f} ({found.low:+z.2f} to {found.high:+z.2f}), "
        f"p {found.p_bootstrap:.4f} and {found.p_randomisation:.4f}, "
        f"{found.sentences:,} sentences"
    )


def _comparable(findings: Findings) -> Check:
    name = "comparable"
    if findings.champion is None:
        return Check(name, True, "the first: there is nothing to compare it with")
    if findings.incomparable:
        return Check(
            name,
            False,
            f"with {findings.champion}: {'; '.join(findings.incomparable)}. Evaluate both on the "
            "same test set with the same sacrebleu",
        )
    return Check(name, True, f"with {findings.champion}: same test set, same scoring")


def _better(findings: Findings, terms: Terms) -> Check:
    name, found = "better", findings.significance
    if findings.champion is None:
        return Check(name, True, "the first: there is nothing to beat")
    if found is None or found.metric != terms.metric:
        return Check(name, False, f"was not compared by {terms.metric} with {findings.champion}")
    numbers, margin = describe_significance(found), terms.seed_margin
    match found.verdict(terms.significance_level):
        case "better" if found.difference > margin:
            more = f"; more than the {margin:.2f} of another seed" if margin else ""
            return Check(name, True, f"than {findings.champion}: {numbers}{more}")
        case "better":
            return Check(
                name,
                False,
                f"not shown to be more than luck in training, against {findings.champion}: "
                f"{numbers}; seeds alone differ by up to {margin:.2f} "
                f"(registry.seed_deviation {terms.seed_deviation:g}). Train a better one, or set "
                "that to 0 to let any better model pass",
            )
        case "worse":
            return Check(name, False, f"worse than {findings.champion}: {numbers}")
        case _:
            return Check(
                name,
                False,
                f"not shown to be better than {findings.champion}: {numbers}; both p must be less "
                f"than {terms.significance_level:g}. Train a better one, or test on more sentences",
            )


def _leakage(leakage: Mapping[str, Any], terms: Terms) -> Check:
    exact, near_percent = leakage["exact_source"], leakage["near_source_percent"]
    text = (
        f"{exact:,} test sentences occur in training and {near_percent:.1f} % nearly; 0 and "
        f"{terms.max_near_leakage_percent:g} % are allowed"
    )
    clean = exact == 0 and near_percent <= terms.max_near_leakage_percent
    if clean:
        return Check("leakage", True, text)
    if terms.accept_leakage:
        return Check("leakage", True, f"{text}: accepted explicitly")
    return Check("leakage", False, f"{text}: split by groups, or accept it with --accept-leakage")


def _parity(name: str, parity: Parity, remedy: str) -> Check:
    text = describe(parity)
    return Check(name, parity.holds, text if parity.holds else f"{text}; {remedy}")
