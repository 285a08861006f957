"""BPE dropout: other pieces of the same text in each epoch (Provilkov et al. 2020, algorithm 1).

Words are merged from their bytes or characters as byte-pair encoding does, but each possible merge
is left out with a probability at each step again; a word is done when no merge is left. Random
numbers are hashes of the seed, the epoch, the place of the pair, the word and the step, so that a
pair's pieces are the same in any process and any batch. Those of `tokenizers` cannot be seeded.

Shapes: N texts, W words, C characters, I pieces of words that are not done, M merges.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tracelate.corpus.tokenized import IdLists, TokenizedPairs
from tracelate.corpus.tokenizer import SubwordTokenizer
from tracelate.errors import InputError

Integers = NDArray[np.int64]
Hashes = NDArray[np.uint64]

NO_MERGE = np.iinfo(np.int64).max
_GOLDEN, _FIRST, _SECOND = (
    np.uint64(one) for one in (0x9E3779B97F4A7C15, 0xBF58476D1CE4E5B9, 0x94D049BB133111EB)
)


class BpeDropout:
    """Segments texts that are given as ids again, with merges left out at random."""

    def __init__(self, tokenizer: SubwordTokenizer, probability: float, seed: int) -> None:
        """Raises InputError if the tokenizer's model is not byte-pair encoding."""
        self._tokenizer = tokenizer
        self._threshold = np.uint64(int(probability * 2**64))
        self._seed = seed
        document: dict[str, Any] = json.loads(tokenizer.document())
        if document["model"]["type"] != "BPE":
            raise InputError(
                f"train.bpe_dropout is {probability}, but the tokenizer is of the kind "
                f"{document['model']['type']}, which has no merges to leave out: set it to 0"
            )
        ids: dict[str, int] = document["model"]["vocab"]
        merges = document["model"]["merges"]
        left_M, right_M, self._merged_M = (
            np.array([ids[piece] for piece in pieces], np.int64)
            for pieces in (
                [left for left, _ in merges],
                [right for _, right in merges],
                [left + right for left, right in merges],
            )
        )
        self._size = tokenizer.size
        pairs_M = left_M * self._size + right_M
        self._rank_M = np.argsort(pairs_M, kind="stable")
        self._pairs_M = pairs_M[self._rank_M]
        """Both ids of each merge as one number, sorted."""
        characters = {ord(piece): at for piece, at in ids.items() if len(piece) == 1}
        self._id_of_character = np.full(max(characters, default=0) + 2, -1, np.int64)
        self._id_of_character[list(characters)] = list(characters.values())
        self._is_whole_V = np.zeros(self._size, np.bool_)
        self._is_whole_V[[*range(tokenizer.first_learnt), *tokenizer.user_symbols.values()]] = True
        """Slots and user symbols, which are no text that merges have made."""

    def pairs(
        self, pairs: TokenizedPairs, places_N: Integers, *, epoch: int, shard: int
    ) -> TokenizedPairs:
        """Returns the pairs at these places of a shard, with their pieces of an epoch."""
        sources, targets = (
            self.segment(lists, places_N, self._keys(places_N, epoch, shard, side))
            for side, lists in enumerate((pairs.sources, pairs.targets))
        )
        return pairs.with_ids(sources, targets, places_N)

    def _keys(self, places_N: Integers, *numbers: int) -> Hashes:
        keys_N = np.full(len(places_N), self._seed, np.uint64)
        for part in (*numbers, places_N):
            keys_N = _mix(keys_N + np.asarray(part).astype(np.uint64) * _GOLDEN)
        return keys_N

    def segment(self, lists: IdLists, places_N: Integers, keys_N: Hashes) -> IdLists:
        """Returns the texts at these places with other pieces, which depend on the keys alone."""
        words: list[str] = []
        wholes: list[tuple[int, int]] = []
        """The place among the words of each slot and user symbol, and its id."""
        counts = []
        for place in places_N:
            ids = lists.ids_I[lists.offsets_N1[place] : lists.offsets_N1[place + 1]]
            before = len(words)
            for one in self._words(ids):
                if isinstance(one, int):
                    wholes.append((len(words), one))
                    one = "\0"
                words.append(one)
            counts.append(len(words) - before)
        counts_N = np.array(counts, np.int64)
        ids_I, word_I = self._characters(words, wholes)
        numbers_W = np.arange(len(words)) - np.repeat(np.cumsum(counts_N) - counts_N, counts_N)
        keys_W = _mix(np.repeat(keys_N, counts_N) + numbers_W.astype(np.uint64) * _GOLDEN)
        is_left_I = self._merge(ids_I, word_I, keys_W)
        pieces_W = np.bincount(word_I[is_left_I], minlength=len(words))
        ends_W1 = np.append(0, np.cumsum(pieces_W))
        offsets_N1 = ends_W1[np.append(0, np.cumsum(counts_N))]
        return IdLists(ids_I[is_left_I].astype(lists.ids_I.dtype), offsets_N1)

    def _words(self, ids: NDArray[np.integer[Any]]) -> Iterator[str | int]:
        """Yields the words of a text, and the ids of its slots and user symbols."""
        start = 0
        for whole in np.flatnonzero(self._is_whole_V[ids]).tolist():
            yield from self._tokenizer.pre_tokens(ids[start:whole].tolist())
            yield int(ids[whole])
            start = whole + 1
        yield from self._tokenizer.pre_tokens(ids[start:].tolist())

    def _characters(
        self, words: list[str], wholes: list[tuple[int, int]]
    ) -> tuple[Integers, Integers]:
        """Returns the id of each character, or of its bytes if it has none, and its word."""
        codes_C = np.frombuffer("".join(words).encode("utf-32-le"), np.uint32)
        lengths_W = np.fromiter(map(len, words), np.int64, len(words))
        word_C = np.repeat(np.arange(len(words)), lengths_W)
        known = len(self._id_of_character) - 1
        ids_C = self._id_of_character[np.minimum(codes_C, known)]
        starts_W = np.cumsum(lengths_W) - lengths_W
        if wholes:
            places, ids = np.array(wholes, np.int64).T
            ids_C[starts_W[places]] = ids
        missing = np.flatnonzero(ids_C < 0)
        if not len(missing):
            return ids_C, word_C
        byte_ids = [
            self._tokenizer.byte_ids(character)
            for character in codes_C[missing].tobytes().decode("utf-32-le")
        ]
        times_C = np.ones(len(ids_C), np.int64)
        times_C[missing] = list(map(len, byte_ids))
        is_byte_I = np.repeat(ids_C < 0, times_C)
        ids_I = np.repeat(ids_C, times_C)
        ids_I[is_byte_I] = np.concatenate(byte_ids)
        return ids_I, np.repeat(word_C, times_C)

    def _merge(self, ids_I: Integers, word_I: Integers, keys_W: Hashes) -> NDArray[np.bool_]:
        """Merges the pieces of each word in place; returns True for those that are left."""
        is_left = np.ones(len(ids_I), np.bool_)
        where_I = np.arange(len(ids_I))
        """Of the pieces of words that are not done."""
        pieces_I = ids_I
        ranks_I = self._ranks(pieces_I, word_I, where_I)
        step = 0
        while len(pieces_I):
            is_first_I = np.append(True, word_I[1:] != word_I[:-1])
            starts = np.flatnonzero(is_first_I)
            number_I = np.cumsum(is_first_I) - 1
            """Of the word of each piece among those that are not done."""
            inside_I = np.arange(len(pieces_I)) - starts[number_I]
            place_I = (inside_I + (step << 32)).astype(np.uint64)
            draws_I = _mix(keys_W[word_I] + place_I * _GOLDEN)
            kept_I = np.where(draws_I >= self._threshold, ranks_I, NO_MERGE)
            best = np.minimum.reduceat(kept_I, starts)
            hits = np.flatnonzero((kept_I == best[number_I]) & (kept_I != NO_MERGE))
            merged = hits[np.append(True, word_I[hits[1:]] != word_I[hits[:-1]])[: len(hits)]]
            pieces_I[merged] = self._merged_M[kept_I[merged]]
            ids_I[where_I[merged]] = pieces_I[merged]
            is_left[where_I[merged + 1]] = False
            goes_on_I = (best != NO_MERGE)[number_I]
            goes_on_I[merged + 1] = False
            changed_I = np.zeros(len(pieces_I), np.bool_)
            changed_I[merged] = True
            changed_I[np.maximum(merged - 1, 0)] = True
            changed = np.flatnonzero(changed_I[goes_on_I])
            pieces_I, word_I, where_I, ranks_I = (
                one[goes_on_I] for one in (pieces_I, word_I, where_I, ranks_I)
            )
            ranks_I[changed] = self._ranks(pieces_I, word_I, changed)
            step += 1
        return is_left

    def _ranks(self, pieces_I: Integers, word_I: Integers, places: Integers) -> Integers:
        """Returns the rank of the merge of each of these pieces with the next one."""
        ranks = np.full(len(places), NO_MERGE)
        if not len(self._pairs_M) or not len(places):
            return ranks
        has_next = np.flatnonzero(places < len(pieces_I) - 1)
        at = places[has_next]
        pairs = pieces_I[at] * self._size + pieces_I[at + 1]
        found = np.minimum(np.searchsorted(self._pairs_M, pairs), len(self._pairs_M) - 1)
        is_merge = (self._pairs_M[found] == pairs) & (word_I[at] == word_I[at + 1])
        ranks[has_next[is_merge]] = self._rank_M[found[is_merge]]
        return ranks


def _mix(numbers: Hashes) -> Hashes:
    """Returns hashes of the numbers: the output function of SplitMix64 (Steele et al. 2014)."""
    numbers = numbers + _GOLDEN
    numbers = (numbers ^ (numbers >> np.uint64(30))) * _FIRST
    numbers = (numbers ^ (numbers >> np.uint64(27))) * _SECOND
    return numbers ^ (numbers >> np.uint64(31))
