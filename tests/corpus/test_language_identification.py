from __future__ import annotations

import importlib.util
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from tests.corpus.test_cleaning import pair
from tests.corpus.test_preparing import config, text
from tracelate.corpus.cleaning import CleaningCounts, clean, context_of
from tracelate.corpus.language_identification import (
    is_identified,
    is_in_another_language,
    refuse_without_identification,
)
from tracelate.errors import InputError

ENGLISH = "The door of the kitchen is open again, and nobody knows why."
SPANISH = "La puerta de la cocina está otra vez abierta y nadie sabe por qué."
FRENCH = "La porte de la cuisine est encore ouverte, et personne ne sait pourquoi."


def found(texts: list[str], language: str, probability: float = 0.7) -> list[bool]:
    matches = is_in_another_language(pa.array(texts, pa.string()), language, probability)
    assert matches.dtype == np.bool_
    return [bool(one) for one in matches]


def test_pairs_with_a_side_in_another_language_are_dropped_and_counted() -> None:
    right = pair(ENGLISH, SPANISH)
    wrong = [pair(ENGLISH, FRENCH), pair(FRENCH, SPANISH)]
    settings = config(rules=["wrong_language"])
    counts = CleaningCounts()
    context = context_of(settings, [], ("en", "es"))
    assert list(clean([right, *wrong], settings, counts, context)) == [right]
    assert +counts.dropped == {"wrong_language": 2}


def test_without_codes_of_languages_nothing_is_dropped() -> None:
    settings = config(rules=["wrong_language"])
    assert len(list(clean([pair(ENGLISH, FRENCH)], settings, CleaningCounts()))) == 1


def test_texts_that_say_little_are_kept() -> None:
    texts = [
        "",
        " ",
        "OK",
        "Wi-Fi",
        "42",
        "🎉",
        "{device_name}",
        "https://example.com/la/porte",
        "\u0301",
    ]
    assert found(texts, "es") == [False] * len(texts)


def test_placeholders_do_not_count_as_text() -> None:
    assert found([f"<p class='the door of the kitchen is open'>{SPANISH}</p>"], "es") == [False]


@pytest.mark.parametrize("code", ["es", "es-MX", "es_ES", "spa"])
def test_a_code_of_any_form_names_its_language(code: str) -> None:
    assert found([SPANISH, FRENCH], code) == [False, True]


def test_close_languages_are_not_distinguished() -> None:
    bokmaal = "Jeg vet ikke hvorfor døren til kjøkkenet er åpen igjen i dag."
    assert found([bokmaal], "nn") == found([bokmaal], "nb") == found([bokmaal], "no") == [False]
    assert found([bokmaal], "de") == [True]
    assert found(["厨房的门又开了，没有人知道为什么。"], "zh-Hant") == [False]


def test_a_higher_probability_finds_less() -> None:
    texts = [FRENCH, "La porte", FRENCH[:24], ENGLISH]
    counts = [sum(found(texts, "es", probability)) for probability in (0.1, 0.7, 1)]
    assert counts == sorted(counts, reverse=True) and counts[0] == 4 and counts[-1] == 0


def test_an_unknown_language_is_left_alone_and_two_of_them_are_refused() -> None:
    assert not is_identified("ain")
    assert found([ENGLISH], "ain") == [False]
    refuse_without_identification(["en", "ain"])
    with pytest.raises(InputError, match="ain and tlh are not among the languages that py3langid"):
        refuse_without_identification(["ain", "tlh"])


def test_a_missing_library_is_named_with_its_extra(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    usual = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name: None if name == "py3langid" else usual(name)
    )
    with pytest.raises(
        InputError, match=r"pip install 'tracelate\[langid\]', or take the rule out"
    ):
        context_of(config(rules=["wrong_language"]), [], ("en", "es"))
    context_of(config(rules=["wrong_script"]), [], ("en", "es"))


def test_made_text_of_the_right_languages_is_kept() -> None:
    settings = config(rules=["wrong_language"])
    raw = text(groups=20)
    counts = CleaningCounts()
    kept = list(clean(raw, settings, counts, context_of(settings, [], ("en", "es"))))
    assert len(kept) == len(raw)
