"""Cleaning rules that look at one pair at a time, each a function over a batch of pairs.

A rule returns True for each pair that it drops. Rules that compare pairs are in
`tracelate.corpus.repeats`.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import regex
from numpy.typing import NDArray

from tracelate.config import PrepareConfig, RuleName
from tracelate.corpus.code_points import CodePoints, code_points
from tracelate.corpus.exclusion import PairSelection
from tracelate.corpus.language_identification import is_in_another_language
from tracelate.corpus.length_ratio import is_unbalanced
from tracelate.text.placeholders import placeholders, without_placeholders

Matches = NDArray[np.bool_]


class Context(NamedTuple):
    """All that a rule knows besides the pairs."""

    config: PrepareConfig
    excluded: PairSelection
    """Normalised."""
    typical_ratio: float = 1.0
    """See `tracelate.corpus.length_ratio`."""
    scripts: tuple[str, str] = ("Zyyy", "Zyyy")
    """Scripts (ISO 15924) of the source and the target language; Zyyy: unknown."""
    languages: Sequence[str] = ()
    """Codes of the source and the target language, if they are known."""


Rule = Callable[[pa.RecordBatch, Context], Matches]

UNICODE_SCRIPTS = {
    "Hans": "Han",
    "Hant": "Han",
    "Hani": "Han",
    "Jpan": "Han Hira Kana",
    "Kore": "Hang Han",
}
"""Scripts of Unicode that a script of several of them has, or that has another name there."""
NUMBER = re.compile(r"\d+")


def excluded(batch: pa.RecordBatch, context: Context) -> Matches:
    """Pairs that prepare.excluded names."""
    return _booleans(context.excluded.matches(batch))


def empty(batch: pa.RecordBatch, context: Context) -> Matches:
    """Pairs with a side that is empty or white space."""
    return _either(batch, lambda texts: pc.equal(pc.utf8_trim_whitespace(texts), ""))


def too_long(batch: pa.RecordBatch, context: Context) -> Matches:
    """Pairs with a side of more than prepare.max_characters."""
    limit = context.config.max_characters
    return _either(batch, lambda texts: pc.greater(pc.utf8_length(texts), limit))


def unbalanced(batch: pa.RecordBatch, context: Context) -> Matches:
    """Pairs with a side that is too long for the other, as the corpus's typical ratio has it."""
    return is_unbalanced(batch, context.config, context.typical_ratio)


def untranslated(batch: pa.RecordBatch, context: Context) -> Matches:
    """Pairs with the same text on both sides, if prepare.drop_untranslated is true."""
    if not context.config.drop_untranslated:
        return np.zeros(batch.num_rows, bool)
    return _booleans(pc.equal(batch["source"], batch["target"]))


def repeated_characters(batch: pa.RecordBatch, context: Context) -> Matches:
    """Pairs with a side in which a character other than a digit or blank follows itself more than
    prepare.max_repeated_characters times.
    """
    most = context.config.max_repeated_characters
    return _has_run(code_points(batch["source"]), most) | _has_run(
        code_points(batch["target"]), most
    )


def wrong_script(batch: pa.RecordBatch, context: Context) -> Matches:
    """Pairs with a side of whose letters less than half are of the language's script.

    Placeholders are left out, and so is a side whose language has an unknown script.
    """
    found = np.zeros(batch.num_rows, bool)
    for texts, script in zip((batch["source"], batch["target"]), context.scripts, strict=True):
        if script != "Zyyy":
            foreign = _foreign_letter(script)
            found |= np.array([_is_foreign(text, foreign) for text in texts.to_pylist()], bool)
    return found


def wrong_language(batch: pa.RecordBatch, context: Context) -> Matches:
    """Pairs with a side that is identified as another language, with a probability of at least
    prepare.min_language_probability.
    """
    found = np.zeros(batch.num_rows, bool)
    sides = (batch["source"], batch["target"])
    for texts, language in zip(sides, context.languages, strict=False):
        found |= is_in_another_language(texts, language, context.config.min_language_probability)
    return found


def disagreeing_placeholders(batch: pa.RecordBatch, context: Context) -> Matches:
    """Pairs whose sides have not the same placeholders and tags equally often."""
    return _differ(batch, placeholders, "[{}%<&@/]|www")


def disagreeing_numbers(batch: pa.RecordBatch, context: Context) -> Matches:
    """Pairs whose sides have not the same runs of digits equally often, in any order and script."""
    return _differ(batch, _numbers, r"\p{Nd}")


ROW_RULES: Mapping[RuleName, Rule] = {
    "excluded": excluded,
    "empty": empty,
    "too_long": too_long,
    "unbalanced": unbalanced,
    "untranslated": untranslated,
    "repeated_characters": repeated_characters,
    "wrong_script": wrong_script,
    "wrong_language": wrong_language,
    "placeholders": disagreeing_placeholders,
    "numbers": disagreeing_numbers,
}


def _booleans(matches: pa.BooleanArray) -> Matches:
    return np.asarray(matches.to_numpy(zero_copy_only=False), dtype=bool)


def _either(batch: pa.RecordBatch, test: Callable[[pa.StringArray], pa.BooleanArray]) -> Matches:
    return _booleans(pc.or_(test(batch["source"]), test(batch["target"])))


def _has_run(points: CodePoints, most: int) -> Matches:
    """Returns True for each text with a run of more than `most` + 1 equal characters."""
    codes, rows = points.codes, points.rows
    follows = np.zeros(len(codes), bool)
    follows[1:] = (codes[1:] == codes[:-1]) & (rows[1:] == rows[:-1])
    places = np.arange(len(codes))
    began = np.maximum.accumulate(np.where(follows, 0, places))
    is_over = places - began > most
    is_over[is_over] = [not (chr(code).isdigit() or chr(code).isspace()) for code in codes[is_over]]
    return points.sums(is_over) > 0


@cache
def _foreign_letter(script: str) -> regex.Pattern[str]:
    """Returns the pattern of a letter of another script, by its code in ISO 15924."""
    names = [*UNICODE_SCRIPTS.get(script, script).split(), "Zyyy", "Zinh"]
    own = "".join(rf"\p{{Script={name}}}" for name in names)
    return regex.compile(rf"[^\P{{L}}{own}]")


def _is_foreign(text: str, foreign: regex.Pattern[str]) -> bool:
    if text.isascii() and not foreign.search("a"):  # most texts of a language in Latin script
        return False
    text = without_placeholders(text)
    letters = sum(map(str.isalpha, text))
    return letters < 2 * len(foreign.findall(text))


def _differ(batch: pa.RecordBatch, count: Callable[[str], Counter[str]], sign: str) -> Matches:
    """Returns True for each pair with different counts. Texts without the `sign` have none."""
    has_any = _either(batch, lambda texts: pc.match_substring_regex(texts, sign))
    some = batch.filter(pa.array(has_any))
    sides = zip(some["source"].to_pylist(), some["target"].to_pylist(), strict=True)
    has_any[has_any] = [count(source) != count(target) for source, target in sides]
    return has_any


def _numbers(text: str) -> Counter[str]:
    return Counter(_plain(number) for number in NUMBER.findall(text))


def _plain(number: str) -> str:
    """Returns the digits of any script as those of ASCII, without leading zeros."""
    if not number.isascii():
        number = "".join(str(unicodedata.digit(digit)) for digit in number)
    return number.lstrip("0")
