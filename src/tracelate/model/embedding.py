"""How words become vectors, and where they stand among others.

Shapes: B batch, S places, E embedding, M model size.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

EMBEDDING_DEVIATION = 0.1
"""Of each number of a fresh embedding."""
LONGEST_WAVELENGTH = 10_000.0


class PlacedEmbedding(nn.Module):
    """W x_s + PE(s), for networks that read all words at once and would not know their order.

    The words are scaled so that, fresh, they are about as large as the positions.
    """

    def __init__(self, embedding_size: int, size: int) -> None:
        super().__init__()
        self.inputs = nn.Linear(embedding_size, size)

    def forward(self, embedded_BSE: Tensor, first: int = 0) -> Tensor:
        """placed_BSM of words of which the first stands at place `first`."""
        words_BSM: Tensor = self.inputs(embedded_BSE / EMBEDDING_DEVIATION)
        return words_BSM + sinusoids(first, words_BSM.shape[1], words_BSM)


def sinusoids(first: int, count: int, like: Tensor) -> Tensor:
    """PE_SM of `count` places from `first` on, of `like`'s last size, which is even, and type.

    PE(pos, 2i) = sin(pos / 10000^(2i/M)), PE(pos, 2i+1) = cos(the same): Vaswani et al. 2017,
    section 3.5. All sines come first here, which is the same but for the order.
    """
    size = like.shape[-1]
    place_S1 = torch.arange(first, first + count, device=like.device).unsqueeze(1)
    even_M = torch.arange(0, size, 2, device=like.device)
    angle_SM = place_S1 * torch.exp(even_M * (-math.log(LONGEST_WAVELENGTH) / size))
    return torch.cat([angle_SM.sin(), angle_SM.cos()], dim=1).to(like.dtype)
