"""Prepares the corpus apart from the project's files, and notes what becomes of its pairs."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import ClassVar, NamedTuple

import pyarrow as pa

from tracelate.config import PrepareConfig
from tracelate.corpus.mixture import Mixture
from tracelate.corpus.observer import Observer
from tracelate.corpus.pairs import Pair
from tracelate.corpus.preparing import OnProgress, Prepared, prepare_corpus
from tracelate.corpus.provenance import Provenance
from tracelate.corpus.raw import SPLITS
from tracelate.inspection.outcomes import Outcomes
from tracelate.inspection.sampling import PairSample
from tracelate.inspection.statistics import CharacterCounts, LengthCounts

KEPT = "kept"
"""Name of the sample of pairs that no rule drops."""


class Inspector(Observer):
    """Samples and counts the pairs that prepare keeps and drops."""

    wants_pairs: ClassVar[bool] = True

    def __init__(self, size: int, seed: int) -> None:
        """Each sample has at most `size` pairs."""
        self._size, self._seed = size, seed
        self.samples: dict[str, PairSample] = {}
        """By the rule that dropped them, or KEPT."""
        self.kept_lengths, self.dropped_lengths = LengthCounts(), LengthCounts()
        self.characters = {"source": CharacterCounts(), "target": CharacterCounts()}
        """Of the pairs that are kept."""
        self.outcomes = Outcomes()

    def dropped(self, rule: str, batch: pa.RecordBatch) -> None:
        self._sample(rule, batch)
        self.dropped_lengths.add(batch)
        self.outcomes.add(rule, batch)

    def kept(self, split: str, batch: pa.RecordBatch) -> None:
        self._sample(KEPT, batch)
        self.kept_lengths.add(batch)
        for side, counts in self.characters.items():
            counts.add(batch[side])
        self.outcomes.add(split, batch)

    def sample(self, name: str) -> list[Pair]:
        """Returns the sample of a rule, or of KEPT."""
        return self.samples[name].pairs if name in self.samples else []

    def _sample(self, name: str, batch: pa.RecordBatch) -> None:
        if name not in self.samples:
            self.samples[name] = PairSample(self._size, self._seed)
        self.samples[name].add(batch)


class Inspection(NamedTuple):
    """A corpus as prepare sees it with some settings."""

    config: PrepareConfig
    prepared: Prepared
    inspector: Inspector


def inspect_corpus(
    raw: Mapping[str, Path],
    config: PrepareConfig,
    provenance: Provenance,
    folder: Path,
    inspector: Inspector,
    on_progress: OnProgress,
) -> Inspection:
    """Prepares the corpus in `folder`, an empty one for temporary files.

    Where the settings would let prepare fail for leakage or shifted lines, it warns, so that they
    can be looked at. Raises InputError as `prepare_corpus` does for the rest.
    """
    lenient = {
        name: "warn" for name in ("near_leakage", "shifted") if getattr(config, name) == "fail"
    }
    languages = provenance.source_language, provenance.target_language
    prepared = prepare_corpus(
        raw,
        {name: folder / f"{name}.parquet" for name in SPLITS},
        config.model_copy(update=lenient),
        languages,
        Mixture(provenance.shares),
        folder,
        on_progress,
        inspector,
    )
    return Inspection(config, prepared, inspector)
