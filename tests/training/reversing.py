"""A task that a tiny model learns in seconds: repeating the words in reverse order.

Run as a program, it trains on that task: `python -m tests.training.reversing FOLDER DEVICES [STEP
SIGNAL]` writes FOLDER/weights.safetensors and FOLDER/curves.json. With STEP the last process sends
itself that signal after the step, but not after a restart by torchrun. The environment variables
TRAIN and RUNTIME change settings.
"""

from __future__ import annotations

import json
import os
import random
import signal
import sys
from pathlib import Path

import pytorch_lightning as pl
from safetensors.torch import save_file

from tests.model.toy import dropout_everywhere, toy_config
from tracelate.config import ModelConfig, RuntimeConfig, TrainConfig
from tracelate.corpus.tokenized import TokenizedPair
from tracelate.corpus.tokenized_file import TokenizedSplit
from tracelate.corpus.tokenizer import SubwordTokenizer
from tracelate.corpus.tokenizer_pair import TokenizerPair
from tracelate.metric_table import METRICS
from tracelate.training import fit as fitting

WORDS = ["uno", "dos", "tres", "seis", "diez", "ocho", "mil", "cero"]


def tokenizer() -> SubwordTokenizer:
    return SubwordTokenizer.train([f" {word}" for word in WORDS] * 50, 300, 2)


def reversing_pairs(count: int, seed: int, longest: int = 6) -> TokenizedSplit:
    """Pairs of token ids; the target is the source's words in reverse order."""
    shuffler = random.Random(seed)
    sentences = [shuffler.choices(WORDS, k=shuffler.randint(1, longest)) for _ in range(count)]
    subwords = tokenizer()
    sources = subwords.encode(["".join(f" {word}" for word in words) for words in sentences])
    targets = subwords.encode(["".join(f" {word}" for word in words[::-1]) for words in sentences])
    pairs = [TokenizedPair(*ids) for ids in zip(sources, targets, strict=True)]
    return TokenizedSplit.of(pairs)


def model_config(**changes: object) -> ModelConfig:
    settings = {"embedding_size": 32, "hidden_size": 48, "dropout": dropout_everywhere(0.1)}
    return toy_config(**{**settings, **changes})


def train_config(**changes: object) -> TrainConfig:
    values = {
        "seed": 1,
        "epochs": 3,
        "warmup_steps": 10,
        "learning_rate": 0.01,
        "final_learning_rate_factor": 0.02,
        "adam_beta1": 0.9,
        "adam_beta2": 0.98,
        "adam_epsilon": 1e-8,
        "batch_tokens": 256,
        "length_noise": 0.1,
        "label_smoothing": 0.1,
        "gradient_clip_norm": 1.0,
        "weight_average_decay": 0.9,
        "monitor": "bleu",
        "early_stopping_epochs": 10,
        "log_every_steps": 10,
        "precision": "32-true",
    }
    return TrainConfig.model_validate({**values, **changes})


def runtime(devices: int = 1, **changes: object) -> RuntimeConfig:
    values = {"accelerator": "cpu", "devices": devices, "experiment": "test"}
    return RuntimeConfig.model_validate({**values, **changes})


class Dying(pl.Callback):
    """Sends its process a signal after a step."""

    def __init__(self, step: int, rank: int, sent: signal.Signals) -> None:
        self.step, self.rank, self.sent = step, rank, sent

    def on_train_batch_end(self, trainer: pl.Trainer, *_: object) -> None:
        if (trainer.global_step, trainer.global_rank) == (self.step, self.rank):
            self.step = -1
            os.kill(os.getpid(), self.sent)


def main() -> None:
    folder, devices = Path(sys.argv[1]), int(sys.argv[2])
    if len(sys.argv) > 3 and os.environ.get("TORCHELASTIC_RESTART_COUNT", "0") == "0":
        signal.signal(signal.SIGINT, signal.default_int_handler)  # a background job ignores it
        dying = Dying(int(sys.argv[3]), devices - 1, signal.Signals[sys.argv[4]])
        new_trainer = fitting._new_trainer
        vars(fitting)["_new_trainer"] = lambda config, run, callbacks, *rest: new_trainer(
            config, run, [dying, *callbacks], *rest
        )
    result = fitting.fit(
        model_config(),
        train_config(**json.loads(os.environ.get("TRAIN", "{}"))),
        runtime(devices, **json.loads(os.environ.get("RUNTIME", "{}"))),
        train=reversing_pairs(400, seed=1),
        valid=reversing_pairs(31, seed=2),
        tokenizers=TokenizerPair.joint(tokenizer()),
        metrics=METRICS,
        checkpoint_dir=folder / "checkpoints",
    )
    if result is not None:
        save_file(result.weights, folder / "weights.safetensors")
        curves = {"train": result.curves.train, "valid": result.curves.valid}
        (folder / "curves.json").write_text(
            json.dumps({**curves, "resumed_from_step": result.resumed_from_step})
        )


if __name__ == "__main__":
    pl.seed_everything(99, verbose=False)  # the results must not depend on the global seed
    main()
