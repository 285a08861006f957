"""Our scores against sacrebleu's own command and against numbers derived by hand."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import pytest
from sacrebleu.metrics import BLEU, CHRF, TER

from tests.evaluation.results import LENGTH_BUCKETS
from tracelate.errors import InputError
from tracelate.evaluation.metrics import (
    LengthBucket,
    bleu_by_source_length,
    corpus_scores,
    length_buckets,
    percentile_interval,
    sentence_scores,
)

REFERENCES = [
    "Encender la luz de la sala",
    "El dispositivo «{name}» ya está configurado.",
    "¿Desea añadir {count} dispositivos a esta habitación?",
    "Apagado",
    "Introduzca el código de verificación que se envió a su teléfono.",
    "No se pudo conectar con el servidor",
    "Temperatura exterior",
]
HYPOTHESES = [
    "Encender la luz en la sala",
    "El dispositivo «{name}» está ya configurado.",
    "¿Quiere añadir {count} dispositivos a la habitación?",
    "Apagado",
    "Introduzca el código que se envió a su teléfono.",
    "",
    "Temperatura",
]


def in_buckets(
    lengths: Sequence[int],
    hypotheses: Sequence[str],
    references: Sequence[str],
    edges: Sequence[int] = LENGTH_BUCKETS,
    min_sentences: int = 20,
) -> list[LengthBucket]:
    return bleu_by_source_length(
        lengths,
        hypotheses,
        references,
        samples=10,
        seed=1,
        edges=edges,
        min_sentences=min_sentences,
    )


def test_scores_and_intervals_are_those_of_the_sacrebleu_command(tmp_path: Path) -> None:
    (tmp_path / "references").write_text("\n".join(REFERENCES) + "\n", encoding="utf-8")
    (tmp_path / "hypotheses").write_text("\n".join(HYPOTHESES) + "\n", encoding="utf-8")
    command = [sys.executable, "-m", "sacrebleu", "references", "-i", "hypotheses"]
    options = ["-m", "bleu", "chrf", "ter", "-w", "9", "--confidence", "--confidence-n", "80"]
    done = subprocess.run(
        [*command, *options],
        cwd=tmp_path,
        env={**os.environ, "SACREBLEU_SEED": "35"},
        capture_output=True,
        text=True,
        check=True,
    )
    theirs = json.loads(done.stdout)
    with_words = subprocess.run(
        [*command, "-m", "chrf", "-cw", "2", *options[4:]],
        cwd=tmp_path,
        env={**os.environ, "SACREBLEU_SEED": "35"},
        capture_output=True,
        text=True,
        check=True,
    )
    theirs.insert(2, json.loads(with_words.stdout))

    ours = corpus_scores(HYPOTHESES, REFERENCES, samples=80, seed=35)

    assert [score.name for score in ours] == ["bleu", "chrf", "chrfpp", "ter"]
    for our, their in zip(ours, theirs, strict=True):
        assert our.value == pytest.approx(their["score"], abs=1e-8)
        # sacrebleu prints half the interval's width; it sums in float32
        assert (our.high - our.low) / 2 == pytest.approx(their["confidence_var"], abs=1e-4)
        assert our.signature == their["signature"]
        assert "bs:80|seed:35" in our.signature


def test_a_fortieth_of_the_samples_lies_beyond_each_end_of_an_interval(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from sacrebleu import significance

    monkeypatch.setenv("SACREBLEU_SEED", "7")
    for metric, ours in zip(
        (BLEU(), CHRF(), CHRF(word_order=2), TER()),
        corpus_scores(HYPOTHESES, REFERENCES, samples=120, seed=7),
        strict=True,
    ):
        statistics = metric._extract_corpus_statistics(HYPOTHESES, [REFERENCES])
        _, resamples = significance._bootstrap_resample(statistics, metric, 120)
        ranked = sorted(score.score for score in resamples)
        # 120 / 40 = 3 outside at either end
        assert (ours.low, ours.high) == pytest.approx((ranked[3], ranked[116]), abs=1e-4)
        assert ours.low < ours.high


def test_the_seed_decides_and_the_environment_neither_does_nor_is_changed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    first = corpus_scores(HYPOTHESES, REFERENCES, samples=50, seed=3)
    monkeypatch.setenv("SACREBLEU_SEED", "none")
    assert corpus_scores(HYPOTHESES, REFERENCES, samples=50, seed=3) == first
    assert os.environ["SACREBLEU_SEED"] == "none"
    other = corpus_scores(HYPOTHESES, REFERENCES, samples=50, seed=5)
    assert [score.value for score in other] == [score.value for score in first]
    assert [score.low for score in other] != [score.low for score in first]


def test_a_perfect_translation_scores_100_and_needs_no_edits() -> None:
    bleu, chrf, chrfpp, ter = corpus_scores(REFERENCES, REFERENCES, samples=40, seed=1)
    assert (bleu.value, bleu.low, bleu.high) == pytest.approx((100, 100, 100))
    assert (chrf.value, chrf.low, chrf.high) == pytest.approx((100, 100, 100))
    assert (chrfpp.value, chrfpp.low, chrfpp.high) == pytest.approx((100, 100, 100))
    assert (ter.value, ter.low, ter.high) == (0, 0, 0)


def test_corpus_bleu_follows_papineni() -> None:
    # "a b c d e f" for "a b c d e g": 5 of 6 words, 4 of 5 pairs, 3 of 4, 2 of 3; no brevity
    expected = 100 * (5 / 6 * 4 / 5 * 3 / 4 * 2 / 3) ** 0.25
    [bleu, *_] = corpus_scores(["a b c d e f"], ["a b c d e g"], samples=2, seed=1)
    assert bleu.value == pytest.approx(expected)


def test_ter_counts_edits_for_each_reference_word_and_can_exceed_100() -> None:
    # one word wrong of four; then three words too many for one
    assert corpus_scores(["a b c x"], ["a b c d"], samples=2, seed=1)[-1].value == 25
    assert corpus_scores(["a b c d"], ["a"], samples=2, seed=1)[-1].value == 300


def test_sentence_scores_give_a_short_right_translation_100() -> None:
    scores = sentence_scores(["Apagado", "Temperatura"], ["Apagado", "Temperatura exterior"])
    assert scores[0] == pytest.approx((100, 100))
    # the only word is right; brevity penalty exp(1 - 2/1)
    assert scores[1].bleu == pytest.approx(100 * 2.718281828459045**-1)
    assert 0 < scores[1].chrf < 100


def test_sentence_scores_are_smoothed() -> None:
    # 2 of 3 words, 1 of 2 pairs, 0 of 1 triple, which counts as half a match; no 4-gram
    expected = 100 * (2 / 3 * 1 / 2 * 1 / 2) ** (1 / 3)
    assert sentence_scores(["a b c"], ["a b d"])[0].bleu == pytest.approx(expected)


@pytest.mark.parametrize("score", [partial(corpus_scores, samples=2, seed=1), sentence_scores])
def test_texts_of_unequal_length_and_empty_ones_are_refused(score: object) -> None:
    assert callable(score)
    with pytest.raises(InputError, match="3 hypotheses for 5 references"):
        score(["a"] * 3, ["a"] * 5)
    with pytest.raises(InputError, match="empty"):
        score([], [])


def test_corpus_scores_refuse_unequal_texts_too() -> None:
    with pytest.raises(InputError, match="7 hypotheses for 5 references"):
        corpus_scores(["a"] * 7, ["a"] * 5, samples=2, seed=1)


def test_buckets_hold_every_sentence_once_and_score_their_own_sentences_only() -> None:
    right, wrong = "uno dos tres cuatro cinco", "seis siete ocho nueve diez"
    lengths = [3] * 25 + [5] * 5 + [6] * 21 + [10] * 2 + [40] * 7
    references = [right] * 30 + [wrong] * 21 + [right] * 9
    hypotheses = [right] * 60

    buckets = in_buckets(lengths, hypotheses, references)

    assert [bucket[:3] for bucket in buckets] == [
        (1, 2, 0),
        (3, 5, 30),
        (6, 10, 23),
        (11, 20, 0),
        (21, None, 7),
    ]
    assert [bucket.bleu and round(bucket.bleu.value, 6) for bucket in buckets] == [
        None,
        100,
        round(100 * 2 / 23, 6),  # two of 23 are right, so are 2 / 23 of every n-gram
        None,
        None,
    ]


def test_a_bucket_is_scored_from_the_minimum_of_sentences_on() -> None:
    lengths, texts = [3] * 8 + [7] * 7, ["a b c d"] * 15
    first, second = in_buckets(lengths, texts, texts, edges=[3, 7], min_sentences=8)
    assert first.bleu is not None
    assert second.bleu is None


def test_right_translations_of_one_word_score_100_in_their_bucket() -> None:
    words = ["Apagado"] * 30
    plain = corpus_scores(words, words, samples=2, seed=1)[0]
    assert plain.value == pytest.approx(0)  # it has no 4-gram to count
    first = in_buckets([1] * 30, words, words)[0]
    assert first.bleu is not None
    assert first.bleu.value == pytest.approx(100)
    assert "eff:yes" in first.bleu.signature


def test_one_bucket_of_long_sentences_is_the_corpus_score() -> None:
    hypotheses, references = HYPOTHESES * 3, REFERENCES * 3
    (bucket,) = bleu_by_source_length(
        [4] * 21, hypotheses, references, samples=30, seed=5, edges=[1], min_sentences=20
    )
    whole = corpus_scores(hypotheses, references, samples=30, seed=5)[0]
    assert bucket.bleu is not None
    assert bucket.bleu[:4] == pytest.approx(("bleu", *whole[1:4]))


def test_lengths_and_edges_that_do_not_fit_are_refused() -> None:
    with pytest.raises(InputError, match="3 source lengths for 5 hypotheses"):
        in_buckets([1] * 3, ["a"] * 5, ["a"] * 5)
    with pytest.raises(InputError, match="must rise"):
        in_buckets([1], ["a"], ["a"], edges=[3, 3])
    with pytest.raises(InputError, match="0 words"):
        in_buckets([0, 5], ["a"] * 2, ["a"] * 2)


def test_a_bucket_begins_at_its_edge_and_ends_before_the_next() -> None:
    lengths = [1, 2, 3, 5, 6, 10, 11, 20, 21, 22, 400]
    assert list(length_buckets(lengths, LENGTH_BUCKETS)) == [
        (1, 2, [0, 1]),
        (3, 5, [2, 3]),
        (6, 10, [4, 5]),
        (11, 20, [6, 7]),
        (21, None, [8, 9, 10]),
    ]


@pytest.mark.parametrize(
    ("count", "outside"), [(39, 0), (40, 1), (79, 1), (80, 2), (119, 2), (1000, 25)]
)
def test_the_interval_leaves_out_whole_fortieths_at_either_end(count: int, outside: int) -> None:
    values = [float(value) for value in reversed(range(count))]
    assert percentile_interval(values) == (outside, count - 1 - outside)
