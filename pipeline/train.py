"""Trains the model and keeps the weights with the best validation BLEU, chrF or loss.

reads   data/tokenized/{train,valid}.parquet, data/tokenized/tokenizer.json
writes  models/{weights.safetensors,config.json,tokenizer.json}, models/run.json (its MLflow run
        and git commit), reports/train.json, reports/curves/{train,valid}.csv
params  model, train, download.source_language, download.target_language, evaluate.tokenizer,
        evaluate.lowercase; evaluate.force and runtime change no result and are untracked

If it is killed or stopped, the same command resumes it from the last epoch.
"""

from __future__ import annotations

import shutil
import sys
from collections.abc import Mapping
from pathlib import Path

from pipeline.stage import run_stage, say, warn
from tracelate.code_files import reached_files
from tracelate.config import Params, load_params
from tracelate.corpus.tokenized import TokenizedPair, read_tokenized
from tracelate.corpus.tokenizer import SubwordTokenizer
from tracelate.files import read_json, write_json
from tracelate.git import current_commit
from tracelate.layout import (
    CHECKPOINTS,
    CURVES,
    MODELS,
    RUN,
    TOKENIZED_TRAIN,
    TOKENIZED_VALID,
    TOKENIZER,
    TRAIN_CURVE,
    TRAINING_INPUTS,
    TRAINING_REPORT,
    VALID_CURVE,
    project_root,
)
from tracelate.metric_table import Metric, scoring_metrics
from tracelate.sacrebleu_metric import refuse_unavailable, tokenised_warning
from tracelate.tracking.runs.best_effort import best_effort
from tracelate.tracking.runs.lightning_logger import LiveLogger
from tracelate.tracking.runs.log_training import start_training, track_training
from tracelate.tracking.runs.run_writer import RunWriter
from tracelate.training.checkpoints import fingerprint, resume_step, set_aside_damaged
from tracelate.training.curve_files import write_curves
from tracelate.training.fit import TrainingResult, fit, is_first_process
from tracelate.training.model_files import CONFIG, WEIGHTS, save_model
from tracelate.training.report import training_report
from tracelate.training.run_file import write_training_run

OUTPUTS = [
    *(MODELS / name for name in (WEIGHTS, CONFIG, TOKENIZER.name)),
    RUN,
    TRAINING_REPORT,
    TRAIN_CURVE,
    VALID_CURVE,
]


def main() -> None:
    params = load_params()
    train, valid = read_tokenized(TOKENIZED_TRAIN), read_tokenized(TOKENIZED_VALID)
    code = reached_files(Path(__file__), "pipeline")
    metrics = scoring_metrics(params.download.target_language, params.evaluate)
    refuse_unavailable(metrics.values())
    name = fingerprint(TRAINING_INPUTS, params.model, params.train, code, metrics)
    checkpoints = project_root() / CHECKPOINTS / name
    if not is_first_process():
        run_training(params, metrics, train, valid, checkpoints, None)
        return
    tokenizer = SubwordTokenizer.load(TOKENIZER)
    texts = tokenizer.decode([pair.target_ids for pair in valid])
    warn(tokenised_warning(texts, metrics["bleu"], force=params.evaluate.force))
    run = track(params, checkpoints)
    try:
        result = run_training(params, metrics, train, valid, checkpoints, run)
    except BaseException:
        with best_effort():
            run.fail()
        raise
    if result is not None:
        write_outputs(params, result, run)
        with best_effort():
            track_training(run, params.model_dump())
        shutil.rmtree(checkpoints)


def track(params: Params, checkpoints: Path) -> RunWriter:
    """Returns the MLflow run of this training, which a resumed training continues."""
    if (aside := set_aside_damaged(checkpoints)) is not None:
        sys.stderr.write(
            f"warning: a checkpoint in {checkpoints} was damaged: training starts again, and "
            f"{aside} has the old folder, which you may delete\n"
        )
    note = checkpoints / RUN.name
    run = start_training(params, _noted_run(note) if resume_step(checkpoints) > 0 else None)
    write_json(note, {"run_id": run.run_id})
    return run


def _noted_run(note: Path) -> str | None:
    """Returns the id of the MLflow run that a stopped training has written; None if unknown."""
    try:
        run_id = read_json(note)["run_id"]
    except (OSError, ValueError, TypeError, LookupError):
        run_id = None
    if isinstance(run_id, str):
        return run_id
    sys.stderr.write(
        f"warning: {note} is missing or damaged: the training resumes in a new MLflow run\n"
    )
    return None


def run_training(
    params: Params,
    metrics: Mapping[str, Metric],
    train: list[TokenizedPair],
    valid: list[TokenizedPair],
    checkpoints: Path,
    run: RunWriter | None,
) -> TrainingResult | None:
    return fit(
        params.model,
        params.train,
        params.runtime,
        train=train,
        valid=valid,
        tokenizer=SubwordTokenizer.load(TOKENIZER),
        metrics=metrics,
        checkpoint_dir=checkpoints,
        loggers=[LiveLogger(run)] if run is not None else [],
    )


def write_outputs(params: Params, result: TrainingResult, run: RunWriter) -> None:
    """Writes all outputs, the id of the run last."""
    save_model(
        MODELS,
        result.weights,
        params.model,
        TOKENIZER,
        source_language=params.download.source_language,
        target_language=params.download.target_language,
    )
    write_curves(CURVES, result)
    report = training_report(result)
    write_json(TRAINING_REPORT, report)
    write_training_run(RUN, run.run_id, params.runtime.experiment, current_commit())
    say(
        f"train: best validation BLEU {report['best_valid_bleu']:.2f} at step "
        f"{report['best_step']}, {report['tokens_per_s']:,.0f} target tokens/s"
    )


if __name__ == "__main__":
    run_stage(main, OUTPUTS if is_first_process() else [])
