"""Made pairs whose words, lengths and numbers belong together, and shifted runs in them."""

from __future__ import annotations

import random
from collections.abc import Sequence

from tracelate.corpus.pairs import Pair

WORDS = 150
SYLLABLES = [first + second for first in "bdfgkmnprst" for second in "aeiou"]


def made_pairs(count: int, seed: int = 1) -> list[Pair]:
    """Each source word has one translation; a sentence has 3 to 12 of them in another order."""
    draw = random.Random(seed)
    sources, targets = ([_word(draw) for _ in range(WORDS)] for _ in range(2))
    pairs = []
    for line in range(1, count + 1):
        words = [draw.randrange(WORDS) for _ in range(draw.randint(3, 12))]
        number = [str(draw.randrange(10_000))] if draw.random() < 0.1 else []
        source = " ".join([*(sources[word] for word in words), *number])
        draw.shuffle(words)
        target = " ".join([*number, *(targets[word] for word in words)])
        pairs.append(Pair(source, target, source, f"made.en:{line}"))
    return pairs


def with_shift(pairs: Sequence[Pair], first: int, length: int, shift: int) -> list[Pair]:
    """A side lacks its line `first`, from 0, and has it again after `length` lines."""
    sides = [[pair.source for pair in pairs], [pair.target for pair in pairs]]
    early = sides[1 if shift > 0 else 0]
    early.insert(first + length, early.pop(first))
    return [
        pair._replace(source=source, target=target)
        for pair, source, target in zip(pairs, *sides, strict=True)
    ]


def _word(draw: random.Random) -> str:
    return "".join(draw.choices(SYLLABLES, k=draw.randint(1, 4)))
