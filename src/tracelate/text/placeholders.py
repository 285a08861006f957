"""Placeholders of a text: the parts that a program replaces or a reader copies.

They are arguments in braces (`{name}`, `{{x}}`, `${x}`, `{0:.2f}`, `{% if x %}`), printf's formats
(`%s`, `%d`, `%(n)d`, `%1$s`, `%.1f`), tags (`<b>`, `</b>`, `<br/>`), entities (`&nbsp;`), URLs and
e-mail addresses. Of a message of ICU (`{count, plural, one {# day} other {# days}}`), the argument
and its kind count once, and each different placeholder in its branches once, since languages differ
in their branches.

A model that copies placeholders carries the version of this definition. Matching takes time that is
linear in the length of a text, since users send any.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

VERSION = 1
"""Version of the definition: of the parts of a text that `copied_spans` finds."""

_PLACEHOLDER = r"""
    \{\{[^{}\n]*\}\} | \{%[^{}\n]*%\} | \$?\{[^\s{}]*\}          # arguments in braces
  | (?<![\d%]) %
    (?: \(\w+\) | \d+\$ )? [-+\#]? (?: 0\d++ )?+ (?: \d*+\.\d++ )? (?: hh? | ll? | z )?
    [sdifgxXuceo@] (?![^\W\d_])                                # printf
  | </? [A-Za-z][A-Za-z0-9-]* (?: \s+ [\w:-]+ = (?: "[^"]*" | '[^']*' ) )* \s* /?>    # tags
  | & (?: [A-Za-z][A-Za-z0-9]{1,31} | \#\d{1,7} | \#x[0-9A-Fa-f]{1,6} ) ;         # entities
  | (?: https?:// | ftp:// | www\. ) [A-Za-z0-9._~:/?\#@!$&'*+,;=%-]* [A-Za-z0-9/_~=\#&%-]   # URLs
  | (?<![A-Za-z0-9._%+-]) [A-Za-z0-9._%+-]+ @ [A-Za-z0-9-]+ (?: \. [A-Za-z0-9-]+ )+     # e-mail
"""
_ICU_VALUE = r"\{\s*(\w+)\s*,\s*(number|date|time)\b[^{}]*\}"
_ANY_PLACEHOLDER = re.compile(_PLACEHOLDER, re.VERBOSE | re.ASCII)
_ANY_ICU_VALUE = re.compile(_ICU_VALUE)
_COPIED = re.compile(f"{_ICU_VALUE} | {_PLACEHOLDER}", re.VERBOSE | re.ASCII)
_SIGN_OF_ONE = r"[{%<&@]|://|www\."
"""In every text with a placeholder; in RE2's syntax."""
_ICU_ARGUMENT = re.compile(r"\{\s*(\w+)\s*,\s*(plural|select|selectordinal)\s*,")


def placeholders(text: str) -> Counter[str]:
    """Returns the number of occurrences of each placeholder."""
    plain, arguments = _take_icu(text)
    counted = Counter(match[0] for match in _ANY_PLACEHOLDER.finditer(plain))
    for argument, kind, branches in arguments:
        counted[f"{{{argument}, {kind}}}"] += 1
        counted.update(dict.fromkeys(placeholders(branches), 1))
    return counted


def without_placeholders(text: str) -> str:
    """Returns the text with a blank in place of each placeholder."""
    return _ANY_PLACEHOLDER.sub(" ", text)


def placeholder_spans(text: str) -> list[tuple[int, int]]:
    """Returns the places at which each placeholder begins and ends."""
    return [match.span() for match in _ANY_PLACEHOLDER.finditer(text)]


def copied_spans(text: str) -> list[tuple[int, int]]:
    """Returns the places of the placeholders that a translation copies whole.

    They are all but those inside an ICU message with branches, whose text is translated and whose
    placeholders occur in another number of branches in other languages.
    """
    spans: list[tuple[int, int]] = []
    start = 0
    while start < len(text):
        message = _ICU_ARGUMENT.search(text, start)
        end = len(text) if message is None else message.start()
        spans += [found.span() for found in _COPIED.finditer(text, start, end)]
        start = end if message is None else _closing_brace(text, end) + 1
    return spans


def may_have_placeholders(texts_N: pa.StringArray) -> NDArray[np.bool_]:
    """Returns False for each text that certainly has no placeholder, which is quickly found out."""
    found: NDArray[np.bool_] = pc.match_substring_regex(texts_N, _SIGN_OF_ONE).to_numpy(
        zero_copy_only=False
    )
    return found


def _take_icu(text: str) -> tuple[str, list[tuple[str, str, str]]]:
    """Returns the text without arguments of ICU, and those: name, kind and text of the branches."""
    arguments = [(found[1], found[2], "") for found in _ANY_ICU_VALUE.finditer(text)]
    plain = _ANY_ICU_VALUE.sub(" ", text)
    while (begun := _ICU_ARGUMENT.search(plain)) is not None:
        end = _closing_brace(plain, begun.start())
        branches = " ".join(_branches(plain[begun.end() : end]))
        arguments.append((begun[1], begun[2], branches))
        plain = f"{plain[: begun.start()]} {plain[end + 1 :]}"
    return plain, arguments


def _branches(text: str) -> Iterator[str]:
    """Yields the text between each pair of outer braces."""
    place = text.find("{")
    while place >= 0:
        end = _closing_brace(text, place)
        yield text[place + 1 : end]
        place = text.find("{", end + 1)


def _closing_brace(text: str, place: int) -> int:
    """Returns the place of the brace that closes the one at `place`, or the end of the text."""
    depth = 0
    for at in range(place, len(text)):
        depth += (text[at] == "{") - (text[at] == "}")
        if depth == 0:
            return at
    return len(text)
