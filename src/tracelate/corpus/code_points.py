"""Characters of many texts in one array, so that rules over them need no loop in Python."""

from __future__ import annotations

import sys
import unicodedata
from functools import cache
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

ASCII = 128


class CodePoints(NamedTuple):
    """The characters of texts, one text after the other."""

    codes: NDArray[np.uint32]
    """Unicode code points."""
    bounds: NDArray[np.int64]
    """The places at which each text begins, and the end of the last one."""

    @property
    def lengths(self) -> NDArray[np.int64]:
        """Number of characters of each text."""
        return np.diff(self.bounds)

    @property
    def rows(self) -> NDArray[np.int64]:
        """Number of the text that each character belongs to."""
        return np.repeat(np.arange(len(self.bounds) - 1), self.lengths)

    def sums(self, values: NDArray[np.generic]) -> NDArray[np.int64]:
        """Returns the sum of one value a character, for each text."""
        summed = np.concatenate(([0], np.cumsum(values, dtype=np.int64)))
        return np.asarray(summed[self.bounds[1:]] - summed[self.bounds[:-1]])


def code_points(texts: pa.StringArray) -> CodePoints:
    """Returns the characters of the texts."""
    lengths = pc.utf8_length(texts).to_numpy(zero_copy_only=False)
    return _code_points(all_text(texts), lengths)


def folded_case(texts: pa.StringArray) -> CodePoints:
    """Returns the characters of the case-folded texts (`str.casefold`)."""
    whole = all_text(texts)
    points = code_points(texts)
    if whole.isascii():
        lengths = points.lengths
    else:
        lengths = points.sums(_casefold_lengths()[np.minimum(points.codes, 0x10000)])
    return _code_points(whole.casefold(), lengths)


def widths(texts: pa.StringArray) -> NDArray[np.int64]:
    """Returns the number of characters of each text, where those of double width count twice.

    They are those of the East Asian widths W and F (Unicode Standard Annex #11).
    """
    points = code_points(texts)
    if not len(points.codes) or points.codes.max() < ASCII:
        return points.lengths
    return points.lengths + points.sums(_is_wide()[points.codes])


def all_text(texts: pa.StringArray) -> str:
    """Returns the texts as one, without anything between them."""
    _, offsets, data = texts.buffers()
    if data is None:
        return ""
    ends = np.frombuffer(offsets, np.int32)[texts.offset : texts.offset + len(texts) + 1]
    return str(data.slice(int(ends[0]), int(ends[-1] - ends[0])).to_pybytes(), "utf-8")


def _code_points(text: str, lengths: NDArray[np.int64]) -> CodePoints:
    codes = np.frombuffer(text.encode("utf-32-le"), np.uint32)
    return CodePoints(codes, np.concatenate(([0], np.cumsum(lengths, dtype=np.int64))))


@cache
def _casefold_lengths() -> NDArray[np.uint8]:
    """Returns the lengths of the folded characters; those of the last are those of all after it."""
    lengths = [len(chr(code).casefold()) for code in range(0x10000)]
    return np.array([*lengths, 1], dtype=np.uint8)


@cache
def _is_wide() -> NDArray[np.bool_]:
    found = [unicodedata.east_asian_width(chr(code)) in "WF" for code in range(sys.maxunicode + 1)]
    return np.array(found)
