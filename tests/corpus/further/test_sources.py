"""Reading of further test sets from each kind of source."""

from __future__ import annotations

import json
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from tests.corpus.sources.document_samples import TMX, TMX_PAIRS
from tests.corpus.sources.file_server import file_server, send
from tests.corpus.sources.test_hub import Rows, write_dataset
from tests.corpus.sources.test_members import zip_of
from tests.tiny_corpus import build_wheel, put_into_cache, tiny_settings
from tracelate.config import FurtherTestConfig
from tracelate.corpus.further.preparing import prepare_set
from tracelate.corpus.further.report import FoundSetForm
from tracelate.corpus.further.sources import (
    changed_inputs,
    find_set,
    outside_corpora,
)
from tracelate.corpus.pairs import Pair
from tracelate.errors import InputError

LANGUAGES = ("en", "es")
TRAIN = [Pair("a dog runs in the garden", "un perro corre", "g", "o")]


@pytest.fixture
def corpora(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of the user's files in a project, which is the current folder."""
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / "corpora"
    folder.mkdir()
    return folder


def entry(**values: Any) -> FurtherTestConfig:
    return FurtherTestConfig.model_validate({"name": "news", **values})


def files(source: str = "corpora/a.en", *references: str) -> FurtherTestConfig:
    named = list(references) or ["corpora/a.es"]
    return entry(files={"source": source, "references": named, "licence": "CC0-1.0"})


def hub(name: str = "corpora/set", split: str = "test") -> FurtherTestConfig:
    settings = {"name": name, "revision": "main", "licence": "CC0-1.0", "split": split}
    return entry(hub=settings)


def write(folder: Path, **texts: str) -> None:
    for name, text in texts.items():
        (folder / name.replace("_", ".")).write_text(text, encoding="utf-8")


def test_files_are_read_with_all_references_as_they_are(corpora: Path) -> None:
    write(corpora, a_en=" a  dog\na cat\n", a_es="un perro\nun gato\n", b_es="un can\n\n")
    further, provenance, _ = find_set(
        files("corpora/a.en", "corpora/a.es", "corpora/b.es"), LANGUAGES
    )
    assert [pair.source for pair in further.pairs] == [" a  dog", "a cat"]
    assert further.references == [("un perro", "un can"), ("un gato", "")]
    assert [pair.origin for pair in further.pairs] == ["a.en:1", "a.en:2"]
    assert len(provenance.hashes) == 3
    assert str(corpora) not in provenance.model_dump_json()


def test_a_named_split_of_a_folder_is_read_and_no_train_is_needed(corpora: Path) -> None:
    rows: Rows = [{"en": "a dog", "es": "un perro"}, {"en": "a cat", "es": None}]
    write_dataset(corpora / "set", test=rows)
    found = find_set(hub(), LANGUAGES)
    assert [pair.target for pair in found.further.pairs] == ["un perro", ""]
    prepared = prepare_set(hub(), found.further, TRAIN, prepare_config(), LANGUAGES)
    assert (len(prepared.further.pairs), prepared.dropped) == (1, {"empty": 1})
    with pytest.raises(InputError, match=r"'news'.* the splits test and no dev: change evaluate"):
        find_set(hub(split="dev"), LANGUAGES)


def documents(*paths: str, **more: Any) -> FurtherTestConfig:
    return entry(documents={"test": list(paths), "licence": "CC0-1.0", **more})


def test_documents_are_read_as_they_are_and_remarks_say_what_is_not(corpora: Path) -> None:
    write(corpora, a_tmx=TMX, b_tsv="7\ta  dog\tun perro\n8\t\tun gato\n")
    found = find_set(documents("corpora/*.tmx"), LANGUAGES)
    assert [(pair.source, pair.target) for pair in found.further.pairs] == TMX_PAIRS
    assert found.remarks
    table = documents("corpora/b.tsv", columns={"source": 2, "target": 3})
    prepared = prepare_set(
        table, find_set(table, LANGUAGES).further, TRAIN, prepare_config(), LANGUAGES
    )
    assert [pair.source for pair in prepared.further.pairs] == ["a  dog"]
    assert prepared.dropped == {"empty": 1}
    assert list(outside_corpora(documents("corpora/a.tmx", "b.tmx"))) == ["b.tmx"]


def test_an_archive_is_read_as_that_of_a_corpus(
    corpora: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TRACELATE_CACHE", str(corpora / "cache"))
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    content = zip_of({"dev.en": b"no\n", "test.en": b"a dog\n", "test.es": b"un perro\n"})
    with file_server() as server:
        server.answer = send(content)
        settings = {
            "address": f"{server.address}/sets.zip",
            "sha256": None,
            "max_megabytes": 1,
            "test": {"source": "test.en", "target": "test.es"},
            "licence": "CC0-1.0",
        }
        with pytest.raises(InputError, match=r"'news': evaluate\.tests\.news\.archive\.sha256 is"):
            find_set(entry(archive=settings), LANGUAGES)
        config = entry(archive={**settings, "sha256": sha256(content).hexdigest()})
        found = find_set(config, LANGUAGES)
    assert [pair[:2] for pair in found.further.pairs] == [("a dog", "un perro")]
    form = FoundSetForm(sha256=found.further.sha256, provenance=found.provenance)
    again = FoundSetForm.model_validate_json(form.model_dump_json())
    assert again.provenance == found.provenance
    assert list(changed_inputs(config, again.provenance)) == []
    assert list(outside_corpora(config)) == []


def prepare_config() -> Any:
    from tests.tiny_corpus import PROJECT
    from tracelate.config import load_params

    return load_params(PROJECT / "params.yaml").prepare


def catalogs(*, drop_trained: bool) -> FurtherTestConfig:
    settings = tiny_settings(build_wheel())
    named = {key: settings[f"download.catalogs.{key}"] for key in ("package", "version", "sha256")}
    rest = {"path": settings["download.catalogs.path"], "python_version": "3.13.2"}
    section = {**named, **rest, "licence": "Apache-2.0", "drop_trained": drop_trained}
    return entry(catalogs=section)


def test_catalogs_are_cleaned_as_the_corpus_is_and_what_was_trained_on_is_left_out(
    corpora: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TRACELATE_CACHE", str(corpora / "cache"))
    put_into_cache(build_wheel())
    found = find_set(catalogs(drop_trained=True), LANGUAGES)
    train = [pair for pair in found.further.pairs if pair.source.startswith("Always")]
    kept = prepare_set(
        catalogs(drop_trained=True), found.further, train, prepare_config(), LANGUAGES
    )
    assert kept.dropped["source_in_train"] > 0 < kept.dropped["untranslated"]
    assert kept.leakage.exact_source == 0
    whole = prepare_set(
        catalogs(drop_trained=False), found.further, train, prepare_config(), LANGUAGES
    )
    assert whole.leakage.exact_source == kept.dropped["source_in_train"]
    with pytest.raises(InputError, match=r"'news' has no sentence left of 663: .*source_in_train"):
        prepare_set(
            catalogs(drop_trained=True),
            found.further,
            found.further.pairs,
            prepare_config(),
            LANGUAGES,
        )


def test_leakage_is_found_exactly_and_nearly_in_normalised_text(corpora: Path) -> None:
    write(
        corpora,
        a_en="a dog\xa0runs in the garden\nA dog runs in the garden!\nno\n",
        a_es="1\n2\n3\n",
    )
    found = find_set(files(), LANGUAGES)
    prepared = prepare_set(files(), found.further, TRAIN, prepare_config(), LANGUAGES)
    assert (prepared.leakage.exact_source, prepared.leakage.near_source) == (1, 2)
    assert prepared.further == found.further


@pytest.mark.parametrize(
    ("config", "message"),
    [
        (files("corpora/no.en"), "the test set 'news': corpora/no.en is not a regular file"),
        (files("corpora/a.en", "corpora/a.en"), "are the same file"),
        (files("corpora/a.en", "corpora/long.es"), "1 lines, corpora/long.es has 2 lines"),
        (hub("no such name"), "evaluate.tests.news.hub.name 'no such name' is neither a folder"),
    ],
)
def test_a_set_that_cannot_be_read_is_named(
    corpora: Path, config: FurtherTestConfig, message: str
) -> None:
    write(corpora, a_en="a\n", a_es="b\n", long_es="b\nc\n")
    with pytest.raises(InputError) as error:
        find_set(config, LANGUAGES)
    assert message in str(error.value)


def test_a_changed_file_is_found_and_a_missing_one_is_not(corpora: Path) -> None:
    write(corpora, a_en="a\n", a_es="b\n")
    write_dataset(corpora / "set", test=[{"en": "a", "es": "b"}])
    write(corpora, a_tsv="en\tes\na\tb\n")
    changes = {
        "files": corpora / "a.es",
        "hub": corpora / "set/test.jsonl",
        "documents": corpora / "a.tsv",
    }
    for config in (files(), hub(), documents("corpora/a.tsv")):
        found = find_set(config, LANGUAGES)
        form = FoundSetForm(sha256=found.further.sha256, provenance=found.provenance)
        again = FoundSetForm.model_validate_json(form.model_dump_json())
        assert again.provenance == found.provenance
        assert list(changed_inputs(config, again.provenance)) == []
        path = changes[config.kind]
        path.write_text(json.dumps({"en": "a", "es": "c"}), encoding="utf-8")
        [changed] = changed_inputs(config, again.provenance)
        assert changed.name == path.relative_to(corpora.parent).as_posix()
        path.unlink()
        assert list(changed_inputs(config, again.provenance)) == []


def test_files_outside_of_corpora_are_listed(corpora: Path, tmp_path: Path) -> None:
    write(tmp_path, b_es="b\n")
    (corpora / "link.en").symlink_to(tmp_path / "b.es")
    config = files("corpora/link.en", "b.es", str(corpora / "a.es"), "corpora/../b.es")
    assert list(outside_corpora(config)) == ["b.es", "corpora/../b.es"]
    (tmp_path / "set").mkdir()
    assert list(outside_corpora(hub("set"))) == ["set"]
    assert list(outside_corpora(hub("owner/set"))) == []
