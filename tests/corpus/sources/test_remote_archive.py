"""A corpus in an archive at an address, from the download to its pairs."""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from hashlib import sha256
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from tests.corpus.sources.document_samples import PO, TMX, TMX_PAIRS
from tests.corpus.sources.file_server import FileServer, Request, file_server, head, send
from tests.corpus.sources.test_members import tar_of, zip_of
from tracelate.config import ArchiveConfig
from tracelate.corpus.pairs import pairs_of
from tracelate.corpus.sources import http_download
from tracelate.corpus.sources.remote_archive import ArchiveSource, cached_archive
from tracelate.corpus.sources.source import Corpus
from tracelate.errors import InputError

MOSES = zip_of(
    {
        "README": b"read me\n",
        "Tatoeba.en-es.en": b"a dog\na cat\n",
        "Tatoeba.en-es.es": b"un perro\nun gato\n",
        "Tatoeba.en-es.ids": b"1\n2\n",
    }
)
LINES = {"source": "*.en", "target": "*.es"}


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[FileServer]:
    monkeypatch.setattr(http_download, "BACKOFF_S", 0.0)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setenv("TRACELATE_CACHE", str(tmp_path))
    with file_server() as served:
        yield served


def config(address: str, content: bytes | None, **more: Any) -> ArchiveConfig:
    """Settings of an archive with that content; None leaves its hash out."""
    settings = {
        "address": address,
        "sha256": None if content is None else sha256(content).hexdigest(),
        "max_megabytes": 1,
        "train": LINES,
        "valid": None,
        "test": None,
        "columns": {"source": None, "target": None},
        "licence": "CC-BY-2.0-FR",
    }
    return ArchiveConfig.model_validate({**settings, **more})


def read(server: FileServer, content: bytes, name: str = "en-es.txt.zip", **more: Any) -> Corpus:
    server.answer = send(content)
    return ArchiveSource(config(f"{server.address}/v1/{name}", content, **more), "en", "es").read()


def sides(corpus: Corpus, split: str = "all") -> list[tuple[str, str]]:
    return [(one.source, one.target) for one in pairs_of(corpus.splits[split])]


def refusal(settings: ArchiveConfig) -> str:
    with pytest.raises(InputError) as caught:
        ArchiveSource(settings, "en", "es").read()
    [line] = str(caught.value).splitlines()
    return line


def in_cache(folder: Path) -> list[str]:
    return sorted(one.name for one in folder.rglob("*") if one.is_file())


def test_a_moses_zip_of_opus_is_read_line_by_line(server: FileServer, tmp_path: Path) -> None:
    corpus = read(server, MOSES)
    pairs = list(pairs_of(corpus.splits["all"]))
    assert [(one.source, one.target) for one in pairs] == [
        ("a dog", "un perro"),
        ("a cat", "un gato"),
    ]
    assert pairs[1].origin == "Tatoeba.en-es.en:2" and pairs[1].group == "a cat"
    provenance = corpus.provenance
    assert provenance.title == "127.0.0.1/v1/en-es.txt.zip"
    assert list(provenance.hashes) == [sha256(MOSES).hexdigest()]
    assert provenance.model_dump() == {
        "corpus": "archive",
        "address": f"{server.address}/v1/en-es.txt.zip",
        "sha256": sha256(MOSES).hexdigest(),
        "members": {"all": ["Tatoeba.en-es.en", "Tatoeba.en-es.es"]},
        "licence": "CC-BY-2.0-FR",
        "source_language": "en",
        "target_language": "es",
        "pairs": {"all": 2},
    }
    assert in_cache(tmp_path) == [sha256(MOSES).hexdigest()]


def test_a_file_in_the_cache_is_checked_and_not_fetched_again(server: FileServer) -> None:
    read(server, MOSES)
    read(server, MOSES)
    assert len(server.requests) == 1
    cached_archive(sha256(MOSES).hexdigest()).write_bytes(b"damaged")
    assert len(sides(read(server, MOSES))) == 2
    assert len(server.requests) == 2


def test_a_tar_has_splits_that_may_be_packed(server: FileServer) -> None:
    content = gzip.compress(
        tar_of(
            {
                "data/train.src.gz": gzip.compress(b"a dog\n"),
                "data/train.trg.gz": gzip.compress(b"un perro\n"),
                "data/dev.src": b"a cat\n",
                "data/dev.trg": b"un gato\n",
                "data/test.tsv": b"en\tes\na bird\tun ave\n",
            }
        )
    )
    corpus = read(
        server,
        content,
        "eng-spa.tar.gz",
        train={"source": "**/train.src*", "target": "**/train.trg*"},
        valid={"source": "data/dev.src", "target": "data/dev.trg"},
        test={"documents": ["**/*.tsv"]},
    )
    assert {split: sides(corpus, split) for split in corpus.splits} == {
        "train": [("a dog", "un perro")],
        "valid": [("a cat", "un gato")],
        "test": [("a bird", "un ave")],
    }
    [pair] = pairs_of(corpus.splits["test"])
    assert pair.origin == "data/test.tsv:2"


def test_one_packed_file_is_a_document(server: FileServer) -> None:
    content = gzip.compress(b"en\tes\na dog\tun perro\n")
    assert sides(read(server, content, "x.tsv.gz", train={"documents": ["*"]})) == [
        ("a dog", "un perro")
    ]
    content = gzip.compress(TMX.encode())
    assert sides(read(server, content, "x%20y.tmx.gz", train={"documents": ["*"]})) == TMX_PAIRS


def test_catalogs_of_a_source_archive_are_paired_by_language(server: FileServer) -> None:
    content = tar_of({"app-1.0/po/es.po": PO.encode(), "app-1.0/po/de.po": b"\n"})
    corpus = read(server, content, "app-1.0.tar", train={"documents": ["**/{language}.po"]})
    assert sides(corpus)
    assert corpus.remarks and corpus.remarks[0].startswith("download.archive: ")


def test_without_a_hash_the_file_is_kept_and_refused_with_the_hash_to_set(
    server: FileServer, tmp_path: Path
) -> None:
    server.answer = send(MOSES)
    settings = config(f"{server.address}/a.zip", None)
    found = sha256(MOSES).hexdigest()
    line = refusal(settings)
    assert f"download.archive.sha256 is null, and {settings.address} has the sha256 {found}" in line
    assert "set it if you trust that address" in line
    ArchiveSource(settings.model_copy(update={"sha256": found}), "en", "es").read()
    assert len(server.requests) == 1
    assert in_cache(tmp_path) == [found]


def test_another_file_than_that_of_the_hash_is_refused_and_not_opened(
    server: FileServer, tmp_path: Path
) -> None:
    server.answer = send(b"another file")
    line = refusal(config(f"{server.address}/a.zip", MOSES))
    assert f"has the sha256 {sha256(b'another file').hexdigest()}, not" in line
    assert "as in download.archive.sha256: the server sends another file" in line
    assert in_cache(tmp_path) == []


def test_parts_of_two_states_that_were_joined_are_fetched_again(server: FileServer) -> None:
    """The server names no state of its file, which changes while it is fetched."""

    def answer(handler: BaseHTTPRequestHandler, request: Request, number: int) -> None:
        if number == 0:
            head(handler, 200, Content_Length=len(MOSES))
            handler.wfile.write(bytes(10))
        elif request.begin:
            last = len(MOSES) - 1
            rest = MOSES[request.begin :]
            place = f"bytes {request.begin}-{last}/{len(MOSES)}"
            head(handler, 206, Content_Range=place, Content_Length=len(rest))
            handler.wfile.write(rest)
        else:
            head(handler, 200, Content_Length=len(MOSES))
            handler.wfile.write(MOSES)

    server.answer = answer
    corpus = ArchiveSource(config(f"{server.address}/a.zip", MOSES), "en", "es").read()
    assert len(sides(corpus)) == 2
    assert [request.begin for request in server.requests] == [0, 10, 0]


def test_what_cannot_be_fetched_is_refused_with_the_place_for_the_file(
    server: FileServer, tmp_path: Path
) -> None:
    server.answer = lambda handler, request, number: head(handler, 404, Content_Length=0)
    line = refusal(config(f"{server.address}/a.zip", MOSES))
    assert "the server answers 404 Not Found" in line
    place = cached_archive(sha256(MOSES).hexdigest())
    assert line.endswith(f"without a network, put the file at {place}")
    place.write_bytes(MOSES)
    ArchiveSource(config(f"{server.address}/a.zip", MOSES), "en", "es").read()


def test_an_error_in_a_member_names_the_member_and_not_where_it_was_unpacked(
    server: FileServer, tmp_path: Path
) -> None:
    for content, reason in (
        (zip_of({"a.en": b"a\n\xff\n", "a.es": b"a\nb\n"}), "a.en, line 2, is not UTF-8"),
        (zip_of({"a.en": b"a\n", "a.es": b"a\nb\n"}), "a.en has 1 lines and a.es 2"),
        (
            zip_of({"a.en": b"", "b.en": b"", "a.es": b""}),
            "the members 'a.en', 'b.en' fit the pattern '*.en' of source",
        ),
    ):
        server.answer = send(content)
        line = refusal(config(f"{server.address}/a.zip", content))
        assert line.startswith(f"{server.address}/a.zip (download.archive): {reason}")
        assert str(tmp_path) not in line
        assert in_cache(tmp_path)[-1:] != ["a.en"]


@pytest.mark.parametrize(
    ("setting", "value", "reason"),
    [
        ("address", "file:///etc/passwd", "should be an http(s) address"),
        ("address", "ftp://host/a", "should be an http(s) address"),
        ("address", "https:///a", "should be an http(s) address"),
        ("address", "https://host/a b", "should be an http(s) address"),
        ("address", "https://host/á", "should be an http(s) address"),
        ("address", "http://[::1", "should be an http(s) address"),
        ("address", "http://h:99999/a", "should be an http(s) address"),
        ("address", "https://user:password@host/a", "put them into ~/.netrc"),
        ("sha256", "abc", "should match pattern"),
        ("max_megabytes", 0, "greater than or equal to 1"),
        ("train", {}, "give it source and target, or documents"),
        ("train", {"source": "a"}, "give it source and target, or documents"),
        ("train", {"target": "a", "documents": ["b"]}, "give it source and target, or documents"),
        ("train", {**LINES, "documents": ["b"]}, "give it source and target, or documents"),
    ],
)
def test_wrong_settings_are_refused(setting: str, value: object, reason: str) -> None:
    valid = config("https://host/a", MOSES).model_dump()
    with pytest.raises(ValidationError) as caught:
        ArchiveConfig.model_validate({**valid, setting: value})
    assert reason in str(caught.value)
