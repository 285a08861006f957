"""Recurrent cells and layers of them.

rnn   h_t = tanh(W x_t + U h_{t-1})                   the plain one, Elman 1990
gru   gates that keep or overwrite the state         Cho et al. 2014
lstm  gates, and a cell state beside the hidden one  Hochreiter and Schmidhuber 1997

Shapes: L layers, B batch, T time steps, X input, H hidden.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor, nn

from tracelate.config import CellName
from tracelate.model.dropout import DropoutMasks, drop

CELLS: dict[CellName, Callable[..., nn.RNNBase]] = {
    "rnn": nn.RNN,
    "gru": nn.GRU,
    "lstm": nn.LSTM,
}


class CellState(NamedTuple):
    """State of all layers of cells after a time step."""

    hidden_LBH: Tensor
    cell_LBH: Tensor
    """The LSTM's c_t. Other cells have none: L is 0."""

    def select(self, rows: Tensor) -> CellState:
        """Returns the state whose row i is row `rows[i]` of this one; rows may repeat."""
        return CellState(*(part.index_select(1, rows) for part in self))


class CellStack(nn.Module):
    """Layers of cells that read forward in time, with dropout between layers."""

    def __init__(
        self, cell: CellName, input_size: int, hidden_size: int, layer_count: int, dropout: float
    ) -> None:
        super().__init__()
        self.layers = nn.ModuleList(
            CELLS[cell](size, hidden_size, batch_first=True)
            for size in [input_size] + [hidden_size] * (layer_count - 1)
        )
        self.has_cell_state = cell == "lstm"
        self.dropout = dropout

    def forward(
        self, inputs_BTX: Tensor, state: CellState, masks: DropoutMasks | None
    ) -> tuple[Tensor, CellState]:
        """Returns the top layer's states hidden_BTH and the last state of all layers."""
        outputs = inputs_BTX
        hiddens, cell_states = [], [state.cell_LBH[:0]]
        for depth, layer in enumerate(self.layers):
            if depth > 0:
                outputs = drop(outputs, self.dropout, masks)
            hidden_1BH = state.hidden_LBH[depth : depth + 1].contiguous()
            if self.has_cell_state:
                cell_1BH = state.cell_LBH[depth : depth + 1].contiguous()
                outputs, (hidden_1BH, cell_1BH) = layer(outputs, (hidden_1BH, cell_1BH))
                cell_states.append(cell_1BH)
            else:
                outputs, hidden_1BH = layer(outputs, hidden_1BH)
            hiddens.append(hidden_1BH)
        return outputs, CellState(torch.cat(hiddens), torch.cat(cell_states))
