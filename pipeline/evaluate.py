"""Translates the test split by beam search, scores it, and draws what the model looked at.

reads   data/prepared/test.parquet, models/*, reports/curves/{train,valid}.csv; to say where the
        model comes from: all of data, reports/{data,train}.json
writes  reports/metrics.json, reports/evaluate.json (its speed), reports/translations.jsonl,
        reports/translations.html (to look at: what each word of them looked at),
        reports/figures/{training,bleu_by_source_length,attention_N}.png,
        reports/lineage.json (the hashes of all that the model comes from)
params  evaluate; all others but runtime are written down in the lineage

What it wrote goes to the MLflow run that models/run.json names, the one of the training.
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from pipeline.stage import run_stage, say
from tracelate.config import load_params
from tracelate.corpus.pairs import Pair, read_pairs
from tracelate.evaluation.attention_statistics import attention_statistics
from tracelate.evaluation.figures.attention import attention_figure
from tracelate.evaluation.figures.scores import source_length_figure, training_figure
from tracelate.evaluation.figures.style import write_png
from tracelate.evaluation.lineage import make_lineage, write_lineage
from tracelate.evaluation.metrics import SentenceScores
from tracelate.evaluation.metrics_file import write_metrics
from tracelate.evaluation.page import write_page
from tracelate.evaluation.report import Metrics, ScoredTest, TranslationRow, write_translations
from tracelate.evaluation.scoring import score_translations
from tracelate.evaluation.word_attention import attention_over_words, choose_for_heat_maps
from tracelate.files import sha256_of, write_json
from tracelate.inference.translator import Translation, Translator
from tracelate.layout import (
    EVALUATION_FILES,
    FIGURES,
    LINEAGE,
    METRICS,
    MODELS,
    PAGE,
    SPEED,
    TEST,
    TRAIN_CURVE,
    TRANSLATIONS,
    VALID_CURVE,
)
from tracelate.progress import bar
from tracelate.tracking.best_effort import best_effort
from tracelate.tracking.log_evaluation import track_evaluation
from tracelate.training.curve_files import read_curve
from tracelate.training.model_files import load_model


def main() -> None:
    params = load_params()
    config = params.evaluate
    pairs = read_pairs(TEST)
    translator = Translator(
        load_model(MODELS),
        beam_size=config.beam_size,
        length_penalty=config.length_penalty,
        batch_sentences=config.batch_sentences,
    )
    shutil.rmtree(FIGURES, ignore_errors=True)

    translations, seconds = translate(translator, pairs)
    scores, buckets, rows = score_translations(pairs, translations, config)
    attentions = list(translator.attentions(translations))
    attention = attention_statistics(attentions)

    write_png(
        training_figure(read_curve(TRAIN_CURVE), read_curve(VALID_CURVE)),
        FIGURES / "training.png",
    )
    write_png(source_length_figure(buckets), FIGURES / "bleu_by_source_length.png")
    draw_attention(translator, translations, attentions, rows, config.heat_maps)
    tokenizer, saved = translator.trained.tokenizer, translator.trained.config
    seen = [
        attention_over_words(tokenizer, translation, weights_TS)
        for translation, weights_TS in zip(translations, attentions, strict=True)
    ]
    languages = f"{saved.source_language} to {saved.target_language}"
    write_page(PAGE, f"{languages}: {len(rows):,} test sentences", rows, seen)
    write_translations(TRANSLATIONS, rows)
    test = ScoredTest(len(pairs), sha256_of(TEST))
    write_metrics(METRICS, Metrics(scores, buckets, attention, test))
    sentences_per_s = len(pairs) / seconds
    write_json(SPEED, {"sentences_per_s": sentences_per_s, "seconds": seconds})
    signatures = {score.name: score.signature for score in scores}
    write_lineage(LINEAGE, make_lineage(params, signatures, test.sha256))
    with best_effort():
        track_evaluation()
    measured = ", ".join(f"{score.name} {score.value:.2f}" for score in scores)
    say(f"evaluate: {measured} on {len(rows):,} sentences, {sentences_per_s:,.0f} sentences/s")


def translate(translator: Translator, pairs: list[Pair]) -> tuple[list[Translation], float]:
    """The test sentences' translations, and the seconds that they took."""
    began_s = time.perf_counter()
    with bar("translate", len(pairs)) as advance:
        translations = translator.translate([pair.source for pair in pairs], advance)
    return translations, time.perf_counter() - began_s


def draw_attention(
    translator: Translator,
    translations: Sequence[Translation],
    attentions: Sequence[NDArray[np.float32]],
    rows: Sequence[TranslationRow],
    count: int,
) -> None:
    """Heat maps of `count` sentences, with what else there is to see of them."""
    places = choose_for_heat_maps([row.source for row in rows], count)
    for number, place in enumerate(places, start=1):
        translation, row = translations[place], rows[place]
        seen = attention_over_words(
            translator.trained.tokenizer,
            translation,
            attentions[place],
            translator.attention_views(translation),
        )
        figure = attention_figure(seen, SentenceScores(row.sentence_bleu, row.sentence_chrf))
        write_png(figure, FIGURES / f"attention_{number}.png")


if __name__ == "__main__":
    run_stage(main, EVALUATION_FILES)
