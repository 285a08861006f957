"""Identification of the language of a text by py3langid, which the extra `langid` installs.

It is a naive Bayes classifier over sequences of bytes (Lui and Baldwin 2012) of 140 languages; the
model is in the package. Of short texts it is less confident than of long ones.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Collection
from functools import cache
from typing import Any

import langcodes
import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from tracelate.errors import InputError
from tracelate.text.languages import UnknownLanguageError, normal_form
from tracelate.text.placeholders import without_placeholders

NO_LANGUAGE = "zxx"
"""Label of texts without words."""
CLOSE = 20
"""Largest distance of close languages in the language matching of CLDR (UTS 35): it is 20 from
Bokmål to Nynorsk, 14 from Indonesian to Malay and 12 from Danish to Norwegian, but 24 from Czech to
Slovak and 80 where no closeness is listed."""


def refuse_without_identification(languages: Collection[str]) -> None:
    """Raises InputError if py3langid is not installed, or knows none of the languages."""
    if importlib.util.find_spec("py3langid") is None:
        raise InputError(
            "prepare.rules has wrong_language, which needs py3langid: run pip install "
            "'tracelate[langid]', or take the rule out"
        )
    if languages and not any(map(is_identified, languages)):
        raise InputError(
            f"prepare.rules has wrong_language, and {' and '.join(languages)} are not among the "
            "languages that py3langid knows: take the rule out"
        )


@cache
def is_identified(language: str) -> bool:
    """Returns True for the code of a language that texts can be identified as."""
    return _macrolanguage(language) in set(map(_macrolanguage, _identifier().labels))


def is_in_another_language(
    texts: pa.StringArray, language: str, confidence: float
) -> NDArray[np.bool_]:
    """Returns True for each text that is identified as another language, with a probability of at
    least `confidence`.

    Close languages (see CLOSE) are not distinguished. Placeholders are left out. If the language is
    not known to the identifier, no text is in another one.
    """
    found = np.zeros(len(texts), bool)
    if not is_identified(language):
        return found
    identify = _identifier().classify
    for place, text in enumerate(texts.to_pylist()):
        label, probability = identify(without_placeholders(text))
        found[place] = (
            probability >= confidence and label != NO_LANGUAGE and not _is_close(label, language)
        )
    return found


@cache
def _is_close(label: str, language: str) -> bool:
    first, second = _macrolanguage(label), _macrolanguage(language)
    distances = langcodes.tag_distance(first, second), langcodes.tag_distance(second, first)
    return min(distances) <= CLOSE


@cache
def _identifier() -> Any:
    from py3langid.langid import MODEL_FILE, LanguageIdentifier

    return LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)


@cache
def _macrolanguage(code: str) -> str:
    """Returns the language of a code, or the macrolanguage that it belongs to (ISO 639-3)."""
    try:
        language = langcodes.get(normal_form(code)).language or code
    except UnknownLanguageError:
        return code
    return langcodes.standardize_tag(language, macro=True)
