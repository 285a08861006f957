"""Comparison of two systems on one test set."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.evaluation.results import LENGTH_BUCKETS, evidence, some_references, translate_badly
from tracelate.comparison.compare import compare, most_changed, write_comparison
from tracelate.comparison.significance import Resampling
from tracelate.errors import InputError
from tracelate.evaluation.results import Evidence

QUICK = Resampling(bootstrap_samples=100, randomisations=200, seed=1)
REFERENCES = some_references(120)
BAD = evidence("bad", translate_badly(REFERENCES, 0.5, 1), REFERENCES)
GOOD = evidence("good", translate_badly(REFERENCES, 0.1, 2), REFERENCES)


def reported(one: Evidence) -> dict[str, float]:
    return {score.name: score.value for score in one.metrics.scores}


def test_scores_are_those_that_were_reported() -> None:
    for one in compare(BAD, GOOD, QUICK).scores:
        assert one.a == pytest.approx(reported(BAD)[one.metric])
        assert one.b == pytest.approx(reported(GOOD)[one.metric])
        assert one.verdict == "better"


def test_buckets_are_those_of_the_evaluation_and_differ_by_what_it_reported() -> None:
    found = compare(BAD, GOOD, QUICK).by_source_length
    assert [bucket.shortest for bucket in found] == list(LENGTH_BUCKETS)
    for bucket, bad, good in zip(found, BAD.metrics.buckets, GOOD.metrics.buckets, strict=True):
        assert bucket.sentences == bad.sentences
        if bad.bleu is None or good.bleu is None:
            assert bucket.difference is None
        else:
            assert bucket.difference is not None
            assert bucket.difference.value == pytest.approx(good.bleu.value - bad.bleu.value)
            assert bucket.difference.low < bucket.difference.value < bucket.difference.high
    assert {bucket.difference is None for bucket in found} == {True, False}


def test_the_largest_gains_and_the_largest_losses_come_first() -> None:
    changes = compare(BAD, GOOD, QUICK).changes
    improved, worsened = most_changed(changes, 3)
    by_change = sorted(change.chrf_change for change in changes)
    assert [change.chrf_change for change in improved] == by_change[:-4:-1]
    assert [change.chrf_change for change in worsened] == by_change[:3]
    for change in improved:
        bad, good = BAD.rows[change.number - 1], GOOD.rows[change.number - 1]
        assert (change.a, change.b) == (bad.translation, good.translation)
        assert change.source == bad.source
        assert change.chrf_change == good.sentence_chrf - bad.sentence_chrf > 0


def test_only_worse_sentences_are_among_the_losses() -> None:
    perfect = evidence("perfect", REFERENCES, REFERENCES)
    assert most_changed(compare(BAD, perfect, QUICK).changes, 5)[1] == []


def test_a_system_is_identical_to_itself() -> None:
    found = compare(GOOD, GOOD._replace(name="copy"), QUICK)
    assert found.identical
    assert not compare(BAD, GOOD, QUICK).identical
    assert {one.verdict for one in found.scores} == {"not shown"}


def test_evaluations_that_cannot_be_compared_are_refused_with_every_reason() -> None:
    other = evidence("other", REFERENCES[:50], REFERENCES[:50], test_sha256="a0" * 32)
    with pytest.raises(InputError, match=r"good and other cannot .*sha256.*120 and 50.*Evaluate"):
        compare(GOOD, other, QUICK)


def test_an_evaluation_that_contradicts_itself_is_refused_by_name() -> None:
    rows = [row.model_copy(update={"translation": row.reference}) for row in BAD.rows]
    with pytest.raises(InputError, match=r"^bad: metrics.json says bleu .* score 100"):
        compare(GOOD, BAD._replace(rows=rows), QUICK)


def test_the_document_contains_scores_verdicts_and_resampling(tmp_path: Path) -> None:
    write_comparison(tmp_path / "c.json", compare(BAD, GOOD, QUICK, 0.01))
    document = json.loads((tmp_path / "c.json").read_text(encoding="utf-8"))
    assert document["a"] == {"name": "bad", "run_id": None}
    assert document["test"] == GOOD.metrics.test._asdict()
    assert document["level"] == 0.01
    assert document["resampling"] == {"bootstrap_samples": 100, "randomisations": 200, "seed": 1}
    bleu = document["scores"]["bleu"]
    assert bleu["verdict"] == "better"
    assert bleu["sentences"] == 120
    assert "version:" in bleu["signature"]
    assert set(bleu["power"]) == {
        "differing_sentences", "fewest_sentences", "smallest_detectable",
    }  # fmt: skip
    assert document["scores"]["ter"]["difference"] < 0
    assert len(document["changed_sentences"]) == len(compare(BAD, GOOD, QUICK).changes)
