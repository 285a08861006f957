"""Codes of languages: their normal form (BCP 47) and the script that a language is written in.

The usual forms are understood: BCP 47 (`pt-BR`, `zh-Hans`), ISO 639-2 and 639-3 (`cmn`, `zho`,
`ger`), codes that were replaced (`iw`), and those of POSIX (`zh_CN.UTF-8`, `sr@latin`), Android
(`pt-rBR`) and FLORES (`zho_Hans`). `langcodes` reads them, with the registry of IANA.
"""

from __future__ import annotations

import re
from functools import cache

MAX_CODE_LENGTH = 35
"""Most characters of a code, as RFC 5646, section 4.4.1, advises."""
EXAMPLES = "such as de, pt-BR or zh-Hans"
MODIFIERS = {
    "latin": "Latn",
    "cyrillic": "Cyrl",
    "devanagari": "Deva",
    "iqtelif": "Latn",
    "valencia": "valencia",
    "euro": "",
}
"""From a modifier of a POSIX locale (after `@`) to the subtag that it means."""
FORM = re.compile(r"[A-Za-z]+(?:[-_][A-Za-z0-9]+)*(?:\.[A-Za-z0-9-]+)?(?:@[A-Za-z0-9]+)?")
"""Characters of a code, with a locale's encoding and modifier."""
COUNTRIES = {"cn": "zh", "jp": "ja", "cz": "cs", "dk": "da", "gr": "el", "ua": "uk"}
"""From codes of countries that are no codes of languages to the language that is meant."""


class UnknownLanguageError(ValueError):
    """A code that names no language; the message continues "CODE ..."."""


@cache
def normal_form(code: str) -> str:
    """Returns the code in the normal form of BCP 47: `zh-CN` for `zh_CN`, `zh` for `cmn`.

    Raises UnknownLanguageError, with the right code where it can be guessed.
    """
    import langcodes

    if len(code) > MAX_CODE_LENGTH:
        raise UnknownLanguageError(f"should have at most {MAX_CODE_LENGTH} characters")
    tag = _tag(code)
    try:
        known = langcodes.tag_is_valid(tag)
        normal = langcodes.standardize_tag(tag)
    except ValueError:
        known = False
    if not known:
        raise UnknownLanguageError(f"should be the code of a language, {_advice(code)}")
    # `cmn` is what `zh` means; `langcodes` replaces only codes of macrolanguages' main languages
    main = langcodes.standardize_tag(langcodes.get(normal).language or normal, macro=True)
    return re.sub(r"^[a-z]{2,3}(?=-|$)", main, normal) if len(main) == 2 else normal


def shown_code(code: str) -> str:
    """Returns the normal form, or the code itself if it is unknown: of files of older versions."""
    try:
        return normal_form(code)
    except UnknownLanguageError:
        return code


def shown_direction(source: str, target: str) -> str:
    """Returns the codes of two languages in their normal forms, such as `en to es`."""
    return f"{shown_code(source)} to {shown_code(target)}"


def shown_pair(source: str, target: str) -> str:
    """Returns the codes of two languages in their normal forms, such as `en-es`."""
    return f"{shown_code(source)}-{shown_code(target)}"


@cache
def script_of(code: str) -> str:
    """Returns the script (ISO 15924) of the language, such as `Hans`: its own, or the likely one.

    It is `Zyyy` (undetermined) for an unknown language.
    """
    import langcodes

    try:
        return langcodes.get(normal_form(code)).maximize().script or "Zyyy"
    except UnknownLanguageError:
        return "Zyyy"


def _tag(code: str) -> str:
    """Returns the code as a tag: without the parts that only locales have."""
    if not FORM.fullmatch(code):
        return ""  # which is no valid tag
    base, _, modifier = code.partition("@")
    tag = base.partition(".")[0].replace("_", "-")
    tag = re.sub(r"-r(?=[A-Z]{2}$)", "-", tag)
    if not modifier:
        return tag
    subtag = MODIFIERS.get(modifier.lower())
    if subtag is None:
        return ""
    language, _, others = tag.partition("-")
    if len(subtag) == 4:  # a script, which comes before the country
        return "-".join(filter(None, (language, subtag, others)))
    return "-".join(filter(None, (tag, subtag)))


def _advice(code: str) -> str:
    found = _meant(code)
    return f"{EXAMPLES}: did you mean {found}?" if found else EXAMPLES


def _meant(code: str) -> str | None:
    """Returns the code that an unknown one may mean: its valid part, of a country, or of a name."""
    import langcodes

    first = re.split(r"[-_.@ ]", code)[0].lower()
    if re.fullmatch(r"[a-z]{2,3}", first) and langcodes.tag_is_valid(first):
        return normal_form(first)
    names = _codes_by_name()
    return COUNTRIES.get(first) or names.get(code.strip().lower()) or names.get(first)


@cache
def _codes_by_name() -> dict[str, str]:
    """Returns the codes of languages by their English names, in lower case."""
    from langcodes.registry_parser import parse_registry

    codes: dict[str, str] = {}
    for entry in parse_registry():  # type: ignore[no-untyped-call]
        if entry.get("Type") == "language" and "Preferred-Value" not in entry:
            for name in entry["Description"]:
                plain = re.sub(r"^Modern | \(.*\)$", "", name).lower()
                codes.setdefault(plain, entry["Subtag"])
    return codes
