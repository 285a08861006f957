"""Means, intervals and claims of a study against known translations."""

from __future__ import annotations

import random

import pytest
from sacrebleu.metrics import BLEU

from studies.attention.document import claims
from studies.attention.outcome import Outcome, study_outcome
from tests.evaluation.results import LENGTH_BUCKETS
from tracelate.evaluation.metrics import bleu_by_source_length, corpus_scores
from tracelate.evaluation.report import Metrics, ScoredTest, TranslationRow
from tracelate.evaluation.results import Evidence

WORDS = ["puerta", "casa", "luz", "sala", "modo", "alarma", "zona", "nivel"]
SENTENCES = 120


def translated(name: str, share_right: float, seed: int, long_share: float = 1.0) -> Evidence:
    """Translates a word correctly with probability `share_right`, times `long_share` in long
    sentences.
    """
    texts, draw = random.Random(0), random.Random(seed)
    rows = []
    for number in range(SENTENCES):
        length = 2 if number % 2 else 24
        reference = texts.choices(WORDS, k=length)
        right = share_right * (long_share if length > 2 else 1.0)
        said = [word if draw.random() < right else "nada" for word in reference]
        rows.append(
            TranslationRow(
                source=" ".join(reference),
                reference=" ".join(reference),
                translation=" ".join(said),
                sentence_bleu=0.0,
                sentence_chrf=0.0,
                group="",
                origin="",
            )
        )
    texts_said = [row.translation for row in rows]
    references = [row.reference for row in rows]
    scores = corpus_scores(texts_said, references, samples=2, seed=1)
    buckets = bleu_by_source_length(
        [len(row.source.split()) for row in rows],
        texts_said,
        references,
        samples=2,
        seed=1,
        edges=LENGTH_BUCKETS,
        min_sentences=20,
    )
    test = ScoredTest(len(rows), "0" * 64)
    return Evidence(name, None, Metrics(scores, buckets, None, test), rows)


@pytest.fixture(scope="module")
def outcome() -> Outcome:
    return study_outcome(
        {
            "none": [translated("none", 0.9, seed, long_share=0.6) for seed in (1, 2, 3)],
            "general": [translated("general", 0.9, seed) for seed in (4, 5, 6)],
            "dot": [translated("dot", 0.9, seed) for seed in (7, 8, 9)],
        }
    )


def test_a_variants_score_is_the_mean_over_its_seeds(outcome: Outcome) -> None:
    systems = [translated("none", 0.9, seed, long_share=0.6) for seed in (1, 2, 3)]
    scores = [
        BLEU()
        .corpus_score([r.translation for r in one.rows], [[r.reference for r in one.rows]])
        .score
        for one in systems
    ]
    assert outcome.variants["none"].bleu_of_seeds == pytest.approx(scores)
    assert outcome.variants["none"].bleu.value == pytest.approx(sum(scores) / 3)


def test_an_interval_contains_its_mean_and_widens_with_the_variation_of_seeds() -> None:
    alike = study_outcome({"one": [translated("", 0.8, 1)] * 3})
    spread = study_outcome({"one": [translated("", share, 1) for share in (0.6, 0.8, 0.95)]})
    near, far = (found.variants["one"].bleu.interval for found in (alike, spread))
    for interval in (near, far):
        assert interval.low < interval.value < interval.high
    assert far.high - far.low > 1.5 * (near.high - near.low)


def test_a_difference_is_taken_over_the_same_sentences(outcome: Outcome) -> None:
    bleu = outcome.variants["general"].bleu
    assert bleu.minus(bleu) == (0.0, 0.0, 0.0)
    apart = bleu.minus(outcome.variants["none"].bleu)
    assert apart.low > 0
    alone = [outcome.variants[name].bleu.interval for name in ("general", "none")]
    assert apart.high - apart.low < sum(one.high - one.low for one in alone)


def test_buckets_with_too_few_sentences_are_left_out(outcome: Outcome) -> None:
    sizes = {bucket.label: bucket.sentences for bucket in outcome.buckets}
    assert sizes == {"1–2": 60, "21+": 60}


def test_claims_follow_the_numbers(outcome: Outcome) -> None:
    first, second, *questions = claims(outcome)
    assert "It holds: 2 of 2 variants are better" in first
    assert "long sentences lose quality.** It holds" in second
    [dot] = [one for one in questions if "dot product" in one and "general" in one]
    assert "makes no significant difference" in dot
    swapped = outcome._replace(
        variants={
            "none": outcome.variants["general"],
            "general": outcome.variants["none"],
        }
    )
    first, second, *_ = claims(swapped)
    assert "It does not hold: 0 of 1" in first
    assert "It does not hold" in second
