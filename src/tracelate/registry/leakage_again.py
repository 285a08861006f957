"""Leakage measured again before a promotion, because a lineage can state any counts."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from tracelate import layout
from tracelate.config import NearDuplicateConfig
from tracelate.corpus.leakage import measure_leakage
from tracelate.corpus.pairs import count_pairs, read_batches, read_pairs
from tracelate.evaluation.lineage import Lineage
from tracelate.files import sha256_of
from tracelate.registry.retranslation import OnProgress

MOST_COMPARISONS = 200_000_000_000
"""Test sentences by training sentences above which leakage is not measured: 100,000 by 2 million
take some minutes."""


class LeakageAgain(NamedTuple):
    """Counts that were measured again, or the reason why they were not."""

    counts: Mapping[str, Any] | None
    """As the lineage has them; None if they were not measured."""
    why_not: str = ""

    def differences(self, stated: Mapping[str, Any]) -> list[str]:
        """Returns the stated counts that are not the measured ones, with both."""
        return [
            f"{name} is {stated[name]:g} in the lineage, but {value:g} were measured"
            for name, value in (self.counts or {}).items()
            if name in stated and not math.isclose(stated[name], value, abs_tol=1e-6)
        ]


def measure_leakage_again(
    lineage: Lineage, test: Path, on_progress: OnProgress, root: Path = Path()
) -> LeakageAgain:
    """Measures the test set's leakage as `prepare` did, if the lineage's training text is here.

    `test` is the file that the lineage names. The time is bounded by MOST_COMPARISONS.
    """
    train = root / layout.TRAIN
    wanted = lineage.prepared.get(layout.TRAIN.as_posix())
    if not train.is_file():
        return LeakageAgain(None, f"{layout.TRAIN} is not here")
    if sha256_of(train) != wanted:
        return LeakageAgain(None, f"{layout.TRAIN} is not the one that the model was trained on")
    held_out, trained = read_pairs(test), count_pairs(train)
    if len(held_out) * trained > MOST_COMPARISONS:
        return LeakageAgain(None, f"{len(held_out):,} by {trained:,} sentences would take too long")
    found = measure_leakage(
        held_out,
        read_batches(train),
        NearDuplicateConfig.model_validate(lineage.near_duplicate),
        advance=lambda count: on_progress("measuring leakage again", count, trained),
    )
    counts = found._asdict()
    del counts["examples"]
    return LeakageAgain(counts)
