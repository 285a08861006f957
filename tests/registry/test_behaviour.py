"""A model with more faults than the champion is refused, though its BLEU is better."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from tests.evaluation.results import evidence
from tests.registry.test_gate import GOOD, POLICY
from tracelate.behaviour_table import CHECKS
from tracelate.comparison.significance import Resampling, compare_systems
from tracelate.evaluation.behaviour.result import Behaviour, FaultCount
from tracelate.evaluation.results import Evidence
from tracelate.metric_table import METRICS
from tracelate.registry.behaviour import Count, compare_behaviour
from tracelate.registry.gate import GateCheck, GateInputs, GatePolicy, judge

NO_INCREASE = POLICY._replace(max_fault_increase=dict.fromkeys(CHECKS, 0.0))
VERSES = ["la puerta de la casa no se abre", "tres luces de la sala se cierran", "la red no anda"]
REFERENCES = [f"{VERSES[number % 3]} {number} veces {{name}}" for number in range(60)]
OLD = [text.replace("la ", "el ").replace("se ", "ya ").replace("no", "sí") for text in REFERENCES]
"""Translations with wrong words and all placeholders."""
DROPPED = [text.replace(" {name}", "") for text in REFERENCES]
"""Nearly the references, without placeholders."""


def a_model(name: str, translations: Sequence[str], **faults: tuple[int, int]) -> Evidence:
    """An evaluation whose sources have the references' placeholders and numbers.

    `faults` are reported counts of checks.
    """
    found = evidence(name, translations, REFERENCES)
    rows = [
        row.model_copy(update={"source": row.reference.replace("a", "ä")}) for row in found.rows
    ]
    behaviour = None
    if faults:
        behaviour = Behaviour({key: FaultCount(*count, []) for key, count in faults.items()})
    return found._replace(rows=rows, metrics=found.metrics._replace(behaviour=behaviour))


def verdict_on(
    candidate: Evidence, champion: Evidence | None, policy: GatePolicy = NO_INCREASE
) -> GateCheck:
    keys = {*policy.max_fault_increase, *policy.max_fault_percent}
    inputs: GateInputs = GOOD._replace(
        candidate=candidate.name,
        champion=champion.name if champion else None,
        behaviour=compare_behaviour(candidate, champion, keys),
    )
    verdict = judge(inputs, policy)
    assert verdict.failed in ([], ["behaviour"])
    return verdict.checks[-1]


def test_a_model_that_drops_placeholders_is_refused_though_its_bleu_is_better() -> None:
    old, new = a_model("version 3 (champion)", OLD), a_model("run swift-owl-1", DROPPED)
    [found] = compare_systems(OLD, DROPPED, REFERENCES, Resampling(), metrics=[METRICS["bleu"]])
    assert found.verdict == "better"
    check = verdict_on(new, old)
    assert not check.passed
    for part in (
        "placeholder changed in 60 of 60 (100.0 %) sentences of run swift-owl-1",
        "and 0 of 60 (0.0 %) of version 3 (champion)",
        "+100.0 percent points, 60 sentences worse and 0 better, p 0.0000",
        "registry.behaviour.max_increase.placeholders allows 0",
        "train a model that keeps them, or raise the limit",
    ):
        assert part in check.reason
    assert "\n" not in check.reason


def test_a_model_without_more_faults_passes_with_its_counts() -> None:
    check = verdict_on(a_model("run a", OLD), a_model("version 3", DROPPED))
    assert check.passed
    assert "placeholder changed 0 of 60 (0.0 %) against 60 of 60 (100.0 %)" in check.reason


@pytest.mark.parametrize(("dropped", "passed"), [(4, True), (5, False)])
def test_a_rise_that_chance_explains_is_no_reason(dropped: int, passed: bool) -> None:
    # 4 sentences worse and none better: p = 1/16; 5: p = 1/32
    few = [*DROPPED[:dropped], *REFERENCES[dropped:]]
    assert verdict_on(a_model("run a", few), a_model("version 3", REFERENCES)).passed is passed


def test_a_rise_within_the_tolerance_is_no_reason() -> None:
    few = [*DROPPED[:6], *REFERENCES[6:]]
    models = a_model("run a", few), a_model("version 3", REFERENCES)
    for limit, passed in ((10.0, True), (9.9, False)):
        policy = POLICY._replace(max_fault_increase={"placeholders": limit})
        assert verdict_on(*models, policy).passed is passed


def test_an_absolute_limit_holds_without_a_champion() -> None:
    new = a_model("run a", [*DROPPED[:6], *REFERENCES[6:]])
    for limit, passed in ((10.0, True), (9.9, False)):
        policy = POLICY._replace(max_fault_percent={"placeholders": limit})
        check = verdict_on(new, None, policy)
        assert check.passed is passed
    assert "placeholder changed in 6 of 60 (10.0 %) sentences of run a" in check.reason
    assert "registry.behaviour.max_percent.placeholders allows 9.9 %" in check.reason


@pytest.mark.parametrize(
    ("candidate", "champion", "passed", "part"),
    [
        ({"upper_case": (30, 100)}, {"upper_case": (10, 100)}, False, "p 0.000"),
        ({"upper_case": (12, 100)}, {"upper_case": (10, 100)}, True, "12 of 100 (12.0 %) against"),
        ({"upper_case": (30, 100)}, {}, True, "not counted for version 3"),
        ({}, {"upper_case": (10, 100)}, False, "but not for run a: evaluate it again, or remove"),
        ({}, {}, True, "all upper case not counted"),
    ],
)
def test_made_sentences_are_compared_by_the_reports(
    candidate: Mapping[str, Any], champion: Mapping[str, Any], passed: bool, part: str
) -> None:
    new, old = (
        a_model("run a", REFERENCES, **candidate),
        a_model("version 3", REFERENCES, **champion),
    )
    check = verdict_on(new, old, POLICY._replace(max_fault_increase={"upper_case": 0.0}))
    assert check.passed is passed
    assert part in check.reason


def test_a_champion_of_an_older_version_is_counted_from_its_translations() -> None:
    new, old = a_model("run a", DROPPED, empty=(0, 60)), a_model("version 3", REFERENCES)
    assert old.metrics.behaviour is None
    found = {one.key: one for one in compare_behaviour(new, old, CHECKS)}
    assert list(found) == list(CHECKS)
    assert found["placeholders"].champion == Count(0, 60)
    assert found["placeholders"].candidate == Count(60, 60)
    assert found["invented"].champion is None


def test_without_limits_nothing_is_compared() -> None:
    check = verdict_on(a_model("run a", DROPPED), a_model("version 3", REFERENCES), POLICY)
    assert (check.passed, check.reason) == (True, "no limits in registry.behaviour")
