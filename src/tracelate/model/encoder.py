"""Encoders: from the source words to one state for each word.

Shapes: B batch, S source, E embedding, M encoder state (both directions together), L layers.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from tracelate.config import ModelConfig
from tracelate.model.cells import CELLS, CellState
from tracelate.model.dropout import DropoutMasks, drop
from tracelate.model.embedding import PositionalEmbedding


class Encoded(NamedTuple):
    states_BSM: Tensor
    """One state for each source token."""
    last: CellState
    """The last state of each layer, from which the decoder's layers start. L is 0 if the decoder
    has no state of its own."""


class RecurrentEncoder(nn.Module):
    """Recurrent cells in one direction, or in both: Bahdanau et al. 2015, section 3.2.

    Padding is not read, and its states are zero. The last state joins the forward direction's state
    after the last real token and the backward direction's state after the first token.
    """

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        size = config.hidden_size
        both = config.directions == "both"
        self.layers = nn.ModuleList(
            CELLS[config.cell](
                input_size, size // (2 if both else 1), bidirectional=both, batch_first=True
            )
            for input_size in [config.embedding_size] + [size] * (config.layers - 1)
        )
        self.has_cell_state = config.cell == "lstm"
        self.dropout = config.dropout.layers

    def forward(self, embedded_BSE: Tensor, mask_BS: Tensor, masks: DropoutMasks | None) -> Encoded:
        lengths_B = mask_BS.sum(dim=1).cpu()
        states_BSM = embedded_BSE
        hiddens, cell_states = [], [embedded_BSE.new_zeros(0, len(lengths_B), 1)]
        for depth, layer in enumerate(self.layers):
            if depth > 0:
                states_BSM = drop(states_BSM, self.dropout, masks)
            packed = pack_padded_sequence(
                states_BSM, lengths_B, batch_first=True, enforce_sorted=False
            )
            packed, last = layer(packed)
            states_BSM, _ = pad_packed_sequence(
                packed, batch_first=True, total_length=mask_BS.shape[1]
            )
            hidden_DBH, cell_DBH = last if self.has_cell_state else (last, None)
            hiddens.append(torch.cat(hidden_DBH.unbind(), dim=-1))
            if cell_DBH is not None:
                cell_states.append(torch.cat(cell_DBH.unbind(), dim=-1).unsqueeze(0))
        cell_LBM = torch.cat(cell_states[1:]) if self.has_cell_state else cell_states[0]
        return Encoded(states_BSM, CellState(torch.stack(hiddens), cell_LBM))


class FeedForwardEncoder(nn.Module):
    """h_s = LReLU(W x_s + b), each word by itself: Raffel and Ellis 2015, section 2.1.

    LReLU has the slope 0.01 below 0. Their model ignores the order of words; here the position of a
    word is added to its embedding (Vaswani et al. 2017, section 3.5). The decoder starts from the
    mean of the states.
    """

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        size = config.hidden_size
        self.placed = PositionalEmbedding(config.embedding_size, size, config.embedding_deviation)
        self.layers = nn.ModuleList(nn.Linear(size, size) for _ in range(config.layers))
        self.has_cell_state = config.cell == "lstm"
        self.dropout = config.dropout.layers

    def forward(self, embedded_BSE: Tensor, mask_BS: Tensor, masks: DropoutMasks | None) -> Encoded:
        states_BSM = self.placed(embedded_BSE)
        for depth, layer in enumerate(self.layers):
            if depth > 0:
                states_BSM = drop(states_BSM, self.dropout, masks)
            states_BSM = nn.functional.leaky_relu(layer(states_BSM))
        mask_BS1 = mask_BS.unsqueeze(-1)
        mean_BM = (states_BSM * mask_BS1).sum(dim=1) / mask_BS1.sum(dim=1)
        hidden_LBM = mean_BM.expand(len(self.layers), *mean_BM.shape)
        cell_LBM = hidden_LBM if self.has_cell_state else hidden_LBM[:0]
        return Encoded(states_BSM, CellState(hidden_LBM, cell_LBM))
