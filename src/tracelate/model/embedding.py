"""Embedding of words together with their positions.

Shapes: B batch, S positions, E embedding, M model size.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

LONGEST_WAVELENGTH = 10_000.0
"""In positions, divided by 2π: Vaswani et al. 2017, section 3.5."""


class PositionalEmbedding(nn.Module):
    """W x_s + PE(s), for networks that read all words at once, whatever their order.

    Embeddings are scaled to a standard deviation of about 1 before training, so that words and
    positions have values of similar size.
    """

    def __init__(self, embedding_size: int, size: int, embedding_deviation: float) -> None:
        super().__init__()
        self.embedding_deviation = embedding_deviation
        self.inputs = nn.Linear(embedding_size, size)

    def forward(self, embedded_BSE: Tensor, first: int = 0) -> Tensor:
        """Returns positioned_BSM, the sum of words and positions; the first word is at `first`."""
        words_BSM: Tensor = self.inputs(embedded_BSE / self.embedding_deviation)
        return words_BSM + sinusoids(first, words_BSM.shape[1], words_BSM)


def sinusoids(first: int, count: int, like: Tensor) -> Tensor:
    """Returns the encodings PE_SM of `count` positions from `first` on.

    PE(pos, 2i) = sin(pos / 10000^(2i/M)), PE(pos, 2i+1) = cos(pos / 10000^(2i/M)): Vaswani et al.
    2017, section 3.5. Here all sines come before all cosines: only the order of features differs.
    M is the last size of `like`, which must be even; the result has the type of `like`.
    """
    size = like.shape[-1]
    position_S1 = torch.arange(first, first + count, device=like.device).unsqueeze(1)
    even_M = torch.arange(0, size, 2, device=like.device)
    angle_SM = position_S1 * torch.exp(even_M * (-math.log(LONGEST_WAVELENGTH) / size))
    return torch.cat([angle_SM.sin(), angle_SM.cos()], dim=1).to(like.dtype)
