"""One training run, from token ids to the best weights."""

from __future__ import annotations

import logging
import os
import time
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import pytorch_lightning as pl
import sacrebleu
import torch
import torch.utils.deterministic
from pytorch_lightning.callbacks import EarlyStopping, ModelCheckpoint, WeightAveraging
from pytorch_lightning.loggers import Logger
from pytorch_lightning.strategies import DDPStrategy
from pytorch_lightning.utilities.exceptions import SIGTERMException
from torch import Tensor
from torch.optim.swa_utils import get_ema_multi_avg_fn

from tracelate.config import ModelConfig, RuntimeConfig, TrainConfig
from tracelate.corpus.tokenized import TokenizedPair
from tracelate.corpus.tokenizer import SubwordTokenizer
from tracelate.errors import InputError
from tracelate.model.seq2seq import Seq2Seq
from tracelate.training.checkpoints import BEST, LAST, resume_step
from tracelate.training.cpu_memory import tune_cpu_memory
from tracelate.training.curves import Curves
from tracelate.training.data import TranslationData
from tracelate.training.model_files import special_ids
from tracelate.training.module import TranslationTraining
from tracelate.training.progress import TrainingProgress


class StoppedError(InputError):
    """Training was stopped before it was done; there is no model."""


class TrainingResult(NamedTuple):
    weights: dict[str, Tensor]
    """The state dict with the best validation BLEU."""
    curves: Curves
    best_step: int
    steps: int
    seconds: float
    """Wall time of this process, validation included."""
    resumed_from_step: int
    parameter_count: int


def fit(
    model_config: ModelConfig,
    config: TrainConfig,
    runtime: RuntimeConfig,
    *,
    train: Sequence[TokenizedPair],
    valid: Sequence[TokenizedPair],
    tokenizer: SubwordTokenizer,
    checkpoint_dir: Path,
    loggers: Sequence[Logger] = (),
) -> TrainingResult | None:
    """Trains a model and returns its best weights; None in all processes but the first.

    A checkpoint is written to `checkpoint_dir` each epoch; where one lies there, the run goes on
    from it and ends as if it had never stopped.

    Raises StoppedError when training is stopped, and InputError when it diverges.
    """
    _silence_lightning()
    tune_cpu_memory()
    # `deterministic` would fill every new tensor first; nothing here reads one uninitialised
    torch.utils.deterministic.fill_uninitialized_memory = False  # type: ignore[attr-defined]
    began_s = time.perf_counter()
    pl.seed_everything(config.seed, verbose=False)
    model = Seq2Seq(model_config, tokenizer.size, tokenizer.padding_id)
    special = special_ids(tokenizer)
    data = TranslationData(train, valid, special, config)
    total_steps = data.total_steps

    def bleu_of_ids(hypotheses: list[list[int]], references: list[list[int]]) -> float:
        translations, texts = tokenizer.decode(hypotheses), tokenizer.decode(references)
        return float(sacrebleu.corpus_bleu(translations, [texts]).score)

    module = TranslationTraining(model, config, total_steps, special, bleu_of_ids)
    curves = Curves(config.log_every_steps)
    best = ModelCheckpoint(
        checkpoint_dir, BEST, monitor="valid_bleu", mode="max", enable_version_counter=False
    )
    last = ModelCheckpoint(
        checkpoint_dir, LAST, save_on_train_epoch_end=True, enable_version_counter=False
    )
    trainer = pl.Trainer(
        accelerator=runtime.accelerator,
        devices=runtime.devices,
        strategy=DDPStrategy() if runtime.devices > 1 else "auto",
        precision=config.precision,
        max_epochs=config.epochs,
        logger=list(loggers) or False,
        callbacks=[
            curves,
            TrainingProgress(total_steps),
            *_weight_averaging(config.weight_average_decay),
            EarlyStopping("valid_bleu", mode="max", patience=config.early_stopping_epochs),
            best,
            last,
        ],
        log_every_n_steps=config.log_every_steps,
        num_sanity_val_steps=0,
        reload_dataloaders_every_n_epochs=1,
        use_distributed_sampler=False,
        enable_model_summary=False,
        deterministic=True,
        default_root_dir=checkpoint_dir,
    )
    resumed_from_step = resume_step(checkpoint_dir)
    try:
        trainer.fit(
            module,
            data,
            ckpt_path=checkpoint_dir / f"{LAST}.ckpt" if resumed_from_step else None,
            weights_only=True,
        )
    except SIGTERMException:
        # it is a SystemExit that would end the process with status 0
        raise _stopped(trainer, total_steps) from None
    if trainer.received_sigterm or not trainer.state.finished:
        raise _stopped(trainer, total_steps)
    if not trainer.is_global_zero:
        return None
    kept = torch.load(best.best_model_path, weights_only=True, map_location="cpu")
    return TrainingResult(
        weights={name.removeprefix("model."): value for name, value in kept["state_dict"].items()},
        curves=curves,
        best_step=kept["global_step"],
        steps=trainer.global_step,
        seconds=time.perf_counter() - began_s,
        resumed_from_step=resumed_from_step,
        parameter_count=sum(parameter.numel() for parameter in model.parameters()),
    )


def _stopped(trainer: pl.Trainer, total_steps: int) -> StoppedError:
    return StoppedError(
        f"training was stopped at step {trainer.global_step} of {total_steps}: "
        "the same command goes on from the last epoch"
    )


def is_first_process() -> bool:
    """Whether this is the process that writes files and tracks the run."""
    return int(os.environ.get("LOCAL_RANK", 0)) == 0


def _weight_averaging(decay: float) -> list[pl.Callback]:
    """A moving average of the weights, which is what is validated and kept."""
    if decay == 0.0:
        return []
    return [WeightAveraging(multi_avg_fn=get_ema_multi_avg_fn(decay))]  # type: ignore[no-untyped-call]


def _silence_lightning() -> None:
    """Hides hints that do not hold here: batches are planned, not sampled by workers."""
    logging.getLogger("pytorch_lightning").setLevel(logging.WARNING)
    warnings.filterwarnings("ignore", ".*LeafSpec.*is deprecated.*")
    warnings.filterwarnings("ignore", ".*does not have many workers.*")
    warnings.filterwarnings("ignore", ".*Checkpoint directory.*exists and is not empty.*")
    warnings.filterwarnings("ignore", ".*The number of training batches.*")
