"""A whole training, from token ids to the best weights."""

from __future__ import annotations

import logging
import re
import time
import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import pytorch_lightning as pl
import torch
import torch.utils.deterministic
from lightning_fabric.utilities.exceptions import MisconfigurationException
from pytorch_lightning.callbacks import EarlyStopping, WeightAveraging
from pytorch_lightning.loggers import Logger
from pytorch_lightning.strategies import DDPStrategy
from torch.optim.swa_utils import get_ema_multi_avg_fn

from tracelate.config import ModelConfig, MonitorName, RuntimeConfig, TrainConfig
from tracelate.corpus.bpe_dropout import BpeDropout
from tracelate.corpus.tokenized_file import TokenizedSplit
from tracelate.corpus.tokenizer import SubwordTokenizer
from tracelate.corpus.tokenizer_pair import TokenizerPair
from tracelate.errors import InputError
from tracelate.metric_table import Metric
from tracelate.model.seq2seq import Seq2Seq
from tracelate.processes import refuse_unsafe_restarts
from tracelate.sacrebleu_metric import sacrebleu_metric
from tracelate.training.checkpoint_files import WholeCheckpointIO, best_checkpoint
from tracelate.training.checkpoints import LAST, resume_step
from tracelate.training.cpu_ram import tune_cpu_ram
from tracelate.training.curves import Curves
from tracelate.training.data import TranslationData
from tracelate.training.epochs import count_steps
from tracelate.training.model_files import source_size, special_ids
from tracelate.training.model_size import refuse_too_large
from tracelate.training.module import ScoresOfIds, TranslationTraining, Validated
from tracelate.training.precision import used_precision
from tracelate.training.progress import TrainingProgress
from tracelate.training.result import TrainingResult
from tracelate.training.resume_points import ResumePoints, StoppedError, TrainingEnd

OUT_OF_MEMORY = re.compile("can't allocate memory|out of memory|ALLOC_FAILED", re.IGNORECASE)
"""Part of torch's messages; its own class of errors is of other devices than the CPU."""

LOST = re.compile("(closed|reset) by peer|broken pipe|remote process exited", re.IGNORECASE)
"""Part of the messages of gloo and NCCL where another process has ended."""

BETTER: Mapping[MonitorName, Literal["max", "min"]] = {"bleu": "max", "chrf": "max", "loss": "min"}
"""The better values of what may choose the weights."""


class ResumableStopping(EarlyStopping):
    """EarlyStopping that also ends a training which is resumed after its last epoch.

    Lightning would train another epoch before it looks at the validation again.
    """

    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        if self.wait_count >= self.patience:
            trainer.should_stop = True


class AverageOfSteps(WeightAveraging):
    """WeightAveraging that leaves out the steps that were skipped."""

    def __init__(self, module: TranslationTraining, decay: float) -> None:
        average = get_ema_multi_avg_fn(decay)  # type: ignore[no-untyped-call]
        super().__init__(multi_avg_fn=average)
        self.module = module

    def on_train_batch_end(self, trainer: pl.Trainer, *batch: Any) -> None:
        if self.module.is_skipped:
            self._latest_update_step = trainer.global_step
        super().on_train_batch_end(trainer, *batch)


def fit(
    model_config: ModelConfig,
    config: TrainConfig,
    runtime: RuntimeConfig,
    *,
    train: TokenizedSplit,
    valid: TokenizedSplit,
    tokenizers: TokenizerPair,
    metrics: Mapping[str, Metric],
    checkpoint_dir: Path,
    loggers: Sequence[Logger] = (),
) -> TrainingResult | None:
    """Trains a model and returns its best weights; None in all processes but the first.

    Checkpoints are written to `checkpoint_dir`, as `runtime` says. If there is one, the training is
    resumed from it and ends with the same weights as if it had not been stopped. `metrics` is the
    metric table with the options that fit the target language.

    Raises StoppedError when training is stopped or another process ends, and InputError when it
    diverges, or when the machine cannot train such a model or lacks memory or the devices, or when
    the tokenizer has no merges for BPE dropout. Checkpoints stay as they are.
    """
    refuse_unsafe_restarts()
    _prepare_process()
    began_s = time.perf_counter()
    vocabulary = tokenizers.target.size, tokenizers.target.padding_id, source_size(tokenizers)
    refuse_too_large(model_config, *vocabulary)
    pl.seed_everything(config.seed, verbose=False)
    model = Seq2Seq(model_config, *vocabulary)
    special = special_ids(tokenizers.target)
    dropout = None
    if config.bpe_dropout:
        dropout = BpeDropout(tokenizers, config.bpe_dropout, config.seed)
    data = TranslationData(train, valid, special, config, runtime.accumulate, dropout)
    scores = scores_of_ids(tokenizers.target, metrics, config.monitor)
    module = TranslationTraining(model, config, count_steps(train, config), special, scores)
    curves = Curves(config.log_every_steps)
    best = best_checkpoint(checkpoint_dir, **_monitored(config))
    callbacks = [
        TrainingEnd(config),
        curves,
        *_callbacks(config, module),
        best,
        ResumePoints(checkpoint_dir, config, runtime),
    ]
    trainer = _make_trainer(config, runtime, callbacks, loggers, checkpoint_dir)
    resumed_from_step = resume_step(checkpoint_dir)
    _run(trainer, module, data, checkpoint_dir / LAST if resumed_from_step else None)
    if not trainer.is_global_zero:
        return None
    kept = torch.load(best.best_model_path, weights_only=True, map_location="cpu")
    return TrainingResult(
        weights={name.removeprefix("model."): value for name, value in kept["state_dict"].items()},
        monitor=config.monitor,
        curves=curves,
        best_step=kept["global_step"],
        steps=trainer.global_step,
        seconds=time.perf_counter() - began_s,
        resumed_from_step=resumed_from_step,
        parameter_count=sum(parameter.numel() for parameter in model.parameters()),
        precision=used_precision(config, runtime),
        skipped_batches=module.skipped_batches,
    )


def scores_of_ids(
    tokenizer: SubwordTokenizer, metrics: Mapping[str, Metric], monitor: MonitorName
) -> ScoresOfIds:
    """Returns the function that validation scores with: sacrebleu's scores of the decoded texts.

    They are BLEU, and the metric that chooses the weights.
    """
    keys = dict.fromkeys(key for key in ("bleu", monitor) if key in metrics)
    scorers = {key: sacrebleu_metric(metrics[key]) for key in keys}

    def score(sentences: list[Validated]) -> dict[str, float]:
        placeholders = [one.placeholders for one in sentences]
        translations = tokenizer.decode([one.hypothesis for one in sentences], placeholders)
        texts = tokenizer.decode([one.reference for one in sentences], placeholders)
        return {
            key: float(scorer.corpus_score(translations, [texts]).score)
            for key, scorer in scorers.items()
        }

    return score


def _monitored(config: TrainConfig) -> dict[str, Any]:
    """Returns the arguments with which callbacks choose the best weights and stop early."""
    return {"monitor": f"valid_{config.monitor}", "mode": BETTER[config.monitor]}


def _callbacks(config: TrainConfig, module: TranslationTraining) -> list[pl.Callback]:
    """Returns the progress bar, the average of the weights, and early stopping."""
    averaging: list[pl.Callback] = []
    if config.weight_average_decay > 0:
        averaging = [AverageOfSteps(module, config.weight_average_decay)]
    stopping = ResumableStopping(**_monitored(config), patience=config.early_stopping_epochs)
    return [TrainingProgress(module.total_steps), *averaging, stopping]


def _make_trainer(
    config: TrainConfig,
    runtime: RuntimeConfig,
    callbacks: list[pl.Callback],
    loggers: Sequence[Logger],
    checkpoint_dir: Path,
) -> pl.Trainer:
    try:
        return _new_trainer(config, runtime, callbacks, loggers, checkpoint_dir)
    except MisconfigurationException as error:
        raise InputError(
            f"runtime.accelerator {runtime.accelerator} with runtime.devices {runtime.devices} "
            f"cannot be used here ({str(error).strip().splitlines()[0]}): lower devices, or set "
            "accelerator to auto"
        ) from error


def _new_trainer(
    config: TrainConfig,
    runtime: RuntimeConfig,
    callbacks: list[pl.Callback],
    loggers: Sequence[Logger],
    checkpoint_dir: Path,
) -> pl.Trainer:
    return pl.Trainer(
        accelerator=runtime.accelerator,
        devices=runtime.devices,
        num_nodes=runtime.num_nodes,
        strategy=DDPStrategy() if runtime.devices * runtime.num_nodes > 1 else "auto",
        accumulate_grad_batches=runtime.accumulate,
        precision=used_precision(config, runtime),
        max_epochs=config.epochs,
        logger=list(loggers) or False,
        callbacks=callbacks,
        plugins=[WholeCheckpointIO()],
        log_every_n_steps=config.log_every_steps,
        num_sanity_val_steps=0,
        **_validation_times(config, runtime),
        reload_dataloaders_every_n_epochs=1,
        use_distributed_sampler=False,
        enable_model_summary=False,
        deterministic=True,
        default_root_dir=checkpoint_dir,
    )


def _validation_times(config: TrainConfig, runtime: RuntimeConfig) -> dict[str, Any]:
    """Returns the arguments with which Lightning validates every few steps; none: each epoch."""
    if config.validate_every is None:
        return {}
    parts = config.validate_every * runtime.accumulate
    return {"val_check_interval": parts, "check_val_every_n_epoch": None}


def _run(
    trainer: pl.Trainer,
    module: TranslationTraining,
    data: TranslationData,
    checkpoint: Path | None,
) -> None:
    """Trains from the checkpoint on.

    Raises StoppedError if the process is asked to stop or another process ends, and InputError if
    memory is not enough.
    """
    try:
        trainer.fit(module, data, ckpt_path=checkpoint, weights_only=True)
    except SystemExit as error:  # Lightning's, which ends a process without a word
        raise StoppedError(
            f"training was interrupted at step {trainer.global_step:,} of {module.total_steps:,}: "
            "run the same command again to resume it from its last checkpoint"
        ) from error
    except (MemoryError, RuntimeError) as error:
        if trainer.world_size > 1 and LOST.search(str(error)):
            raise StoppedError(
                f"another process of the training ended at {module.place} (its error, if it had "
                "one, is above): run the same command again to resume from the last checkpoint"
            ) from error
        if not (isinstance(error, MemoryError) or OUT_OF_MEMORY.search(str(error))):
            raise
        raise InputError(
            f"out of memory at {module.place}: raise runtime.accumulate "
            f"({trainer.accumulate_grad_batches}), which changes no result, or lower "
            f"train.batch_tokens ({module.config.batch_tokens}) or the sizes of the section model"
        ) from error


def _prepare_process() -> None:
    """Sets what holds for the whole process and changes no result."""
    tune_cpu_ram()
    # `deterministic` would fill every new tensor first; nothing here reads one uninitialised
    torch.utils.deterministic.fill_uninitialized_memory = False  # type: ignore[attr-defined]
    # hints that do not apply here: batches are planned, not sampled by workers
    logging.getLogger("pytorch_lightning").setLevel(logging.WARNING)
    warnings.filterwarnings("ignore", ".*LeafSpec.*is deprecated.*")
    warnings.filterwarnings("ignore", ".*does not have many workers.*")
    warnings.filterwarnings("ignore", ".*Checkpoint directory.*exists and is not empty.*")
    warnings.filterwarnings("ignore", ".*The number of training batches.*")
    # all processes have the scores of all sentences
    warnings.filterwarnings("ignore", ".*It is recommended to use `self.log.*sync_dist=True.*")
