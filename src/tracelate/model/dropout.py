"""Dropout whose masks depend on the training step alone, not on the machine's layout.

Shapes: B batch, T time steps (source or target), H features.
"""

from __future__ import annotations

import torch
from torch import Tensor


class Noise:
    """The masks of one training step.

    A mask holds for all time steps of a sentence (Gal and Ghahramani 2016), so one draw for the
    whole batch is cheap. Every process draws it for the batch of all processes and takes its own
    rows: two devices drop what one would have, and a resumed run drops what it would have dropped.

    The masks are drawn on the CPU, so that an accelerator gets the same ones.
    """

    def __init__(self, seed: int, rows_B: Tensor, row_count: int) -> None:
        self._generator = torch.Generator().manual_seed(seed)
        self._rows_B = rows_B.cpu()
        self._row_count = row_count

    def mask(self, feature_count: int, probability: float) -> Tensor:
        """mask_BH for this process's rows: zero where dropped, 1 / (1 - probability) elsewhere."""
        kept = torch.empty(self._row_count, feature_count)
        kept.bernoulli_(1.0 - probability, generator=self._generator)
        return kept.index_select(0, self._rows_B).div_(1.0 - probability)


def drop(sequence_BTH: Tensor, probability: float, noise: Noise | None) -> Tensor:
    """Dropout in training; without noise or with probability 0, the sequence as it is."""
    if noise is None or probability == 0.0:
        return sequence_BTH
    mask_BH = noise.mask(sequence_BTH.shape[2], probability).to(sequence_BTH)
    return sequence_BTH * mask_BH.unsqueeze(1)
