"""Pairs as ids: placeholders that both sides share are slots, if the settings copy them."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import ValidationError

from tests.tiny_corpus import PROJECT
from tracelate.config import TokenizeConfig, load_params
from tracelate.corpus.pairs import Pair, table_of, write_pairs
from tracelate.corpus.tokenized import TokenizedPair
from tracelate.corpus.tokenized_file import read_tokenized
from tracelate.corpus.tokenizer import SLOTS, SubwordTokenizer
from tracelate.corpus.tokenizing import (
    TokenizedCounts,
    learn_tokenizer,
    tokenize_batch,
    tokenize_file,
)
from tracelate.errors import InputError

TEXTS = [
    ("Open {door} and {window}.", "Abre {window} y {door}."),
    ("Turn <b>off</b> {light}", "Apaga <b>{light}"),
    ("Wait", "Espera"),
    *[("Again the light", "Otra vez la luz")] * 5,
]
PAIRS = [Pair(*sides, "group", "origin") for sides in TEXTS]


def learnt(pairs: list[Pair], config: TokenizeConfig) -> SubwordTokenizer:
    return learn_tokenizer(table_of(pairs).to_batches(), config)


def tokenized(tokenizer: SubwordTokenizer, pairs: list[Pair]) -> list[TokenizedPair]:
    [batch] = table_of(pairs).to_batches()
    return tokenize_batch(tokenizer, batch)


def settings(placeholders: str) -> TokenizeConfig:
    return TokenizeConfig.model_validate(
        {"vocabulary_size": 400, "min_frequency": 2, "placeholders": placeholders}
    )


def test_a_setting_that_is_missing_means_text() -> None:
    missing = TokenizeConfig.model_validate({"vocabulary_size": 400, "min_frequency": 2})
    assert missing == settings("text")


def test_text_learns_and_encodes_as_a_tokenizer_without_slots(tmp_path: Path) -> None:
    tokenizer = learnt(PAIRS, settings("text"))
    plain = SubwordTokenizer.train((side for both in TEXTS for side in both), 400, 2)
    for one, name in ((tokenizer, "one"), (plain, "two")):
        one.save(tmp_path / name)
    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()
    pairs = tokenized(tokenizer, PAIRS)
    assert [pair.source_ids for pair in pairs] == plain.encode([one for one, _ in TEXTS])
    assert [pair.target_ids for pair in pairs] == plain.encode([two for _, two in TEXTS])
    assert {pair.placeholders for pair in pairs} == {()}


def test_shared_placeholders_are_slots_and_others_stay_text(tmp_path: Path) -> None:
    tokenizer = learnt(PAIRS, settings("copy"))
    assert len(tokenizer.slots) == SLOTS
    pairs = tokenized(tokenizer, PAIRS)
    assert [pair.placeholders for pair in pairs[:3]] == [
        ("{door}", "{window}"),
        ("<b>", "{light}"),
        (),
    ]
    one, two, *_ = tokenizer.slots
    assert [piece for piece in pairs[0].source_ids if piece in tokenizer.slots] == [one, two]
    assert [piece for piece in pairs[0].target_ids if piece in tokenizer.slots] == [two, one]
    given = [pair.placeholders for pair in pairs]
    sources = tokenizer.decode([pair.source_ids for pair in pairs], given)
    targets = tokenizer.decode([pair.target_ids for pair in pairs], given)
    assert list(zip(sources, targets, strict=True)) == TEXTS
    write_pairs(tmp_path / "pairs.parquet", PAIRS)
    counts = tokenize_file(tokenizer, tmp_path / "pairs.parquet", tmp_path / "ids.arrow")
    assert list(read_tokenized(tmp_path / "ids.arrow")) == pairs
    assert counts.fertility.target.report()["pieces"] == counts.target_pieces
    assert counts == TokenizedCounts(
        counts.fertility,
        pairs=len(PAIRS),
        source_pieces=sum(len(pair.source_ids) for pair in pairs),
        target_pieces=sum(len(pair.target_ids) for pair in pairs),
        copied=2,
        differing=1,
    )


@pytest.mark.parametrize("size", [300, 350])
def test_slots_have_place_in_the_smallest_vocabulary(size: int) -> None:
    config = settings("copy").model_copy(update={"vocabulary_size": size})
    assert learnt(PAIRS, config).size <= size


def test_no_piece_is_learnt_from_placeholders() -> None:
    pairs = [Pair("see {bathroom}", "ve {bathroom}", "group", "origin")] * 50
    copying = learnt(pairs, settings("copy"))
    reading = learnt(pairs, settings("text"))
    [copied], [read] = copying.encode(["bathroom"]), reading.encode(["bathroom"])
    assert len(copied) == 8 > len(read)


def test_a_params_file_without_kinds_of_pieces_means_byte_pair_encoding_over_bytes() -> None:
    config = settings("text")
    assert (config.model, config.pieces, config.user_symbols) == ("bpe", "bytes", [])


def test_user_symbols_are_learnt_from_the_settings_and_slots_go_before_them() -> None:
    chosen = {"model": "unigram", "pieces": "byte_fallback", "user_symbols": ["<b>", "light"]}
    tokenizer = learnt(PAIRS, TokenizeConfig.model_validate(settings("copy").model_dump() | chosen))
    assert list(tokenizer.user_symbols) == ["<b>", "light"]
    pair = tokenized(tokenizer, PAIRS)[1]
    assert pair.placeholders == ("<b>", "{light}")
    [ids] = tokenizer.encode(["lights"])
    assert ids[0] == tokenizer.user_symbols["light"]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"user_symbols": ["a", "a"]}, "occurs twice"),
        ({"user_symbols": [" a"]}, "white space"),
        ({"user_symbols": [""]}, "user_symbols"),
        ({"vocabulary_size": 300, "user_symbols": ["a"]}, "301"),
    ],
)
def test_user_symbols_that_cannot_be_pieces_are_refused(
    change: dict[str, object], message: str
) -> None:
    with pytest.raises(ValidationError, match=message):
        TokenizeConfig.model_validate(settings("text").model_dump() | change)


def test_bpe_dropout_of_a_unigram_model_is_refused(tmp_path: Path) -> None:
    text = (PROJECT / "params.yaml").read_text()
    assert load_params(PROJECT / "params.yaml").train.bpe_dropout == 0
    changed = text.replace("bpe_dropout: 0.0", "bpe_dropout: 0.1")
    (tmp_path / "params.yaml").write_text(changed)
    assert load_params(tmp_path / "params.yaml").train.bpe_dropout == 0.1
    (tmp_path / "params.yaml").write_text(changed.replace("model: bpe ", "model: unigram "))
    with pytest.raises(InputError, match=r"train\.bpe_dropout is 0\.1, but tokenize\.model"):
        load_params(tmp_path / "params.yaml")


def test_a_user_symbol_that_normalising_changes_is_refused(tmp_path: Path) -> None:
    text = (PROJECT / "params.yaml").read_text()
    (tmp_path / "params.yaml").write_text(
        text.replace("user_symbols: []", r'user_symbols: ["e\u0301x"]')
    )
    with pytest.raises(InputError, match=r"prepare\.normalise changes to 'éx'"):
        load_params(tmp_path / "params.yaml")
