"""The search of one batch of sentences, as token ids."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from tracelate.model.search import Hypothesis, SpecialIds, TranslationModel, beam_search
from tracelate.training.batches import pad

SourceIds = Sequence[Sequence[int]]
"""Ids of the sentences of a batch, without the end token."""
Found = list[list[Hypothesis]]
"""Hypotheses of each sentence of a batch, best first."""


class BatchSearch(NamedTuple):
    """A model with the settings of its search."""

    model: TranslationModel
    """In evaluation mode."""
    special: SpecialIds
    beam_size: int
    length_penalty: float

    def __call__(self, source_ids: SourceIds) -> Found:
        source_BS = pad([[*ids, self.special.end] for ids in source_ids], self.special.padding)
        return beam_search(
            self.model,
            source_BS,
            source_BS != self.special.padding,
            self.special,
            beam_size=self.beam_size,
            alpha=self.length_penalty,
        )
