"""The encoder: reads the source words in turn, in both directions.

Shapes: B batch, S source, E embedding, M memory state (both directions together).
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence


class Encoded(NamedTuple):
    states_BSM: Tensor
    """One state a source token; zero at padding."""
    final_LBM: Tensor
    """Each layer's last state: the forward direction's after the last real token beside the
    backward direction's after the first."""


class GruEncoder(nn.Module):
    """A bidirectional GRU. Bahdanau et al. 2015, section 3.2; the cell is Cho et al. 2014's.

    Padding is packed away, so it changes nothing.
    """

    def __init__(
        self, embedding_size: int, memory_size: int, layer_count: int, dropout: float
    ) -> None:
        super().__init__()
        self.gru = nn.GRU(
            embedding_size,
            memory_size // 2,
            num_layers=layer_count,
            dropout=dropout if layer_count > 1 else 0.0,
            bidirectional=True,
            batch_first=True,
        )

    def forward(self, embedded_BSE: Tensor, mask_BS: Tensor) -> Encoded:
        packed = pack_padded_sequence(
            embedded_BSE, mask_BS.sum(dim=1).cpu(), batch_first=True, enforce_sorted=False
        )
        states, final_2LBH = self.gru(packed)
        states_BSM, _ = pad_packed_sequence(
            states, batch_first=True, total_length=embedded_BSE.shape[1]
        )
        final_LBM = torch.cat([final_2LBH[0::2], final_2LBH[1::2]], dim=-1)
        return Encoded(states_BSM, final_LBM)
