"""Translates the test sets by beam search, scores them, and draws the model's attention.

reads   data/prepared/test.parquet, data/test_sets/*, models/*, reports/curves/{train,valid}.csv;
        for the lineage, all of data and reports/{data,test_sets,train}.json
writes  reports/metrics.json, reports/evaluate.json (speed), reports/translations.jsonl,
        reports/translations.html (a page of all translations with their attention),
        reports/figures/{training,bleu_by_source_length,attention_N}.png,
        reports/tests/NAME/* (the evaluation on each further test set),
        reports/tests/scores.json (of all of them),
        reports/scores.json (the figures that DVC compares),
        reports/lineage.json (hashes of all files that the model comes from)
params  evaluate; all others except runtime are recorded in the lineage; translation is shared out
        over runtime.devices processes, or those that torchrun or SLURM has started

Its outputs are also logged to the training's MLflow run, which models/run.json names.
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Sequence
from contextlib import AbstractContextManager

from pipeline.stage import run_stage, say, warn
from tracelate.config import EvaluateConfig, FurtherTestConfig, load_params
from tracelate.corpus.further.report import read_found_sets, set_path
from tracelate.corpus.further.sentences import FurtherSet, read_further_set
from tracelate.corpus.pairs import Pair, read_pairs
from tracelate.evaluation.evaluation import draw_figures, evaluate, write_reports
from tracelate.evaluation.figures.fonts import advice
from tracelate.evaluation.further_evaluation import (
    evaluate_further,
    model_record,
    named_scores,
    refuse_long_sentences,
    set_record,
)
from tracelate.evaluation.later_evaluation import write_evaluation
from tracelate.evaluation.lineage import make_lineage, write_lineage
from tracelate.evaluation.metrics import Score
from tracelate.evaluation.page_frame import project_facts
from tracelate.evaluation.scores_file import scores_document
from tracelate.files import sha256_of, write_json
from tracelate.inference.launched import launched_count
from tracelate.inference.search_worker import serve_searches
from tracelate.inference.shared_search import search_here, search_launched
from tracelate.inference.translator import Translation, Translator
from tracelate.layout import (
    EVALUATION_FILES,
    FIGURES,
    LINEAGE,
    MODELS,
    SCORES,
    SEARCHES,
    SPEED,
    TEST,
    TEST_RESULTS,
    TEST_SCORES,
    TRAIN,
    TRAINING_REPORT,
    VALID_CURVE,
    project_root,
)
from tracelate.metric_table import scoring_metrics
from tracelate.processes import is_first_process
from tracelate.progress import bar
from tracelate.sacrebleu_metric import refuse_unavailable, tokenised_warning
from tracelate.tracking.runs.best_effort import best_effort
from tracelate.tracking.runs.log_evaluation import track_evaluation
from tracelate.training.curve_files import read_curve
from tracelate.training.model_files import load_model
from tracelate.training.report import read_training_report


def main() -> None:
    if not is_first_process():
        serve_searches()
        return
    params = load_params()
    config, pairs = params.evaluate, read_pairs(TEST)
    further = read_sets(params.evaluate.tests)
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
    for name, one in further.items():
        refuse_long_sentences(translator, one, f"the test set {name!r}")
    for folder in (FIGURES, TEST_RESULTS):
        shutil.rmtree(folder, ignore_errors=True)
    with sharing(translator, params.runtime.devices):
        translations, seconds = translate(translator, pairs)
        evaluation = evaluate(translator, pairs, translations, sha256_of(TEST), config, TRAIN)
        warn(advice(draw_figures(evaluation, translator, config.heat_maps)))
        write_reports(evaluation, translator)
        scores_of = {
            name: evaluate_set(translator, name, one, config) for name, one in further.items()
        }
    speed = len(pairs) / seconds
    write_json(SPEED, {"sentences_per_s": speed, "seconds": seconds})
    write_json(TEST_SCORES, {name: named_scores(one) for name, one in scores_of.items()})
    training, curve = read_training_report(TRAINING_REPORT), read_curve(VALID_CURVE)
    write_json(SCORES, scores_document(evaluation.metrics.scores, training, curve, scores_of))
    test_sha256 = evaluation.metrics.test.sha256
    write_lineage(LINEAGE, make_lineage(params, evaluation.signatures, test_sha256))
    with best_effort():
        track_evaluation()
    for name, scores in scores_of.items():
        say(f"evaluate: {shown(scores)} on {len(further[name].pairs):,} sentences of {name}")
    scores = evaluation.metrics.scores
    say(f"evaluate: {shown(scores)} on {len(pairs):,} sentences, {speed:,.0f} sentences/s")


def read_sets(tests: Sequence[FurtherTestConfig]) -> dict[str, FurtherSet]:
    """Reads the further test sets, which must be those of the settings and of the user's files."""
    return {name: read_further_set(set_path(name)) for name in read_found_sets(tests)}


def evaluate_set(
    translator: Translator, name: str, further: FurtherSet, config: EvaluateConfig
) -> list[Score]:
    """Translates, scores and writes the evaluation on a further test set."""
    with bar(f"translate {name}", len(further.pairs)) as advance:
        evaluation = evaluate_further(translator, further, config, TRAIN, advance)
    model, text = model_record(translator), set_record(set_path(name), further)
    facts = project_facts(name)
    write_evaluation(TEST_RESULTS / name, evaluation, translator, model, text, facts)
    return evaluation.metrics.scores


def sharing(translator: Translator, devices: int) -> AbstractContextManager[None]:
    """Shares out translation over processes, which change no translation."""
    folder = project_root() / SEARCHES
    if launched_count() > 1:
        return search_launched(translator, folder)
    return search_here(translator, devices, folder)


def shown(scores: Sequence[Score]) -> str:
    return ", ".join(f"{score.name} {score.value:.2f}" for score in scores)


def translate(translator: Translator, pairs: list[Pair]) -> tuple[list[Translation], float]:
    """Translates the test sentences, and measures the time in seconds."""
    began_s = time.perf_counter()
    with bar("translate", len(pairs)) as advance:
        translations = translator.translate([pair.source for pair in pairs], advance)
    return translations, time.perf_counter() - began_s


if __name__ == "__main__":
    outputs = [*EVALUATION_FILES, FIGURES / "training.png", SCORES, TEST_SCORES]
    run_stage(main, outputs if is_first_process() else [])
