"""Cleaning: normalises pairs, then drops those that a rule matches; each rule counts its own."""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field

from tracelate.config import PrepareConfig
from tracelate.corpus.exclusion import selection
from tracelate.corpus.pairs import Pair
from tracelate.text.normaliser import Normaliser

RULES = ("excluded", "empty", "too_long", "unbalanced", "untranslated", "duplicate")

Rule = Callable[[Pair], bool]


TEXTS = "texts"
"""Key of the number of texts that any step of the normaliser changed."""


@dataclass(frozen=True)
class CleaningCounts:
    """Numbers of pairs and texts, which cleaning adds to."""

    dropped: Counter[str] = field(default_factory=Counter)
    """Pairs by the rule that dropped them."""
    changed_sources: Counter[str] = field(default_factory=Counter)
    """Sources by the step of the normaliser that changed them, and those that any step changed."""
    changed_targets: Counter[str] = field(default_factory=Counter)


def normalise_pairs(
    pairs: Iterable[Pair], normaliser: Normaliser, counts: CleaningCounts
) -> Iterator[Pair]:
    """Yields the normalised pairs, and counts the texts that each step changed."""
    for pair in pairs:
        source, target = normaliser.trace(pair.source), normaliser.trace(pair.target)
        if source.changed_by:
            counts.changed_sources.update((TEXTS, *source.changed_by))
        if target.changed_by:
            counts.changed_targets.update((TEXTS, *target.changed_by))
        yield pair._replace(source=source.text, target=target.text)


def clean(pairs: Iterable[Pair], config: PrepareConfig, counts: CleaningCounts) -> Iterator[Pair]:
    """Yields the normalised pairs that no rule matches, and counts in `counts` the first rule that
    matches each of the others.
    """
    normaliser = Normaliser(config.normalise)
    rules = _rules(config, normaliser)
    for pair in normalise_pairs(pairs, normaliser, counts):
        broken = next((name for name, matches in rules.items() if matches(pair)), None)
        if broken is None:
            yield pair
        else:
            counts.dropped[broken] += 1


def is_unbalanced(pair: Pair, config: PrepareConfig) -> bool:
    """Returns True if one side is too long for the other, in characters of single width.

    Characters of double width, such as Chinese ones, count twice, as each has more meaning.
    """
    shorter, longer = sorted((_width(pair.source), _width(pair.target)))
    return longer > config.always_balanced_characters and longer > config.max_length_ratio * shorter


def _width(text: str) -> int:
    return len(text) + sum(unicodedata.east_asian_width(letter) in "WF" for letter in text)


def _rules(config: PrepareConfig, normaliser: Normaliser) -> dict[str, Rule]:
    seen: set[tuple[str, str]] = set()

    def is_duplicate(pair: Pair) -> bool:
        sides = (pair.source, pair.target)
        if sides in seen:
            return True
        seen.add(sides)
        return False

    excluded = selection(config.excluded.texts, config.excluded.origins).normalised(normaliser)
    rules: dict[str, Rule] = {
        "excluded": excluded.contains,
        "empty": lambda pair: not pair.source.strip() or not pair.target.strip(),
        "too_long": lambda pair: max(len(pair.source), len(pair.target)) > config.max_characters,
        "unbalanced": lambda pair: is_unbalanced(pair, config),
        "untranslated": lambda pair: config.drop_untranslated and pair.source == pair.target,
        "duplicate": is_duplicate,
    }
    return {name: rules[name] for name in RULES}
