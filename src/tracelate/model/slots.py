"""Slots in a search: a translation has each slot token of its source exactly as often.

Slots are placeholders of a source, so one that is lost or doubled breaks the program that fills it
in. A slot that was used up is ruled out, and so is the end while slots are left (constrained
decoding: Hokamp and Liu 2017). When the length limit leaves no place for anything else, the slots
that are left are written. Scores are the model's own: what is ruled out is not divided among the
rest, so that a translation that places its slots well is preferred.

Shapes: N rows (sentences or beams), L slots, V vocabulary.
"""

from __future__ import annotations

from typing import NamedTuple, Self

import torch
from torch import Tensor


class SlotsLeft(NamedTuple):
    """The slots that each row has still to write."""

    left_NL: Tensor
    limit_N: Tensor
    """Most tokens of a row, the end token included."""
    ids_L: Tensor
    end: int
    spare_steps: int
    """First steps in which every row has more places than slots."""

    @classmethod
    def of(cls, source_NS: Tensor, limit_N: Tensor, slots: range, end: int) -> Self:
        """Counts the slots of each source. The limit must have place for them."""
        ids_L = torch.arange(slots.start, slots.stop, device=source_NS.device)
        left_NL = (source_NS.unsqueeze(-1) == ids_L).sum(dim=1)
        spare_N = limit_N - left_NL.sum(dim=1)
        return cls(left_NL, limit_N, ids_L, end, min(spare_N.tolist(), default=0))

    def rule_out(self, scores_NV: Tensor, written: int) -> None:
        """Sets the scores of words that are ruled out after `written` tokens to minus infinity."""
        if not len(self.ids_L):
            return
        left_N = self.left_NL.sum(dim=1)
        slots_NL = scores_NV[:, self.ids_L].masked_fill(self.left_NL <= 0, -torch.inf)
        if written >= self.spare_steps:
            must_N = (left_N > 0) & (left_N >= self.limit_N - written)
            scores_NV.masked_fill_(must_N.unsqueeze(1), -torch.inf)
        scores_NV[:, self.end].masked_fill_(left_N > 0, -torch.inf)
        scores_NV[:, self.ids_L] = slots_NL

    def after(self, words_N: Tensor) -> Self:
        """Returns what is left after each row has written a word."""
        return self._replace(left_NL=self.left_NL - (words_N.unsqueeze(1) == self.ids_L).long())

    def select(self, rows_N: Tensor) -> Self:
        """Returns the rows in another order; rows may repeat."""
        return self._replace(
            left_NL=self.left_NL.index_select(0, rows_N),
            limit_N=self.limit_N.index_select(0, rows_N),
        )
