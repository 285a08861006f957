"""Evaluations that cannot be compared are refused with both values."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.evaluation.results import evidence, some_references, translate_badly, write_evidence
from tests.test_scoring_metrics import Scoring
from tracelate.comparison.comparability import comparable_key, differences, inconsistencies, scoring
from tracelate.comparison.compare import compare
from tracelate.comparison.significance import Resampling
from tracelate.errors import InputError
from tracelate.evaluation.report import TranslationRow
from tracelate.evaluation.results import Evidence, read_evidence
from tracelate.metric_table import scoring_metrics
from tracelate.sacrebleu_metric import signature_parts

REFERENCES = some_references(30)
A = evidence("a", translate_badly(REFERENCES, 0.2, 1), REFERENCES)
B = evidence("b", translate_badly(REFERENCES, 0.4, 2), REFERENCES)


def with_signature(one: Evidence, metric: str, old: str, new: str) -> Evidence:
    assert old in one.signatures[metric]
    scores = [
        score._replace(signature=score.signature.replace(old, new))
        if score.name == metric
        else score
        for score in one.metrics.scores
    ]
    return one._replace(metrics=one.metrics._replace(scores=scores))


def with_rows(one: Evidence, rows: Sequence[TranslationRow]) -> Evidence:
    return one._replace(rows=rows)


def test_a_score_that_is_nan_is_not_that_of_the_translations() -> None:
    scores = [score._replace(value=math.nan) for score in A.metrics.scores]
    found = inconsistencies(A._replace(metrics=A.metrics._replace(scores=scores)))
    assert len(found) == len(scores) > 0
    assert found[0].startswith("metrics.json says bleu nan, but its translations score ")


def test_two_systems_on_one_test_set_can_be_compared() -> None:
    assert differences(A, B) == []
    assert inconsistencies(A) == []


def test_another_test_set_is_named_with_both_hashes() -> None:
    other = evidence("c", REFERENCES, REFERENCES, test_sha256="a0" * 32)
    assert differences(A, other) == [
        "the test sets' sha256 differ: 5e5e5e5e5e5e… and a0a0a0a0a0a0…"
    ]


def test_another_number_of_sentences_is_named() -> None:
    assert differences(A, with_rows(B, B.rows[:-1])) == [
        "the numbers of test sentences differ: 30 and 29"
    ]


@pytest.mark.parametrize("side", ["source", "reference"])
def test_one_sentence_with_another_text_is_named_with_both_texts(side: str) -> None:
    rows = list(B.rows)
    before = getattr(rows[6], side)
    rows[6] = rows[6].model_copy(update={side: before + " "})
    [reason] = differences(A, with_rows(B, rows))
    assert reason == (
        f"1 of 30 {side}s differ, first in sentence 7: {before!r} and {before + ' '!r}"
    )


def test_the_same_sentences_in_another_order_are_named() -> None:
    reasons = differences(A, with_rows(B, B.rows[::-1]))
    assert len(reasons) == 2
    assert all("in another order, first in sentence 1" in reason for reason in reasons)


@pytest.mark.parametrize(
    ("metric", "old", "new", "setting"),
    [
        ("bleu", "version:2.6.0", "version:2.5.1", ""),
        ("bleu", "tok:13a", "tok:zh", " (evaluate.tokenizer)"),
        ("bleu", "case:mixed", "case:lc", " (evaluate.lowercase)"),
        ("bleu", "eff:no", "eff:yes", ""),
        ("bleu", "smooth:exp", "smooth:floor", ""),
        ("chrf", "case:mixed", "case:lc", " (evaluate.lowercase)"),
        ("chrfpp", "nw:2", "nw:1", ""),
        ("ter", "case:lc", "case:mixed", ""),
        ("ter", "asian:no", "asian:yes", " (download.target_language)"),
    ],
)
def test_another_way_of_scoring_is_named_with_both_values_and_the_setting(
    metric: str, old: str, new: str, setting: str
) -> None:
    assert differences(A, with_signature(B, metric, old, new)) == [
        f"{metric}'s signatures differ: {old} and {new}{setting}"
    ]


def test_the_resampling_of_an_interval_makes_no_difference() -> None:
    other = evidence("b", translate_badly(REFERENCES, 0.4, 2), REFERENCES, samples=40)
    assert other.signatures != A.signatures
    assert differences(A, other) == []
    assert inconsistencies(other) == []


def test_a_part_that_only_one_signature_has_is_a_difference() -> None:
    [reason] = differences(A, with_signature(B, "bleu", "|tok:13a", ""))
    assert reason.startswith("bleu's signatures differ")


def test_scoring_keeps_all_parts_that_the_score_depends_on() -> None:
    assert scoring("nrefs:1|bs:1000|seed:12345|case:mixed|version:2.6.0") == (
        "nrefs:1|case:mixed|version:2.6.0"
    )


def test_keys_are_equal_if_and_only_if_scores_can_be_compared() -> None:
    signatures = {"bleu": "nrefs:1|bs:10|seed:1|version:2.6.0", "ter": "case:lc"}
    key = comparable_key("ab", signatures)
    assert comparable_key("ab", {**signatures, "bleu": "nrefs:1|version:2.6.0"}) == key
    assert comparable_key("ac", signatures) != key
    assert comparable_key("ab", {**signatures, "ter": "case:mixed"}) != key


def test_scores_that_differ_from_those_of_the_translations_are_found() -> None:
    rows = list(A.rows)
    rows[3] = rows[3].model_copy(update={"translation": rows[3].reference + " x"})
    reasons = inconsistencies(with_rows(A, rows))
    assert any(reason.startswith("metrics.json says bleu") for reason in reasons)
    assert inconsistencies(with_rows(A, A.rows[:20])) == [
        "metrics.json says 30 sentences, translations.jsonl has 20"
    ]


def test_scores_by_another_sacrebleu_than_the_installed_one_are_found() -> None:
    old = with_signature(A, "bleu", "version:2.6.0", "version:1.0.0")
    [reason] = inconsistencies(old)
    assert "version:1.0.0" in reason and "version:2.6.0" in reason


CHINESE = Scoring("auto", lowercase=True)
ZH_REFERENCES = [f"设备{number}已经配置，无法连接到服务器。" for number in range(30)]
ZH_TRANSLATIONS = [text.replace("已经", "未") for text in ZH_REFERENCES]


def chinese(name: str) -> Evidence:
    metrics = scoring_metrics("zh-Hans", CHINESE)
    return evidence(name, ZH_TRANSLATIONS, ZH_REFERENCES, metrics=metrics)


def test_an_evaluation_is_scored_again_with_the_options_of_its_signatures() -> None:
    one = chinese("zh")
    assert "tok:zh" in one.signatures["bleu"] and "case:lc" in one.signatures["chrf"]
    assert "asian:yes" in one.signatures["ter"]
    assert inconsistencies(one) == []
    assert differences(one, chinese("other")) == []
    by_default = evidence("13a", ZH_TRANSLATIONS, ZH_REFERENCES)
    reasons = differences(one, by_default)
    assert "tok:zh and tok:13a (evaluate.tokenizer)" in reasons[0]
    assert "case:lc and case:mixed (evaluate.lowercase)" in reasons[0]


def test_a_comparison_scores_as_the_evaluations_were_scored() -> None:
    a, b = (
        evidence("a", ZH_REFERENCES, ZH_REFERENCES, metrics=scoring_metrics("zh", CHINESE)),
        chinese("b"),
    )
    compared = compare(a, b, Resampling(20, 20, 1))
    by_key = {score.name: score.value for score in b.metrics.scores}
    assert {one.metric: one.b for one in compared.scores} == pytest.approx(by_key)
    [bucket] = [one for one in compared.by_source_length if one.difference is not None]
    [evaluated] = [one for one in b.metrics.buckets if one.bleu is not None]
    assert evaluated.bleu is not None and bucket.difference is not None
    assert bucket.sentences == evaluated.sentences == 30
    assert bucket.difference.value == pytest.approx(evaluated.bleu.value - 100)


@pytest.mark.parametrize(
    "value", ["tok:ja-mecab", "tok:", "tok:../x", "tok:nothing", "case:", "eff:x"]
)
def test_a_signature_that_cannot_be_followed_is_a_difference(value: str) -> None:
    part = value.partition(":")[0]
    shown = signature_parts(A.signatures["bleu"])[part]
    [reason] = inconsistencies(with_signature(A, "bleu", f"{part}:{shown}", value))
    assert reason.startswith("bleu was scored by ") and value in reason


def test_evidence_that_was_written_is_read_back(tmp_path: Path) -> None:
    read = read_evidence(write_evidence(tmp_path, A), "a")
    assert read == A._replace(rows=list(A.rows))


@pytest.mark.parametrize("file", ["metrics.json", "translations.jsonl"])
def test_a_file_that_is_missing_is_named(tmp_path: Path, file: str) -> None:
    (write_evidence(tmp_path, A) / file).unlink()
    with pytest.raises(InputError, match=f"{file} is missing: evaluate"):
        read_evidence(tmp_path, "a")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("{", r"metrics\.json is damaged"),
        ("[]", r"metrics\.json is damaged"),
        ('{"attention": null}', "bleu"),
        ("\udcff", r"metrics\.json is damaged"),
    ],
)
def test_invalid_metrics_are_an_error_of_one_line(tmp_path: Path, text: str, expected: str) -> None:
    write_evidence(tmp_path, A)
    (tmp_path / "metrics.json").write_bytes(text.encode("utf-8", "surrogateescape"))
    with pytest.raises(InputError, match=expected):
        read_evidence(tmp_path, "a")


@pytest.mark.parametrize(("change", "reasons"), [(9e-7, 0), (-9e-7, 0), (2e-6, 1), (-2e-6, 1)])
def test_a_score_may_differ_from_that_of_its_translations_by_rounding_alone(
    change: float, reasons: int
) -> None:
    first, *others = A.metrics.scores
    scores = [first._replace(value=first.value + change), *others]
    assert len(inconsistencies(A._replace(metrics=A.metrics._replace(scores=scores)))) == reasons
