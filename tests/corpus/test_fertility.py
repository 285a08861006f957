"""Counts of pieces, words and characters, against the same counts made text by text."""

from __future__ import annotations

from typing import get_args

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tracelate.corpus.fertility import SplitCounts
from tracelate.corpus.subword_learning import PiecesName
from tracelate.corpus.tokenized import TokenizedPair, TokenizedPairs
from tracelate.corpus.tokenizer import SubwordTokenizer
from tracelate.corpus.tokenizer_pair import TokenizerPair

SENTENCES = ["the door opens", "la puerta de la casa", "网 {a}"] * 5
TOKENIZERS = {
    pieces: SubwordTokenizer.train(SENTENCES, 400, 2, 2, pieces=pieces)
    for pieces in get_args(PiecesName)
}
TEXTS = st.lists(
    st.lists(st.one_of(st.sampled_from(["the", "door", "la", "网", "ñ"]), st.text(max_size=4))).map(
        " ".join
    ),
    min_size=1,
)
every_kind = pytest.mark.parametrize("pieces", TOKENIZERS)


def counted(tokenizer: SubwordTokenizer, *batches: list[str]) -> SplitCounts:
    counts = SplitCounts(TokenizerPair.joint(tokenizer))
    for texts in batches:
        lists = TokenizedPairs.of([TokenizedPair(ids, ids) for ids in tokenizer.encode(texts)])
        for side, ids in ((counts.source, lists.sources), (counts.target, lists.targets)):
            side.add(pa.array(texts, pa.string()), ids)
    return counts


@every_kind
@settings(max_examples=40)
@given(texts=TEXTS)
def test_counts_are_those_of_python_text_by_text(pieces: PiecesName, texts: list[str]) -> None:
    tokenizer = TOKENIZERS[pieces]
    found = counted(tokenizer, texts).source.report()
    ids = tokenizer.encode(texts)
    assert found["sentences"] == len(texts)
    assert found["characters"] == sum(map(len, texts))
    assert found["pieces"] == sum(map(len, ids))
    assert found["words"] == sum(len(text.split()) for text in texts)


@every_kind
def test_batches_add_up(pieces: PiecesName) -> None:
    tokenizer = TOKENIZERS[pieces]
    apart = counted(tokenizer, ["the door", ""], ["la 龙"], [""]).report()
    assert apart == counted(tokenizer, ["the door", "", "la 龙", ""]).report()


@every_kind
def test_whole_words_and_bytes_are_shares_in_percent(pieces: PiecesName) -> None:
    tokenizer = TOKENIZERS[pieces]
    the, door, *_ = tokenizer.encode(["the door"])[0]
    assert tokenizer.decode([[the], [door]]) == ["the", " door"]
    found = counted(tokenizer, ["the door the", "龙 thedoor"]).source.report()
    # of 5 words, the three of the first sentence are one piece; 龙 is three bytes
    assert found["words"] == 5
    assert found["one_piece_words_percent"] == 60.0
    assert found["byte_pieces_percent"] == pytest.approx(300 / found["pieces"], abs=1e-4)
    assert found["pieces_per_word"] == pytest.approx(found["pieces"] / 5, abs=1e-4)


def test_an_ascii_character_without_a_piece_counts_as_a_fallback_byte() -> None:
    found = counted(TOKENIZERS["byte_fallback"], ["\n"]).source.report()
    assert found["byte_pieces_percent"] == 100.0
    assert counted(TOKENIZERS["bytes"], ["\n"]).source.report()["byte_pieces_percent"] == 0.0


@every_kind
def test_unused_pieces_are_those_of_neither_language(pieces: PiecesName) -> None:
    tokenizer = TOKENIZERS[pieces]
    ids = {piece for one in tokenizer.encode(["the door", "la"]) for piece in one}
    unused = tokenizer.size - tokenizer.slots.stop - len(ids)
    assert counted(tokenizer, ["the door"], ["la"]).unused_pieces == unused


def test_no_text_has_no_figures() -> None:
    report = counted(TOKENIZERS["bytes"], [""]).source.report()
    assert report["pieces_per_word"] is None and report["pieces"] == 0
