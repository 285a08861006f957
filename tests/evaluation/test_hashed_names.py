"""Names of files and other texts of a lineage that comes from elsewhere."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tracelate import layout
from tracelate.errors import InputError
from tracelate.evaluation.hashed_names import is_within_project
from tracelate.evaluation.lineage import parse_lineage
from tracelate.files import read_json

PARTS = ("model", "tokenized", "prepared", "raw", "evaluation")


@pytest.fixture
def document(finished_project: Path) -> dict[str, Any]:
    lineage: dict[str, Any] = read_json(finished_project / layout.LINEAGE)
    return lineage


def refused(document: dict[str, Any]) -> str:
    with pytest.raises(InputError, match=r"^here is damaged \(") as error:
        parse_lineage(document, "here")
    [line] = str(error.value).splitlines()
    return line


@pytest.mark.parametrize("part", PARTS)
@pytest.mark.parametrize(
    "name",
    [
        "/etc/passwd",
        "../../etc/passwd",
        "{room}/../../secret",
        "{room}//x",
        "{room}/./x",
        "{room}",
        "params.yaml",
        ".",
        "",
        "C:\\x",
        "{room}/\x1b[2J",
    ],
)
def test_a_file_outside_its_folder_is_refused(
    document: dict[str, Any], part: str, name: str
) -> None:
    room = Path(next(iter(document[part]))).parent.as_posix()
    document[part][name.format(room=room)] = "0" * 64
    assert f"{part}: " in refused(document) or "control characters" in refused(document)


@pytest.mark.parametrize("part", PARTS)
def test_the_files_that_every_lineage_has_may_not_be_missing(
    document: dict[str, Any], part: str
) -> None:
    del document[part][sorted(document[part])[-1]]
    assert f"{part}: " in refused(document)


@pytest.mark.parametrize("sha256", ["0" * 63, "0" * 65, "A" * 64, "0" * 64 + "\n", "", 7, None])
def test_a_hash_has_64_hexadecimal_digits(document: dict[str, Any], sha256: object) -> None:
    for part in PARTS:
        name = next(iter(document[part]))
        changed = {**document, part: {**document[part], name: sha256}}
        assert f"{part}.{name}: " in refused(changed) or "control" in refused(changed)
    refused({**document, "test_sha256": sha256})


@pytest.mark.parametrize("commit", ["HEAD", "--output=x", "0" * 39, "0" * 40 + "\n", "", "A" * 40])
def test_a_commit_is_a_full_name(document: dict[str, Any], commit: str) -> None:
    document["training"]["commit"] = commit
    refused(document)


@pytest.mark.parametrize("text", ["\x1b[31mred", "bell\a", "two\nlines", "\x9b1m", "\ud800"])
def test_a_text_with_control_characters_is_refused(document: dict[str, Any], text: str) -> None:
    for changed in (
        {**document, "provenance": {**document["provenance"], "licence": text}},
        {**document, "signatures": {text: "x"}},
        {**document, "params": {**document["params"], "other": [{"deep": text}]}},
    ):
        assert text not in refused(changed)


@pytest.mark.parametrize("section", ["download", "prepare", "model", "train"])
def test_settings_without_a_section_are_refused(document: dict[str, Any], section: str) -> None:
    assert section in refused({**document, "params": {**document["params"], section: None}})


def test_a_path_is_within_the_project_without_leaving_it() -> None:
    for name in ("corpora/a.en", "a", "a/b/c", "..a/b", "a..b"):
        assert is_within_project(name), name
    for name in ("", ".", "/a", "../a", "a/../b", "a/..", "//a"):
        assert not is_within_project(name), name
