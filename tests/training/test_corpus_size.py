"""Warnings about settings that a training is too short for."""

from __future__ import annotations

from tests.tiny_corpus import PROJECT
from tracelate.config import TrainConfig, load_params
from tracelate.corpus.tokenized import TokenizedPair
from tracelate.corpus.tokenized_file import TokenizedSplit
from tracelate.training.corpus_size import size_warnings

DEFAULTS = load_params(PROJECT / "params.yaml").train


def pairs(count: int) -> TokenizedSplit:
    """Pairs of 9 pieces and an end token."""
    return TokenizedSplit.of([TokenizedPair([5] * 9, [6] * 9)] * count)


def settings(**values: object) -> TrainConfig:
    return DEFAULTS.model_copy(update=values)


def advised(config: TrainConfig, count: int) -> dict[str, float]:
    """Returns the value that each warning advises, by its setting."""
    values = {}
    for line in size_warnings(config, pairs(count)):
        setting, _, value = line.rpartition("set train.")[2].partition(" to ")
        assert f"train.{setting}" in line.split(":")[0] and "\n" not in line
        values[setting] = float(value)
    return values


def test_the_default_settings_fit_the_default_corpus() -> None:
    assert advised(DEFAULTS, 20_945) == {}


def test_a_warm_up_of_more_than_half_of_the_training_is_named_with_a_twentieth() -> None:
    # 2,048 tokens are 204 pairs of 10 tokens: 2,040 pairs are 10 batches, 60 steps in 6 epochs
    config = settings(epochs=6, warmup_steps=30, weight_average_decay=0.0)
    assert advised(config, 2040) == {}
    assert advised(config.model_copy(update={"warmup_steps": 31}), 2040) == {"warmup_steps": 3}


def test_an_average_over_more_than_a_quarter_of_the_steps_is_named() -> None:
    config = settings(epochs=40, warmup_steps=0, weight_average_decay=0.99)
    assert advised(config, 2040) == {}  # 400 steps
    # 390 steps: a tenth is 39 steps, so 1 - 1/39
    assert advised(config.model_copy(update={"epochs": 39}), 2040) == {
        "weight_average_decay": 0.9744
    }
    short = config.model_copy(update={"epochs": 1, "log_every_steps": 1})
    assert advised(short, 2040) == {"weight_average_decay": 0}  # a tenth of 10 steps is no average


def test_a_batch_that_holds_the_corpus_is_named_with_a_twentieth_of_its_tokens() -> None:
    config = settings(epochs=1000, warmup_steps=0)
    assert advised(config, 5 * 204) == {}
    # 800 tokens in one batch
    assert advised(config, 80) == {"batch_tokens": 40}


def test_a_batch_is_not_advised_below_the_longest_pair() -> None:
    config = settings(epochs=1000, warmup_steps=0)
    long = TokenizedSplit.of([*pairs(40), TokenizedPair([5] * 99, [6])])
    [line] = size_warnings(config, long)
    assert line.endswith("set train.batch_tokens to 100")


def test_one_pair_has_no_smaller_batches() -> None:
    assert advised(settings(epochs=5000, warmup_steps=0, batch_tokens=10), 1) == {}


def test_a_curve_without_rows_is_named() -> None:
    config = settings(epochs=1, warmup_steps=0, weight_average_decay=0.0, log_every_steps=11)
    assert advised(config, 2040) == {"log_every_steps": 1}
