"""Shares of a corpus."""

from __future__ import annotations

from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from tests.tiny_corpus import PROJECT
from tracelate import layout
from tracelate.config import load_params
from tracelate.corpus.pairs import Pair, read_pairs, table_of, write_pair_table
from tracelate.corpus.tokenized import TokenizedPair
from tracelate.corpus.tokenized_file import read_tokenized, write_tokenized
from tracelate.smoke.share import shorten_raw, shorten_training, spread
from tracelate.training.epochs import count_batches

TRAIN = load_params(PROJECT / "params.yaml").train


@given(st.integers(0, 200), st.integers(0, 200))
def test_a_share_is_in_order_without_repetition_and_has_the_first(count: int, most: int) -> None:
    chosen = spread(range(count), most)
    assert len(chosen) == min(count, most)
    assert chosen == sorted(set(chosen))
    assert chosen[:1] == list(range(count))[: min(1, most)]


def test_a_share_reaches_over_the_whole() -> None:
    assert spread(range(10), 4) == [0, 2, 5, 7]


def test_a_large_split_keeps_pairs_of_all_its_groups(tmp_path: Path) -> None:
    pairs = [Pair(f"{n}", f"{n}", f"group {n // 10}", f"line {n}") for n in range(100)]
    for name, count in (("train", 100), ("valid", 15)):
        (tmp_path / layout.RAW).mkdir(parents=True, exist_ok=True)
        write_pair_table(tmp_path / layout.RAW / f"{name}.parquet", table_of(pairs[:count]))
    shorten_raw(tmp_path, 20)
    kept = read_pairs(tmp_path / layout.RAW / "train.parquet")
    assert len(kept) == 20 and len({pair.group for pair in kept}) == 10
    assert read_pairs(tmp_path / layout.RAW / "valid.parquet") == pairs[:15]


def test_a_short_training_has_as_many_batches_and_the_longest_sentence(tmp_path: Path) -> None:
    config = TRAIN.model_copy(update={"batch_tokens": 200, "length_noise": 0.0})
    pairs = [TokenizedPair([5] * (1 + n % 19), [6] * 3) for n in range(1000)]
    pairs[500] = TokenizedPair([7] * 50, [8])
    (tmp_path / layout.TOKENIZED).mkdir(parents=True)
    for path in (layout.TOKENIZED_TRAIN, layout.TOKENIZED_VALID):
        write_tokenized(tmp_path / path, pairs)
    shorten_training(tmp_path, config, batches=10, valid=7)
    kept = read_tokenized(tmp_path / layout.TOKENIZED_TRAIN)
    assert 8 <= count_batches(kept, config) <= 13
    assert pairs[500] in list(kept)
    assert len(read_tokenized(tmp_path / layout.TOKENIZED_VALID)) == 7
