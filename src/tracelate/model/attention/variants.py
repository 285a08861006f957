"""All variants by their names in the setting `model.attention`."""

from __future__ import annotations

from collections.abc import Callable

from tracelate.config import ModelConfig
from tracelate.model.attention.hops import HoppingAttention
from tracelate.model.attention.local import LocalMonotonicAttention, LocalPredictiveAttention
from tracelate.model.attention.multi_head import MultiHeadAttention
from tracelate.model.attention.none import NoAttention
from tracelate.model.attention.protocol import Attention
from tracelate.model.attention.scores import (
    AdditiveAttention,
    ConcatAttention,
    DotAttention,
    GeneralAttention,
    ScaledDotAttention,
)

VARIANTS: dict[str, Callable[[int, ModelConfig], Attention]] = {
    "none": lambda size, config: NoAttention(),
    "additive": lambda size, config: AdditiveAttention(size, size, size),
    "dot": lambda size, config: DotAttention(size, size),
    "scaled_dot": lambda size, config: ScaledDotAttention(size, size),
    "general": lambda size, config: GeneralAttention(size, size),
    "concat": lambda size, config: ConcatAttention(size, size, size),
    "local_m": lambda size, config: LocalMonotonicAttention(size, size, config.window),
    "local_p": lambda size, config: LocalPredictiveAttention(size, size, config.window),
    "multi_head": lambda size, config: MultiHeadAttention(size, size, config.heads),
}


def build_attention(config: ModelConfig) -> Attention:
    """Returns the attention that `config` names, over states and queries of the hidden size."""
    attention = VARIANTS[config.attention](config.hidden_size, config)
    if config.hops > 1:
        return HoppingAttention(attention, config.hidden_size, config.hops)
    return attention
