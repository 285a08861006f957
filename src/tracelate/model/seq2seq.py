"""The whole translation model: embeddings, encoder, decoder and the tied output layer.

Shapes: B batch, S source, T target, E embedding, V vocabulary.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from tracelate.config import ModelConfig
from tracelate.model.architecture import build_decoder, build_encoder
from tracelate.model.decoder import DecoderStart, Selectable
from tracelate.model.dropout import DropoutMasks, drop
from tracelate.model.encoder import Encoded


class TeacherForced(NamedTuple):
    """Scores of the next word at each target position."""

    logits_BTV: Tensor
    weights_BTS: Tensor
    """Attention weights, as in `Attended`."""
    views: Mapping[str, Tensor]
    """As `Attended.views`."""


class DecoderStep(NamedTuple):
    """Scores of one next word, and the decoder's state before it."""

    logits_BV: Tensor
    state: Selectable


class Attending(NamedTuple):
    """Attention weights at some target words, and the decoder's state after them."""

    weights_BTS: Tensor
    state: Selectable


class Seq2Seq(nn.Module):
    """An encoder-decoder with attention over one joint vocabulary.

    One matrix embeds source and target words and is the output layer's weight (Press and Wolf
    2017), so the attentional vector a_t has the embeddings' size. There is dropout only where masks
    are given, which is in training.
    """

    def __init__(self, config: ModelConfig, vocabulary_size: int, padding_id: int) -> None:
        super().__init__()
        self.embedding = nn.Embedding(
            vocabulary_size, config.embedding_size, padding_idx=padding_id
        )
        self.encoder = build_encoder(config)
        self.decoder = build_decoder(config)
        self.output_bias_V = nn.Parameter(torch.zeros(vocabulary_size))
        self.dropout = config.dropout
        self.max_length_ratio = config.max_length_ratio
        self.max_length_extra = config.max_length_extra
        self._initialise(config.embedding_deviation)

    def _initialise(self, embedding_deviation: float) -> None:
        """Sets the weights before training, at random.

        Recurrent weights are orthogonal for each gate (Saxe et al. 2014), other matrices uniform
        (Glorot and Bengio 2010), embeddings normal, and biases 0.
        """
        for name, parameter in self.named_parameters():
            if "weight_hh" in name:
                for gate in torch.split(parameter, parameter.shape[1]):
                    nn.init.orthogonal_(gate)
            elif parameter.dim() > 1:
                nn.init.xavier_uniform_(parameter)
            else:
                nn.init.zeros_(parameter)
        for module in self.modules():
            if isinstance(module, nn.LayerNorm):
                module.reset_parameters()
        nn.init.normal_(self.embedding.weight, std=embedding_deviation)
        with torch.no_grad():
            self.embedding.weight[self.embedding.padding_idx].zero_()

    def encode(
        self, source_BS: Tensor, mask_BS: Tensor, masks: DropoutMasks | None = None
    ) -> DecoderStart[Any, Any]:
        """Reads source ids; `mask_BS` is True at real tokens, at least one in each row."""
        encoded: Encoded = self.encoder(self._embed(source_BS, masks), mask_BS, masks)
        states_BSM = drop(encoded.states_BSM, self.dropout.encoder_output, masks)
        return self.decoder.start(Encoded(states_BSM, encoded.last), mask_BS)

    def forward(
        self,
        source_BS: Tensor,
        mask_BS: Tensor,
        target_BT: Tensor,
        masks: DropoutMasks | None = None,
    ) -> TeacherForced:
        """Scores the next word at each word of `target_BT`, which begins with the start token."""
        memory, state = self.encode(source_BS, mask_BS, masks)
        output = self.decoder(self._embed(target_BT, masks), state, memory, masks)
        attentional_BTE = drop(output.attentional_BTE, self.dropout.decoder_output, masks)
        return TeacherForced(self._logits(attentional_BTE), output.weights_BTS, output.views)

    def step(self, previous_B: Tensor, state: Selectable, memory: Selectable) -> DecoderStep:
        """Scores the word after `previous_B`, as `forward` does for all words at once."""
        output = self.decoder(self._embed(previous_B.unsqueeze(1), None), state, memory, None)
        return DecoderStep(self._logits(output.attentional_BTE)[:, 0], output.state)

    def attend(self, target_BT: Tensor, state: Selectable, memory: Selectable) -> Attending:
        """Returns the attention at the words of `target_BT`, of which the first follows `state`."""
        output = self.decoder(self._embed(target_BT, None), state, memory, None)
        return Attending(output.weights_BTS, output.state)

    def max_target_pieces(self, source_pieces: int) -> int:
        """Returns the length limit of a translation; both numbers include the end token."""
        return self.max_length_ratio * source_pieces + self.max_length_extra

    def _embed(self, ids: Tensor, masks: DropoutMasks | None) -> Tensor:
        return drop(self.embedding(ids), self.dropout.embedding, masks)

    def _logits(self, attentional_BTE: Tensor) -> Tensor:
        return nn.functional.linear(attentional_BTE, self.embedding.weight, self.output_bias_V)
