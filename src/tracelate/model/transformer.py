"""The Transformer: attention in place of recurrence. Vaswani et al. 2017, sections 3.1 to 3.3.

Each sublayer normalises its input (Xiong et al. 2020, "pre-norm"), which trains without a long
warm-up. The three kinds of attention are those of `model.attention.multi_head`, so that the keys of
past words are kept between steps, weights can be inspected, and dropout uses `DropoutMasks`.
tests/model/test_transformer.py compares the layers with torch's.

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
    """A memory for each layer of the decoder: of the sources, or of the target words so far."""

    layers: tuple[Memory, ...]

    def select(self, rows: Tensor) -> LayerMemories:
        """Returns the memories whose row i is row `rows[i]` of these; rows may repeat."""
        return LayerMemories(tuple(layer.select(rows) for layer in self.layers))


class FeedForward(nn.Module):
    """W_2 max(0, W_1 x + b_1) + b_2, eq. 2, at each position by itself."""

    def __init__(self, size: int, inner_size: int) -> None:
        super().__init__()
        self.inner = nn.Linear(size, inner_size)
        self.outer = nn.Linear(inner_size, size)

    def forward(self, states_BSM: Tensor) -> Tensor:
        outer_BSM: Tensor = self.outer(self.inner(states_BSM).relu())
        return outer_BSM


class EncoderLayer(nn.Module):
    """Self-attention of all source words, then the feed-forward layer."""

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
        attended = self.attention(normal_BSM, self.attention.memory(normal_BSM, mask_BS))
        states_BSM = states_BSM + drop(attended.context_BTC, self.dropout, masks)
        added_BSM = self.feed_forward(self.feed_forward_norm(states_BSM))
        return states_BSM + drop(added_BSM, self.dropout, masks)


class DecoderLayerOutput(NamedTuple):
    states_BTM: Tensor
    past: Memory
    """Keys and values of the target words so far, these words included."""
    attended: Attended
    """Result of the attention to the source."""


class DecoderLayer(nn.Module):
    """Self-attention of each target word to itself and those before it, attention to the source,
    then the feed-forward layer.
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
        # padding needs no mask: it follows all real words, which attend to earlier words only
        real_BT = past.mask_BS.new_ones(states_BTM.shape[:2])
        past = _longer(past, self.past_attention.memory(normal_BTM, real_BT))
        of_past = self.past_attention(normal_BTM, past, first_step)
        states_BTM = states_BTM + drop(of_past.context_BTC, self.dropout, masks)
        attended: Attended = self.source_attention(self.source_norm(states_BTM), source)
        states_BTM = states_BTM + drop(attended.context_BTC, self.dropout, masks)
        added_BTM = self.feed_forward(self.feed_forward_norm(states_BTM))
        states_BTM = states_BTM + drop(added_BTM, self.dropout, masks)
        return DecoderLayerOutput(states_BTM, past, attended)


class TransformerEncoder(nn.Module):
    """Layers of self-attention. It has no last state: the decoder needs its states alone."""

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
    """Layers of causal self-attention and attention to the source.

    The attention weights it returns are those of the last layer to the source, and the views are
    the heads of that layer.
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
    """Joins two memories along the words."""
    return Memory(*(torch.cat(parts, dim=1) for parts in zip(past, new, strict=True)))
