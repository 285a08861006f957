"""Decoders: from the target words so far and a memory of the source to what comes next.

A decoder runs over any number of target steps at once: all of them in training (teacher
forcing), one at a time in search. Both give the same result.

Shapes: B batch, T target, S source, E embedding, H hidden, M memory state, L layers.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import NamedTuple

import torch
from torch import Tensor, nn

from tracelate.model.attention import Attention, Memory
from tracelate.model.noise import Noise, drop


class DecoderState(NamedTuple):
    """All that a decoder remembers between two steps."""

    hidden_LBH: Tensor
    attentional_BE: Tensor
    """The last attentional vector, for input feeding."""

    def select(self, rows: Tensor) -> DecoderState:
        """The state whose row i is this one's row `rows[i]`; rows may repeat."""
        return DecoderState(
            self.hidden_LBH.index_select(1, rows), self.attentional_BE.index_select(0, rows)
        )


class DecoderOutput(NamedTuple):
    attentional_BTE: Tensor
    """a_t: what the output layer predicts the next word from."""
    state: DecoderState
    weights_BTS: Tensor


class GruStack(nn.Module):
    """Layers of GRUs with dropout between them, from any state on."""

    def __init__(self, input_size: int, hidden_size: int, layer_count: int, dropout: float) -> None:
        super().__init__()
        self.layers = nn.ModuleList(
            nn.GRU(size, hidden_size, batch_first=True)
            for size in [input_size] + [hidden_size] * (layer_count - 1)
        )
        self.dropout = dropout

    def forward(
        self, inputs_BTX: Tensor, hidden_LBH: Tensor, noise: Noise | None
    ) -> tuple[Tensor, Tensor]:
        """The top layer's states hidden_BTH and each layer's last state hidden_LBH."""
        outputs, lasts = inputs_BTX, []
        for depth, layer in enumerate(self.layers):
            if depth > 0:
                outputs = drop(outputs, self.dropout, noise)
            outputs, last_1BH = layer(outputs, hidden_LBH[depth : depth + 1].contiguous())
            lasts.append(last_1BH)
        return outputs, torch.cat(lasts)


class Decoder(nn.Module, ABC):
    """What the decoders share: the bridge from the encoder's last states to the first state."""

    def __init__(
        self, attention: Attention, memory_size: int, hidden_size: int, embedding_size: int
    ) -> None:
        super().__init__()
        self.attention = attention
        self.bridge = nn.Linear(memory_size, hidden_size)
        self.embedding_size = embedding_size

    def first_state(self, final_LBM: Tensor) -> DecoderState:
        """s_0 = tanh(W_s h̄), from each encoder layer to the decoder's (Bahdanau 2015, A.2.2)."""
        hidden_LBH = self.bridge(final_LBM).tanh()
        return DecoderState(
            hidden_LBH, hidden_LBH.new_zeros(hidden_LBH.shape[1], self.embedding_size)
        )

    @abstractmethod
    def forward(
        self, embedded_BTE: Tensor, state: DecoderState, memory: Memory, noise: Noise | None
    ) -> DecoderOutput:
        """Reads the embedded target words, from `state` on."""


class LuongDecoder(Decoder):
    """Attends after the cell. Luong et al. 2015, section 3:

    h_t = GRU(y_{t-1}, h_{t-1});  c_t = attention(h_t);  a_t = tanh(W_c [c_t; h_t])

    With input feeding (section 3.3) the cell also reads a_{t-1}, so the steps depend on each
    other and run one by one.
    """

    def __init__(
        self,
        attention: Attention,
        *,
        embedding_size: int,
        memory_size: int,
        hidden_size: int,
        layer_count: int,
        dropout: float,
        input_feeding: bool,
    ) -> None:
        super().__init__(attention, memory_size, hidden_size, embedding_size)
        self.input_feeding = input_feeding
        input_size = embedding_size * 2 if input_feeding else embedding_size
        self.cells = GruStack(input_size, hidden_size, layer_count, dropout)
        self.w_c = nn.Linear(memory_size + hidden_size, embedding_size, bias=False)

    def forward(
        self, embedded_BTE: Tensor, state: DecoderState, memory: Memory, noise: Noise | None
    ) -> DecoderOutput:
        if not self.input_feeding:
            hidden_BTH, last_LBH = self.cells(embedded_BTE, state.hidden_LBH, noise)
            return self._attend(hidden_BTH, last_LBH, memory)
        steps = []
        for embedded_BE in embedded_BTE.unbind(dim=1):
            fed_B1X = torch.cat([embedded_BE, state.attentional_BE], dim=-1).unsqueeze(1)
            hidden_B1H, last_LBH = self.cells(fed_B1X, state.hidden_LBH, noise)
            steps.append(self._attend(hidden_B1H, last_LBH, memory))
            state = steps[-1].state
        return DecoderOutput(
            torch.cat([step.attentional_BTE for step in steps], dim=1),
            state,
            torch.cat([step.weights_BTS for step in steps], dim=1),
        )

    def _attend(self, hidden_BTH: Tensor, last_LBH: Tensor, memory: Memory) -> DecoderOutput:
        attended = self.attention(hidden_BTH, memory)
        attentional_BTE = self.w_c(torch.cat([attended.context_BTM, hidden_BTH], dim=-1)).tanh()
        state = DecoderState(last_LBH, attentional_BTE[:, -1])
        return DecoderOutput(attentional_BTE, state, attended.weights_BTS)


class BahdanauDecoder(Decoder):
    """Attends before the cell, so that the context enters it. Bahdanau et al. 2015, section 3.1:

    c_t = attention(h_{t-1});  h_t = GRU([y_{t-1}; c_t], h_{t-1})

    The word is predicted from all three; the paper's maxout layer (A.2.2) is a tanh layer here,
    as in Luong's a_t, so that the output can be tied with the embeddings.
    """

    def __init__(
        self,
        attention: Attention,
        *,
        embedding_size: int,
        memory_size: int,
        hidden_size: int,
        layer_count: int,
        dropout: float,
    ) -> None:
        super().__init__(attention, memory_size, hidden_size, embedding_size)
        self.cells = GruStack(embedding_size + memory_size, hidden_size, layer_count, dropout)
        self.w_c = nn.Linear(memory_size + hidden_size + embedding_size, embedding_size, bias=False)

    def forward(
        self, embedded_BTE: Tensor, state: DecoderState, memory: Memory, noise: Noise | None
    ) -> DecoderOutput:
        hidden_LBH = state.hidden_LBH
        contexts, hiddens, weights = [], [], []
        for embedded_BE in embedded_BTE.unbind(dim=1):
            attended = self.attention(hidden_LBH[-1].unsqueeze(1), memory)
            read_B1X = torch.cat([embedded_BE.unsqueeze(1), attended.context_BTM], dim=-1)
            hidden_B1H, hidden_LBH = self.cells(read_B1X, hidden_LBH, noise)
            contexts.append(attended.context_BTM)
            hiddens.append(hidden_B1H)
            weights.append(attended.weights_BTS)
        read_BTX = torch.cat(
            [torch.cat(contexts, dim=1), torch.cat(hiddens, dim=1), embedded_BTE], dim=-1
        )
        attentional_BTE = self.w_c(read_BTX).tanh()
        return DecoderOutput(
            attentional_BTE,
            DecoderState(hidden_LBH, attentional_BTE[:, -1]),
            torch.cat(weights, dim=1),
        )
