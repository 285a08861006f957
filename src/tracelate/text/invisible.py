"""Invisible characters, and the places in which a script or an emoji needs them.

A zero-width joiner, a zero-width non-joiner or a variation selector changes the shape of the
characters beside it (Unicode Standard, section 23.2 to 23.4; emoji: Unicode Technical Standard
#51). Beside all others it changes nothing that a reader sees, but it makes another word of the same
letters.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from functools import cache
from itertools import chain

CANDIDATES = (
    "\u00ad"  # soft hyphen
    "\u034f"  # combining grapheme joiner
    "\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069"  # direction marks, embeddings and isolates
    "\u17b4\u17b5"  # inherent vowels of Khmer, which are not written
    "\u180b-\u180f"  # variation selectors and the vowel separator of Mongolian
    "\u200b\u2060\ufeff"  # zero-width space, word joiner, byte order mark
    "\u200c\u200d"  # zero-width non-joiner and joiner
    "\u2061-\u2064\u206a-\u206f"  # invisible operators, deprecated format characters
    "\ufe00-\ufe0f\U000e0100-\U000e01ef"  # variation selectors
    "\ufff9-\ufffb\U0001bca0-\U0001bca3\U0001d173-\U0001d17a"  # of annotations, shorthand, music
    "\U000e0001\U000e0020-\U000e007f"  # tags
)
"""Content of a regular expression's class."""
CANDIDATE = re.compile(f"[{CANDIDATES}]")

JOINING_BLOCKS = (
    (0x0600, 0x0DFF),  # Arabic, Syriac, N'Ko and others; the scripts of India
    (0x0F00, 0x109F),  # Tibetan, Myanmar
    (0x1700, 0x1AAF),  # of the Philippines, Khmer, Mongolian, Limbu, Tai
    (0x1B00, 0x1C4F),  # Balinese, Sundanese, Batak, Lepcha
    (0x1CD0, 0x1CFF),  # Vedic
    (0xA800, 0xA8FF),
    (0xA930, 0xA95F),
    (0xA980, 0xAA7F),
    (0xAAE0, 0xAAFF),
    (0xABC0, 0xABFF),
    (0xFB50, 0xFDFF),  # presentation forms of Arabic
    (0xFE70, 0xFEFE),
    (0x10A00, 0x10FFF),
    (0x11000, 0x11FFF),  # Brahmi and its descendants
    (0x1E900, 0x1E95F),  # Adlam
)
"""Blocks of scripts whose letters join, or form conjuncts with a virama; first and last code."""
IDEOGRAPH = "\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003fffd"
MONGOLIAN = "\u1820-\u18aa"
VARIED = f"{IDEOGRAPH}\u2200-\u22ff\u2a00-\u2aff\u3001-\u303f\uff01-\uff60\U00013000-\U0001345f"
"""Characters besides letters that have standardised variants."""
EMOJI = (
    "\u00a9\u00ae\u203c\u2049\u2122\u2139\u2190-\u21ff\u2300-\u23ff\u24c2\u25a0-\u27bf\u2900-\u297f"
    "\u2b00-\u2bff\u3030\u303d\u3297\u3299\U0001f000-\U0001faff"
)
"""Characters that have a form as emoji, and their skin tones."""


def remove_invisible(text: str) -> str:
    """Returns the text without invisible characters that do no work where they are."""
    if text.isascii() or not CANDIDATE.search(text):
        return text
    return _needed_or_invisible().sub(r"\g<needed>", text)


@cache
def _needed_or_invisible() -> re.Pattern[str]:
    """Returns the pattern of an invisible character. Its group `needed` has it where it works."""
    joining = "".join(_letters_and_marks(chain(*(range(a, b + 1) for a, b in JOINING_BLOCKS))))
    needed = (
        f"(?<=[{joining}])\u200c(?=[{joining}])",
        f"(?<=[{joining}])\u200d",
        f"(?<=[{MONGOLIAN}][\u180b-\u180d\u180f])\u200d",
        f"\u200d(?=[{joining}])",
        f"(?<=[{EMOJI}])\u200d(?=[{EMOJI}])",
        f"(?<=[{EMOJI}]\ufe0f)\u200d(?=[{EMOJI}])",
        f"(?<=[{EMOJI}])[\ufe0e\ufe0f]",
        "(?<=[0-9#*])\ufe0f(?=\u20e3)",  # a keycap
        f"(?<=[{joining}{VARIED}])[\ufe00-\ufe0d]",
        f"(?<=[{IDEOGRAPH}])[\U000e0100-\U000e01ef]",
        f"(?<=[{MONGOLIAN}])[\u180b-\u180d\u180f]",
        f"(?<=[{MONGOLIAN}])\u180e(?=[{MONGOLIAN}])",
        "\U0001f3f4[\U000e0020-\U000e007e]+\U000e007f",  # the flag of a region
    )
    return re.compile(f"(?P<needed>{'|'.join(needed)})|[{CANDIDATES}]")


def _letters_and_marks(codes: Iterable[int]) -> Iterable[str]:
    """Yields ranges for a regular expression's class, without invisible characters."""
    first = last = -2
    for code in codes:
        letter = chr(code)
        if unicodedata.category(letter)[0] not in "LM" or CANDIDATE.match(letter):
            continue
        if code != last + 1:
            if first >= 0:
                yield f"{chr(first)}-{chr(last)}"
            first = code
        last = code
    yield f"{chr(first)}-{chr(last)}"
