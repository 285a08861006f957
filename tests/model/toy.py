"""Models small enough for a test, in sizes that differ so that a swapped axis fails."""

from __future__ import annotations

import torch

from tracelate.config import ModelConfig
from tracelate.model.search import SpecialIds
from tracelate.model.seq2seq import Seq2Seq

VOCABULARY = 17
END_BIAS = 5.0
SPECIAL = SpecialIds(padding=0, start=1, end=2)
CONFIGS = {
    "general": {"attention": "general"},
    "general, two layers": {"attention": "general", "layers": 2},
    "input feeding": {"attention": "general", "input_feeding": True},
    "additive": {"attention": "additive"},
    "additive, two layers": {"attention": "additive", "layers": 2},
}


def toy_config(**changes: object) -> ModelConfig:
    values = {
        "attention": "general",
        "embedding_size": 7,
        "hidden_size": 10,
        "layers": 1,
        "dropout": 0.3,
        "input_feeding": False,
    }
    return ModelConfig.model_validate({**values, **changes})


def toy_model(**changes: object) -> Seq2Seq:
    """A random model in float64, so that rounding decides nothing; sharp, so that words differ."""
    torch.manual_seed(3)
    model = Seq2Seq(toy_config(**changes), VOCABULARY, SPECIAL.padding).double().eval()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.mul_(2.5)
        model.embedding.weight.mul_(8)
        # the end is said where no word is likely, not everywhere or nowhere
        model.embedding.weight[SPECIAL.end] = 0.0
        model.output_bias_V[SPECIAL.end] = END_BIAS
    return model


def toy_sources(*lengths: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Random source ids of these lengths, closed by the end token, and their mask."""
    generator = torch.Generator().manual_seed(4)
    source_BS = torch.zeros(len(lengths), max(lengths), dtype=torch.long)
    for row, length in enumerate(lengths):
        words = torch.randint(3, VOCABULARY, (length - 1,), generator=generator)
        source_BS[row, : length - 1] = words
        source_BS[row, length - 1] = SPECIAL.end
    return source_BS, source_BS != SPECIAL.padding
