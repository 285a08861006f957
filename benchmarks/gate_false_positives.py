"""How often "significantly better" is said of systems between which nothing was improved.

    python -m benchmarks.gate_false_positives ROOT [DRAWS]

reads ROOT/<variant>/<seed>/{metrics.json,translations.jsonl}: evaluations of the same settings,
trained from another seed. By BLEU, at p < 0.05, under each of the two tests and under both, which
is the gate's verdict, it counts

- pairs of seeds of which one is called better. Their weights do differ, so this is how often a
  gate opens for luck in training, not an error of the tests alone;
- systems called better than themselves, which must be none;
- of DRAWS (200) pairs made of a variant's first two seeds by exchanging their translations of each
  sentence with probability 1/2, those of which one is called better. Here no system is better, and
  the null hypothesis of the randomisation holds exactly: a valid test finds 5 % or less.

An interval is Clopper and Pearson's, of 95 %. Either direction counts, so that of promotions tried
in one direction, half as many open.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Sequence
from itertools import combinations
from pathlib import Path
from typing import NamedTuple

import numpy as np
from rich.console import Console
from rich.progress import track
from rich.table import Table
from sacrebleu.metrics import BLEU
from scipy.stats import binomtest

from tracelate.errors import InputError
from tracelate.evaluation.comparison import refuse_incomparable
from tracelate.evaluation.evidence import METRICS, Evidence, read_evidence
from tracelate.evaluation.significance import (
    PairedCounts,
    Resampling,
    count_in_sentences,
    significance_of,
)

LEVEL = 0.05
NULL_SEED = 20_040_725
"""Not the tests' own, whose changes of sides these must not repeat."""


class Found(NamedTuple):
    """Whether a difference was found, in either direction."""

    bootstrap: bool
    randomisation: bool

    @property
    def both(self) -> bool:
        return self.bootstrap and self.randomisation


def main() -> None:
    if len(sys.argv) not in (2, 3):
        sys.exit("usage: python -m benchmarks.gate_false_positives ROOT [DRAWS]")
    draws = int(sys.argv[2]) if len(sys.argv) == 3 else 200
    try:
        variants = read_variants(Path(sys.argv[1]))
    except InputError as error:
        sys.exit(f"error: {error}")

    console = Console(width=None if sys.stdout.isatty() else 120)
    table = Table(title=f"Differences found by BLEU at p < {LEVEL}, in either direction")
    table.add_column("variant")
    table.add_column("what")
    table.add_column("pairs", justify="right")
    for column in ("bootstrap", "randomisation", "both: the gate's"):
        table.add_column(column, justify="right")
    of_all: dict[str, list[Found]] = {"two seeds": [], "itself": [], "exchanged": []}
    for variant, systems in variants.items():
        pairs = [paired(a, b) for a, b in combinations(systems, 2)]
        selves = [paired(one, one) for one in systems]
        exchanged = list(exchange(pairs[0], draws)) if pairs else []
        for what, counts in zip(of_all, (pairs, selves, exchanged), strict=True):
            label = f"{variant}, {what}"
            found = [find(one) for one in track(counts, label, console=Console(stderr=True))]
            of_all[what] += found
            if found:
                table.add_row(variant, what, *cells(found))
        table.add_section()
    for what, found in of_all.items():
        if found:
            table.add_row("all", what, *cells(found))
    console.print(table)


def read_variants(root: Path) -> dict[str, list[Evidence]]:
    """Each variant's evaluations by seed. Raises InputError where they cannot be compared."""
    variants: dict[str, list[Evidence]] = {}
    for path in sorted(root.glob(f"*/*/{METRICS}")):
        one = read_evidence(path.parent, str(path.parent.relative_to(root)))
        systems = variants.setdefault(path.parts[-3], [])
        refuse_incomparable(systems[0] if systems else one, one)
        systems.append(one)
    if not variants:
        raise InputError(f"{root} has no <variant>/<seed>/{METRICS}: name a study's results")
    return variants


def paired(a: Evidence, b: Evidence) -> PairedCounts:
    of_a, of_b = ([row.translation for row in one.rows] for one in (a, b))
    return count_in_sentences(BLEU(), of_a, of_b, [row.reference for row in a.rows])


def exchange(counts: PairedCounts, draws: int) -> Iterator[PairedCounts]:
    """Pairs of systems in which each sentence's translations have changed sides at random."""
    random = np.random.default_rng(NULL_SEED)
    for _ in range(draws):
        stays_N1 = random.integers(2, size=(len(counts.a_NK), 1), dtype=bool)
        yield PairedCounts(
            counts.metric,
            np.where(stays_N1, counts.a_NK, counts.b_NK),
            np.where(stays_N1, counts.b_NK, counts.a_NK),
        )


def find(counts: PairedCounts) -> Found:
    tested = significance_of("bleu", counts, Resampling())
    return Found(tested.p_bootstrap < LEVEL, tested.p_randomisation < LEVEL)


def cells(found: Sequence[Found]) -> Iterable[str]:
    yield f"{len(found):,}"
    for test in ("bootstrap", "randomisation", "both"):
        count = sum(getattr(one, test) for one in found)
        interval = binomtest(count, len(found)).proportion_ci(method="exact")
        yield (
            f"{count} = {100 * count / len(found):.1f} % "
            f"({100 * interval.low:.1f}–{100 * interval.high:.1f})"
        )


if __name__ == "__main__":
    main()
