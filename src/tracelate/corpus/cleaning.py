"""Cleaning: normalises pairs, then drops those that a rule matches; each rule counts its own."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterable, Iterator

from tracelate.config import PrepareConfig
from tracelate.corpus.exclusion import selection
from tracelate.corpus.pairs import Pair

RULES = ("excluded", "empty", "too_long", "unbalanced", "untranslated", "duplicate")

Rule = Callable[[Pair], bool]


def normalise(text: str) -> str:
    """Returns the text in Unicode NFC, with one blank for each run of white space within a line,
    line feeds for line breaks, and no white space at the ends of lines or of the text.
    """
    text = unicodedata.normalize("NFC", text).replace("\r\n", "\n").replace("\r", "\n")
    text = re.sub(r"[^\S\n]+", " ", text)
    return re.sub(r" ?\n ?", "\n", text).strip()


def normalise_pairs(pairs: Iterable[Pair]) -> Iterator[Pair]:
    for pair in pairs:
        yield pair._replace(source=normalise(pair.source), target=normalise(pair.target))


def clean(pairs: Iterable[Pair], config: PrepareConfig, dropped: Counter[str]) -> Iterator[Pair]:
    """Yields the normalised pairs that no rule matches, and counts the first rule that matches in
    `dropped`.
    """
    rules = _rules(config)
    for pair in normalise_pairs(pairs):
        broken = next((name for name, matches in rules.items() if matches(pair)), None)
        if broken is None:
            yield pair
        else:
            dropped[broken] += 1


def is_unbalanced(pair: Pair, config: PrepareConfig) -> bool:
    """Returns True if one side is too long for the other, in characters of single width.

    Characters of double width, such as Chinese ones, count twice, as each has more meaning.
    """
    shorter, longer = sorted((_width(pair.source), _width(pair.target)))
    return longer > config.always_balanced_characters and longer > config.max_length_ratio * shorter


def _width(text: str) -> int:
    return len(text) + sum(unicodedata.east_asian_width(letter) in "WF" for letter in text)


def _rules(config: PrepareConfig) -> dict[str, Rule]:
    seen: set[tuple[str, str]] = set()

    def is_duplicate(pair: Pair) -> bool:
        sides = (pair.source, pair.target)
        if sides in seen:
            return True
        seen.add(sides)
        return False

    excluded = selection(config.excluded.texts, config.excluded.origins)
    rules: dict[str, Rule] = {
        "excluded": excluded.contains,
        "empty": lambda pair: not pair.source or not pair.target,
        "too_long": lambda pair: max(len(pair.source), len(pair.target)) > config.max_characters,
        "unbalanced": lambda pair: is_unbalanced(pair, config),
        "untranslated": lambda pair: config.drop_untranslated and pair.source == pair.target,
        "duplicate": is_duplicate,
    }
    return {name: rules[name] for name in RULES}
