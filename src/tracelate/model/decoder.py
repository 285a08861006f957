"""Decoders: from the target words so far and a memory of the source to what comes next.

A decoder runs over any number of target steps at once: all of them in training (teacher
forcing), one at a time in search. Both give the same result.

Shapes: B batch, T target, S source, E embedding, H hidden, M memory state, L layers, C context.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import NamedTuple

import torch
from torch import Tensor, nn

from tracelate.config import ModelConfig
from tracelate.model.attention.protocol import Attention, Memory
from tracelate.model.attention.variants import build_attention
from tracelate.model.cells import CellStack, CellState
from tracelate.model.noise import Noise


class DecoderState(NamedTuple):
    """All that a decoder remembers between two steps."""

    cells: CellState
    attentional_BE: Tensor
    """The last attentional vector, for input feeding."""
    step: int
    """How many target words were read."""

    def select(self, rows: Tensor) -> DecoderState:
        """The state whose row i is this one's row `rows[i]`; rows may repeat."""
        return DecoderState(
            self.cells.select(rows), self.attentional_BE.index_select(0, rows), self.step
        )


class DecoderOutput(NamedTuple):
    attentional_BTE: Tensor
    """a_t: what the output layer predicts the next word from."""
    state: DecoderState
    weights_BTS: Tensor


class Decoder(nn.Module, ABC):
    """What the decoders share: attention, and the bridge from the encoder's last states."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        size = config.hidden_size
        self.attention: Attention = build_attention(config)
        self.bridge = nn.Linear(size, size)
        if config.cell == "lstm":
            self.memory_bridge = nn.Linear(size, size)
        self.embedding_size = config.embedding_size

    def first_state(self, last: CellState) -> DecoderState:
        """s_0 = tanh(W_s h̄), from each encoder layer to the decoder's (Bahdanau 2015, A.2.2);
        an LSTM's memory comes over by a linear map of its own.
        """
        hidden_LBH = self.bridge(last.hidden_LBH).tanh()
        has_memory = len(last.memory_LBH) > 0
        memory_LBH = self.memory_bridge(last.memory_LBH) if has_memory else hidden_LBH[:0]
        attentional_BE = hidden_LBH.new_zeros(hidden_LBH.shape[1], self.embedding_size)
        return DecoderState(CellState(hidden_LBH, memory_LBH), attentional_BE, 0)

    @abstractmethod
    def forward(
        self, embedded_BTE: Tensor, state: DecoderState, memory: Memory, noise: Noise | None
    ) -> DecoderOutput:
        """Reads the embedded target words, from `state` on."""


class LuongDecoder(Decoder):
    """Attends after the cell. Luong et al. 2015, section 3:

    h_t = cell(y_{t-1}, h_{t-1});  c_t = attention(h_t);  a_t = tanh(W_c [c_t; h_t])

    With input feeding (section 3.3) the cell also reads a_{t-1}, so the steps depend on each
    other and run one by one.
    """

    def __init__(self, config: ModelConfig) -> None:
        super().__init__(config)
        self.input_feeding = config.input_feeding
        input_size = config.embedding_size * (2 if config.input_feeding else 1)
        size = config.hidden_size
        self.cells = CellStack(config.cell, input_size, size, config.layers, config.dropout)
        self.w_c = nn.Linear(self.attention.context_size + size, config.embedding_size, bias=False)

    def forward(
        self, embedded_BTE: Tensor, state: DecoderState, memory: Memory, noise: Noise | None
    ) -> DecoderOutput:
        if not self.input_feeding:
            return self._run(embedded_BTE, state, memory, noise)
        steps = []
        for embedded_BE in embedded_BTE.unbind(dim=1):
            fed_BX = torch.cat([embedded_BE, state.attentional_BE], dim=-1)
            steps.append(self._run(fed_BX.unsqueeze(1), state, memory, noise))
            state = steps[-1].state
        return DecoderOutput(
            torch.cat([step.attentional_BTE for step in steps], dim=1),
            state,
            torch.cat([step.weights_BTS for step in steps], dim=1),
        )

    def _run(
        self, inputs_BTX: Tensor, state: DecoderState, memory: Memory, noise: Noise | None
    ) -> DecoderOutput:
        hidden_BTH, cells = self.cells(inputs_BTX, state.cells, noise)
        attended = self.attention(hidden_BTH, memory, state.step)
        attentional_BTE = self.w_c(torch.cat([attended.context_BTC, hidden_BTH], dim=-1)).tanh()
        after = DecoderState(cells, attentional_BTE[:, -1], state.step + inputs_BTX.shape[1])
        return DecoderOutput(attentional_BTE, after, attended.weights_BTS)


class BahdanauDecoder(Decoder):
    """Attends before the cell, so that the context enters it. Bahdanau et al. 2015, section 3.1:

    c_t = attention(h_{t-1});  h_t = cell([y_{t-1}; c_t], h_{t-1})

    The word is predicted from all three; the paper's maxout layer (A.2.2) is a tanh layer here,
    as in Luong's a_t, so that the output can be tied with the embeddings.
    """

    def __init__(self, config: ModelConfig) -> None:
        super().__init__(config)
        size, context_size = config.hidden_size, self.attention.context_size
        self.cells = CellStack(
            config.cell, config.embedding_size + context_size, size, config.layers, config.dropout
        )
        self.w_c = nn.Linear(
            context_size + size + config.embedding_size, config.embedding_size, bias=False
        )

    def forward(
        self, embedded_BTE: Tensor, state: DecoderState, memory: Memory, noise: Noise | None
    ) -> DecoderOutput:
        cells = state.cells
        contexts, hiddens, weights = [], [], []
        for step, embedded_BE in enumerate(embedded_BTE.unbind(dim=1), start=state.step):
            attended = self.attention(cells.hidden_LBH[-1].unsqueeze(1), memory, step)
            read_B1X = torch.cat([embedded_BE.unsqueeze(1), attended.context_BTC], dim=-1)
            hidden_B1H, cells = self.cells(read_B1X, cells, noise)
            contexts.append(attended.context_BTC)
            hiddens.append(hidden_B1H)
            weights.append(attended.weights_BTS)
        read_BTX = torch.cat(
            [torch.cat(contexts, dim=1), torch.cat(hiddens, dim=1), embedded_BTE], dim=-1
        )
        attentional_BTE = self.w_c(read_BTX).tanh()
        after = DecoderState(cells, attentional_BTE[:, -1], state.step + len(hiddens))
        return DecoderOutput(attentional_BTE, after, torch.cat(weights, dim=1))


def build_decoder(config: ModelConfig) -> Decoder:
    """The decoder for the attention that `config` names: before the cell for Bahdanau's."""
    return BahdanauDecoder(config) if config.attention == "additive" else LuongDecoder(config)
