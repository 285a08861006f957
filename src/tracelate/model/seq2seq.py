"""The whole translation model: embeddings, encoder, decoder and the tied output layer.

Shapes: B batch, S source, T target, E embedding, V vocabulary.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn

from tracelate.config import ModelConfig
from tracelate.model.attention import AdditiveAttention, GeneralAttention, Memory
from tracelate.model.decoder import BahdanauDecoder, Decoder, DecoderState, LuongDecoder
from tracelate.model.encoder import GruEncoder


class SourceView(NamedTuple):
    """An encoded batch of sources and the decoder's state before the first target word."""

    memory: Memory
    state: DecoderState


class TeacherForced(NamedTuple):
    logits_BTV: Tensor
    weights_BTS: Tensor


class DecoderStep(NamedTuple):
    logits_BV: Tensor
    state: DecoderState
    weights_BS: Tensor


class Seq2Seq(nn.Module):
    """An encoder-decoder with attention over one joint vocabulary.

    One matrix embeds source and target words and is the output layer's weight (Press and Wolf
    2017), so the attentional vector a_t has the embeddings' size.
    """

    def __init__(self, config: ModelConfig, vocabulary_size: int, padding_id: int) -> None:
        super().__init__()
        self.embedding = nn.Embedding(
            vocabulary_size, config.embedding_size, padding_idx=padding_id
        )
        self.encoder = GruEncoder(
            config.embedding_size, config.hidden_size, config.layers, config.dropout
        )
        self.decoder = build_decoder(config)
        self.dropout = SharedDropout(config.dropout)
        self.output_bias_V = nn.Parameter(torch.zeros(vocabulary_size))
        self._initialise(padding_id)

    def _initialise(self, padding_id: int) -> None:
        """Orthogonal recurrent weights, Xavier elsewhere, and embeddings of unit length."""
        for name, parameter in self.named_parameters():
            if "weight_hh" in name:
                for gate in parameter.chunk(3):
                    nn.init.orthogonal_(gate)
            elif parameter.dim() > 1:
                nn.init.xavier_uniform_(parameter)
            else:
                nn.init.zeros_(parameter)
        nn.init.normal_(self.embedding.weight, std=self.embedding.embedding_dim**-0.5)
        with torch.no_grad():
            self.embedding.weight[padding_id].zero_()

    def encode(self, source_BS: Tensor, mask_BS: Tensor) -> SourceView:
        """Reads the source ids; `mask_BS` is True at real tokens, of which a row has at least one."""
        encoded = self.encoder(self._embed(source_BS), mask_BS)
        memory = self.decoder.attention.memory(self.dropout(encoded.states_BSM), mask_BS)
        return SourceView(memory, self.decoder.first_state(encoded.final_LBM))

    def forward(self, source_BS: Tensor, mask_BS: Tensor, target_BT: Tensor) -> TeacherForced:
        """Scores the word after each word of `target_BT`, which begins with the start token."""
        memory, state = self.encode(source_BS, mask_BS)
        output = self.decoder(self._embed(target_BT), state, memory)
        return TeacherForced(self._logits(output.attentional_BTE), output.weights_BTS)

    def step(self, previous_B: Tensor, state: DecoderState, memory: Memory) -> DecoderStep:
        """Scores the word after `previous_B`; what teacher forcing does, one word at a time."""
        output = self.decoder(self._embed(previous_B.unsqueeze(1)), state, memory)
        return DecoderStep(
            self._logits(output.attentional_BTE)[:, 0], output.state, output.weights_BTS[:, 0]
        )

    def _embed(self, ids: Tensor) -> Tensor:
        scaled = self.embedding(ids) * self.embedding.embedding_dim**0.5
        return self.dropout(scaled)

    def _logits(self, attentional_BTE: Tensor) -> Tensor:
        return nn.functional.linear(
            self.dropout(attentional_BTE), self.embedding.weight, self.output_bias_V
        )


class SharedDropout(nn.Module):
    """Dropout with one mask for all time steps of a sequence (Gal and Ghahramani 2016)."""

    def __init__(self, probability: float) -> None:
        super().__init__()
        self.probability = probability

    def forward(self, sequence_BTH: Tensor) -> Tensor:
        if not self.training or self.probability == 0.0:
            return sequence_BTH
        ones_B1H = sequence_BTH.new_ones(sequence_BTH.shape[0], 1, sequence_BTH.shape[2])
        return sequence_BTH * nn.functional.dropout(ones_B1H, self.probability)


def build_decoder(config: ModelConfig) -> Decoder:
    """The decoder whose attention is `config.attention`."""
    hidden_size = config.hidden_size
    if config.attention == "additive":
        return BahdanauDecoder(
            AdditiveAttention(hidden_size, hidden_size, hidden_size),
            embedding_size=config.embedding_size,
            memory_size=hidden_size,
            hidden_size=hidden_size,
            layer_count=config.layers,
            dropout=config.dropout,
        )
    return LuongDecoder(
        GeneralAttention(hidden_size, hidden_size),
        embedding_size=config.embedding_size,
        memory_size=hidden_size,
        hidden_size=hidden_size,
        layer_count=config.layers,
        dropout=config.dropout,
        input_feeding=config.input_feeding,
    )
