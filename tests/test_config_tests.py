"""Settings of further test sets: what is accepted, and the messages about the rest."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.tiny_corpus import SETTINGS, write_params
from tracelate.config import FilesTestConfig, HubTestConfig, load_params
from tracelate.errors import InputError

FILES = {"source": "corpora/a.en", "references": ["corpora/a.es"], "licence": "CC0-1.0"}
HUB = {"name": "owner/set", "revision": "main", "licence": "CC0-1.0", "split": "test"}
DOCUMENTS = {"test": ["corpora/a.tmx"], "licence": "CC0-1.0"}
ARCHIVE = {
    "address": "https://example.org/a.zip",
    "sha256": None,
    "max_megabytes": 1,
    "test": {"source": "*.en", "target": "*.es"},
    "licence": "CC0-1.0",
}
NEWS = {"name": "news", "files": FILES}


def load(folder: Path, tests: list[dict[str, Any]]) -> Any:
    write_params(folder, {**SETTINGS, "evaluate.tests": tests})
    return load_params(folder / "params.yaml").evaluate.tests


def test_each_entry_has_a_name_and_one_source(tmp_path: Path) -> None:
    news, captions = load(tmp_path, [NEWS, {"name": "captions-2", "hub": HUB}])
    assert (news.kind, news.source) == ("files", FilesTestConfig.model_validate(FILES))
    assert (captions.kind, captions.source) == ("hub", HubTestConfig.model_validate(HUB))


@pytest.mark.parametrize(
    ("entries", "message"),
    [
        ([NEWS, NEWS], "evaluate: tests has a name twice: news, news"),
        ([{**NEWS, "name": "test"}], "evaluate.tests.0.name is 'test': should be another name"),
        ([{**NEWS, "name": "News"}], "is 'News': should be up to 50 lower-case letters"),
        ([{**NEWS, "name": "../x"}], "is '../x': should be up to 50 lower-case letters"),
        ([{**NEWS, "name": ""}], "evaluate.tests.0.name is '': should be up to 50"),
        ([{**NEWS, "name": "a" * 51}], "should be up to 50 lower-case letters"),
        ([{**NEWS, "name": "news\n"}], "should be up to 50 lower-case letters"),
        (
            [{"name": "x", "archive": {**ARCHIVE, "test": {"source": "*.en"}}}],
            "evaluate.tests.0.archive.test: give it source and target, or documents",
        ),
        (
            [{"name": "x", "documents": {**DOCUMENTS, "test": []}}],
            "evaluate.tests.0.documents.test",
        ),
        ([{"name": "news"}], "evaluate.tests.0: news has no source: give it one of files, hub"),
        ([{**NEWS, "hub": HUB}], "evaluate.tests.0: news has files and hub: give it one of"),
        ([NEWS, {"files": FILES}], "evaluate.tests.1.name is missing: add it"),
        ([{"name": "x", "file": FILES}], "tests.0.file is not a setting: did you mean files?"),
        (
            [{"name": "x", "files": {**FILES, "reference": "b"}}],
            "tests.0.files.reference is not a setting: did you mean references?",
        ),
        (
            [{"name": "x", "files": {**FILES, "references": []}}],
            "evaluate.tests.0.files.references",
        ),
        ([{"name": "x", "hub": {**HUB, "split": None}}], "tests.0.hub.split is null: should be a"),
    ],
)
def test_a_wrong_entry_is_named_by_its_place_with_the_remedy(
    tmp_path: Path, entries: list[dict[str, Any]], message: str
) -> None:
    with pytest.raises(InputError) as error:
        load(tmp_path, entries)
    assert message in str(error.value)
    assert len(str(error.value).splitlines()) == 1
