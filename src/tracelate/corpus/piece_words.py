"""Words that the pieces of a text spell, each with its pieces."""

from __future__ import annotations

import codecs
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from tracelate.corpus.case_tokens import runs_with_case, split_segments
from tracelate.text.words import bounds_without_space


class Word(NamedTuple):
    text: str
    start: int
    """Its first piece."""
    stop: int
    """One past its last piece."""


class PieceWords:
    """Finds the words of a tokenizer's ids."""

    def __init__(
        self,
        piece_bytes: Sequence[bytes],
        names: Sequence[str],
        slots: range,
        case_tokens: range,
        apart: frozenset[int],
    ) -> None:
        """`names` are those of the special tokens and slots, which have the first ids; see
        `split_segments` for the last two.
        """
        self._bytes = piece_bytes
        self._names = names
        self._slots = slots
        self._case_tokens = case_tokens
        self._apart = apart

    def of(self, ids: Sequence[int], placeholders: Sequence[str]) -> list[Word]:
        """The words that the pieces spell, covering every piece in order, see `text.words`.

        A piece that is white space alone goes to the word before it, where there is one. A special
        token, or a slot without a placeholder, is a word by itself. Pieces that together make a
        character stay together, and so do the words in one piece or one placeholder. The token of a
        case goes to the word that has it.
        """
        words: list[Word] = []
        start = 0
        filled = self._slots[: len(placeholders)]
        for at in range(len(ids) + 1):
            if at == len(ids) or (ids[at] < len(self._names) and ids[at] not in filled):
                words += self._words_of_run(ids, start, at, placeholders)
                if at < len(ids):
                    words.append(Word(self._names[ids[at]], at, at + 1))
                start = at + 1
        return words

    def _words_of_run(
        self, ids: Sequence[int], start: int, stop: int, placeholders: Sequence[str]
    ) -> Iterator[Word]:
        """Of ids[start:stop], which hold no special token and no slot without a placeholder."""
        text, pieces, place = "", start, 0
        runs = list(self._cased_characters(ids, start, stop, placeholders))
        bounds = bounds_without_space("".join(characters for _, characters in runs))
        for at, characters in runs:
            apart = text[-1:].isspace() or characters[:1].isspace() or place in bounds
            place += len(characters)
            if apart and text.strip() and characters.strip():
                yield Word(text.strip(), pieces, at)
                text, pieces = "", at
            text += characters
        if pieces < stop:
            yield Word(text.strip(), pieces, stop)

    def _cased_characters(
        self, ids: Sequence[int], start: int, stop: int, placeholders: Sequence[str]
    ) -> Iterator[tuple[int, str]]:
        """As `_whole_characters`, with the case of each word back, and its token before it."""
        if not self._case_tokens:
            yield from self._whole_characters(ids, start, stop, placeholders)
            return
        for segment in split_segments(ids, start, stop, self._case_tokens, self._apart):
            runs = list(self._whole_characters(ids, segment.first, segment.stop, placeholders))
            yield from runs if segment.case is None else runs_with_case(segment, segment.case, runs)

    def _whole_characters(
        self, ids: Sequence[int], start: int, stop: int, placeholders: Sequence[str]
    ) -> Iterator[tuple[int, str]]:
        """The text in the shortest runs of pieces that cut no character, each with its first."""
        decoder = codecs.getincrementaldecoder("utf-8")("replace")
        first, text = start, ""
        for at in range(start, stop):
            if ids[at] in self._slots:
                text = placeholders[ids[at] - self._slots.start]
            else:
                is_last = at + 1 == stop or ids[at + 1] in self._slots
                text += decoder.decode(self._bytes[ids[at]], final=is_last)
            if not decoder.getstate()[0]:
                yield first, text
                first, text = at + 1, ""
