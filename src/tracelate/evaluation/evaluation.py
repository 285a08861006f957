"""The evaluation of a model on a test set, from its translations to its reports.

Shapes: T target pieces, S source pieces.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from tracelate import layout
from tracelate.config import EvaluateConfig
from tracelate.corpus.pairs import Pair
from tracelate.evaluation.attention_statistics import attention_statistics
from tracelate.evaluation.behaviour.measure import (
    TestFaults,
    context_of,
    find_faults,
    measure_behaviour,
)
from tracelate.evaluation.behaviour.result import Behaviour
from tracelate.evaluation.behaviour.sentence import Sentence
from tracelate.evaluation.behaviour.training_words import words_in_training
from tracelate.evaluation.figures.attention import attention_figure
from tracelate.evaluation.figures.scores import source_length_figure, training_figure
from tracelate.evaluation.figures.style import write_png
from tracelate.evaluation.metrics import SentenceScores
from tracelate.evaluation.metrics_file import write_metrics
from tracelate.evaluation.neural.program import SentenceToScore
from tracelate.evaluation.neural.scores import neural_scores
from tracelate.evaluation.page import write_page
from tracelate.evaluation.page_frame import Facts, page_frame, project_facts
from tracelate.evaluation.report import Metrics, ScoredTest, TranslationRow, write_translations
from tracelate.evaluation.scoring import score_translations
from tracelate.evaluation.word_attention import attention_over_words, choose_for_heat_maps
from tracelate.inference.translator import Translation, Translator
from tracelate.training.curve_files import read_curve
from tracelate.training.report import read_training_report


class Evaluation(NamedTuple):
    """A model's translations of a test set, their scores, and their attention."""

    translations: Sequence[Translation]
    rows: list[TranslationRow]
    attentions: list[NDArray[np.float32]]
    """The weights of each translation: weights_TS."""
    metrics: Metrics
    faults: list[list[str]]
    """Keys of the faults of each translation."""

    @property
    def signatures(self) -> dict[str, str]:
        """The signature of each score, by its name."""
        return {score.name: score.signature for score in self.metrics.scores}


def evaluate(
    translator: Translator,
    pairs: Sequence[Pair],
    translations: Sequence[Translation],
    test_sha256: str,
    config: EvaluateConfig,
    train: Path | None = None,
    several: Sequence[tuple[str, ...]] | None = None,
) -> Evaluation:
    """Scores the translations of `pairs`, in their order, and measures attention and behaviour.

    `test_sha256` is the hash of the test set. `train` has the training text, without which
    invented words are not counted. `several` has all references of each pair, if there is more
    than its target.
    """
    language = translator.trained.config.target_language
    scored = score_translations(pairs, translations, config, language, several)
    sentences = [SentenceToScore(row.source, row.translation, row.reference) for row in scored.rows]
    scores = [*scored.scores, *neural_scores(sentences, config)]
    attentions = list(translator.attentions(translations))
    test = ScoredTest(len(pairs), test_sha256)
    behaviour, faults = _behaviour(translator, scored.rows, config, train)
    attention = attention_statistics(attentions)
    metrics = Metrics(scores, scored.buckets, attention, test, behaviour)
    return Evaluation(translations, scored.rows, attentions, metrics, faults.names())


def _behaviour(
    translator: Translator,
    rows: Sequence[TranslationRow],
    config: EvaluateConfig,
    train: Path | None,
) -> tuple[Behaviour, TestFaults]:
    sentences = [Sentence(row.source, row.reference, row.translation) for row in rows]
    known = None
    if train is not None:
        known = words_in_training(train, (row.translation for row in rows))
    context = context_of(sentences, known)
    found = find_faults(sentences, context)

    def translate(sources: Sequence[str]) -> list[str]:
        return [translation.text for translation in translator.translate(sources)]

    return measure_behaviour(sentences, found, context, translate, config.behaviour), found


def write_reports(evaluation: Evaluation, translator: Translator, root: Path = Path()) -> None:
    """Writes metrics.json, translations.jsonl and the page of translations to the project."""
    write_results(evaluation, translator, root / layout.REPORTS, project_facts(root=root))


def write_results(
    evaluation: Evaluation, translator: Translator, folder: Path, facts: Facts
) -> None:
    """Writes metrics.json, translations.jsonl and the page of translations to a folder.

    `facts` is the origin of the evaluation, for the page's heading.
    """
    tokenizers, saved = translator.trained.tokenizers, translator.trained.config
    seen = [
        attention_over_words(tokenizers, translation, weights_TS)
        for translation, weights_TS in zip(
            evaluation.translations, evaluation.attentions, strict=True
        )
    ]
    frame = page_frame(saved, evaluation.metrics, facts)
    write_page(folder / layout.PAGE.name, frame, evaluation.rows, seen, evaluation.faults)
    write_translations(folder / layout.TRANSLATIONS.name, evaluation.rows)
    write_metrics(folder / layout.METRICS.name, evaluation.metrics)


def draw_figures(
    evaluation: Evaluation, translator: Translator, heat_maps: int, root: Path = Path()
) -> set[str]:
    """Draws the training curves, BLEU by source length, and `heat_maps` sentences' attention.

    Returns the characters that no installed font has.
    """
    folder = root / layout.FIGURES
    curves = read_curve(root / layout.TRAIN_CURVE), read_curve(root / layout.VALID_CURVE)
    report = read_training_report(root / layout.TRAINING_REPORT)
    kept_step = None if report.monitor == "bleu" else report.best_step
    write_png(training_figure(*curves, kept_step), folder / "training.png")
    lengths = source_length_figure(evaluation.metrics.buckets)
    write_png(lengths, folder / "bleu_by_source_length.png")
    missing: set[str] = set()
    places = choose_for_heat_maps([row.source for row in evaluation.rows], heat_maps)
    for number, place in enumerate(places, start=1):
        translation, row = evaluation.translations[place], evaluation.rows[place]
        seen = attention_over_words(
            translator.trained.tokenizers,
            translation,
            evaluation.attentions[place],
            translator.attention_views(translation),
        )
        figure = attention_figure(seen, SentenceScores(row.sentence_bleu, row.sentence_chrf))
        missing |= write_png(figure, folder / f"attention_{number}.png")
    return missing
