"""The encoder: reads the source words in turn, in both directions.

Shapes: B batch, S source, E embedding, M memory state (both directions together), L layers.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from tracelate.config import CellName
from tracelate.model.cells import CELLS, CellState
from tracelate.model.noise import Noise, drop


class Encoded(NamedTuple):
    states_BSM: Tensor
    """One state a source token; zero at padding."""
    last: CellState
    """Each layer's last state: the forward direction's after the last real token beside the
    backward direction's after the first."""


class RecurrentEncoder(nn.Module):
    """Recurrent cells in both directions. Bahdanau et al. 2015, section 3.2.

    Padding is packed away, so it changes nothing.
    """

    def __init__(
        self,
        cell: CellName,
        embedding_size: int,
        memory_size: int,
        layer_count: int,
        dropout: float,
    ) -> None:
        super().__init__()
        self.layers = nn.ModuleList(
            CELLS[cell](size, memory_size // 2, bidirectional=True, batch_first=True)
            for size in [embedding_size] + [memory_size] * (layer_count - 1)
        )
        self.has_memory = cell == "lstm"
        self.dropout = dropout

    def forward(self, embedded_BSE: Tensor, mask_BS: Tensor, noise: Noise | None) -> Encoded:
        lengths_B = mask_BS.sum(dim=1).cpu()
        states_BSM = embedded_BSE
        hiddens, memories = [], [embedded_BSE.new_zeros(0, len(lengths_B), 1)]
        for depth, layer in enumerate(self.layers):
            if depth > 0:
                states_BSM = drop(states_BSM, self.dropout, noise)
            packed = pack_padded_sequence(
                states_BSM, lengths_B, batch_first=True, enforce_sorted=False
            )
            packed, last = layer(packed)
            states_BSM, _ = pad_packed_sequence(
                packed, batch_first=True, total_length=mask_BS.shape[1]
            )
            hidden_2BH, memory_2BH = last if self.has_memory else (last, None)
            hiddens.append(torch.cat([hidden_2BH[0], hidden_2BH[1]], dim=-1))
            if memory_2BH is not None:
                memories.append(torch.cat([memory_2BH[0], memory_2BH[1]], dim=-1).unsqueeze(0))
        memory_LBM = torch.cat(memories[1:]) if self.has_memory else memories[0]
        return Encoded(states_BSM, CellState(torch.stack(hiddens), memory_LBM))
