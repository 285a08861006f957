"""The gate's judgement on the faults of a candidate."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from tracelate.behaviour_table import check_title
from tracelate.registry.behaviour import Count, FaultComparison

LIMITS = "registry.behaviour"


class FaultLimits(NamedTuple):
    """Limits by check, and the level of the exact tests."""

    max_increase: Mapping[str, float]
    """Percent points by which the candidate's share may exceed the champion's."""
    max_percent: Mapping[str, float]
    """Largest share of the candidate."""
    significance_level: float


class Models(NamedTuple):
    """Names of the two models in messages."""

    candidate: str
    champion: str | None


def exceeded_limits(
    found: Sequence[FaultComparison], limits: FaultLimits, models: Models
) -> list[str]:
    """Returns a reason with the remedy for each limit that the candidate exceeds."""
    return [
        reason
        for one in found
        for reason in (*_share(one, limits, models), *_increase(one, limits, models))
    ]


def describe_faults(found: Sequence[FaultComparison], models: Models) -> str:
    """Returns the counts of both models for each check in one line."""
    if not found:
        return f"no limits in {LIMITS}"
    counted = "; ".join(_describe(one, models) for one in found)
    return f"{counted}. Named first: {models.candidate}" if models.champion else counted


def _share(one: FaultComparison, limits: FaultLimits, models: Models) -> Iterator[str]:
    """Yields a reason if the candidate exceeds its limit, or was not counted."""
    if (limit := limits.max_percent.get(one.key)) is None:
        return
    setting = f"{LIMITS}.max_percent.{one.key}"
    if one.candidate is None:
        yield (
            f"{check_title(one.key)} was not counted for {models.candidate}, and {setting} is "
            f"{limit:g}: evaluate it again, or remove the limit"
        )
    elif one.candidate.percent > limit:
        yield (
            f"{check_title(one.key)} in {_count(one.candidate)} sentences of {models.candidate}; "
            f"{setting} allows {limit:g} %. {_remedy(one.key)}, or raise the limit"
        )


def _increase(one: FaultComparison, limits: FaultLimits, models: Models) -> Iterator[str]:
    """Yields a reason if the candidate is shown to be worse than the champion by too much."""
    limit = limits.max_increase.get(one.key)
    if limit is None or one.champion is None:
        return
    setting = f"{LIMITS}.max_increase.{one.key}"
    if one.candidate is None or one.increase is None or one.p is None:
        yield (
            f"{check_title(one.key)} was counted for {models.champion}, but not for "
            f"{models.candidate}: evaluate it again, or remove {setting}"
        )
    elif one.increase > limit and one.p < limits.significance_level:
        yield (
            f"{check_title(one.key)} in {_count(one.candidate)} sentences of {models.candidate} "
            f"and {_count(one.champion)} of {models.champion}: {one.increase:+.1f} percent points"
            f"{_differing(one)}, p {one.p:.4f}; {setting} allows {limit:g}. {_remedy(one.key)}, or "
            "raise the limit"
        )


def _remedy(key: str) -> str:
    return (
        f"Look at these sentences (translations.html, fault {check_title(key)!r}; "
        f"metrics.json, behaviour.checks.{key}) and train a model that keeps them"
    )


def _describe(one: FaultComparison, models: Models) -> str:
    if one.candidate is None:
        return f"{check_title(one.key)} not counted"
    if models.champion is None:
        return f"{check_title(one.key)} {_count(one.candidate)}"
    if one.champion is None:
        return f"{check_title(one.key)} {_count(one.candidate)}, not counted for {models.champion}"
    return f"{check_title(one.key)} {_count(one.candidate)} against {_count(one.champion)}"


def _count(count: Count) -> str:
    return f"{count.faults:,} of {count.sentences:,} ({count.percent:.1f} %)"


def _differing(one: FaultComparison) -> str:
    if one.worse is None or one.better is None:
        return ""
    return f", {one.worse:,} sentences worse and {one.better:,} better"
