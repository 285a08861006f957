"""Trains the model and keeps the weights with the best validation BLEU, chrF or loss.

reads   data/tokenized/{train,valid}.arrow, data/tokenized/tokenizer.json
writes  models/{weights.safetensors,config.json,tokenizer.json}, models/run.json (its MLflow run
        and git commit), reports/train.json, reports/curves/{train,valid}.csv
params  model, train, download.source_language, download.target_language, prepare.normalise,
        evaluate.tokenizer, evaluate.lowercase; evaluate.force and runtime change no result and are
        untracked

If it is killed, the same command resumes it from the last checkpoint (runtime.checkpoint_minutes);
SIGTERM and Ctrl-C save one first. If the training had ended, the command writes its outputs.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple
from uuid import uuid4

from pytorch_lightning.loggers import Logger

from pipeline.stage import run_stage, say, warn
from tracelate.code_files import reached_files
from tracelate.config import Params, load_params
from tracelate.corpus.tokenized_file import read_tokenized
from tracelate.corpus.tokenizer_pair import TokenizerPair
from tracelate.files import md5_of, read_json, write_json
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
from tracelate.printable import printable_line
from tracelate.processes import is_first_process
from tracelate.sacrebleu_metric import refuse_unavailable, tokenised_warning
from tracelate.tracking.runs.best_effort import best_effort
from tracelate.tracking.runs.lightning_logger import LiveLogger
from tracelate.tracking.runs.live_points import LivePoints
from tracelate.tracking.runs.log_training import (
    reattach_training,
    start_training,
    track_training,
)
from tracelate.tracking.runs.run_writer import RunWriter
from tracelate.tracking.runs.trials import trial_loggers
from tracelate.tracking.store.failures import UnreachableError
from tracelate.training.checkpoints import LAST, fingerprint, recover_checkpoints
from tracelate.training.corpus_size import size_warnings
from tracelate.training.curve_files import write_curves
from tracelate.training.finished_training import (
    keep_result,
    kept_result,
    note_outputs,
    remove_committed,
)
from tracelate.training.fit import fit
from tracelate.training.model_files import CONFIG, WEIGHTS, save_model
from tracelate.training.precision import precision_warning, with_used_precision
from tracelate.training.report import training_report
from tracelate.training.result import TrainingResult
from tracelate.training.run_file import write_training_run
from tracelate.training.training_lock import training_lock

OUTPUTS = [
    *(MODELS / name for name in (WEIGHTS, CONFIG, TOKENIZER.name)),
    RUN,
    TRAINING_REPORT,
    TRAIN_CURVE,
    VALID_CURVE,
]
DVC_LOCK = "dvc.lock"


class Tracked(NamedTuple):
    """A training and its run in MLflow."""

    run_id: str
    run: RunWriter | None
    """None if MLflow did not answer when the training started."""


def main() -> None:
    params = load_params()
    code = reached_files(Path(__file__), "pipeline")
    metrics = scoring_metrics(params.download.target_language, params.evaluate)
    refuse_unavailable(metrics.values())
    train_config = with_used_precision(params.train, params.runtime)
    for path in (TOKENIZED_TRAIN, TOKENIZED_VALID):
        read_tokenized(path)  # where it is missing, the error names its stage
    name = fingerprint(TRAINING_INPUTS, params.model, train_config, code, metrics)
    checkpoints = project_root() / CHECKPOINTS / name
    if not is_first_process():
        run_training(params, metrics, checkpoints, [])
        return
    with training_lock(checkpoints, say_who_trains):
        remove_committed(checkpoints.parent, project_root() / DVC_LOCK)
        train(params, metrics, checkpoints)


def say_who_trains(pid: str) -> None:
    sys.stderr.write(
        f"the same training is under way in process {pid}: waiting for its end, to use its result\n"
    )


def train(params: Params, metrics: Mapping[str, Metric], checkpoints: Path) -> None:
    """Trains, or takes the result of a training that was stopped before DVC had its outputs."""
    warn(precision_warning(params.train, params.runtime))
    for line in size_warnings(params.train, read_tokenized(TOKENIZED_TRAIN)):
        warn(line)
    warn_of_tokenised_text(params, metrics)
    tracked = track(params, checkpoints)
    points = LivePoints(tracked.run) if tracked.run is not None else None
    try:
        result = kept_result(checkpoints)
        if result is None:
            loggers = trial_loggers(tracked.run_id)
            if points is not None:
                loggers.append(LiveLogger(points, tracked.run_id))
            if (result := run_training(params, metrics, checkpoints, loggers)) is None:
                return
            keep_result(checkpoints, result)
    except BaseException:
        with best_effort():
            fail(tracked, points)
        raise
    write_outputs(params, result, tracked.run_id)
    note_outputs(checkpoints, md5_of(MODELS / WEIGHTS))
    with best_effort():
        if points is not None:
            points.close()
        run = tracked.run or reattach_training(params, tracked.run_id)
        track_training(run, params.model_dump())


def warn_of_tokenised_text(params: Params, metrics: Mapping[str, Metric]) -> None:
    pairs = read_tokenized(TOKENIZED_VALID)
    texts = TokenizerPair.load(TOKENIZER).target.decode(
        [pair.target_ids for pair in pairs], [pair.placeholders for pair in pairs]
    )
    warn(tokenised_warning(texts, metrics["bleu"], force=params.evaluate.force))


def fail(tracked: Tracked, points: LivePoints | None) -> None:
    if points is not None:
        points.close()
    if tracked.run is not None:
        tracked.run.fail()


def track(params: Params, checkpoints: Path) -> Tracked:
    """Returns the MLflow run of this training, which a resumed training continues.

    If MLflow does not answer, the training starts without it.
    """
    note = checkpoints / RUN.name
    noted = _noted_run(note) if checkpoints.is_dir() else None
    if (damage := recover_checkpoints(checkpoints)) is not None:
        sys.stderr.write(f"warning: {damage}\n")
    if noted is None:
        noted = uuid4().hex
    write_json(note, {"run_id": noted})  # first, so that a run that nobody noted can be found
    try:
        run = start_training(params, noted)
    except UnreachableError as error:
        sys.stderr.write(
            f"warning: {printable_line(str(error))}; the training starts without it, and its run "
            "is written when MLflow answers\n"
        )
        return Tracked(noted, None)
    write_json(note, {"run_id": run.run_id})
    return Tracked(run.run_id, run)


def _noted_run(note: Path) -> str | None:
    """Returns the id of the MLflow run that a stopped training has written; None if unknown."""
    if not note.exists() and not (note.parent / LAST).exists():
        return None  # nothing was stopped here
    try:
        run_id = read_json(note)["run_id"]
    except (OSError, ValueError, TypeError, LookupError):
        run_id = None
    if isinstance(run_id, str) and run_id.isalnum():
        return run_id
    sys.stderr.write(
        f"warning: {note} is missing or damaged: the training resumes in a new MLflow run\n"
    )
    return None


def run_training(
    params: Params,
    metrics: Mapping[str, Metric],
    checkpoints: Path,
    loggers: Sequence[Logger],
) -> TrainingResult | None:
    return fit(
        params.model,
        params.train,
        params.runtime,
        train=read_tokenized(TOKENIZED_TRAIN),
        valid=read_tokenized(TOKENIZED_VALID),
        tokenizers=TokenizerPair.load(TOKENIZER),
        metrics=metrics,
        checkpoint_dir=checkpoints,
        loggers=loggers,
    )


def write_outputs(params: Params, result: TrainingResult, run_id: str) -> None:
    """Writes all outputs, the id of the run last."""
    save_model(
        MODELS,
        result.weights,
        params.model,
        TOKENIZER,
        source_language=params.download.source_language,
        target_language=params.download.target_language,
        normalise=params.prepare.normalise,
    )
    write_curves(CURVES, result)
    report = training_report(result)
    write_json(TRAINING_REPORT, report)
    write_training_run(RUN, run_id, params.runtime.experiment, current_commit())
    say(
        f"train: best validation BLEU {report['best_valid_bleu']:.2f} at step "
        f"{report['best_step']}, {report['tokens_per_s']:,.0f} target tokens/s in "
        f"{report['precision']}"
    )


if __name__ == "__main__":
    run_stage(main, OUTPUTS if is_first_process() else [])
