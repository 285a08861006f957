"""Translates the test split by beam search, scores it, and draws the model's attention.

reads   data/prepared/test.parquet, models/*, reports/curves/{train,valid}.csv; for the lineage, all
        of data and reports/{data,train}.json
writes  reports/metrics.json, reports/evaluate.json (speed), reports/translations.jsonl,
        reports/translations.html (a page of all translations with their attention),
        reports/figures/{training,bleu_by_source_length,attention_N}.png,
        reports/lineage.json (hashes of all files that the model comes from)
params  evaluate; all others except runtime are recorded in the lineage

Its outputs are also logged to the training's MLflow run, which models/run.json names.
"""

from __future__ import annotations

import shutil
import time

from pipeline.stage import run_stage, say, warn
from tracelate.config import load_params
from tracelate.corpus.pairs import Pair, read_pairs
from tracelate.evaluation.evaluation import draw_figures, evaluate, write_reports
from tracelate.evaluation.figures.fonts import advice
from tracelate.evaluation.lineage import make_lineage, write_lineage
from tracelate.files import sha256_of, write_json
from tracelate.inference.translator import Translation, Translator
from tracelate.layout import EVALUATION_FILES, FIGURES, LINEAGE, MODELS, SPEED, TEST, TRAIN
from tracelate.metric_table import scoring_metrics
from tracelate.progress import bar
from tracelate.sacrebleu_metric import refuse_unavailable, tokenised_warning
from tracelate.tracking.runs.best_effort import best_effort
from tracelate.tracking.runs.log_evaluation import track_evaluation
from tracelate.training.model_files import load_model


def main() -> None:
    params = load_params()
    config, pairs = params.evaluate, read_pairs(TEST)
    metrics = scoring_metrics(params.download.target_language, config)
    refuse_unavailable(metrics.values())
    references = [pair.target for pair in pairs]
    warn(tokenised_warning(references, metrics["bleu"], force=config.force))
    translator = Translator(
        load_model(MODELS),
        beam_size=config.beam_size,
        length_penalty=config.length_penalty,
        batch_sentences=config.batch_sentences,
    )
    shutil.rmtree(FIGURES, ignore_errors=True)
    translations, seconds = translate(translator, pairs)
    evaluation = evaluate(translator, pairs, translations, sha256_of(TEST), config, TRAIN)
    warn(advice(draw_figures(evaluation, translator, config.heat_maps)))
    write_reports(evaluation, translator)
    speed = len(pairs) / seconds
    write_json(SPEED, {"sentences_per_s": speed, "seconds": seconds})
    test_sha256 = evaluation.metrics.test.sha256
    write_lineage(LINEAGE, make_lineage(params, evaluation.signatures, test_sha256))
    with best_effort():
        track_evaluation()
    scores = ", ".join(f"{score.name} {score.value:.2f}" for score in evaluation.metrics.scores)
    say(f"evaluate: {scores} on {len(pairs):,} sentences, {speed:,.0f} sentences/s")


def translate(translator: Translator, pairs: list[Pair]) -> tuple[list[Translation], float]:
    """Translates the test sentences, and measures the time in seconds."""
    began_s = time.perf_counter()
    with bar("translate", len(pairs)) as advance:
        translations = translator.translate([pair.source for pair in pairs], advance)
    return translations, time.perf_counter() - began_s


if __name__ == "__main__":
    run_stage(main, [*EVALUATION_FILES, FIGURES / "training.png"])
