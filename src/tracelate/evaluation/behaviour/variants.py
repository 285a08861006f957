"""Sentences made from test sentences, which users write and test sets lack.

A maker returns another form of a source, or None if the source has none. Placeholders stay as they
are. The same generator gives the same form.
"""

from __future__ import annotations

import random
import unicodedata
from collections.abc import Callable, Iterator, Mapping
from typing import NamedTuple

from tracelate.evaluation.behaviour.words import is_unspaced, words
from tracelate.text.placeholders import placeholder_spans, placeholders

FINAL_MARKS = ".!?…。！？।؟۔"
ADDED_PLACEHOLDERS = ("{name}", "{room_7}", "%s", "%(total)d", "{{ value }}", "<b>7</b>")
SHORT_WORDS = (1, 2)
UNSPACED_CHARACTERS = 2
"""Characters that count as a word in a script without blanks between words."""
MIN_WORD_LETTERS = 4
TYPO_SHARE = 0.2
"""Share of the words with at least 4 letters that get an error; at least one does."""


def short(source: str, draw: random.Random) -> str | None:
    """Returns the first one or two words of a source that has more, without marks at the ends. In a
    script without blanks, a word is two characters.
    """
    count = draw.choice(SHORT_WORDS)
    parts = source.split()
    if parts and is_unspaced(parts[0]):
        begun = parts[0][: count * UNSPACED_CHARACTERS]
    else:
        begun = " ".join(parts[:count]).strip(FINAL_MARKS + ",:;\"'()[]*`")
    if placeholders(begun) != placeholders(source) and placeholders(source):
        return None
    return begun if words(begun) and words(begun) != words(source) else None


def upper_case(source: str, draw: random.Random) -> str | None:
    """Returns the source in capital letters; None for a script without them."""
    made = "".join(part if kept else part.upper() for part, kept in _parts(source))
    return made if made != source else None


def typos(source: str, draw: random.Random) -> str | None:
    """Exchanges, drops or doubles a letter inside a fifth of the words of at least four letters,
    and
    of at least one; None without such a word.
    """
    parts = list(_parts(source))
    places = [
        (number, start, stop)
        for number, (part, kept) in enumerate(parts)
        if not kept
        for start, stop in _letter_runs(part)
    ]
    if not places:
        return None
    chosen = draw.sample(places, max(1, round(len(places) * TYPO_SHARE)))
    for number, start, stop in sorted(chosen, reverse=True):
        part, kept = parts[number]
        word = _misspell(part[start:stop], draw)
        parts[number] = part[:start] + word + part[stop:], kept
    made = "".join(part for part, _ in parts)
    return made if made != source else None


def no_final_mark(source: str, draw: random.Random) -> str | None:
    """Returns the source without the marks at its end; None if it has none."""
    made = source.rstrip().rstrip(FINAL_MARKS).rstrip()
    whole = placeholders(made) == placeholders(source)
    return made if made != source.rstrip() and words(made) and whole else None


def added_placeholder(source: str, draw: random.Random) -> str | None:
    """Puts a placeholder between two words, or at the end of a text without blanks; None if the
    source has a placeholder.
    """
    if placeholders(source) or not words(source):
        return None
    added = draw.choice(ADDED_PLACEHOLDERS)
    gaps = [place for place, character in enumerate(source) if character == " "]
    place = draw.choice(gaps) if gaps else len(source)
    return f"{source[:place]} {added}{source[place:]}"


class Variant(NamedTuple):
    """A kind of made sentence."""

    make: Callable[[str, random.Random], str | None]
    faults: tuple[str, ...] = ("placeholders", "numbers", "repetition", "empty", "length")
    """Checks of the test set that a made sentence must pass if its test sentence does."""
    keeps_meaning: bool = True
    """True if the translation can be compared with the test sentence's reference."""
    max_chrf_loss: float | None = 20.0
    """Loss of chrF against the test sentence, in percent points, above which a made sentence counts
    as translated worse; None: any."""


VARIANTS: Mapping[str, Variant] = {
    "short": Variant(short, keeps_meaning=False, max_chrf_loss=None),
    "upper_case": Variant(upper_case),
    "typos": Variant(typos),
    "no_final_mark": Variant(no_final_mark),
    "added_placeholder": Variant(added_placeholder, ("placeholders",), max_chrf_loss=None),
}
"""The maker of each check by key."""


def _parts(source: str) -> Iterator[tuple[str, bool]]:
    """Yields the text in parts, each with True if it is a placeholder."""
    end = 0
    for start, stop in placeholder_spans(source):
        yield source[end:start], False
        yield source[start:stop], True
        end = stop
    yield source[end:], False


def _letter_runs(part: str) -> Iterator[tuple[int, int]]:
    """Yields the places of words with at least MIN_WORD_LETTERS letters and no marks."""
    start = 0
    for place in range(len(part) + 1):
        category = unicodedata.category(part[place])[0] if place < len(part) else "Z"
        if category in "LMN":
            continue
        run = part[start:place]
        if len(run) >= MIN_WORD_LETTERS and run.isalpha():
            yield start, place
        start = place + 1


def _misspell(word: str, draw: random.Random) -> str:
    """Changes the word behind its first letter."""
    place = draw.randrange(1, len(word) - 1)
    match draw.choice(("exchange", "drop", "double")):
        case "exchange":
            return word[:place] + word[place + 1] + word[place] + word[place + 2 :]
        case "drop":
            return word[:place] + word[place + 1 :]
        case _:
            return word[:place] + word[place] + word[place:]
