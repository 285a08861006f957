"""Fertility of a tokenizer: pieces for each word of a text, and what the pieces are.

A word is what white space separates, so in scripts without it, pieces per character say more.
Counts are added batch by batch, in arrays of the size of the vocabulary.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from tracelate.corpus.tokenized import IdLists
from tracelate.corpus.tokenizer import SubwordTokenizer

Flags = NDArray[np.bool_]


class PieceKinds:
    """Properties of each piece, by its id. Shapes: V vocabulary."""

    def __init__(self, tokenizer: SubwordTokenizer) -> None:
        spelt = tokenizer.piece_bytes
        texts = [one.decode("utf-8", "replace") for one in spelt]
        self.first_learnt = tokenizer.first_learnt
        """Special tokens, slots and tokens of cases are before it."""
        self.text_V: Flags = np.ones(len(texts), bool)
        """Not the token of a case."""
        self.text_V[list(tokenizer.case_tokens)] = False
        self.begins_V: Flags = np.array([one[:1].isspace() for one in texts], bool)
        """The text begins with white space."""
        self.ends_V: Flags = np.array([one[-1:].isspace() for one in texts], bool)
        """The text ends with white space."""
        self.blank_V: Flags = np.array([one.isspace() for one in texts], bool)
        """The text is white space alone."""
        self.byte_V: Flags = np.array([_is_part(one) for one in spelt], bool)
        self.byte_V[list(tokenizer.fallback)] = True
        """A byte of a character that no piece has whole, or one that is written as its byte."""


@dataclass
class SideCounts:
    """Counts of one language's texts in a split."""

    kinds: PieceKinds
    sentences: int = 0
    words: int = 0
    whole_words: int = 0
    """Words that are one piece; a slot counts as one, and the token of a case does not count."""
    characters: int = 0
    """White space between words included."""
    used_V: NDArray[np.int64] = field(init=False)
    """Occurrences of each piece."""

    def __post_init__(self) -> None:
        self.used_V = np.zeros(len(self.kinds.byte_V), np.int64)

    def add(self, texts: pa.StringArray, lists: IdLists) -> None:
        """Counts the texts of a batch and their ids."""
        kinds = self.kinds
        offsets_N1 = lists.offsets_N1 - lists.offsets_N1[0]
        ids_I = lists.ids_I[lists.offsets_N1[0] : lists.offsets_N1[-1]]
        self.sentences += len(texts)
        self.words += _count_words(texts)
        self.characters += pc.sum(pc.utf8_length(texts)).as_py() or 0
        self.used_V += np.bincount(ids_I, minlength=len(self.used_V))
        is_text_I = kinds.text_V[ids_I]
        offsets_N1 = np.append(0, np.cumsum(is_text_I))[offsets_N1]
        ids_I = ids_I[is_text_I]
        starts_I = kinds.begins_V[ids_I]
        starts_I[1:] |= kinds.ends_V[ids_I[:-1]]
        starts_I[offsets_N1[:-1][np.diff(offsets_N1) > 0]] = True
        stops_I = np.append(starts_I[1:], True)
        self.whole_words += int((starts_I & stops_I & ~kinds.blank_V[ids_I]).sum())

    def report(self) -> dict[str, Any]:
        """Returns the figures; those of no text are None."""
        pieces = int(self.used_V.sum())
        byte_pieces = int(self.used_V[self.kinds.byte_V].sum())
        return {
            "sentences": self.sentences,
            "words": self.words,
            "characters": self.characters,
            "pieces": pieces,
            "pieces_per_word": _ratio(pieces, self.words),
            "pieces_per_character": _ratio(pieces, self.characters),
            "one_piece_words_percent": _ratio(100 * self.whole_words, self.words),
            "byte_pieces_percent": _ratio(100 * byte_pieces, pieces),
        }


class SplitCounts:
    """Counts of both languages in a split."""

    def __init__(self, tokenizer: SubwordTokenizer) -> None:
        self.kinds = PieceKinds(tokenizer)
        self.source, self.target = SideCounts(self.kinds), SideCounts(self.kinds)

    @property
    def unused_pieces(self) -> int:
        """Number of pieces that neither language has, special tokens and slots left out."""
        used_V = self.source.used_V + self.target.used_V
        return int((used_V[self.kinds.first_learnt :] == 0).sum())

    def report(self) -> dict[str, Any]:
        return {
            "unused_pieces": self.unused_pieces,
            "source": self.source.report(),
            "target": self.target.report(),
        }


def _count_words(texts: pa.StringArray) -> int:
    trimmed = pc.utf8_trim_whitespace(texts)
    words = pc.sum(pc.list_value_length(pc.utf8_split_whitespace(trimmed))).as_py() or 0
    blank = pc.sum(pc.equal(trimmed, "")).as_py() or 0  # has one part, which is empty
    return int(words - blank)


def _is_part(spelt: bytes) -> bool:
    return len(spelt) == 1 and spelt[0] >= 0x80


def _ratio(part: int, whole: int) -> float | None:
    return round(part / whole, 4) if whole else None
