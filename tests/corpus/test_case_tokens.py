"""Case markup in the ids of texts: shared pieces, symbols, slots, words, dropout and files."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.corpus.test_subword_learning import KINDS, MARKED, SYMBOLS, TOKENIZERS, learnt
from tracelate.corpus.bpe_dropout import BpeDropout
from tracelate.corpus.case_tokens import CASE_TOKENS
from tracelate.corpus.fertility import SplitCounts
from tracelate.corpus.subword_learning import ModelName, PiecesName
from tracelate.corpus.tokenized import TokenizedPair, TokenizedPairs
from tracelate.corpus.tokenizer import SubwordTokenizer
from tracelate.errors import InputError

PLAIN, SYMBOLIC = MARKED["bpe", "bytes", 0], MARKED["bpe", "bytes", 2]
TITLE, UPPER = PLAIN.case_tokens


def encoded(text: str, tokenizer: SubwordTokenizer = PLAIN) -> list[int]:
    [ids] = tokenizer.encode([text])
    return ids


def test_words_of_other_case_share_their_pieces() -> None:
    door = encoded(" door")
    assert len(door) == 1
    assert encoded(" Door DOOR door") == [TITLE, *door, UPPER, *door, *door]
    cased = TOKENIZERS["bpe", "bytes", 0]
    assert len(encoded(" DOOR", cased)) > 2
    assert len(cased.case_tokens) == 0


@pytest.mark.parametrize("kind", KINDS)
def test_the_tokens_are_after_the_slots_and_come_back_from_a_file(
    kind: tuple[ModelName, PiecesName], tmp_path: Path
) -> None:
    tokenizer = learnt(*kind, SYMBOLS, 2, "case_markup")
    assert (tokenizer.slots, tokenizer.case_tokens) == (range(4, 6), range(6, 8))
    tokenizer.save(tmp_path / "one.json")
    loaded = SubwordTokenizer.load(tmp_path / "one.json")
    assert loaded.case_tokens == tokenizer.case_tokens
    assert loaded.encode(["THE Door"]) == tokenizer.encode(["THE Door"])


@pytest.mark.parametrize("text", [f"{CASE_TOKENS[0]}door", "".join(CASE_TOKENS)])
def test_no_text_becomes_the_token_of_a_case(text: str) -> None:
    assert not {TITLE, UPPER} & {*encoded(text)}
    with pytest.raises(InputError, match="is a special token"):
        SubwordTokenizer.train([], 400, 2, user_symbols=[CASE_TOKENS[1]], casing="case_markup")


def test_a_case_ends_before_a_symbol_and_a_slot() -> None:
    for text in ("DOORkWh", "KWH kWh DÍA día", "THE<br>door", "A{name}b {name}X"):
        [(ids, placeholders)] = SYMBOLIC.encode_sources([text])
        assert SYMBOLIC.decode([ids], [placeholders]) == [text]
    assert encoded("3kWhs", SYMBOLIC)[1] == SYMBOLIC.user_symbols["kWh"]


@given(st.lists(st.integers(4, SYMBOLIC.size - 1), max_size=30))
def test_any_ids_have_a_text_and_words_that_cover_them(ids: list[int]) -> None:
    placeholders = ("{a}", "B c")
    [text] = SYMBOLIC.decode([ids], [placeholders])
    words = SYMBOLIC.words(ids, placeholders)
    covered = [at for word in words for at in range(word.start, word.stop)]
    assert covered == list(range(len(ids)))
    assert "".join("".join(word.text for word in words).split()) == "".join(text.split())


def test_a_word_that_would_become_a_symbol_in_lower_case_stays_cased() -> None:
    tokenizer = SubwordTokenizer.train(
        ["Home ASSISTANT Door KWH"] * 9,
        *(400, 2),
        user_symbols=["home assistant", "kwh", "r k"],
        casing="case_markup",
    )
    for text in ("Home Assistant", "HOME assistant", "KWH", "xKWHs", "Door KWH", "Home", "R K"):
        [ids] = tokenizer.encode([text])
        assert tokenizer.decode([ids]) == [text]
        assert not {*ids} & {*tokenizer.user_symbols.values()}
    assert tokenizer.encode(["Home Assistant"])[0][-2:] != tokenizer.encode(["assistant"])[0]


def test_the_token_of_a_case_belongs_to_its_word() -> None:
    text = "La PUERTA (Abierta) Zx"
    ids = encoded(text)
    words = PLAIN.words(ids)
    assert [word.text for word in words] == text.split()
    assert [ids[words[at].start] for at in (0, 1, 3)] == [TITLE, UPPER, TITLE]


def test_a_token_of_a_case_is_a_piece_but_no_part_of_a_word() -> None:
    lists = TokenizedPairs.of([TokenizedPair(ids, ids) for ids in PLAIN.encode(["The Door THE"])])
    counts = SplitCounts(PLAIN)
    counts.source.add(pa.array(["The Door THE"]), lists.sources)
    report = counts.source.report()
    assert (report["pieces"], report["words"]) == (6, 3)
    assert report["one_piece_words_percent"] == 100.0


@settings(max_examples=20, deadline=None)
@given(st.text(st.sampled_from("AaBb zZ<>{}%sÉéΣ"), max_size=20))
def test_bpe_dropout_keeps_the_case(text: str) -> None:
    [(ids, placeholders)] = SYMBOLIC.encode_sources([text])
    pairs = TokenizedPairs.of([TokenizedPair(ids, ids, placeholders)])
    for probability in (0.0, 0.5):
        dropout = BpeDropout(SYMBOLIC, probability, 1)
        [found] = dropout.pairs(pairs, np.zeros(1, np.int64), epoch=0, shard=0)
        assert SYMBOLIC.decode([found.source_ids], [placeholders]) == [text]
        assert probability or found.source_ids == ids
