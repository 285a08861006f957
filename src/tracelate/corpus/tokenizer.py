"""Subword pieces of texts. Every text decodes back exactly, since bytes are pieces too.

Sennrich et al. 2016 (byte-pair encoding); Kudo 2018 (unigram language model); Radford et al. 2019
(over bytes). User symbols are always one piece. Placeholders may have slot tokens in place of
pieces, so that they are copied whole (placeholding: Crego et al. 2016, Post et al. 2019). Words may
be in lower case after a token of their case, see `text.casing`.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from itertools import count, groupby, takewhile
from pathlib import Path
from typing import NamedTuple

from tokenizers import Tokenizer

from tracelate.corpus.case_tokens import (
    CASE_TOKENS,
    cased_parts,
    encode_with_case,
    split_segments,
)
from tracelate.corpus.piece_words import PieceWords, Word
from tracelate.corpus.subword_learning import (
    BYTE_PIECES,
    Learning,
    ModelName,
    PiecesName,
    learn,
    pieces_of,
)
from tracelate.corpus.user_symbols import BYTES, any_of, refuse_symbols
from tracelate.errors import InputError
from tracelate.files import whole_file
from tracelate.text.casing import CasingName, restore_case
from tracelate.text.slots import Parts, placeholders_in_order, split_slots

# tokenizers warns when a process that has used its threads forks
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")

SPECIAL = ("<pad>", "<s>", "</s>", "<unk>")
"""At the ids 0 to 3. No text ever becomes one of them, not even one that spells it."""


SLOTS = 16
"""Number of slot tokens where placeholders are copied, three times as many as the sentences of the
default corpus need. The smallest vocabulary has place for them beside the bytes."""

_FALLBACK = {piece: bytes([byte]) for byte, piece in enumerate(BYTE_PIECES)}


class Encoded(NamedTuple):
    """A text as ids, in which slot tokens stand for placeholders."""

    ids: list[int]
    """Without special tokens."""
    placeholders: tuple[str, ...]
    """Text of each slot, the first slot's first."""


class SubwordTokenizer:
    padding_id, start_id, end_id, unknown_id = range(4)

    def __init__(self, tokenizer: Tokenizer) -> None:
        """Raises KeyError if a piece is of another kind than the tokenizer."""
        # otherwise "</s>" in a text is the special token
        tokenizer.encode_special_tokens = True
        self._tokenizer = tokenizer
        ids = tokenizer.get_vocab()
        known = takewhile(lambda number: ids.get(_slot(number)) == len(SPECIAL) + number, count())
        self.slots = range(len(SPECIAL), len(SPECIAL) + len(list(known)))
        """Ids of the slot tokens."""
        added = tokenizer.get_added_tokens_decoder()
        after = range(self.slots.stop, self.slots.stop + len(CASE_TOKENS))
        has_case = all(
            at in added and added[at].special and added[at].content == name
            for at, name in zip(after, CASE_TOKENS, strict=True)
        )
        self.case_tokens = after if has_case else after[:0]
        """Ids of the tokens for the case of words; none: pieces are cased."""
        self.user_symbols = {one.content: at for at, one in added.items() if not one.special}
        """Ids of the user symbols."""
        self._apart = frozenset([*range(self.slots.stop), *self.user_symbols.values()])
        """Ids before which a word ends whose case has a token."""
        self._symbol = any_of(self.user_symbols)
        is_of_bytes = pieces_of(tokenizer) == "bytes"
        self._byte_ids = [] if is_of_bytes else [ids[piece] for piece in BYTE_PIECES]
        self.fallback = frozenset(self._byte_ids)
        """Ids of the pieces for bytes of characters that have no piece; over bytes, none."""
        self._bytes = self._bytes_of_pieces(sorted(ids, key=ids.__getitem__))
        names = [*SPECIAL, *map(_slot, range(len(self.slots)))]
        self._words = PieceWords(self._bytes, names, self.slots, self.case_tokens, self._apart)

    def _bytes_of_pieces(self, pieces: Sequence[str]) -> list[bytes]:
        found = [b""] * self.first_learnt
        for piece in pieces[self.first_learnt :]:
            if piece in self.user_symbols:
                found.append(piece.encode())
            elif not self.fallback:
                found.append(bytes(BYTES[letter] for letter in piece))
            else:
                found.append(_FALLBACK.get(piece) or piece.encode())
        return found

    @classmethod
    def train(
        cls,
        sentences: Iterable[str],
        vocabulary_size: int,
        min_frequency: int,
        slot_count: int = 0,
        *,
        model: ModelName = "bpe",
        pieces: PiecesName = "bytes",
        user_symbols: Sequence[str] = (),
        casing: CasingName = "cased",
    ) -> SubwordTokenizer:
        """Learns up to `vocabulary_size` pieces: the 256 bytes, the special tokens, `slot_count`
        slot tokens, those of case markup, the user symbols, and the pieces of `model`. Merges of
        byte-pair encoding are of two pieces that occur together at least `min_frequency` times.
        """
        marks = casing == "case_markup"
        special = [*SPECIAL, *map(_slot, range(slot_count)), *(CASE_TOKENS if marks else ())]
        refuse_symbols(user_symbols, special, pieces)
        parted = any_of(user_symbols)
        texts = (
            part for one in sentences for part in (parted.split(one)[::2] if parted else [one])
        )
        if marks:
            texts = (part.text for text in texts for part in cased_parts(text, parted))
        settings = Learning(model, pieces, vocabulary_size, min_frequency, special, user_symbols)
        return cls(learn(texts, settings))

    @classmethod
    def load(cls, path: Path) -> SubwordTokenizer:
        if not path.is_file():
            raise InputError(f"{path} is missing: run the stage that writes it (dvc repro)")
        try:
            tokenizer = Tokenizer.from_file(str(path))
        except Exception as error:  # tokenizers raises no narrower class
            raise InputError(f"{path} is no tokenizer: {error}; restore it (dvc repro)") from error
        if tuple(map(tokenizer.id_to_token, range(len(SPECIAL)))) != SPECIAL or (
            pieces_of(tokenizer) is None
        ):
            raise InputError(f"{path} is a tokenizer of another kind: restore it (dvc repro)")
        try:
            return cls(tokenizer)
        except KeyError as error:
            raise InputError(
                f"{path} has a piece with {error}, which is not bytes: restore it (dvc repro)"
            ) from error

    def save(self, path: Path) -> None:
        """Writes the same bytes for the same tokenizer."""
        with whole_file(path) as temporary:
            temporary.write_text(self._tokenizer.to_str(pretty=True) + "\n", encoding="utf-8")

    def document(self) -> str:
        """Returns the JSON of the `tokenizers` library."""
        return str(self._tokenizer.to_str())

    @property
    def size(self) -> int:
        return int(self._tokenizer.get_vocab_size())

    @property
    def first_learnt(self) -> int:
        """Id after those of the special tokens, slots and tokens of cases."""
        return self.case_tokens.stop

    def pre_tokens(self, ids: Sequence[int]) -> list[str]:
        """Returns the words that no piece crosses of the text of these ids, spelt as pieces are.

        The ids are of pieces that were learnt.
        """
        parts = self._tokenizer.pre_tokenizer.pre_tokenize_str(self._text(ids))
        return [word for word, _ in parts]

    def byte_ids(self, character: str) -> list[int]:
        """Returns the pieces of a character's bytes, where characters have those."""
        return [self._byte_ids[byte] for byte in character.encode()]

    def encode(self, sentences: Sequence[str]) -> list[list[int]]:
        """Ids without special tokens and slots."""
        if self._symbol is None:
            return self._encode(sentences)
        # texts are at the even places, and the symbols between them at the odd ones
        parts = [self._symbol.split(text) for text in sentences]
        texts = iter(self._encode([part for one in parts for part in one[::2]]))
        return [
            [
                piece
                for place, part in enumerate(one)
                for piece in ([self.user_symbols[part]] if place % 2 else next(texts))
            ]
            for one in parts
        ]

    def _encode(self, texts: Sequence[str]) -> list[list[int]]:
        """Ids of texts without user symbols."""
        if not self.case_tokens:
            return self._encode_as_it_is(texts)
        return encode_with_case(texts, self._symbol, self.case_tokens, self._encode_as_it_is)

    def _encode_as_it_is(self, texts: Sequence[str]) -> list[list[int]]:
        encoded = self._tokenizer.encode_batch(list(texts), add_special_tokens=False)
        return [one.ids for one in encoded]

    def symbol_spans(self, text: str) -> list[tuple[int, int]]:
        """Returns the places at which each user symbol of a text begins and ends."""
        return [] if self._symbol is None else [one.span() for one in self._symbol.finditer(text)]

    @property
    def piece_bytes(self) -> Sequence[bytes]:
        """UTF-8 of each piece by its id, which may be a part of a character; of special tokens,
        slots and tokens of cases none.
        """
        return self._bytes

    def most_pieces(self, text: str) -> int:
        """Returns a number of pieces that a text does not exceed, which is quickly found out."""
        # a piece has a byte; with cases, each letter may have a token and become a byte longer
        return len(text.encode()) * (2 if self.case_tokens else 1)

    def encode_sources(self, sentences: Sequence[str]) -> list[Encoded]:
        """Ids with a slot for each placeholder, numbered in the order of their first occurrences.

        All occurrences of a placeholder have the same slot. Placeholders beyond the last slot are
        pieces like other text.
        """
        if not self.slots:
            return [Encoded(ids, ()) for ids in self.encode(sentences)]
        known = [placeholders_in_order(text)[: len(self.slots)] for text in sentences]
        return self.encode_with(sentences, known)

    def encode_with(
        self, sentences: Sequence[str], placeholders: Sequence[tuple[str, ...]]
    ) -> list[Encoded]:
        """Ids of each sentence with a slot for each of the placeholders that are given for it."""
        parts = [split_slots(*one) for one in zip(sentences, placeholders, strict=True)]
        pieces = iter(self.encode([part for one in parts for part in one if isinstance(part, str)]))
        return [
            Encoded(self._join(one, pieces), given)
            for one, given in zip(parts, placeholders, strict=True)
        ]

    def _join(self, parts: Parts, pieces: Iterator[list[int]]) -> list[int]:
        """Takes the ids of each text among the parts from `pieces`."""
        ids: list[int] = []
        for part in parts:
            ids += next(pieces) if isinstance(part, str) else [self.slots[part]]
        return ids

    def decode(
        self,
        ids: Sequence[Sequence[int]],
        placeholders: Sequence[Sequence[str]] | None = None,
    ) -> list[str]:
        """Texts without special tokens; bytes that are no UTF-8 become U+FFFD.

        A slot becomes the placeholder that is given for it; a slot without one is left out.
        """
        if not self.slots or placeholders is None:
            return [self._text(one) for one in ids]
        return ["".join(self._filled(*one)) for one in zip(ids, placeholders, strict=True)]

    def _filled(self, ids: Sequence[int], placeholders: Sequence[str]) -> Iterator[str]:
        """Yields the text of each placeholder, and of the pieces between them."""
        filled = self.slots[: len(placeholders)]
        for is_slot, run in groupby(ids, filled.__contains__):
            if is_slot:
                yield from (placeholders[slot - filled.start] for slot in run)
            else:
                yield self._text(run)

    def _text(self, ids: Iterable[int]) -> str:
        if not self.case_tokens:
            return self._as_it_is(ids)
        ids = list(ids)
        texts: list[str] = []
        for segment in split_segments(ids, 0, len(ids), self.case_tokens, self._apart):
            text = self._as_it_is(ids[segment.first : segment.stop])
            texts += text if segment.case is None else restore_case(segment.case, text)
        return "".join(texts)

    def _as_it_is(self, ids: Iterable[int]) -> str:
        return b"".join(self._bytes[piece] for piece in ids).decode("utf-8", "replace")

    def words(self, ids: Sequence[int], placeholders: Sequence[str] = ()) -> list[Word]:
        """The words that the pieces spell, covering every piece in order, see `PieceWords`."""
        return self._words.of(ids, placeholders)


def _slot(number: int) -> str:
    """Returns a slot's token, which the pre-tokenizer parts, so that no merge can spell it."""
    return f"<slot{number + 1}>"
