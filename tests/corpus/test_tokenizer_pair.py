"""One tokenizer for both languages, or one for each, in one file."""

from __future__ import annotations

import json
from pathlib import Path

import pyarrow as pa
import pytest

from tests.corpus.test_tokenizing import settings
from tracelate.config import TokenizeConfig
from tracelate.corpus.fertility import SplitCounts
from tracelate.corpus.pairs import Pair, table_of, write_pairs
from tracelate.corpus.tokenized import TokenizedPair, TokenizedPairs
from tracelate.corpus.tokenized_file import read_tokenized
from tracelate.corpus.tokenizer import SubwordTokenizer
from tracelate.corpus.tokenizer_pair import KIND, TokenizerPair
from tracelate.corpus.tokenizing import learn_tokenizer, learn_tokenizers, tokenize_file
from tracelate.errors import InputError

PAIRS = [
    *[Pair("the window opens", "окно открывается", "group", "origin")] * 20,
    Pair("Open {window} %s", "Открой %s {window}", "group", "origin"),
]
BATCHES = table_of(PAIRS).to_batches()


def separate(**changes: object) -> TokenizeConfig:
    chosen = {"vocabulary": "separate", **changes}
    return TokenizeConfig.model_validate({**settings("copy").model_dump(), **chosen})


TWO = learn_tokenizers(lambda: BATCHES, separate())


def test_each_language_has_pieces_of_its_own_text_alone() -> None:
    assert not TWO.is_joint
    assert [len(ids) for ids in TWO.source.encode(["the window"])] == [2]
    assert [len(ids) for ids in TWO.target.encode(["окно открывается"])] == [2]
    assert len(TWO.source.encode(["окно"])[0]) == len("окно".encode())
    assert len(TWO.target.encode(["window"])[0]) == 6
    assert TWO.source.slots == TWO.target.slots == range(4, 20)


def test_a_setting_that_is_missing_means_one_vocabulary() -> None:
    joint = learn_tokenizers(lambda: BATCHES, settings("copy"))
    assert joint.is_joint and settings("copy").vocabulary == "joint"
    alone = learn_tokenizer(BATCHES, settings("copy"))
    assert joint.source.document() == alone.document()


def test_both_sides_are_encoded_with_the_same_slots(tmp_path: Path) -> None:
    write_pairs(tmp_path / "pairs.parquet", PAIRS)
    counts = tokenize_file(TWO, tmp_path / "pairs.parquet", tmp_path / "ids.arrow")
    pairs = list(read_tokenized(tmp_path / "ids.arrow"))
    given = [one.placeholders for one in pairs]
    assert given[-1] == ("{window}", "%s")
    sources = TWO.source.decode([one.source_ids for one in pairs], given)
    targets = TWO.target.decode([one.target_ids for one in pairs], given)
    assert list(zip(sources, targets, strict=True)) == [(one.source, one.target) for one in PAIRS]
    assert counts.fertility.source.report()["pieces"] == counts.source_pieces


def test_unused_pieces_are_those_of_each_language() -> None:
    lists = TokenizedPairs.of(
        [TokenizedPair(TWO.source.encode(["the"])[0], TWO.target.encode(["окно"])[0])]
    )
    counts = SplitCounts(TWO)
    counts.source.add(pa.array(["the"]), lists.sources)
    counts.target.add(pa.array(["окно"]), lists.targets)
    learnt = sum(one.size - one.first_learnt for one in TWO)
    assert counts.unused_pieces == learnt - 2


@pytest.mark.parametrize("model", ["bpe", "unigram"])
def test_two_tokenizers_come_back_from_one_file(model: str, tmp_path: Path) -> None:
    two = learn_tokenizers(lambda: BATCHES, separate(model=model, casing="case_markup"))
    two.save(tmp_path / "one.json")
    loaded = TokenizerPair.load(tmp_path / "one.json")
    loaded.save(tmp_path / "two.json")
    assert (tmp_path / "one.json").read_bytes() == (tmp_path / "two.json").read_bytes()
    assert not loaded.is_joint
    texts = ["the Window", "окно %s"]
    for one, before in zip(loaded, two, strict=True):
        assert one.encode(texts) == before.encode(texts)


def test_the_file_of_a_joint_tokenizer_is_that_of_one(tmp_path: Path) -> None:
    TWO.source.save(tmp_path / "one.json")
    loaded = TokenizerPair.load(tmp_path / "one.json")
    assert loaded.is_joint
    loaded.save(tmp_path / "two.json")
    assert (tmp_path / "one.json").read_bytes() == (tmp_path / "two.json").read_bytes()
    with pytest.raises(InputError, match="is missing"):
        TokenizerPair.load(tmp_path / "three.json")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({KIND: 2}, "has format 2 of two tokenizers, .* reads 1: update Tracelate"),
        ({"source": None}, "the source tokenizer is no tokenizer"),
        ({"target": {}}, "the target tokenizer is no tokenizer"),
        ({"target": json.loads(SubwordTokenizer.train([], 300, 2).document())}, "other slots"),
    ],
)
def test_a_damaged_file_is_refused(change: dict[str, object], message: str, tmp_path: Path) -> None:
    path = tmp_path / "tokenizer.json"
    TWO.save(path)
    document = json.loads(path.read_text())
    path.write_text(json.dumps({**document, **change}))
    with pytest.raises(InputError, match=rf"tokenizer\.json.* {message}") as raised:
        TokenizerPair.load(path)
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize(
    "content", [f'{{"{KIND}": 1}}', f'{{"{KIND}"', "[" * 100_000 + f'"{KIND}"', f'["{KIND}"]']
)
def test_a_file_without_both_tokenizers_is_refused(content: str, tmp_path: Path) -> None:
    path = tmp_path / "tokenizer.json"
    path.write_text(content)
    with pytest.raises(InputError, match=r"has no source tokenizer|is no tokenizer"):
        TokenizerPair.load(path)
