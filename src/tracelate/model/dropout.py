"""Dropout whose masks depend on the training step alone, not on the number of devices.

Shapes: B batch, T time steps (source or target), H features.
"""

from __future__ import annotations

import torch
from torch import Tensor


class DropoutMasks:
    """Draws the dropout masks of one training step, one after the other.

    A mask is the same at all time steps of a sentence (Gal and Ghahramani 2016). Every
    process draws each mask for the batch of all processes and takes its own rows. So training on
    two devices drops the same features as training on one, and so does a resumed training. Masks
    are drawn on the CPU, so that they are the same with an accelerator.

    `rows_B` are this process's rows in the batch of all processes, which has `row_count` rows.
    """

    def __init__(self, seed: int, rows_B: Tensor, row_count: int) -> None:
        self._generator = torch.Generator().manual_seed(seed)
        self._rows_B = rows_B.cpu()
        self._row_count = row_count

    def mask(self, feature_count: int, probability: float) -> Tensor:
        """Draws the next mask_BH: 0 where dropped, 1 / (1 - probability) elsewhere."""
        kept = torch.empty(self._row_count, feature_count)
        kept.bernoulli_(1.0 - probability, generator=self._generator)
        return kept.index_select(0, self._rows_B).div_(1.0 - probability)


def drop(sequence_BTH: Tensor, probability: float, masks: DropoutMasks | None) -> Tensor:
    """Applies dropout with the next mask.

    Without masks, or with probability 0, it returns the sequence unchanged and draws no mask.
    """
    if masks is None or probability == 0.0:
        return sequence_BTH
    mask_BH = masks.mask(sequence_BTH.shape[2], probability).to(sequence_BTH)
    return sequence_BTH * mask_BH.unsqueeze(1)
