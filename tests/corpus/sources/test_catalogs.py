from __future__ import annotations

import io
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from pydantic import ValidationError

from tests.conftest import Project
from tests.tiny_corpus import PATH, SPECIAL_MESSAGES, build_wheel, put_into_cache, tiny_settings
from tracelate.config import CatalogsConfig
from tracelate.corpus.pairs import Pair, pairs_of
from tracelate.corpus.sources.catalogs import CatalogSource
from tracelate.corpus.sources.formats.catalogs import find_catalogs
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


def test_catalogs_are_found_by_the_template_alone() -> None:
    names = ["a/en.json", "a/deep/en.json", "axen.json", "b/zh-Hans.json", "a/en.json.bak"]
    assert find_catalogs(names, "{group}/{language}.json") == {
        "en": {"a": "a/en.json"},
        "zh-Hans": {"b": "b/zh-Hans.json"},
    }


@pytest.mark.parametrize(
    ("template", "name"),
    [
        ("{language}/{group}.json", "es/a.json"),
        ("x/{language}/LC_MESSAGES/{group}_{language}.po", "x/es/LC_MESSAGES/a_es.po"),
        ("{group}/{language}-*.json", "a/es-0123abcd.json"),
        ("**/{group}/{language}.mo", "deep/er/a/es.mo"),
        ("**/{group}/{language}.mo", "a/es.mo"),
    ],
)
def test_a_template_has_its_parts_in_any_order(template: str, name: str) -> None:
    assert find_catalogs([name, "README"], template) == {"es": {"a": name}}


def test_one_file_a_language_needs_no_group() -> None:
    assert find_catalogs(["i18n/es.json"], "i18n/{language}.json") == {"es": {"": "i18n/es.json"}}


def test_a_name_without_a_language_is_that_of_the_first_language() -> None:
    names = ["res/values/strings.xml", "res/values-es/strings.xml"]
    found = find_catalogs(names, "res/values-{language}/strings.xml")
    assert found == {"": {"": names[0]}, "es": {"": names[1]}}


def test_two_files_of_one_language_and_group_are_refused() -> None:
    with pytest.raises(InputError, match="are of the same language and group"):
        find_catalogs(["a/es-1.json", "a/es-2.json"], "a/{language}-*.json")


@pytest.mark.parametrize("path", ["{group}.json", "{language}/{name}.json", "{language.json", "a"])
def test_a_template_with_other_parts_is_refused(path: str) -> None:
    values = {**config_for(b"").model_dump(), "path": path}
    with pytest.raises(ValidationError, match=r"should have \{language\}"):
        CatalogsConfig(**values)


def test_messages_are_paired_by_key_in_any_order(read: Callable[..., Corpus]) -> None:
    corpus = read(
        {
            PATH.format(group="lamp", language="en"): {"on": "On", "off": "Off", "new": "New"},
            PATH.format(group="lamp", language="es"): {"off": "Apagado", "on": "Encendido"},
            PATH.format(group="alone", language="en"): {"on": "On"},
        }
    )
    origin = PATH.format(group="lamp", language="es")
    assert list(pairs_of(corpus.splits["all"])) == [
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
    assert [pair.source for pair in pairs_of(corpus.splits["all"])] == ["kept"]


def test_the_tiny_corpus_keeps_accents_placeholders_emoji_and_line_breaks(project: Project) -> None:
    corpus = CatalogSource(config_for(project.wheel), "en", "es").read()
    sides = {(pair.source, pair.target) for pair in pairs_of(corpus.splits["all"])}
    assert set(SPECIAL_MESSAGES.values()) <= sides
    assert str(project.folder) not in str(corpus.provenance)


def test_an_unknown_language_is_refused_with_those_close_to_it(read: Callable[..., Corpus]) -> None:
    files = {PATH.format(group="a", language=name): {"k": name} for name in ("en", "es", "es-419")}
    with pytest.raises(InputError, match=r"language 'es-41': did you mean es-419\?"):
        read(files, "es-41")
    with pytest.raises(InputError, match=r"language 'zh': it has en es es-419"):
        read(files, "zh")


def test_a_language_may_be_written_in_another_form(read: Callable[..., Corpus]) -> None:
    files = {PATH.format(group="a", language=name): {"k": name} for name in ("en", "zh_Hans")}
    assert pairs_of(read(files, "zh-Hans").splits["all"])


def test_values_that_are_no_text_are_counted(read: Callable[..., Corpus]) -> None:
    files = {
        PATH.format(group="a", language=name): {"k": name, "l": "x", "n": 3, "days": ["Mo"]}
        for name in ("en", "es")
    }
    (remark,) = read(files).remarks
    place = PATH.format(group="a", language="es")
    assert (
        remark == f"tinycatalogs 1.0: 4 not read, since a value is no text (the first: {place}:n)"
    )


def test_catalogs_with_hardly_any_text_are_refused(read: Callable[..., Corpus]) -> None:
    files = {
        PATH.format(group="a", language=name): {"k": name, "n": list(range(3)), "m": 2, "o": 3}
        for name in ("en", "es")
    }
    with pytest.raises(InputError, match=r"of 8 values in the catalogs of .*, 6 are no text"):
        read(files)


JED = {
    "domain": "messages",
    "locale_data": {
        "messages": {
            "": {
                "domain": "messages",
                "lang": "es",
                "plural_forms": "nplurals=2; plural=(n != 1);",
            },
            "Open": ["Abrir"],
            "%d file": ["%d archivo", "%d archivos"],
            "Later": [""],
        }
    },
}
OLD_JED = {
    "locale_data": {
        "messages": {
            "": {"lang": "es"},
            "Open": [None, "Abrir"],
            "%d file": ["%d files", "%d archivo", "%d archivos"],
            "Later": [None],
        }
    }
}
FLAT = {
    "": {"language": "es", "plural_forms": "nplurals=2; plural=(n != 1);"},
    "menu\x04Open": ["Abrir"],
    "%d file": ["%d archivo", "%d archivos"],
    "Later": "",
}


@pytest.mark.parametrize("catalog", [JED, OLD_JED, FLAT], ids=["Jed", "Jed 0.5", "gettext in JSON"])
@pytest.mark.parametrize("has_english", [True, False])
def test_the_keys_of_gettext_in_json_are_the_english_texts(
    read: Callable[..., Corpus], catalog: dict[str, object], has_english: bool
) -> None:
    english = {"": {"language": "en"}, "Open": [""]} if has_english else {}
    files: dict[str, object] = {PATH.format(group="a", language="es"): catalog}
    if has_english:
        files[PATH.format(group="a", language="en")] = english
    corpus = read(files)
    assert [one[:3] for one in pairs_of(corpus.splits["all"])] == [
        ("Open", "Abrir", "a"),
        ("%d file", "%d archivo", "a"),
    ]
    assert [": 1 not read, since a text has no translation" in one for one in corpus.remarks] == [
        True
    ]


def test_a_language_that_has_no_catalog_is_refused_unless_it_is_english(
    read: Callable[..., Corpus], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    files: dict[str, object] = {PATH.format(group="a", language="es"): FLAT}
    read(files)
    wheel = build_wheel(files)
    with pytest.raises(InputError, match="has no catalogs in the language 'de'"):
        CatalogSource(config_for(wheel), "de", "es").read()


def test_catalogs_without_a_common_message_are_refused(read: Callable[..., Corpus]) -> None:
    files = {PATH.format(group="a", language=name): {name: name} for name in ("en", "es")}
    with pytest.raises(InputError, match="has no message in both 'en' and 'es'"):
        read(files)


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
    with pytest.raises(InputError, match=r"^tinycatalogs 1\.0: .*/es\.json is no valid JSON"):
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
