"""Texts that are always one piece, and the letters that byte-level pieces are written in."""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterable, Sequence

from tracelate.corpus.subword_learning import BYTE_PIECES, PiecesName
from tracelate.errors import InputError


def _byte_letters() -> dict[str, int]:
    """The letter that byte-level pieces write for each byte: itself where it is printable."""
    printable = [*range(ord("!"), ord("~") + 1), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    others = [byte for byte in range(256) if byte not in printable]
    return {chr(byte): byte for byte in printable} | {
        chr(256 + place): byte for place, byte in enumerate(others)
    }


BYTES = _byte_letters()
"""Byte of each letter in the pieces of a byte-level tokenizer."""


def any_of(symbols: Iterable[str]) -> re.Pattern[str] | None:
    """Returns an expression that parts a text at the symbols, at the longest of those that begin at
    a place; None if there is none.
    """
    longest_first = sorted(symbols, key=len, reverse=True)
    return re.compile(f"({'|'.join(map(re.escape, longest_first))})") if longest_first else None


def refuse_symbols(symbols: Sequence[str], special: Sequence[str], pieces: PiecesName) -> None:
    """Raises InputError for a user symbol that is empty, occurs twice, or has another meaning."""
    for place, symbol in enumerate(symbols):
        reason = None
        if not symbol.strip():
            reason = "is empty"
        elif symbol in symbols[:place]:
            reason = "occurs twice"
        elif symbol in special or symbol in BYTE_PIECES:
            reason = "is a special token"
        elif pieces == "bytes" and _may_be_byte_letters(symbol):
            reason = "has the name of a piece of bytes, unless tokenize.pieces is byte_fallback"
        if reason:
            raise InputError(
                f"tokenize.user_symbols: {symbol!r}, number {place + 1}, {reason}: remove it"
            )


def _may_be_byte_letters(symbol: str) -> bool:
    """True if a piece that is learnt from another text may be written like the symbol."""
    if symbol.isascii() or any(letter not in BYTES for letter in symbol):
        return False
    whole = bytes(BYTES[letter] for letter in symbol).lstrip(bytes(range(0x80, 0xC0)))
    try:
        codecs.getincrementaldecoder("utf-8")().decode(whole)
    except UnicodeDecodeError:
        return len(symbol) == 1
    return True
