"""The Transformer: attention in place of recurrence. Vaswani et al. 2017, sections 3.1 to 3.3.

Layers normalise what they read, not what they add (Xiong et al. 2020, "pre-norm"), which trains
without a long warm-up. All three attentions are `model.attention.multi_head`'s, so that the keys
of past words are kept between steps, weights can be inspected, and dropout uses `DropoutMasks`.
tests/model/test_transformer.py holds the layers against torch's own.

Shapes: B batch, S source, T target, E embedding, M model size.
"""

from __future__ import annotations

from typing import NamedTuple, cast

import torch
from torch import Tensor, nn

from tracelate.config import ModelConfig
from tracelate.model.attention.multi_head import CausalMultiHeadAttention, MultiHeadAttention
from tracelate.model.attention.protocol import Attended, Memory
from tracelate.model.cells import CellState
from tracelate.model.decoder import Decoder, DecoderOutput, DecoderStart
from tracelate.model.dropout import DropoutMasks, drop
from tracelate.model.embedding import PositionalEmbedding
from tracelate.model.encoder import Encoded


class LayerMemories(NamedTuple):
    """What each layer of the decoder attends to: encoded sources, or the target words so far."""

    layers: tuple[Memory, ...]

    def select(self, rows: Tensor) -> LayerMemories:
        """The memories whose row i is these ones' row `rows[i]`; rows may repeat."""
        return LayerMemories(tuple(layer.select(rows) for layer in self.layers))


class FeedForward(nn.Module):
    """W_2 max(0, W_1 x + b_1) + b_2, eq. 2, at each place by itself."""

    def __init__(self, size: int, inner_size: int) -> None:
        super().__init__()
        self.inner = nn.Linear(size, inner_size)
        self.outer = nn.Linear(inner_size, size)

    def forward(self, states_BSM: Tensor) -> Tensor:
        outer_BSM: Tensor = self.outer(self.inner(states_BSM).relu())
        return outer_BSM


class EncoderLayer(nn.Module):
    """Each source word looks at all of them, then through the feed-forward layer."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        size = config.hidden_size
        self.attention_norm = nn.LayerNorm(size)
        self.attention = MultiHeadAttention(size, size, config.heads)
        self.feed_forward_norm = nn.LayerNorm(size)
        self.feed_forward = FeedForward(size, config.feed_forward_ratio * size)
        self.dropout = config.dropout.layers

    def forward(self, states_BSM: Tensor, mask_BS: Tensor, masks: DropoutMasks | None) -> Tensor:
        normal_BSM = self.attention_norm(states_BSM)
        seen = self.attention(normal_BSM, self.attention.memory(normal_BSM, mask_BS))
        states_BSM = states_BSM + drop(seen.context_BTC, self.dropout, masks)
        added_BSM = self.feed_forward(self.feed_forward_norm(states_BSM))
        return states_BSM + drop(added_BSM, self.dropout, masks)


class DecoderLayerOutput(NamedTuple):
    states_BTM: Tensor
    past: Memory
    """The target words so far, these ones included."""
    attended: Attended
    """What they took of the source."""


class DecoderLayer(nn.Module):
    """Each target word looks at those before it, then at the source, then goes through the
    feed-forward layer.
    """

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        size = config.hidden_size
        self.past_norm = nn.LayerNorm(size)
        self.past_attention = CausalMultiHeadAttention(size, size, config.heads)
        self.source_norm = nn.LayerNorm(size)
        self.source_attention = MultiHeadAttention(size, size, config.heads)
        self.feed_forward_norm = nn.LayerNorm(size)
        self.feed_forward = FeedForward(size, config.feed_forward_ratio * size)
        self.dropout = config.dropout.layers

    def forward(
        self, states_BTM: Tensor, past: Memory, source: Memory, masks: DropoutMasks | None
    ) -> DecoderLayerOutput:
        first_step = past.mask_BS.shape[1]
        normal_BTM = self.past_norm(states_BTM)
        # what a real word sees is real: padding comes after it
        real_BT = past.mask_BS.new_ones(states_BTM.shape[:2])
        past = _longer(past, self.past_attention.memory(normal_BTM, real_BT))
        remembered = self.past_attention(normal_BTM, past, first_step)
        states_BTM = states_BTM + drop(remembered.context_BTC, self.dropout, masks)
        attended: Attended = self.source_attention(self.source_norm(states_BTM), source)
        states_BTM = states_BTM + drop(attended.context_BTC, self.dropout, masks)
        added_BTM = self.feed_forward(self.feed_forward_norm(states_BTM))
        states_BTM = states_BTM + drop(added_BTM, self.dropout, masks)
        return DecoderLayerOutput(states_BTM, past, attended)


class TransformerEncoder(nn.Module):
    """Layers of self-attention. The decoder starts from nothing but what it attends to."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.placed = PositionalEmbedding(
            config.embedding_size, config.hidden_size, config.embedding_deviation
        )
        self.layers = nn.ModuleList(EncoderLayer(config) for _ in range(config.layers))
        self.norm = nn.LayerNorm(config.hidden_size)

    def forward(self, embedded_BSE: Tensor, mask_BS: Tensor, masks: DropoutMasks | None) -> Encoded:
        states_BSM = self.placed(embedded_BSE)
        for layer in self.layers:
            states_BSM = layer(states_BSM, mask_BS, masks)
        nothing_LBH = states_BSM.new_zeros(0, len(states_BSM), 1)
        return Encoded(self.norm(states_BSM), CellState(nothing_LBH, nothing_LBH))


class TransformerDecoder(Decoder[LayerMemories, LayerMemories]):
    """Layers of causal self-attention and attention to the source. Its weights are the last
    layer's, and its views are that layer's heads.
    """

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.placed = PositionalEmbedding(
            config.embedding_size, config.hidden_size, config.embedding_deviation
        )
        self.layers = nn.ModuleList(DecoderLayer(config) for _ in range(config.layers))
        self.norm = nn.LayerNorm(config.hidden_size)
        self.outputs = nn.Linear(config.hidden_size, config.embedding_size)

    def start(
        self, encoded: Encoded, mask_BS: Tensor
    ) -> DecoderStart[LayerMemories, LayerMemories]:
        states_BSM = encoded.states_BSM
        attentions = [cast(DecoderLayer, layer).source_attention for layer in self.layers]
        sources = [attention.memory(states_BSM, mask_BS) for attention in attentions]
        no_words = Memory(states_BSM[:, :0], states_BSM[:, :0], mask_BS[:, :0])
        return DecoderStart(
            LayerMemories(tuple(sources)), LayerMemories((no_words,) * len(sources))
        )

    def forward(
        self,
        embedded_BTE: Tensor,
        state: LayerMemories,
        memory: LayerMemories,
        masks: DropoutMasks | None,
    ) -> DecoderOutput[LayerMemories]:
        states_BTM = self.placed(embedded_BTE, state.layers[0].mask_BS.shape[1])
        pasts = []
        for layer, past, source in zip(self.layers, state.layers, memory.layers, strict=True):
            states_BTM, past, attended = layer(states_BTM, past, source, masks)
            pasts.append(past)
        attentional_BTE = self.outputs(self.norm(states_BTM))
        after = LayerMemories(tuple(pasts))
        return DecoderOutput(attentional_BTE, after, attended.weights_BTS, attended.views)


def _longer(past: Memory, new: Memory) -> Memory:
    """The words of both, one after the other."""
    return Memory(*(torch.cat(parts, dim=1) for parts in zip(past, new, strict=True)))
