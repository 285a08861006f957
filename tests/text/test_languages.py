"""Codes of languages in the usual forms, and the script of a language."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.test_config import changed, load
from tracelate.errors import InputError
from tracelate.evaluation.saved_params import SavedDownload
from tracelate.text.languages import (
    UnknownLanguageError,
    normal_form,
    script_of,
    shown_code,
    shown_pair,
)

HOME_ASSISTANT = """
af ar bg bn bs ca cs cy da de el en en-GB eo es es-419 et eu fa fi fr fy ga gl gsw he hi hr hu hy id
is it ja ka ko lb lt lv mk ml nb nl nn pl pt pt-BR ro ru sk sl sq sr sr-Latn sv ta te th tr uk ur vi
zh-Hans zh-Hant
"""


@pytest.mark.parametrize(
    ("code", "normal"),
    [
        ("zh_CN", "zh-CN"),
        ("zh_CN.UTF-8", "zh-CN"),
        ("zh-rCN", "zh-CN"),
        ("zho_Hans", "zh-Hans"),
        ("cmn", "zh"),
        ("cmn-Hant", "zh-Hant"),
        ("zho", "zh"),
        ("chi", "zh"),
        ("pt_BR", "pt-BR"),
        ("PT-br", "pt-BR"),
        ("sr@latin", "sr-Latn"),
        ("sr_RS@latin", "sr-Latn-RS"),
        ("uz@cyrillic", "uz-Cyrl"),
        ("ca@valencia", "ca-valencia"),
        ("de_DE@euro", "de-DE"),
        ("sh", "sr-Latn"),
        ("iw", "he"),
        ("in", "id"),
        ("ger", "de"),
        ("eng_Latn", "en"),
        ("arb", "ar"),
        ("yue", "yue"),
        ("qaa", "qaa"),
        *((code, code) for code in HOME_ASSISTANT.split()),
        *((code, code) for code in ("no", "nb", "nn", "en-US", "fil")),
    ],
)
def test_the_usual_forms_have_one_normal_form(code: str, normal: str) -> None:
    assert normal_form(code) == normal
    assert normal_form(normal) == normal


@pytest.mark.parametrize(
    ("code", "right"),
    [
        ("english", "en"),
        ("Spanish", "es"),
        ("english language", "en"),
        ("greek", "el"),
        ("cn", "zh"),
        ("jp", "ja"),
        ("cz", "cs"),
        ("de@unknown", "de"),
        ("zh-", "zh"),
    ],
)
def test_an_unknown_code_is_refused_with_the_right_one(code: str, right: str) -> None:
    with pytest.raises(UnknownLanguageError, match=rf"did you mean {right}\?"):
        normal_form(code)


@pytest.mark.parametrize(
    "code", ["xx", "zz", "", "a", "12", "e\u0301n", "en\n", "en/../x", "../en"]
)
def test_what_names_no_language_is_refused(code: str) -> None:
    with pytest.raises(UnknownLanguageError, match="should be the code of a language"):
        normal_form(code)
    assert shown_code(code) == code


def test_settings_keep_the_code_as_the_corpus_writes_it(tmp_path: Path) -> None:
    load(tmp_path, changed("target_language", "zh_CN"))
    for code in ("xx", "english"):
        with pytest.raises(InputError, match=f"target_language is '{code}': should be the code"):
            load(tmp_path, changed("target_language", code))
    # a model of an older version may have any code
    saved = SavedDownload.model_validate({"source_language": "xx", "target_language": "zz-1"})
    assert saved.target_language == "zz-1"


def test_what_is_shown_has_the_normal_form() -> None:
    assert shown_pair("en_US", "cmn") == "en-US-zh"
    assert shown_pair("xx", "es") == "xx-es"


@pytest.mark.parametrize(
    ("code", "script"),
    [
        ("zh", "Hans"),
        ("zh_TW", "Hant"),
        ("yue", "Hant"),
        ("ja", "Jpan"),
        ("ko", "Kore"),
        ("th", "Thai"),
        ("sr", "Cyrl"),
        ("sr@latin", "Latn"),
        ("zh-Latn", "Latn"),
        ("xx", "Zyyy"),
    ],
)
def test_a_language_has_its_own_or_its_likely_script(code: str, script: str) -> None:
    assert script_of(code) == script
