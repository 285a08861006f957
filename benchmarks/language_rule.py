"""Measures the rule wrong_language: false alarms, planted text of another language, and speed.

    python -m benchmarks.language_rule RAW [OTHER ...] [--pairs 10000] [--planted 500]

RAW is a folder data/raw of a project. Its pairs count as right. Planted text are the targets that
the same sources have in the folders OTHER, whose target is another language.
"""

from __future__ import annotations

import argparse
import random
import time
from pathlib import Path

import pyarrow as pa

from pipeline.stage import say
from tracelate.corpus.language_identification import is_in_another_language
from tracelate.corpus.pairs import Pair, read_pairs
from tracelate.corpus.raw import PROVENANCE, raw_splits
from tracelate.corpus.sources.choose import read_provenance

PROBABILITIES = (0.5, 0.6, 0.7, 0.8, 0.9, 0.95)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("raw", type=Path)
    parser.add_argument("others", type=Path, nargs="*")
    parser.add_argument("--pairs", type=int, default=10_000)
    parser.add_argument("--planted", type=int, default=500)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    provenance = read_provenance(arguments.raw / PROVENANCE)
    languages = provenance.source_language, provenance.target_language
    pairs = sorted({(one.source, one.target): one for one in read(arguments.raw)}.values())
    random.Random(arguments.seed).shuffle(pairs)
    right = [one for one in pairs if one.source != one.target][: arguments.pairs]
    planted = planted_pairs(right, arguments.others)[: arguments.planted]
    sides = [pa.array([pair[side] for pair in right], pa.string()) for side in (0, 1)]
    wrong = pa.array(planted, pa.string())
    for probability in PROBABILITIES:
        begin = time.process_time()
        source, target = (
            is_in_another_language(texts, language, probability)
            for texts, language in zip(sides, languages, strict=True)
        )
        rate = 2 * len(right) / (time.process_time() - begin)
        found = is_in_another_language(wrong, languages[1], probability).sum()
        say(
            f"{probability}: {100 * (source | target).mean():.2f} % of {len(right):,} right pairs "
            f"dropped, {found} of {len(planted)} planted found, {rate:,.0f} texts a CPU second"
        )


def read(raw: Path) -> list[Pair]:
    return [pair for path in raw_splits(raw).values() for pair in read_pairs(path)]


def planted_pairs(right: list[Pair], others: list[Path]) -> list[str]:
    """Returns targets in other languages of the sources, from each folder in turn."""
    targets = [{pair.source: pair.target for pair in read(folder)} for folder in others]
    found = []
    for place, pair in enumerate(right if targets else []):
        other = targets[place % len(targets)].get(pair.source, "")
        if other.strip() and other not in (pair.source, pair.target):
            found.append(other)
    return found


if __name__ == "__main__":
    main()
