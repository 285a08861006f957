"""Scores with several references, compared with those of sacrebleu's own command."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from sacrebleu.metrics import BLEU

from tests.evaluation.results import evidence, some_references, translate_badly
from tracelate.comparison.comparability import inconsistencies
from tracelate.evaluation.metrics import corpus_scores, sentence_scores
from tracelate.evaluation.report import TranslationRow, read_translations, write_translations
from tracelate.evaluation.results import Evidence

FIRST = some_references(40)
SECOND = translate_badly(FIRST, 0.3, 5)
THIRD = translate_badly(FIRST, 0.6, 6)
HYPOTHESES = translate_badly(FIRST, 0.4, 7)
BOTH = list(zip(FIRST, SECOND, strict=True))


@pytest.mark.parametrize("streams", [[FIRST], [FIRST, SECOND], [FIRST, SECOND, THIRD]])
def test_scores_are_those_of_sacrebleus_command(streams: list[list[str]], tmp_path: Path) -> None:
    for name, lines in (("hypotheses", HYPOTHESES), *enumerate(streams)):
        (tmp_path / str(name)).write_text("\n".join(lines) + "\n", encoding="utf-8")
    files = [str(place) for place in range(len(streams))]
    command = [sys.executable, "-m", "sacrebleu", *files, "-i", "hypotheses", "-w", "12"]
    printed = [
        subprocess.run([*command, "-m", *metrics], cwd=tmp_path, capture_output=True, check=True)
        for metrics in (["bleu", "chrf", "ter"], ["chrf", "--chrf-word-order", "2"])
    ]
    (bleu, chrf, ter), chrfpp = (json.loads(done.stdout) for done in printed)
    references = list(zip(*streams, strict=True))
    scores = corpus_scores(HYPOTHESES, references, samples=2, seed=1)
    for ours, theirs in zip(scores, (bleu, chrf, chrfpp, ter), strict=True):
        assert ours.value == pytest.approx(theirs["score"], abs=1e-9)
        assert f"nrefs:{len(streams)}|" in ours.signature
        parts = [part for part in ours.signature.split("|") if part[:3] not in ("bs:", "see")]
        assert "|".join(parts) == theirs["signature"]


def test_an_empty_reference_is_a_missing_one_and_the_signature_says_so() -> None:
    references = [
        (first, second if place % 2 else "") for place, (first, second) in enumerate(BOTH)
    ]
    bleu, *_ = corpus_scores(HYPOTHESES, references, samples=2, seed=1)
    second = [text if place % 2 else None for place, text in enumerate(SECOND)]
    theirs = BLEU().corpus_score(HYPOTHESES, [FIRST, second])  # type: ignore[list-item]
    assert bleu.value == pytest.approx(theirs.score)
    assert "nrefs:var" in bleu.signature


def test_a_sentence_is_scored_with_all_its_references() -> None:
    [score] = sentence_scores(
        ["the house is red today"], [("no such words", "the house is red today")]
    )
    assert score.bleu == pytest.approx(100)


def row(more: tuple[str, ...] = ()) -> TranslationRow:
    return TranslationRow(
        source="a",
        reference="b",
        translation="c",
        sentence_bleu=1.0,
        sentence_chrf=2.0,
        group="g",
        origin="o",
        more_references=more,
    )


def test_several_references_are_kept_and_files_with_one_stay_as_they_were(tmp_path: Path) -> None:
    path = tmp_path / "translations.jsonl"
    write_translations(path, [row(), row(("d", ""))])
    one, two = path.read_text(encoding="utf-8").splitlines()
    assert "more_references" not in one
    assert json.loads(two)["more_references"] == ["d", ""]
    assert [read.references for read in read_translations(path)] == ["b", ("b", "d", "")]


def test_translations_are_scored_again_with_all_references() -> None:
    made = evidence("a", HYPOTHESES, FIRST)
    rows = [
        one.model_copy(update={"more_references": (second,)})
        for one, second in zip(made.rows, SECOND, strict=True)
    ]
    scores = corpus_scores(HYPOTHESES, BOTH, samples=2, seed=1)
    right = Evidence("a", None, made.metrics._replace(scores=scores), rows)
    assert inconsistencies(right) == []
    assert "nrefs:2" in inconsistencies(right._replace(rows=made.rows))[0]
