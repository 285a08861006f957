"""The gate is open if every check passes, and each check alone can close it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import pytest

from tests.evaluation.results import some_references, translate_badly
from tracelate.comparison.parity import Parity, compare_translations
from tracelate.comparison.power import Power
from tracelate.comparison.significance import Resampling, Significance, compare_systems
from tracelate.registry.gate import FurtherTest, GateInputs, GatePolicy, GateVerdict, judge
from tracelate.registry.leakage_again import LeakageAgain
from tracelate.registry.spellings import SpellingParity, Spellings
from tracelate.training.model_files import SavedNormaliser

NEAR_DUPLICATE = {"similarity": 0.8, "gram": 5}
STEPS = ["line_breaks", "invisible", "nfc", "white_space"]
POLICY = GatePolicy("bleu", 0.05, 5.0, NEAR_DUPLICATE, STEPS)
CLEAN = {"exact_source": 0, "near_source_percent": 3.0}
SAME = compare_translations(["a"], ["a"])
OTHER = compare_translations(["a"], ["b"])
BETTER = Significance(
    "bleu", 20.0, 25.0, 5.0, 3.0, 7.0, 0.001, 0.0001, 100, Resampling(), "nrefs:1", 0.05,
    Power(80, 6, 2.9),
)  # fmt: skip


def spellings(version: int = 1, steps: Sequence[str] = STEPS, **parities: Parity) -> Spellings:
    """Parities by the step that undoes their spelling, in place of equal translations."""
    found = {"nfc": SAME, "white_space": SAME, "invisible": SAME, **parities}
    names = {
        "nfc": "decomposed accents",
        "white_space": "doubled blanks",
        "invisible": "soft hyphens",
    }
    return Spellings(
        SavedNormaliser(version=version, steps=list(steps)),
        [SpellingParity(names[step], step, parity) for step, parity in found.items()],
    )


GOOD = GateInputs(
    "version 1 (champion)", [], BETTER, CLEAN, NEAR_DUPLICATE, SAME, SAME, spellings()
)
FIRST = GOOD._replace(champion=None, significance=None)


def failed(inputs: GateInputs, policy: GatePolicy = POLICY) -> list[str]:
    verdict = judge(inputs, policy)
    assert verdict.is_open == (verdict.failed == [])
    return verdict.failed


def test_a_better_model_passes_and_so_does_a_first_model() -> None:
    assert failed(GOOD) == []
    assert failed(FIRST) == []


@pytest.mark.parametrize(
    ("change", "name"),
    [
        ({"significance": BETTER._replace(difference=-5.0)}, "better"),
        ({"significance": BETTER._replace(difference=0.0, p_randomisation=1.0)}, "better"),
        ({"significance": BETTER._replace(p_bootstrap=0.05)}, "better"),
        ({"significance": BETTER._replace(p_randomisation=0.05)}, "better"),
        ({"significance": BETTER._replace(metric="chrf")}, "better"),
        ({"significance": BETTER._replace(level=0.1)}, "better"),
        ({"significance": None}, "better"),
        ({"incomparable": ["the test sets' sha256 differ"]}, "comparable"),
        ({"leakage": {**CLEAN, "exact_source": 1}}, "leakage"),
        ({"leakage": {**CLEAN, "near_source_percent": 5.1}}, "leakage"),
        ({"served": OTHER}, "served as scored"),
        ({"alone": OTHER}, "single as batched"),
        ({"alone": Parity(0, [])}, "single as batched"),
        ({"spellings": spellings(white_space=OTHER)}, "treats text alike"),
        ({"spellings": spellings(steps=["nfc"], invisible=OTHER)}, "treats text alike"),
    ],
)
def test_each_flaw_alone_closes_the_gate_and_is_named(change: dict[str, Any], name: str) -> None:
    assert failed(GOOD._replace(**change)) == [name]


@pytest.mark.parametrize(
    "change",
    [
        {"p_bootstrap": math.nan},
        {"p_randomisation": math.nan},
        {"difference": math.nan},
        {"difference": math.inf},
    ],
)
def test_a_number_that_is_not_finite_closes_the_gate(change: dict[str, Any]) -> None:
    assert failed(GOOD._replace(significance=BETTER._replace(**change))) == ["better"]


def test_a_share_of_leakage_that_is_nan_closes_the_gate() -> None:
    leakage = {**CLEAN, "near_source_percent": math.nan}
    assert failed(GOOD._replace(leakage=leakage)) == ["leakage"]


@pytest.mark.parametrize(
    "change",
    [
        {"leakage": {**CLEAN, "exact_source": 1}},
        {"served": OTHER},
        {"alone": OTHER},
        {"spellings": spellings(nfc=OTHER)},
    ],
)
def test_a_first_model_must_pass_all_checks_except_the_comparison(change: dict[str, Any]) -> None:
    assert len(failed(FIRST._replace(**change))) == 1


AGAIN = LeakageAgain({"exact_source": 0, "near_source_percent": 3.0})


def test_counts_that_the_training_text_does_not_have_close_the_gate_and_cannot_be_accepted() -> (
    None
):
    assert failed(GOOD._replace(measured_again=AGAIN)) == []
    for stated in ({"exact_source": 1}, {"near_source_percent": 0.5}):
        false = GOOD._replace(leakage={**CLEAN, **stated}, measured_again=AGAIN)
        assert failed(false, POLICY._replace(accept_leakage=True)) == ["leakage"]
        assert "in the lineage, but" in judge(false, POLICY).checks[2].reason


def test_the_verdict_says_if_leakage_was_measured_again() -> None:
    def reason(again: LeakageAgain) -> str:
        return judge(GOOD._replace(measured_again=again), POLICY).checks[2].reason

    assert reason(AGAIN).endswith("are allowed; measured again")
    assert reason(LeakageAgain(None, "it is gone")).endswith("not measured again: it is gone")


def test_accepting_leakage_opens_the_gate_for_leakage_alone() -> None:
    leaking = GOOD._replace(leakage={"exact_source": 3, "near_source_percent": 50.0})
    accepting = POLICY._replace(accept_leakage=True)
    assert failed(leaking) == ["leakage"]
    assert failed(leaking, accepting) == []
    assert failed(leaking._replace(served=OTHER), accepting) == ["served as scored"]


@pytest.mark.parametrize(("deviation", "level"), [(1.0, 0.05), (0.6, 0.001)])
def test_a_gain_must_exceed_the_variation_between_seeds(deviation: float, level: float) -> None:
    policy = POLICY._replace(seed_deviation=deviation, significance_level=level)
    clear = BETTER._replace(p_bootstrap=level / 2, p_randomisation=level / 2, level=level)
    for gain, wanted in ((0.99, ["better"]), (1.01, [])):
        found = clear._replace(difference=gain * policy.seed_margin)
        assert failed(GOOD._replace(significance=found), policy) == wanted
    assert failed(GOOD._replace(significance=found._replace(p_bootstrap=level)), policy) != []


def test_variation_between_seeds_is_named_with_its_size_and_the_remedy() -> None:
    reason = judge(GOOD, POLICY._replace(seed_deviation=2.0)).checks[1].reason
    for text in (
        "random variation between seeds",
        "+5.00",
        "by up to 5.54",
        "registry.seed_deviation 2)",
        "to 0",
    ):
        assert text in reason
    assert "more than the 2.77 of another seed" in (
        judge(GOOD, POLICY._replace(seed_deviation=1.0)).checks[1].reason
    )


def test_all_checks_are_reported_even_if_one_fails() -> None:
    bad = GateInputs(
        "version 1",
        ["other"],
        None,
        {**CLEAN, "exact_source": 1},
        NEAR_DUPLICATE,
        OTHER,
        OTHER,
        spellings(nfc=OTHER),
    )
    assert len(failed(bad)) == 6
    names = [check.name for check in judge(GOOD, POLICY).checks]
    assert names == [check.name for check in judge(bad, POLICY).checks]


def test_reasons_contain_the_numbers_and_the_remedy() -> None:
    reasons = {check.name: check.reason for check in judge(GOOD, POLICY).checks}
    for text in ("version 1", "BLEU 25.00 against 20.00", "+5.00 (+3.00 to +7.00)", "0.0010"):
        assert text in reasons["better"]
    leaking = judge(GOOD._replace(leakage={**CLEAN, "exact_source": 2}), POLICY)
    assert "2 test sentences occur in the training text" in leaking.checks[2].reason
    assert "--accept-leakage" in leaking.checks[2].reason


def test_too_few_sentences_are_said_to_be_too_few_with_what_they_can_show() -> None:
    unclear = BETTER._replace(difference=0.16, low=-0.3, high=0.62, p_bootstrap=0.4, sentences=20)
    reason = judge(GOOD._replace(significance=unclear), POLICY).checks[1].reason
    assert "too few sentences to show a difference of 0.16: 20 show one of 2.90" in reason
    assert "80 %" in reason and "test on more sentences" in reason
    few = unclear._replace(power=Power(3, 6, None))
    assert (
        "too few sentences score differently, 3 of 20: no difference is shown on fewer than 6"
        in (judge(GOOD._replace(significance=few), POLICY).checks[1].reason)
    )


def test_the_gain_of_a_metric_whose_lower_values_are_better_is_a_fall() -> None:
    policy = POLICY._replace(metric="ter", tests={"blogs": "not_worse"}, not_worse_margin=1.0)
    fall = BETTER._replace(metric="ter", a=45.0, b=40.0, difference=-5.0, low=-7.0, high=-3.0)
    rise = fall._replace(a=40.0, b=45.0, difference=5.0, low=3.0, high=7.0)

    def verdict(found: Significance) -> GateVerdict:
        further = {"blogs": FurtherTest([], found)}
        return judge(GOOD._replace(significance=found, further=further), policy)

    assert verdict(fall).is_open
    assert verdict(fall).checks[1].reason == (
        "than version 1 (champion): TER (lower is better) 40.00 against 45.00, difference -5.00 "
        "(-7.00 to -3.00), p 0.0010 and 0.0001, 100 sentences"
    )
    assert verdict(rise).failed == ["better", "not worse on blogs"]
    assert verdict(rise).checks[1].reason.startswith("worse than version 1 (champion)")
    slight = fall._replace(difference=0.2, low=-0.5, high=0.9, p_bootstrap=0.6)
    assert verdict(slight).failed == ["better"]
    assert verdict(slight._replace(low=-0.9, high=1.0)).failed == ["better", "not worse on blogs"]


@pytest.mark.parametrize("metric", ["bleu", "chrf", "chrfpp", "ter"])
def test_of_two_systems_the_gate_is_open_for_at_most_one(metric: str) -> None:
    references = some_references(60)
    systems = [translate_badly(references, share, seed) for share, seed in ((0.5, 1), (0.1, 2))]

    def verdict(champion: list[str], candidate: list[str]) -> GateVerdict:
        resampling = Resampling(200, 200)
        found = compare_systems(champion, candidate, references, resampling)
        [wanted] = [one for one in found if one.metric == metric]
        return judge(GOOD._replace(significance=wanted), POLICY._replace(metric=metric))

    worse, better = systems
    assert verdict(worse, better).is_open
    assert verdict(better, worse).failed == ["better"]
    assert verdict(better, better).failed == ["better"]


def test_near_leakage_of_exactly_the_limit_is_accepted() -> None:
    at_limit = {"exact_source": 0, "near_source_percent": POLICY.max_near_leakage_percent}
    assert failed(GOOD._replace(leakage=at_limit)) == []


def test_a_gain_of_exactly_the_variation_between_seeds_is_not_enough() -> None:
    policy = POLICY._replace(seed_deviation=1.0)
    found = BETTER._replace(difference=policy.seed_margin)
    assert failed(GOOD._replace(significance=found), policy) == ["better"]


def test_leakage_by_another_definition_of_a_near_duplicate_is_refused() -> None:
    loose = GOOD._replace(near_duplicate={"similarity": 1.0, "gram": 5})
    assert failed(loose) == ["leakage"]
    assert "measured with similarity 1, gram 5, but prepare.near_duplicate is similarity 0.8" in (
        judge(loose, POLICY).checks[2].reason
    )
    assert failed(loose, POLICY._replace(accept_leakage=True)) == []


def spelling_reason(found: Spellings, policy: GatePolicy = POLICY) -> tuple[bool, str]:
    [check] = [
        one for one in judge(GOOD._replace(spellings=found), policy).checks if "alike" in one.name
    ]
    return check.passed, check.reason


def test_spellings_are_required_by_the_present_steps_and_not_by_those_of_the_model() -> None:
    hyphens = spellings(steps=["nfc", "white_space"], invisible=OTHER)
    passed, reason = spelling_reason(hyphens)
    assert not passed
    assert reason == (
        "with soft hyphens, 1 of 1 test sentences differ, first in sentence 1: 'a' and 'b'. Its "
        "text was not normalised by invisible: train with the present prepare.normalise"
    )
    without = POLICY._replace(normalise=["nfc", "white_space"])
    assert spelling_reason(hyphens, without) == (
        True,
        "the same words for test sentences with decomposed accents 1, doubled blanks 1; not "
        "required, because no step asks it: soft hyphens (1 of 1 differ)",
    )


def test_an_older_model_must_treat_alike_what_its_own_steps_undo() -> None:
    steps = ["nfc", "line_breaks", "white_space"]
    passed, reason = spelling_reason(spellings(0, steps, invisible=OTHER))
    assert passed and "it was trained before the steps were a setting: soft hyphens (1" in reason
    passed, reason = spelling_reason(spellings(0, steps, nfc=OTHER))
    assert not passed and "does not undo them: correct the step" in reason


SEVERAL = POLICY._replace(tests={"news": "better", "blogs": "not_worse"}, not_worse_margin=1.0)
SLIGHT_LOSS = BETTER._replace(difference=-0.2, low=-0.9, high=0.5, p_bootstrap=0.6)


def on_both(news: Significance, blogs: Significance) -> GateInputs:
    return GOOD._replace(further={"news": FurtherTest([], news), "blogs": FurtherTest([], blogs)})


def test_each_further_test_set_has_a_check_that_names_it() -> None:
    verdict = judge(on_both(BETTER, SLIGHT_LOSS), SEVERAL)
    assert verdict.is_open
    reasons = {check.name: check.reason for check in verdict.checks}
    assert "than version 1 (champion): BLEU 25.00 against 20.00" in reasons["better on news"]
    assert "the interval excludes losses of 1 or more" in reasons["not worse on blogs"]
    assert failed(on_both(SLIGHT_LOSS, BETTER), SEVERAL) == ["better on news"]


def test_not_worse_needs_an_interval_above_the_margin_and_not_only_an_unclear_loss() -> None:
    unclear = SLIGHT_LOSS._replace(low=-1.0, high=0.9)  # as large as the margin
    assert failed(on_both(BETTER, unclear), SEVERAL) == ["not worse on blogs"]
    # a clear but small loss is within the margin
    small = SLIGHT_LOSS._replace(low=-0.4, high=-0.1, p_bootstrap=0.001, p_randomisation=0.001)
    assert failed(on_both(BETTER, small), SEVERAL) == []
    for number in (math.nan, math.inf):
        strange = SLIGHT_LOSS._replace(difference=number, low=number)
        assert failed(on_both(BETTER, strange), SEVERAL) == ["not worse on blogs"]


def test_a_test_set_that_was_not_evaluated_closes_the_gate_with_the_remedy() -> None:
    missing = FurtherTest(["version 1 has no evaluation on the test set 'blogs'"], None)
    inputs = GOOD._replace(further={"news": FurtherTest([], BETTER), "blogs": missing})
    verdict = judge(inputs, SEVERAL)
    assert verdict.failed == ["not worse on blogs"]
    assert "has no evaluation on the test set 'blogs'" in verdict.checks[3].reason
    assert failed(GOOD, SEVERAL) == ["better on news", "not worse on blogs"]
    assert failed(FIRST, SEVERAL) == []
