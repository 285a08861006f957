"""Pairs as ids: placeholders that both sides share are slots, if the settings copy them."""

from __future__ import annotations

from pathlib import Path

import pytest

from tracelate.config import TokenizeConfig
from tracelate.corpus.pairs import Pair
from tracelate.corpus.tokenized import (
    count_differing,
    learn_tokenizer,
    read_tokenized,
    tokenize_pairs,
    write_tokenized,
)
from tracelate.corpus.tokenizer import SLOTS, SubwordTokenizer

TEXTS = [
    ("Open {door} and {window}.", "Abre {window} y {door}."),
    ("Turn <b>off</b> {light}", "Apaga <b>{light}"),
    ("Wait", "Espera"),
    *[("Again the light", "Otra vez la luz")] * 5,
]
PAIRS = [Pair(*sides, "group", "origin") for sides in TEXTS]


def settings(placeholders: str) -> TokenizeConfig:
    return TokenizeConfig.model_validate(
        {"vocabulary_size": 400, "min_frequency": 2, "placeholders": placeholders}
    )


def test_a_setting_that_is_missing_means_text() -> None:
    missing = TokenizeConfig.model_validate({"vocabulary_size": 400, "min_frequency": 2})
    assert missing == settings("text")


def test_text_learns_and_encodes_as_a_tokenizer_without_slots(tmp_path: Path) -> None:
    tokenizer = learn_tokenizer(PAIRS, settings("text"))
    plain = SubwordTokenizer.train((side for both in TEXTS for side in both), 400, 2)
    for one, name in ((tokenizer, "one"), (plain, "two")):
        one.save(tmp_path / name)
    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()
    pairs = tokenize_pairs(tokenizer, PAIRS)
    assert [pair.source_ids for pair in pairs] == plain.encode([one for one, _ in TEXTS])
    assert [pair.target_ids for pair in pairs] == plain.encode([two for _, two in TEXTS])
    assert {pair.placeholders for pair in pairs} == {()}


def test_shared_placeholders_are_slots_and_others_stay_text(tmp_path: Path) -> None:
    tokenizer = learn_tokenizer(PAIRS, settings("copy"))
    assert len(tokenizer.slots) == SLOTS
    pairs = tokenize_pairs(tokenizer, PAIRS)
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
    write_tokenized(tmp_path / "pairs.parquet", pairs)
    assert list(read_tokenized(tmp_path / "pairs.parquet")) == pairs
    assert count_differing(PAIRS) == 1


@pytest.mark.parametrize("size", [300, 350])
def test_slots_have_place_in_the_smallest_vocabulary(size: int) -> None:
    config = settings("copy").model_copy(update={"vocabulary_size": size})
    assert learn_tokenizer(PAIRS, config).size <= size


def test_no_piece_is_learnt_from_placeholders() -> None:
    pairs = [Pair("see {bathroom}", "ve {bathroom}", "group", "origin")] * 50
    copying = learn_tokenizer(pairs, settings("copy"))
    reading = learn_tokenizer(pairs, settings("text"))
    [copied], [read] = copying.encode(["bathroom"]), reading.encode(["bathroom"])
    assert len(copied) == 8 > len(read)
