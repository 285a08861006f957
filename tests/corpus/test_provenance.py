from __future__ import annotations

import json
from pathlib import Path

import pytest
from pydantic import ValidationError

from tracelate.corpus.provenance import Provenance
from tracelate.corpus.sources.catalogs import CatalogProvenance
from tracelate.corpus.sources.documents import DocumentProvenance
from tracelate.corpus.sources.hub import HubProvenance
from tracelate.corpus.sources.line_files import FileProvenance
from tracelate.corpus.sources.remote_archive import ArchiveProvenance
from tracelate.errors import InputError

SHARED = {"licence": "CC0-1.0", "source_language": "en", "target_language": "es"}
PAIRS = {"pairs": {"all": 3}}
A, B = "a" * 64, "b" * 64
CATALOGS: dict[str, object] = {
    "corpus": "catalogs",
    "package": "messages",
    "version": "1.0",
    "sha256": A,
    "path": "{group}/{language}.json",
}
HUB: dict[str, object] = {
    "corpus": "hub",
    "name": "owner/name",
    "revision": "main",
    "commit": "0123456",
    "sha256_of_pairs": {"train": A, "test": B},
}
SIDES = {"source": {"name": "a.en", "sha256": A}, "target": {"name": "a.es", "sha256": B}}
FILES: dict[str, object] = {"corpus": "files", "files": {"all": SIDES}}
DOCUMENTS: dict[str, object] = {
    "corpus": "documents",
    "files": {"all": [{"name": "corpora/a.tmx", "sha256": A}, {"name": "b.po", "sha256": B}]},
}
ARCHIVE: dict[str, object] = {
    "corpus": "archive",
    "address": "https://example.org/v1/en-es.zip?download=1",
    "sha256": A,
    "members": {"all": ["a.en", "a.es"]},
}
KINDS: list[tuple[type[Provenance], dict[str, object]]] = [
    (CatalogProvenance, CATALOGS),
    (HubProvenance, HUB),
    (FileProvenance, FILES),
    (DocumentProvenance, DOCUMENTS),
    (ArchiveProvenance, ARCHIVE),
]


@pytest.mark.parametrize(("kind", "own"), KINDS)
def test_a_provenance_is_written_in_the_order_that_files_have(
    kind: type[Provenance], own: dict[str, object]
) -> None:
    document = {**own, **SHARED, **PAIRS}
    mixed = dict(reversed(document.items()))
    written = kind.model_validate(mixed).model_dump(mode="json")
    assert json.dumps(written) == json.dumps(document)


@pytest.mark.parametrize(
    ("kind", "own", "title", "description", "hashes"),
    [
        (CatalogProvenance, CATALOGS, "messages 1.0", "messages 1.0 (catalogs)", [A]),
        (
            HubProvenance,
            HUB,
            "owner/name main",
            "owner/name main (hub), commit 0123456",
            [A, B],
        ),
        (
            HubProvenance,
            {**HUB, "revision": None, "commit": None},
            "owner/name",
            "owner/name (hub)",
            [A, B],
        ),
        (FileProvenance, FILES, "local files", "local files (files)", [A, B]),
        (
            DocumentProvenance,
            DOCUMENTS,
            "local documents",
            "local documents (documents)",
            [A, B],
        ),
        (
            ArchiveProvenance,
            ARCHIVE,
            "example.org/v1/en-es.zip",
            "example.org/v1/en-es.zip (archive)",
            [A],
        ),
    ],
)
def test_readers_know_a_corpus_by_title_description_and_hashes(
    kind: type[Provenance],
    own: dict[str, object],
    title: str,
    description: str,
    hashes: list[str],
) -> None:
    provenance = kind.model_validate({**own, **SHARED, **PAIRS})
    assert (provenance.title, provenance.description) == (title, description)
    assert list(provenance.hashes) == hashes


def test_files_of_a_split_that_the_settings_lack_are_an_error() -> None:
    provenance = FileProvenance.model_validate({**FILES, **SHARED, **PAIRS})
    named = {"train": {"source": "a.en", "target": "a.es"}, "valid": None}
    files = provenance.files_on_disk(named, Path("root"))
    assert [(one.name, one.path, one.sha256) for one in files] == [
        ("a.en", Path("root/a.en"), A),
        ("a.es", Path("root/a.es"), B),
    ]
    other = FileProvenance.model_validate({**FILES, **SHARED, **PAIRS, "files": {"valid": SIDES}})
    with pytest.raises(InputError, match=r"split 'valid', and its settings .* name none"):
        other.files_on_disk(named, Path("root"))


def test_keys_of_a_newer_version_are_kept_and_wrong_values_are_not() -> None:
    document = {**CATALOGS, **SHARED, **PAIRS}
    newer = CatalogProvenance.model_validate({**document, "mirror": "https://example.org"})
    assert newer.model_dump()["mirror"] == "https://example.org"
    for name, value in (("sha256", "abc"), ("pairs", {"all": -1}), ("licence", None)):
        with pytest.raises(ValidationError):
            CatalogProvenance.model_validate({**document, name: value})
