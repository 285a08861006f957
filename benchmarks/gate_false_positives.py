"""Measures the false positives of the registry's gate between equally good systems.

    python -m benchmarks.gate_false_positives ROOT [DRAWS]

reads ROOT/<variant>/<seed>/{metrics.json,translations.jsonl}: evaluations of models that were
trained with the same settings and different seeds. It counts differences in BLEU that are
significant at p < 0.05 by each of the two tests, by both tests, and by both tests if the difference
also exceeds the margin of seeds, which is the gate's verdict. The pairs of systems are

- two seeds of a variant. The margin is computed from all seeds in ROOT without these two;
- a system and itself. No difference may be found;
- DRAWS (1,000) pairs made from the first two seeds of a variant by exchanging the translations of
  each sentence with probability 1/2. No system is better, and the null hypothesis of the
  randomisation test is true: a valid test finds at most 5 %. These systems have no margin, because
  they were not trained.

The 95 % intervals are those of Clopper and Pearson. They assume independent pairs, but pairs that
share a seed are not independent. Differences in both directions are counted; a promotion tests one
direction and passes the gate half as often.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import combinations
from math import sqrt
from pathlib import Path
from typing import NamedTuple

import numpy as np
from rich.console import Console
from rich.progress import track
from rich.table import Table
from scipy.stats import binomtest

from tracelate.comparison.compare import refuse_incomparable
from tracelate.comparison.seeds import seed_margin
from tracelate.comparison.significance import (
    PairedStatistics,
    Resampling,
    paired_statistics,
    significance_of,
)
from tracelate.errors import InputError
from tracelate.evaluation.results import METRICS, Evidence, read_evidence
from tracelate.metric_table import BLEU

LEVEL = 0.05
NULL_SEED = 20_040_725
"""Differs from the seed of the tests, so that the exchanges are not the same."""
TESTS = ("bootstrap", "randomisation", "both", "gate")
Variants = Mapping[str, Sequence[Evidence]]
"""The evaluations of each variant's seeds."""


class Found(NamedTuple):
    """Tests that found a difference, in either direction."""

    bootstrap: bool
    randomisation: bool
    is_beyond_margin: bool

    @property
    def both(self) -> bool:
        return self.bootstrap and self.randomisation

    @property
    def gate(self) -> bool:
        return self.both and self.is_beyond_margin


def main() -> None:
    if len(sys.argv) not in (2, 3):
        sys.exit("usage: python -m benchmarks.gate_false_positives ROOT [DRAWS]")
    draws = int(sys.argv[2]) if len(sys.argv) == 3 else 1000
    try:
        report(read_variants(Path(sys.argv[1])), draws)
    except InputError as error:
        sys.exit(f"error: {error}")


def report(variants: Variants, draws: int) -> None:
    console = Console(width=None if sys.stdout.isatty() else 140)
    console.print(table_of_spread(variants))
    table = Table(title=f"Differences found by BLEU at p < {LEVEL}, in either direction")
    table.add_column("variant")
    table.add_column("what")
    table.add_column("pairs", justify="right")
    for column in ("bootstrap", "randomisation", "both", "gate: both, beyond the margin"):
        table.add_column(column, justify="right")
    of_all: dict[str, list[Found]] = {"two seeds": [], "itself": [], "exchanged": []}
    for variant, systems in variants.items():
        pairs = list(combinations(systems, 2))
        margins = [seed_margin(deviation_without(variants, pair), LEVEL) for pair in pairs]
        counts = [paired(a, b) for a, b in pairs]
        found_by = {
            "two seeds": zip(counts, margins, strict=True),
            "itself": ((paired(one, one), 0.0) for one in systems),
            "exchanged": ((one, 0.0) for one in exchange(counts[0], draws, variant))
            if counts
            else (),
        }
        for what, tried in found_by.items():
            shown = track(list(tried), f"{variant}, {what}", console=Console(stderr=True))
            found = [find(one, margin) for one, margin in shown]
            of_all[what] += found
            if found:
                table.add_row(variant, what, *cells(found))
        table.add_section()
    for what, found in of_all.items():
        if found:
            table.add_row("all", what, *cells(found))
    console.print(table)


def read_variants(root: Path) -> Variants:
    """Reads the evaluations of all variants. Raises InputError if they cannot be compared."""
    variants: dict[str, list[Evidence]] = {}
    for path in sorted(root.glob(f"*/*/{METRICS}")):
        one = read_evidence(path.parent, str(path.parent.relative_to(root)))
        systems = variants.setdefault(path.parts[-3], [])
        refuse_incomparable(systems[0] if systems else one, one)
        systems.append(one)
    if not variants:
        raise InputError(f"{root} has no <variant>/<seed>/{METRICS}: name a study's results")
    return variants


def deviation_without(variants: Variants, left_out: Sequence[Evidence] = ()) -> float:
    """Returns the standard deviation of BLEU over seeds, in percent, pooled over the variants.

    `left_out` are evaluations that are not used. Raises InputError if no variant has two others.
    """
    squares, freedom = 0.0, 0
    for systems in variants.values():
        kept = [one for one in systems if all(one is not other for other in left_out)]
        scores = [bleu(one) for one in kept]
        if len(scores) > 1:
            squares += float(np.var(scores)) * len(scores)
            freedom += len(scores) - 1
    if not freedom:
        names = ", ".join(variants)
        raise InputError(
            f"too few seeds of {names}: a variant needs at least four, two besides each pair"
        )
    return sqrt(squares / freedom)


def bleu(one: Evidence) -> float:
    return one.metrics.scores[0].value


def table_of_spread(variants: Variants) -> Table:
    table = Table(title="BLEU over seeds")
    for column in ("variant", "seeds", "mean", "standard deviation"):
        table.add_column(column, justify="left" if column == "variant" else "right")
    for variant, systems in variants.items():
        if len(systems) < 2:
            continue
        mean = np.mean([bleu(one) for one in systems])
        deviation = deviation_without({variant: systems})
        table.add_row(variant, f"{len(systems)}", f"{mean:.2f}", f"{deviation:.2f}")
    table.add_section()
    table.add_row("pooled", "", "", f"{deviation_without(variants):.2f}")
    return table


def paired(a: Evidence, b: Evidence) -> PairedStatistics:
    of_a, of_b = ([row.translation for row in one.rows] for one in (a, b))
    return paired_statistics(BLEU, of_a, of_b, [row.reference for row in a.rows])


def exchange(counts: PairedStatistics, draws: int, variant: str) -> Iterator[PairedStatistics]:
    """Yields pairs of systems whose translations of each sentence were exchanged at random.

    The exchanges depend on the variant.
    """
    random = np.random.default_rng([NULL_SEED, *variant.encode()])
    for _ in range(draws):
        stays_N1 = random.integers(2, size=(len(counts.a_NK), 1), dtype=bool)
        yield PairedStatistics(
            counts.scorer,
            np.where(stays_N1, counts.a_NK, counts.b_NK),
            np.where(stays_N1, counts.b_NK, counts.a_NK),
        )


def find(counts: PairedStatistics, margin: float) -> Found:
    """Runs both tests. `margin` is the margin of seeds in percent."""
    tested = significance_of(counts, Resampling())
    return Found(
        tested.p_bootstrap < LEVEL,
        tested.p_randomisation < LEVEL,
        abs(tested.difference) > margin,
    )


def cells(found: Sequence[Found]) -> Iterable[str]:
    yield f"{len(found):,}"
    for test in TESTS:
        count = sum(getattr(one, test) for one in found)
        interval = binomtest(count, len(found)).proportion_ci(method="exact")
        yield (
            f"{count} = {100 * count / len(found):.1f} % "
            f"({100 * interval.low:.1f}–{100 * interval.high:.1f})"
        )


if __name__ == "__main__":
    main()
