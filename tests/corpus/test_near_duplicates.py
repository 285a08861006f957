"""Near duplicates found by prefixes, compared with those of comparing each text with each other."""

from __future__ import annotations

import random

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.corpus.test_grams import string_grams
from tests.tiny_corpus import sentence
from tracelate.config import NearDuplicateConfig
from tracelate.corpus import near_duplicates
from tracelate.corpus.near_duplicates import NearIndex

TEXTS = st.lists(st.text("abC 1.!é", max_size=12), max_size=8)


def found(indexed: list[str], texts: list[str], similarity: float) -> dict[tuple[int, int], float]:
    config = NearDuplicateConfig(similarity=similarity, gram=3)
    matches = NearIndex(pa.array(indexed, pa.string()), config).find(pa.array(texts, pa.string()))
    pairs = zip(matches.texts.tolist(), matches.indexed.tolist(), strict=True)
    return dict(zip(pairs, matches.similarities.tolist(), strict=True))


def compared(
    indexed: list[str], texts: list[str], similarity: float
) -> dict[tuple[int, int], float]:
    near = {}
    sets = [string_grams(text, 3) for text in indexed]
    for row, text in enumerate(texts):
        grams = string_grams(text, 3)
        for place, other in enumerate(sets):
            if grams and other and (value := len(grams & other) / len(grams | other)) >= similarity:
                near[row, place] = value
    return near


@given(TEXTS, TEXTS, st.sampled_from([0.1, 0.5, 2 / 3, 0.8, 1.0]), st.sampled_from([1, 100_000]))
def test_near_duplicates_are_those_of_comparing_all(
    indexed: list[str], texts: list[str], similarity: float, candidates: int
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(near_duplicates, "_CANDIDATES", candidates)
        assert found(indexed, texts, similarity) == compared(indexed, texts, similarity)


def test_no_planted_near_duplicate_is_missed() -> None:
    draw = random.Random(1)
    indexed = [sentence(draw)[0] for _ in range(300)]
    planted = [
        text.replace(draw.choice(text[5:-5]), draw.choice("aeio"), 1) for text in indexed
    ] + [f"{text} Now" for text in indexed]
    expected = compared(indexed, planted, 0.8)
    assert len({row for row, _ in expected}) > 400
    assert found(indexed, planted, 0.8) == expected


def test_an_index_without_texts_finds_nothing() -> None:
    assert found([], ["a"], 0.8) == found(["a"], [], 0.8) == found([""], [""], 0.8) == {}


def test_matches_come_in_the_order_of_the_texts() -> None:
    config = NearDuplicateConfig(similarity=0.5, gram=3)
    index = NearIndex(pa.array(["a door", "a doors", "window"]), config)
    matches = index.find(pa.array(["windows", "a door", "a door"]))
    assert np.all(np.diff(matches.texts) >= 0)
    assert matches.texts.tolist() == [0, 1, 1, 2, 2]
