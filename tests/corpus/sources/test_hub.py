from __future__ import annotations

import json
import os
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from tracelate.config import ColumnsConfig, HubConfig
from tracelate.corpus.pairs import Pair, pairs_of
from tracelate.corpus.sources.hub import HubProvenance, HubSource, find_commit
from tracelate.corpus.sources.source import Corpus
from tracelate.errors import InputError
from tracelate.files import sha256_of

Rows = list[dict[str, Any]]

FLAT: Rows = [{"en": "a dog", "es": "un perro"}, {"en": "a cat", "es": None}]
STRUCT: Rows = [{"translation": row} for row in FLAT]


def write_dataset(folder: Path, **splits: Rows) -> str:
    folder.mkdir()
    for name, rows in splits.items():
        lines = [json.dumps(row) for row in rows]
        (folder / f"{name}.jsonl").write_text("\n".join(lines) + "\n")
    return str(folder)


def read(name: str, target_language: str = "es") -> Corpus:
    return source(name, target_language).read()


def source(name: str, target_language: str = "es", **columns: str) -> HubSource:
    named = ColumnsConfig(source=columns.get("source"), target=columns.get("target"))
    config = HubConfig(name=name, revision="main", subset=None, columns=named, licence="CC0-1.0")
    return HubSource(config, "en", target_language)


def pairs(corpus: Corpus, split: str = "all") -> list[Pair]:
    return list(pairs_of(corpus.splits[split]))


@pytest.mark.parametrize("rows", [FLAT, STRUCT])
def test_both_shapes_give_the_same_pairs(tmp_path: Path, rows: Rows) -> None:
    corpus = read(write_dataset(tmp_path / "set", train=rows))
    assert list(corpus.splits) == ["all"]
    assert pairs(corpus) == [
        Pair("a dog", "un perro", "a dog", "train:1"),
        Pair("a cat", "", "a cat", "train:2"),
    ]


def test_ready_made_splits_are_kept_and_validation_is_valid(tmp_path: Path) -> None:
    name = write_dataset(tmp_path / "set", train=FLAT, validation=FLAT, test=FLAT[:1])
    corpus = read(name)
    assert {split: len(table) for split, table in corpus.splits.items()} == {
        "train": 2,
        "valid": 2,
        "test": 1,
    }
    assert str(tmp_path) not in corpus.provenance.model_dump_json()


def test_the_provenance_changes_with_the_text(tmp_path: Path) -> None:
    first = read(write_dataset(tmp_path / "a", train=FLAT)).provenance.hashes
    same = read(write_dataset(tmp_path / "b", train=STRUCT)).provenance.hashes
    other = read(write_dataset(tmp_path / "c", train=FLAT[:1])).provenance.hashes
    assert first == same != other


@pytest.mark.parametrize("rows", [FLAT, STRUCT])
def test_a_missing_language_is_named_with_those_that_exist(tmp_path: Path, rows: Rows) -> None:
    with pytest.raises(InputError, match="split train has no column 'fr', only 'en', 'es'"):
        read(write_dataset(tmp_path / "set", train=rows), "fr")


def test_a_dataset_without_train_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="has the splits test and no train"):
        read(write_dataset(tmp_path / "set", test=FLAT))


def test_a_folder_without_data_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot be read as a dataset"):
        read(write_dataset(tmp_path / "set"))


def test_files_with_different_columns_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot be read as a dataset"):
        read(write_dataset(tmp_path / "set", train=FLAT, test=STRUCT))


MERGES = "a0: &a0 {x: 1}\n" + "".join(
    f"a{level}: &a{level} {{<<: [{', '.join([f'*a{level - 1}'] * 10)}]}}\n" for level in range(1, 8)
)


@pytest.mark.parametrize(
    ("metadata", "message"),
    [
        (MERGES, r"the metadata of .*README\.md has more than 20,000 keys and values"),
        ("a: " + "[" * 3_000, r"the metadata of .*README\.md nests more than 20"),
        ("a: [", r"the metadata of .*README\.md is no valid YAML"),
        ("a: !!python/object/apply:os.system [x]", r"README\.md is no valid YAML"),
        ("a: 1" + "\n#" * 1_000_000, r"the metadata of .*README\.md has more than 1,000,000 bytes"),
        ("- a", "cannot be read as a dataset: repo card metadata block should be a dict"),
        ("configs:\n- 3", "cannot be read as a dataset: .*README.md must describe them"),
        ("configs:\n- config_name: null", "cannot be read as a dataset: .*README.md must describe"),
        ("dataset_info:\n  features: 3", "cannot be read as a dataset: .*README.md must describe"),
    ],
)
def test_wrong_metadata_of_a_folder_is_refused_at_once(
    tmp_path: Path, metadata: str, message: str
) -> None:
    name = write_dataset(tmp_path / "set", train=FLAT)
    read(name)  # imports `datasets`, which takes seconds
    (tmp_path / "set" / "README.md").write_text(f"\n---\n{metadata}\n---\n# A dataset\n")
    began_s = time.perf_counter()
    with pytest.raises(InputError, match=message) as error:
        read(name)
    assert time.perf_counter() - began_s < 2
    assert len(str(error.value)) < 600


def test_metadata_that_describes_the_folder_is_read(tmp_path: Path) -> None:
    name = write_dataset(tmp_path / "set", train=FLAT)
    (tmp_path / "set" / "README.md").write_text("---\nlicense: mit\ntags: [a]\n---\n# A dataset\n")
    assert len(read(name).splits["all"]) == len(FLAT)


def test_a_name_that_is_no_dataset_is_refused() -> None:
    with pytest.raises(InputError, match=r"download\.hub\.name 'a/b/c' is neither"):
        read("a/b/c")


OUTSIDE = ("../secret.jsonl", "{outside}", "http://127.0.0.1:9/x.jsonl", "zip://x::/y", "~/x.jsonl")


@pytest.mark.parametrize("pattern", OUTSIDE)
@pytest.mark.parametrize("place", ["README.md", ".huggingface.yaml"])
def test_a_folder_that_names_files_outside_it_is_refused(
    tmp_path: Path, pattern: str, place: str
) -> None:
    name = write_dataset(tmp_path / "set", train=FLAT)
    outside = tmp_path / "secret.jsonl"
    outside.write_text((tmp_path / "set/train.jsonl").read_text())
    path = pattern.format(outside=outside)
    settings = (
        f"configs:\n- config_name: default\n  data_files:\n  - split: train\n    path: {path}\n"
    )
    fence = "---\n" if place == "README.md" else ""
    (tmp_path / "set" / place).write_text(f"{fence}{settings}{fence}")
    with pytest.raises(InputError, match="outside its folder"):
        read(name)


def test_a_link_that_leads_out_of_the_folder_is_refused(tmp_path: Path) -> None:
    name = write_dataset(tmp_path / "set", train=FLAT)
    (tmp_path / "set/train.jsonl").rename(tmp_path / "secret.jsonl")
    (tmp_path / "set/train.jsonl").symlink_to(tmp_path / "secret.jsonl")
    with pytest.raises(InputError, match="which is no file in it"):
        read(name)


def test_a_file_that_changed_and_kept_its_time_is_read_anew(tmp_path: Path) -> None:
    name = write_dataset(tmp_path / "set", train=FLAT)
    path = tmp_path / "set/train.jsonl"
    before, first = path.stat(), read(name)
    path.write_text(path.read_text().replace("dog", "fox"))
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    second = read(name)
    assert pairs(second)[0].source == "a fox"
    for corpus in (first, second):
        assert isinstance(corpus.provenance, HubProvenance)
        assert list(corpus.provenance.sha256_of_files) == ["train.jsonl"]
    assert second.provenance.model_dump()["sha256_of_files"] == {"train.jsonl": sha256_of(path)}
    assert first.provenance != second.provenance


def test_a_dataset_of_the_hub_has_no_files_in_its_provenance(tmp_path: Path) -> None:
    provenance = read(write_dataset(tmp_path / "set", train=FLAT)).provenance
    of_hub = provenance.model_copy(update={"sha256_of_files": {}})
    assert "sha256_of_files" not in of_hub.model_dump(mode="json")


@pytest.mark.parametrize("name", ["set.py", "other.py", "train.pkl"])
def test_no_code_of_a_folder_is_run(tmp_path: Path, name: str) -> None:
    folder = write_dataset(tmp_path / "set", train=FLAT)
    ran = tmp_path / "ran"
    code = f"open({str(ran)!r}, 'w')"
    content = f"c__builtin__\nexec\n(V{code}\ntR." if name.endswith("pkl") else code
    (tmp_path / "set" / name).write_text(content)
    with suppress(InputError):
        read(folder)
    assert not ran.exists()


def test_files_of_another_kind_are_refused(tmp_path: Path) -> None:
    (tmp_path / "set").mkdir()
    (tmp_path / "set/train.txt").write_text("text\n")
    with pytest.raises(InputError, match="its files are of the kind text"):
        read(str(tmp_path / "set"))


def test_the_commit_is_read_from_where_the_data_came_from() -> None:
    commit = "0123456789abcdef0123456789abcdef01234567"
    assert find_commit([f"hf://datasets/owner/name@{commit}/train.jsonl"]) == commit
    assert find_commit(["corpora/set/train.jsonl"]) is None


SPECIAL_VALUES = (
    "None",
    "N/A",
    "null",
    "NA",
    "nan",
    "n/a",
    "",
    "007",
    "1.50",
    "true",
    "2020-01-01",
)


@pytest.mark.parametrize("name", ["train.csv", "train.tsv"])
def test_no_value_of_a_table_is_special(tmp_path: Path, name: str) -> None:
    delimiter = "," if name.endswith("csv") else "\t"
    lines = [f"{value}{delimiter}t{value}" for value in SPECIAL_VALUES]
    (tmp_path / "set").mkdir()
    (tmp_path / "set" / name).write_text("\n".join([f"en{delimiter}es", *lines]))
    read_pairs = pairs(read(str(tmp_path / "set")))
    assert [(one.source, one.target) for one in read_pairs] == [
        (value, f"t{value}") for value in SPECIAL_VALUES
    ]


def test_a_quotation_mark_in_tsv_is_a_character_and_each_line_a_row(tmp_path: Path) -> None:
    lines = [f'"text {n}\ttexto {n}' if n % 20 == 3 else f"text {n}\ttexto {n}" for n in range(60)]
    (tmp_path / "set").mkdir()
    (tmp_path / "set/train.tsv").write_text("\n".join(["en\tes", *lines, ""]))
    found = pairs(read(str(tmp_path / "set")))
    assert [f"{one.source}\t{one.target}" for one in found] == lines
    assert [one.origin for one in found] == [f"train:{n}" for n in range(1, 61)]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ("skiprows: 1", "has the option skiprows: '1' for its CSV files"),
        ("header: null", "without names of columns"),
    ],
)
def test_options_of_a_table_that_are_not_followed_are_refused(
    tmp_path: Path, options: str, message: str
) -> None:
    (tmp_path / "set").mkdir()
    (tmp_path / "set/train.csv").write_text("a,b\n")
    configs = f"configs:\n- config_name: default\n  data_files: train.csv\n  {options}\n"
    (tmp_path / "set/README.md").write_text(f"---\n{configs}---\n")
    with pytest.raises(InputError, match=message):
        read(str(tmp_path / "set"))


def test_options_of_a_table_that_are_followed(tmp_path: Path) -> None:
    (tmp_path / "set").mkdir()
    (tmp_path / "set/train.csv").write_text("'a;b';c\n")
    options = "sep: ';'\n  quotechar: \"'\"\n  header: null\n  column_names: [en, es]"
    configs = f"configs:\n- config_name: default\n  data_files: train.csv\n  {options}\n"
    (tmp_path / "set/README.md").write_text(f"---\n{configs}---\n")
    assert pairs(read(str(tmp_path / "set"))) == [Pair("a;b", "c", "a;b", "train:1")]


@pytest.mark.parametrize(
    "row", [{"en": "a", "es": "b", "fr": "c"}, {"en": "a", "es": "b"}, {"es": "b"}]
)
def test_a_translation_with_more_or_fewer_languages_is_read(
    tmp_path: Path, row: dict[str, str]
) -> None:
    rows: Rows = [{"translation": {"en": "a", "es": "b"}}, {"translation": row}]
    found = pairs(read(write_dataset(tmp_path / "set", train=rows)))[1]
    assert (found.source, found.target) == (row.get("en", ""), "b")


@pytest.mark.parametrize(
    ("value", "kind"),
    [(7, "a number"), (["b", "c"], "a list"), ({"x": "y"}, "an object"), (True, "true or false")],
)
@pytest.mark.parametrize("only", [True, False])
def test_what_is_no_text_is_refused_with_its_row_and_column(
    tmp_path: Path, value: object, kind: str, only: bool
) -> None:
    rows: Rows = [{"en": "a", "es": None if only else "b"}, {"en": "a", "es": value}]
    message = f"split train, row 2, has {kind} .* in the column 'es', not a text"
    with pytest.raises(InputError, match=message):
        read(write_dataset(tmp_path / "set", train=rows))


def test_columns_of_any_name_are_named_in_the_settings(tmp_path: Path) -> None:
    rows: Rows = [{"sentence_eng_Latn": "a", "target": "b", "en": "other", "id": 3}]
    name = write_dataset(tmp_path / "set", train=rows)
    corpus = source(name, source="sentence_eng_Latn", target="target").read()
    assert [one[:2] for one in pairs(corpus)] == [("a", "b")]
    with pytest.raises(InputError, match=r"name the columns in download\.hub\.columns"):
        source(name, source="english").read()


@pytest.mark.parametrize("part", ["devtest/a.jsonl", "more/b.tsv", "unused.parquet"])
def test_a_file_of_no_split_is_not_ignored(tmp_path: Path, part: str) -> None:
    folder = Path(write_dataset(tmp_path / "set", train=FLAT, dev=FLAT))
    (folder / part).parent.mkdir(exist_ok=True)
    (folder / part).write_text(json.dumps(FLAT[0]))
    with pytest.raises(InputError, match=f"has '{part}', which is in none of its splits"):
        read(str(folder))


def test_a_split_that_is_not_read_is_named(tmp_path: Path) -> None:
    folder = Path(write_dataset(tmp_path / "set", a=FLAT, b=FLAT))
    files = "[{split: train, path: a.jsonl}, {split: test_2016, path: b.jsonl}]"
    (folder / "README.md").write_text(
        f"---\nconfigs:\n- config_name: default\n  data_files: {files}\n---\n"
    )
    corpus = read(str(folder))
    assert list(corpus.splits) == ["all"]
    assert [one.endswith("its splits test_2016 are not read, only train") for one in corpus.remarks]


def test_a_subset_is_chosen_by_its_name(tmp_path: Path) -> None:
    folder = Path(write_dataset(tmp_path / "set", a=FLAT, b=FLAT[:1]))
    configs = "".join(f"- config_name: {one}\n  data_files: {one}.jsonl\n" for one in "ab")
    (folder / "README.md").write_text(f"---\nconfigs:\n{configs}---\n")
    with pytest.raises(InputError, match="Config name is missing"):
        read(str(folder))
    config = source(str(folder)).config.model_copy(update={"subset": "b"})
    assert len(HubSource(config, "en", "es").read().splits["all"]) == 1
