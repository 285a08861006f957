"""The whole of prepare on small corpora: files in, files out."""

from __future__ import annotations

import json
import random
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from tests.corpus.shifts.made_text import made_pairs, with_shift
from tests.corpus.test_cleaning import CONFIG, pair
from tests.tiny_corpus import sentence
from tracelate.config import PrepareConfig
from tracelate.corpus import pairs as pairs_module
from tracelate.corpus.cleaning import SHIFTED
from tracelate.corpus.leakage import NEAR_HELD_OUT
from tracelate.corpus.mixture import Mixture
from tracelate.corpus.observer import Observer
from tracelate.corpus.pairs import Pair, read_pairs, write_pairs
from tracelate.corpus.preparing import Prepared, prepare_corpus
from tracelate.corpus.raw import SPLITS
from tracelate.corpus.report import data_report
from tracelate.corpus.shifts.shifted_lines import Example
from tracelate.corpus.splitting import HELD_OUT
from tracelate.errors import InputError

Splits = dict[str, list[Pair]]


def config(**changes: Any) -> PrepareConfig:
    usual = {"max_characters": 400, "near_leakage": "drop", "max_near_leakage_percent": 5.0}
    return CONFIG.model_copy(update={**usual, **changes})


def prepare(
    folder: Path,
    raw: Mapping[str, Sequence[Pair]],
    observer: Observer | None = None,
    **changes: Any,
) -> tuple[Prepared, Splits]:
    for name, pairs in raw.items():
        write_pairs(folder / f"raw_{name}.parquet", pairs)
    (folder / "temporary").mkdir(exist_ok=True)
    outputs = {name: folder / f"{name}.parquet" for name in SPLITS}
    found = prepare_corpus(
        {name: folder / f"raw_{name}.parquet" for name in raw},
        outputs,
        config(**changes),
        ("en", "es"),
        Mixture({}),
        folder / "temporary",
        observer=observer,
    )
    return found, {name: read_pairs(path) for name, path in outputs.items()}


def text(groups: int = 60, size: int = 3, seed: int = 1) -> list[Pair]:
    draw = random.Random(seed)
    return [
        Pair(*sentence(draw), f"group{group}", f"group{group}:{place}")
        for group in range(groups)
        for place in range(size)
    ]


def words(letters: str) -> list[Pair]:
    """Returns pairs that are near to no other."""
    return [pair(f"{letter * 9} {number}{letter}", f"t{number}{letter}") for number in range(3)
            for letter in letters]  # fmt: skip


def test_every_pair_is_in_one_split_or_counted(tmp_path: Path) -> None:
    raw = text()
    found, splits = prepare(tmp_path, {"all": raw})
    assert found.read == len(raw)
    kept = [one for part in splits.values() for one in part]
    assert len(kept) + found.counts.dropped.total() == len(raw)
    assert len(set(kept)) == len(kept) and set(kept) <= set(raw)
    assert {name: size.pairs for name, size in found.sizes.items()} == {
        name: len(part) for name, part in splits.items()
    }
    for name, part in splits.items():
        assert part == [one for one in raw if one in set(part)]  # in the order of the corpus
        assert found.sizes[name].groups == len({one.group for one in part})


def test_no_held_out_source_is_left_in_training(tmp_path: Path) -> None:
    train = [*words("abc"), pair("held", "1"), pair("validated", "2"), pair("held", "3")]
    valid = [*words("de"), pair("validated", "4"), pair("held", "5")]
    test = [*words("fg"), pair("held", "6"), pair("held", "7")]
    found, splits = prepare(tmp_path, {"train": train, "valid": valid, "test": test})
    assert splits["test"] == test
    assert splits["valid"] == valid[:-1]
    assert splits["train"] == train[:-3]
    assert found.counts.dropped[HELD_OUT] == 4


@pytest.mark.parametrize("letter", ["\u00ad", "\u200b", "\ufeff", "\u200d"])
def test_invisible_characters_hide_no_leak(tmp_path: Path, letter: str) -> None:
    test = [pair("The brown door is open today", "La puerta está abierta"), *words("ab")]
    hidden = " ".join(f"{word[:1]}{letter}{word[1:]}" for word in test[0].source.split())
    train = [pair(hidden, "La puerta abre hoy"), *words("cd")]
    found, splits = prepare(tmp_path, {"train": train, "valid": words("ef"), "test": test})
    assert found.counts.dropped[HELD_OUT] == 1
    assert splits["train"] == train[1:]


NEAR = {
    "train": [pair("the brown door is OPEN today!", "La puerta abre hoy"), *words("ab")],
    "valid": [pair("The brown door is open today", "Hoy la puerta abre"), *words("cd")],
    "test": [pair("The brown door is open today.", "La puerta está abierta"), *words("ef")],
}


def test_near_duplicates_of_valid_and_test_are_dropped_from_training(tmp_path: Path) -> None:
    found, splits = prepare(tmp_path, NEAR)
    assert splits == {**NEAR, "train": NEAR["train"][1:]}
    assert found.counts.dropped[NEAR_HELD_OUT] == 1
    for split in ("valid", "test"):
        assert found.leakage[split].near_source == 0
        assert found.left_out[split].held_out == 1
        [example] = found.left_out[split].examples
        assert example.trained == "the brown door is OPEN today!"


def test_near_duplicates_are_refused_without_a_file_or_a_warning_is_given(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"14\.3 % of the test sentences have a near duplicate"):
        prepare(tmp_path, NEAR, near_leakage="fail")
    assert not any((tmp_path / f"{name}.parquet").exists() for name in SPLITS)
    found, splits = prepare(tmp_path, NEAR, near_leakage="warn")
    assert splits == NEAR
    assert [line[:30] for line in found.warnings] == [
        "14.3 % of the valid sentences ",
        "14.3 % of the test sentences h",
    ]
    assert found.leakage["test"].near_source == found.leakage["valid"].near_source == 1
    found, splits = prepare(tmp_path, NEAR, near_leakage="fail", max_near_leakage_percent=20.0)
    assert splits == NEAR and found.warnings == []


def test_the_same_corpus_gives_the_same_bytes_in_any_batches(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = []
    for size in (10_000, 7):
        monkeypatch.setattr(pairs_module, "BATCH_PAIRS", size)
        folder = tmp_path / str(size)
        folder.mkdir()
        prepare(folder, {"all": text()})
        files.append([(folder / f"{name}.parquet").read_bytes() for name in SPLITS])
    assert files[0] == files[1]


def test_a_missing_split_comes_from_the_training_text(tmp_path: Path) -> None:
    test = words("xyz")
    found, splits = prepare(tmp_path, {"train": text(), "test": test})
    assert splits["test"] == test
    assert splits["valid"] and set(splits["valid"]) <= set(text())
    assert found.warnings == []


def test_few_groups_are_split_by_pair(tmp_path: Path) -> None:
    found, splits = prepare(tmp_path, {"all": text(groups=2, size=100)}, near_leakage="warn",
                            max_near_leakage_percent=100.0)  # fmt: skip
    assert all(splits.values())
    assert "2 groups are too few" in found.warnings[0]
    sources = [{one.source for one in splits[name]} for name in SPLITS]
    assert not sources[0] & sources[1] and not sources[1] & sources[2]


def test_a_corpus_without_training_text_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no training text"):
        prepare(tmp_path, {"test": words("a")})


def test_an_empty_split_is_refused_without_a_file(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"the split train is empty: .* source_in_held_out 3"):
        prepare(tmp_path, {"train": words("a"), "valid": words("a"), "test": words("b")})
    with pytest.raises(InputError, match=r"the split train is empty: .* near_held_out 1"):
        prepare(tmp_path, {**NEAR, "train": NEAR["train"][:1]})
    assert not [path for path in tmp_path.glob("*.parquet") if not path.name.startswith("raw_")]


def test_text_for_training_alone_is_never_held_out(tmp_path: Path) -> None:
    mine, alone = words("abcdefghijklmnopqrst"), words("uvwxyz")
    (tmp_path / "one").mkdir()
    (tmp_path / "two").mkdir()
    _, splits = prepare(tmp_path / "one", {"all": mine, "train": alone})
    _, without = prepare(tmp_path / "two", {"all": mine})
    assert splits["train"] == [*alone, *without["train"]]
    assert (splits["valid"], splits["test"]) == (without["valid"], without["test"])


def test_shifted_lines_are_named_dropped_or_refused(tmp_path: Path) -> None:
    aligned = made_pairs(1_500)
    raw = {"all": with_shift(aligned, 600, 40, 1)}
    found, _ = prepare(tmp_path, raw, split_by="pair")
    assert (found.shifted.runs, found.counts.dropped[SHIFTED]) == (1, 0)
    assert any("shifted" in line for line in found.warnings)
    document = json.loads(json.dumps(data_report(found, config())))
    assert document["shifted"]["runs"] == 1 and "shifted" not in document["dropped"]
    assert document["shifted"]["listed"][0]["examples"][0].keys() == set(Example._fields)

    found, dropped = prepare(tmp_path, raw, split_by="pair", shifted="drop")
    assert data_report(found, config(shifted="drop"))["dropped"]["shifted"] > 0
    [run] = found.shifted.listed
    assert found.counts.dropped[SHIFTED] == run.pairs == found.shifted.pairs
    assert not any("shifted" in line for line in found.warnings)
    kept = {pair for part in dropped.values() for pair in part}
    assert not kept & set(raw["all"][run.first_line - 1 : run.last_line])

    for name in SPLITS:
        (tmp_path / f"{name}.parquet").unlink()
    with pytest.raises(InputError, match="shifted"):
        prepare(tmp_path, raw, split_by="pair", shifted="fail")
    assert not any((tmp_path / f"{name}.parquet").exists() for name in SPLITS)


class Noted(Observer):
    """Notes the pairs that it is called with."""

    wants_pairs = True

    def __init__(self) -> None:
        self.by_rule: dict[str, list[str]] = {}
        self.by_split: dict[str, list[str]] = {}

    def dropped(self, rule: str, batch: pa.RecordBatch) -> None:
        self.by_rule.setdefault(rule, []).extend(batch["origin"].to_pylist())

    def kept(self, split: str, batch: pa.RecordBatch) -> None:
        self.by_split.setdefault(split, []).extend(batch["origin"].to_pylist())


def test_an_observer_is_called_with_each_pair_once(tmp_path: Path) -> None:
    pairs = with_shift(made_pairs(1_200), 300, 30, 1)
    pairs[700] = pairs[700]._replace(target="")
    pairs[800] = pairs[799]._replace(origin="made.en:801")
    of_test = pairs[1_100]._replace(target=f"{pairs[1_100].target} bo", origin="of test")
    of_valid = pairs[1_000]._replace(target=f"{pairs[1_000].target} bo", origin="of valid")
    raw = {
        "train": [*pairs[:1_000], of_test],
        "valid": pairs[1_000:1_100],
        "test": [*pairs[1_100:], of_valid],
    }
    noted = Noted()
    found, splits = prepare(tmp_path, raw, noted, shifted="drop")
    assert {rule: len(noted.by_rule[rule]) for rule in noted.by_rule} == +found.counts.dropped
    assert {SHIFTED, "empty", "duplicate", HELD_OUT} <= noted.by_rule.keys()
    for name, part in splits.items():
        assert noted.by_split[name] == [one.origin for one in part]
    noted_origins = [one for part in (noted.by_rule, noted.by_split) for group in part.values()
                     for one in group]  # fmt: skip
    assert sorted(noted_origins) == sorted(one.origin for part in raw.values() for one in part)
