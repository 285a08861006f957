"""BPE dropout: the same text in other pieces, which depend on the pair and the epoch alone."""

from __future__ import annotations

import json
import random
from collections import Counter
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.corpus.test_subword_learning import SENTENCES, TEXTS, TOKENIZERS
from tracelate.corpus.bpe_dropout import BpeDropout
from tracelate.corpus.tokenized import TokenizedPair, TokenizedPairs
from tracelate.corpus.tokenizer import SubwordTokenizer
from tracelate.errors import InputError

MERGING = {kind: one for kind, one in TOKENIZERS.items() if kind[0] == "bpe"}
every_kind = pytest.mark.parametrize("tokenizer", MERGING.values(), ids=map(str, MERGING))
PLAIN = MERGING["bpe", "bytes", 0]


def pairs_of(tokenizer: SubwordTokenizer, texts: list[str]) -> TokenizedPairs:
    encoded = tokenizer.encode_sources(texts)
    return TokenizedPairs.of([TokenizedPair(one.ids, one.ids, one.placeholders) for one in encoded])


def dropped(
    tokenizer: SubwordTokenizer,
    pairs: TokenizedPairs,
    probability: float,
    *,
    places: list[int] | None = None,
    seed: int = 1,
    epoch: int = 0,
    shard: int = 0,
) -> list[TokenizedPair]:
    at = np.arange(len(pairs)) if places is None else np.array(places, np.int64)
    dropout = BpeDropout(tokenizer, probability, seed)
    return list(dropout.pairs(pairs, at, epoch=epoch, shard=shard))


def texts_of(tokenizer: SubwordTokenizer, pairs: list[TokenizedPair]) -> list[tuple[str, ...]]:
    given = [one.placeholders for one in pairs]
    sides = ([one.source_ids for one in pairs], [one.target_ids for one in pairs])
    return list(zip(*(tokenizer.decode(ids, given) for ids in sides), strict=True))


@every_kind
@settings(max_examples=20, deadline=None)
@given(texts=st.lists(TEXTS, min_size=1, max_size=4))
def test_with_probability_zero_the_pieces_are_those_of_the_tokenizer(
    tokenizer: SubwordTokenizer, texts: list[str]
) -> None:
    pairs = pairs_of(tokenizer, [*texts, "'store 's  x ", "the door the door"])
    assert dropped(tokenizer, pairs, 0.0) == list(pairs)


@every_kind
@settings(max_examples=20, deadline=None)
@given(texts=st.lists(TEXTS, min_size=1, max_size=4), probability=st.sampled_from([0.1, 0.5, 0.99]))
def test_pieces_spell_the_same_text_with_the_same_slots_and_symbols(
    tokenizer: SubwordTokenizer, texts: list[str], probability: float
) -> None:
    pairs = pairs_of(tokenizer, texts)
    found = dropped(tokenizer, pairs, probability)
    assert texts_of(tokenizer, found) == [(text, text) for text in texts]
    whole = {*range(tokenizer.first_learnt), *tokenizer.user_symbols.values()}
    for one, before in zip(found, pairs, strict=True):
        assert one.placeholders == before.placeholders
        kept = [[piece for piece in ids if piece in whole] for ids in (*one[:2], before[0])]
        assert kept[0] == kept[1] == kept[2]


def test_a_pair_has_the_same_pieces_in_any_batch() -> None:
    pairs = pairs_of(PLAIN, SENTENCES)
    whole = dropped(PLAIN, pairs, 0.3, epoch=2, shard=5)
    places = random.Random(1).sample(range(len(pairs)), 12)
    batch = dropped(PLAIN, pairs, 0.3, places=places, epoch=2, shard=5)
    assert batch == [whole[place] for place in places]
    for place in places:
        assert dropped(PLAIN, pairs, 0.3, places=[place], epoch=2, shard=5) == [whole[place]]
    assert dropped(PLAIN, pairs, 0.3, places=[]) == []


def test_epochs_shards_seeds_places_and_sides_have_other_pieces() -> None:
    pairs = pairs_of(PLAIN, ["the door opens the door"] * 30)
    first = dropped(PLAIN, pairs, 0.5)
    others: list[dict[str, Any]] = [{"epoch": 1}, {"shard": 1}, {"seed": 2}]
    for changed in others:
        assert dropped(PLAIN, pairs, 0.5, **changed) != first
    assert len({tuple(one.source_ids) for one in first}) > 20
    assert any(one.source_ids != one.target_ids for one in first)


def test_pieces_become_bytes_as_the_probability_rises() -> None:
    pairs = pairs_of(PLAIN, SENTENCES)
    counts = [
        sum(len(one.source_ids) for one in dropped(PLAIN, pairs, probability))
        for probability in (0.0, 0.1, 0.5, 1 - 1e-12)
    ]
    assert counts == sorted(set(counts))
    assert counts[-1] == sum(len(text.encode()) for text in SENTENCES)


def as_in_the_paper(
    word: list[int], ranks: dict[tuple[int, int], tuple[int, int]], draw: random.Random, p: float
) -> tuple[int, ...]:
    """Algorithm 1 of Provilkov et al. 2020, with the rank and the result of each merge."""
    while True:
        kept = [
            (*ranks[pair], at)
            for at, pair in enumerate(pairwise(word))
            if pair in ranks and draw.random() >= p
        ]
        if not kept:
            return tuple(word)
        _, merged, at = min(kept, key=lambda one: (one[0], one[2]))
        word = [*word[:at], merged, *word[at + 2 :]]


def test_pieces_are_as_frequent_as_with_the_algorithm_of_the_paper() -> None:
    model = json.loads(PLAIN.document())["model"]
    ids = model["vocab"]
    ranks = {
        (ids[left], ids[right]): (rank, ids[left + right])
        for rank, (left, right) in enumerate(model["merges"])
    }
    times, word = 4000, " window"
    pairs = pairs_of(PLAIN, [word] * times)
    found = Counter(tuple(one.source_ids) for one in dropped(PLAIN, pairs, 0.3))
    draw = random.Random(1)
    letters = [ids[letter] for letter in word.replace(" ", "Ġ")]
    expected = Counter(as_in_the_paper(letters, ranks, draw, 0.3) for _ in range(times))
    assert len(expected) > 3
    for pieces in expected | found:
        share = (expected[pieces] + found[pieces]) / (2 * times)
        # 4.5 standard deviations of the difference of two counts
        bound = 4.5 * (2 * times * share * (1 - share)) ** 0.5
        assert abs(expected[pieces] - found[pieces]) <= bound


def test_a_tokenizer_without_merges_is_refused() -> None:
    with pytest.raises(InputError, match=r"train\.bpe_dropout is 0.1, .*Unigram"):
        BpeDropout(TOKENIZERS["unigram", "bytes", 0], 0.1, 1)
