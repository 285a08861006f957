"""Models small enough for a test, in sizes that differ so that a swapped axis fails."""

from __future__ import annotations

from typing import get_args

import torch

from tracelate.config import AttentionName, CellName, DropoutConfig, ModelConfig
from tracelate.model.search import SpecialIds
from tracelate.model.seq2seq import Seq2Seq

VOCABULARY = 17
END_BIAS = 5.0
SPECIAL = SpecialIds(padding=0, start=1, end=2)
CONFIGS: dict[str, dict[str, object]] = {
    **{f"attention {name}": {"attention": name} for name in get_args(AttentionName)},
    **{f"cell {name}": {"cell": name, "layers": 2} for name in get_args(CellName)},
    "additive, two layers": {"attention": "additive", "layers": 2},
    "additive, lstm": {"attention": "additive", "cell": "lstm"},
    "input feeding": {"input_feeding": True},
    "input feeding, local_m, lstm": {"input_feeding": True, "attention": "local_m", "cell": "lstm"},
    "two hops": {"hops": 2},
    "feed-forward encoder": {"encoder": "feed_forward", "layers": 2},
    "feed-forward encoder, lstm": {"encoder": "feed_forward", "cell": "lstm"},
    "one direction": {"directions": "forward", "layers": 2},
    "one direction, lstm": {"directions": "forward", "cell": "lstm"},
    "states copied, lstm": {"bridge": "copy", "cell": "lstm"},
    "attention alone": {"bridge": "zero"},
    "transformer": {"architecture": "transformer"},
    "transformer, two layers": {"architecture": "transformer", "layers": 2},
}
"""Each attention with one layer of GRUs, each cell with two layers, and other architectures."""


def dropout_everywhere(probability: float) -> dict[str, float]:
    return dict.fromkeys(DropoutConfig.model_fields, probability)


def toy_config(**changes: object) -> ModelConfig:
    values = {
        "architecture": "recurrent",
        "attention": "general",
        "hops": 1,
        "heads": 2,
        "window": 2,
        "input_feeding": False,
        "encoder": "recurrent",
        "directions": "both",
        "bridge": "dense",
        "cell": "gru",
        "embedding_size": 7,
        "hidden_size": 10,
        "layers": 1,
        "feed_forward_ratio": 4,
        "embedding_deviation": 0.1,
        "dropout": dropout_everywhere(0.3),
        "max_length_ratio": 2,
        "max_length_extra": 10,
    }
    return ModelConfig.model_validate({**values, **changes})


def toy_model(**changes: object) -> Seq2Seq:
    """Returns a random model in float64, to avoid rounding, with sharp predictions."""
    torch.manual_seed(3)
    model = Seq2Seq(toy_config(**changes), VOCABULARY, SPECIAL.padding).double().eval()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.mul_(2.5)
        model.embedding.weight.mul_(8)
        # the end is predicted where no word is likely: neither always nor never
        model.embedding.weight[SPECIAL.end] = 0.0
        model.output_bias_V[SPECIAL.end] = END_BIAS
    return model


def toy_sources(*lengths: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Returns random source ids of these lengths, with end tokens, and their mask."""
    generator = torch.Generator().manual_seed(4)
    source_BS = torch.zeros(len(lengths), max(lengths), dtype=torch.long)
    for row, length in enumerate(lengths):
        words = torch.randint(3, VOCABULARY, (length - 1,), generator=generator)
        source_BS[row, : length - 1] = words
        source_BS[row, length - 1] = SPECIAL.end
    return source_BS, source_BS != SPECIAL.padding
