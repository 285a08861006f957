"""Warnings about settings that do not fit the number of training pairs."""

from __future__ import annotations

from collections.abc import Iterator

from tracelate.config import TrainConfig
from tracelate.corpus.tokenized_file import TokenizedSplit
from tracelate.training.epochs import count_batches, count_steps

FEW_BATCHES = 5
"""Number of batches of an epoch below which batches are too large for the corpus."""
BETTER_BATCHES = 20
"""Number of batches of an epoch that the advice leads to."""
WARM_UP_SHARE = 20
"""Steps of a training for each step of the warm-up that the advice leads to, as by default."""
AVERAGED_SHARE = 10
"""Steps of a training for each step that the advised average covers."""
LEAST_AVERAGED_SHARE = 4
"""Below as many steps of a training for each averaged step, the first weights, which are random,
have more than a fiftieth (exp(-4)) of the average."""


def size_warnings(config: TrainConfig, train: TokenizedSplit) -> Iterator[str]:
    """Yields a line for each setting that the training is too short for, with a value to set.

    The number of steps is that of `count_steps`.
    """
    batches = count_batches(train, config)
    steps = count_steps(train, config)
    training = f"the {steps:,} steps of this training ({batches:,} an epoch)"
    if batches < FEW_BATCHES:
        better = _batch_tokens(train)
        if better < config.batch_tokens:
            yield (
                f"train.batch_tokens {config.batch_tokens:,} is so large that {batches:,} "
                f"{'batch has' if batches == 1 else 'batches have'} all {len(train):,} training "
                f"pairs: set train.batch_tokens to {better}"
            )
    if config.warmup_steps * 2 > steps:
        yield (
            f"train.warmup_steps {config.warmup_steps:,} is more than half of {training}: the "
            "learning rate hardly stays at its height, or never reaches it; set "
            f"train.warmup_steps to {max(1, steps // WARM_UP_SHARE)}"
        )
    averaged = 1 / (1 - config.weight_average_decay)
    if config.weight_average_decay > 0 and averaged * LEAST_AVERAGED_SHARE > steps:
        yield (
            f"train.weight_average_decay {config.weight_average_decay:g} averages the weights of "
            f"about {averaged:,.0f} steps, too many for {training}: the first, random weights "
            f"count; set train.weight_average_decay to {_decay(steps):g}"
        )
    if config.log_every_steps > steps:
        yield (
            f"train.log_every_steps {config.log_every_steps:,} is more than {training}: the "
            f"training curve has no row; set train.log_every_steps to {max(1, steps // 10)}"
        )


def _batch_tokens(train: TokenizedSplit) -> int:
    lengths = [shard.lengths_N for shard in train.shards()]
    longest = max(int(lengths_N.max()) for lengths_N in lengths)
    return max(longest, sum(int(lengths_N.sum()) for lengths_N in lengths) // BETTER_BATCHES)


def _decay(steps: int) -> float:
    """Returns the decay of an average over a tenth of the steps; 0 if that is less than two."""
    averaged = steps / AVERAGED_SHARE
    return 0.0 if averaged < 2 else round(1 - 1 / averaged, 4)
