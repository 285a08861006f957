"""Decoders of recurrent cells, with attention after the cell or before it.

Shapes: B batch, T target, S source, E embedding, H hidden, L layers, C context, X cell input.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import torch
from torch import Tensor, nn

from tracelate.config import ModelConfig
from tracelate.model.attention.protocol import Attention, Memory
from tracelate.model.attention.variants import build_attention
from tracelate.model.cells import CellStack, CellState
from tracelate.model.decoder import Decoder, DecoderOutput, DecoderStart
from tracelate.model.dropout import DropoutMasks
from tracelate.model.encoder import Encoded


class RecurrentState(NamedTuple):
    """State of a recurrent decoder after a target step."""

    cells: CellState
    attentional_BE: Tensor
    """a_t of that step, for input feeding."""
    step: int
    """Number of target words read."""

    def select(self, rows: Tensor) -> RecurrentState:
        """Returns the state whose row i is row `rows[i]` of this one; rows may repeat."""
        return RecurrentState(
            self.cells.select(rows), self.attentional_BE.index_select(0, rows), self.step
        )


class RecurrentDecoder(Decoder[Memory, RecurrentState]):
    """Base class of the recurrent decoders: attention, and the bridge from the encoder.

    The bridge makes the first state of each decoder layer from the last state of the same encoder
    layer. `dense` is s_0 = tanh(W_s h̄) (Bahdanau et al. 2015, A.2.2), with a second linear map for
    an LSTM's cell state; `copy` takes the states unchanged (Sutskever et al. 2014); with `zero` the
    decoder knows the source by attention alone.
    """

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        size = config.hidden_size
        self.attention: Attention = build_attention(config)
        self.bridge_kind = config.bridge
        if config.bridge == "dense":
            self.bridge = nn.Linear(size, size)
            if config.cell == "lstm":
                # the name is part of saved models: it maps the cell state
                self.memory_bridge = nn.Linear(size, size)
        self.embedding_size = config.embedding_size

    def start(self, encoded: Encoded, mask_BS: Tensor) -> DecoderStart[Memory, RecurrentState]:
        memory = self.attention.memory(encoded.states_BSM, mask_BS)
        cells = self._first_cells(encoded.last)
        hidden_LBH = cells.hidden_LBH
        attentional_BE = hidden_LBH.new_zeros(hidden_LBH.shape[1], self.embedding_size)
        return DecoderStart(memory, RecurrentState(cells, attentional_BE, 0))

    def _first_cells(self, last: CellState) -> CellState:
        match self.bridge_kind:
            case "copy":
                return last
            case "zero":
                return CellState(*(torch.zeros_like(part) for part in last))
        hidden_LBH = self.bridge(last.hidden_LBH).tanh()
        has_cell_state = len(last.cell_LBH) > 0
        cell_LBH = self.memory_bridge(last.cell_LBH) if has_cell_state else hidden_LBH[:0]
        return CellState(hidden_LBH, cell_LBH)


class LuongDecoder(RecurrentDecoder):
    """Attends after the cell. Luong et al. 2015, section 3:

    h_t = cell(y_{t-1}, h_{t-1});  c_t = attention(h_t);  a_t = tanh(W_c [c_t; h_t])

    With input feeding (section 3.3) the cell also reads a_{t-1}, so each step needs the one before
    it and the steps run one by one.
    """

    def __init__(self, config: ModelConfig) -> None:
        super().__init__(config)
        self.input_feeding = config.input_feeding
        input_size = config.embedding_size * (2 if config.input_feeding else 1)
        size = config.hidden_size
        self.cells = CellStack(config.cell, input_size, size, config.layers, config.dropout.layers)
        self.w_c = nn.Linear(self.attention.context_size + size, config.embedding_size, bias=False)

    def forward(
        self,
        embedded_BTE: Tensor,
        state: RecurrentState,
        memory: Memory,
        masks: DropoutMasks | None,
    ) -> DecoderOutput[RecurrentState]:
        if not self.input_feeding:
            return self._run(embedded_BTE, state, memory, masks)
        steps = []
        for embedded_BE in embedded_BTE.unbind(dim=1):
            fed_BX = torch.cat([embedded_BE, state.attentional_BE], dim=-1)
            step = self._run(fed_BX.unsqueeze(1), state, memory, masks)
            steps.append(step)
            state = step.state
        return DecoderOutput(
            torch.cat([step.attentional_BTE for step in steps], dim=1),
            state,
            torch.cat([step.weights_BTS for step in steps], dim=1),
            _joined([step.views for step in steps]),
        )

    def _run(
        self, inputs_BTX: Tensor, state: RecurrentState, memory: Memory, masks: DropoutMasks | None
    ) -> DecoderOutput[RecurrentState]:
        hidden_BTH, cells = self.cells(inputs_BTX, state.cells, masks)
        attended = self.attention(hidden_BTH, memory, state.step)
        attentional_BTE = self.w_c(torch.cat([attended.context_BTC, hidden_BTH], dim=-1)).tanh()
        after = RecurrentState(cells, attentional_BTE[:, -1], state.step + inputs_BTX.shape[1])
        return DecoderOutput(attentional_BTE, after, attended.weights_BTS, attended.views)


class BahdanauDecoder(RecurrentDecoder):
    """Attends before the cell, which reads the context. Bahdanau et al. 2015, section 3.1:

    c_t = attention(h_{t-1});  h_t = cell([y_{t-1}; c_t], h_{t-1});
    a_t = tanh(W_c [c_t; h_t; y_{t-1}])

    The paper's maxout layer (A.2.2) is a tanh layer here, as in Luong's a_t, so that the output
    layer can share its matrix with the embeddings.
    """

    def __init__(self, config: ModelConfig) -> None:
        super().__init__(config)
        size, context_size = config.hidden_size, self.attention.context_size
        self.cells = CellStack(
            config.cell,
            config.embedding_size + context_size,
            size,
            config.layers,
            config.dropout.layers,
        )
        self.w_c = nn.Linear(
            context_size + size + config.embedding_size, config.embedding_size, bias=False
        )

    def forward(
        self,
        embedded_BTE: Tensor,
        state: RecurrentState,
        memory: Memory,
        masks: DropoutMasks | None,
    ) -> DecoderOutput[RecurrentState]:
        cells = state.cells
        hiddens, seen = [], []
        for step, embedded_BE in enumerate(embedded_BTE.unbind(dim=1), start=state.step):
            attended = self.attention(cells.hidden_LBH[-1].unsqueeze(1), memory, step)
            read_B1X = torch.cat([embedded_BE.unsqueeze(1), attended.context_BTC], dim=-1)
            hidden_B1H, cells = self.cells(read_B1X, cells, masks)
            hiddens.append(hidden_B1H)
            seen.append(attended)
        context_BTC = torch.cat([attended.context_BTC for attended in seen], dim=1)
        hidden_BTH = torch.cat(hiddens, dim=1)
        attentional_BTE = self.w_c(torch.cat([context_BTC, hidden_BTH, embedded_BTE], -1)).tanh()
        return DecoderOutput(
            attentional_BTE,
            RecurrentState(cells, attentional_BTE[:, -1], state.step + len(hiddens)),
            torch.cat([attended.weights_BTS for attended in seen], dim=1),
            _joined([attended.views for attended in seen]),
        )


def _joined(views: Sequence[Mapping[str, Tensor]]) -> dict[str, Tensor]:
    """Joins the views of single steps to views of all steps."""
    return {name: torch.cat([step[name] for step in views], dim=1) for name in views[0]}
