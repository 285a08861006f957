"""Counts of lengths and characters of any number of pairs, in constant memory."""

from __future__ import annotations

import sys
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import regex
from numpy.typing import NDArray

from tracelate.corpus.code_points import code_points, widths

LONGEST = 1_000
"""Characters from which on lengths are counted together."""
RATIO_BINS = 64
RATIO_LIMIT = 4.0
"""Largest absolute binary logarithm of a ratio of lengths; others are counted with it."""
COVERED = 0.999
"""Share of the text whose characters are counted apart."""
SCRIPTS = (
    "Latin",
    "Greek",
    "Cyrillic",
    "Armenian",
    "Hebrew",
    "Arabic",
    "Syriac",
    "Thaana",
    "Devanagari",
    "Bengali",
    "Gurmukhi",
    "Gujarati",
    "Oriya",
    "Tamil",
    "Telugu",
    "Kannada",
    "Malayalam",
    "Sinhala",
    "Thai",
    "Lao",
    "Tibetan",
    "Myanmar",
    "Georgian",
    "Hangul",
    "Ethiopic",
    "Cherokee",
    "Canadian_Aboriginal",
    "Khmer",
    "Mongolian",
    "Hiragana",
    "Katakana",
    "Bopomofo",
    "Han",
)
"""Scripts of Unicode that are named; the letters of others are counted as those of another."""

Counts = NDArray[np.int64]


class LengthCounts:
    """Histograms of the lengths in characters, and of the ratio of the widths of a pair."""

    def __init__(self) -> None:
        self.sources: Counts = np.zeros(LONGEST + 1, np.int64)
        """Number of sources by their length."""
        self.targets: Counts = np.zeros(LONGEST + 1, np.int64)
        self.ratios: Counts = np.zeros(RATIO_BINS, np.int64)
        """Number of pairs by the binary logarithm of the target's width divided by the source's, in
        bins of equal size from -RATIO_LIMIT to RATIO_LIMIT.
        """

    def add(self, batch: pa.RecordBatch) -> None:
        """Adds pairs."""
        for texts, counts in ((batch["source"], self.sources), (batch["target"], self.targets)):
            lengths = code_points(texts).lengths
            counts += np.bincount(np.minimum(lengths, LONGEST), minlength=LONGEST + 1)
        sources, targets = widths(batch["source"]), widths(batch["target"])
        some = (sources > 0) & (targets > 0)
        logarithms = np.log2(targets[some] / sources[some])
        bins = (logarithms + RATIO_LIMIT) / (2 * RATIO_LIMIT) * RATIO_BINS
        clipped = np.clip(bins, 0, RATIO_BINS - 1).astype(int)
        self.ratios += np.bincount(clipped, minlength=RATIO_BINS)


class CharacterUse(NamedTuple):
    """A character, and the times that it occurs."""

    character: str
    times: int


class Characters(NamedTuple):
    """The characters of one side."""

    different: int
    """Number of different characters."""
    covering: int
    """Number of those, from the most frequent one, that make COVERED of the text."""
    once: int
    """Number of those that occur once."""
    scripts: dict[str, float]
    """Percent of the letters by script, from the most frequent one."""
    foreign: list[CharacterUse]
    """The most frequent letters of other scripts than the most frequent one."""


class CharacterCounts:
    """Number of occurrences of each character in texts."""

    def __init__(self) -> None:
        self._counts: Counts = np.zeros(sys.maxunicode + 1, np.int64)

    def add(self, texts: pa.StringArray) -> None:
        """Adds texts."""
        codes, counts = np.unique(code_points(texts).codes, return_counts=True)
        self._counts[codes] += counts

    def summary(self, most: int = 12) -> Characters:
        """Returns what is to be shown, with at most so many foreign letters."""
        codes = np.flatnonzero(self._counts)
        counts = self._counts[codes]
        in_order = np.sort(counts)[::-1]
        covering = int(np.searchsorted(np.cumsum(in_order), COVERED * counts.sum())) + 1
        used = {chr(code): int(count) for code, count in zip(codes, counts, strict=True)}
        script_of = _scripts_of("".join(used))
        totals: dict[str, int] = {}
        for character, script in script_of.items():
            totals[script] = totals.get(script, 0) + used[character]
        scripts = sorted(totals, key=lambda name: -totals[name])
        letters = sum(totals.values())
        foreign = [one for one, script in script_of.items() if script != scripts[0]]
        foreign.sort(key=lambda one: (-used[one], one))
        return Characters(
            different=len(codes),
            covering=min(covering, len(codes)),
            once=int((counts == 1).sum()),
            scripts={name: 100 * totals[name] / letters for name in scripts},
            foreign=[CharacterUse(one, used[one]) for one in foreign[:most]],
        )


def _scripts_of(characters: str) -> dict[str, str]:
    """Returns the script of each letter among the characters."""
    rest = "".join(regex.findall(r"\p{L}", characters))
    found: dict[str, str] = {}
    for name in SCRIPTS:
        found |= dict.fromkeys(regex.findall(rf"\p{{Script={name}}}", rest), name)
    common = dict.fromkeys(regex.findall(r"[\p{Script=Common}\p{Script=Inherited}]", rest))
    return found | {one: "another" for one in rest if one not in found and one not in common}
