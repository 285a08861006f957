"""Catalogs of messages, in files by language: the table of their formats, and pairs of languages.

Messages of two languages are a pair where their files and keys agree. The keys of gettext are the
English texts, so that English needs no catalog.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import PurePosixPath
from typing import NamedTuple

from tracelate.corpus.pairs import Pair
from tracelate.corpus.sources import content
from tracelate.corpus.sources.content import HEAD_BYTES, recognise
from tracelate.corpus.sources.formats.android import read_android
from tracelate.corpus.sources.formats.gettext import read_mo, read_po
from tracelate.corpus.sources.formats.json_catalogs import read_json_catalog
from tracelate.corpus.sources.formats.messages import (
    NO_TEXT,
    NOT_TRANSLATED,
    CatalogReader,
    Keys,
    Message,
    Omitted,
)
from tracelate.corpus.sources.formats.wanted import closest
from tracelate.corpus.sources.formats.yaml_catalogs import read_yaml_catalog
from tracelate.errors import InputError

BY_SUFFIX: Mapping[str, CatalogReader] = {
    ".json": read_json_catalog,
    ".po": read_po,
    ".pot": read_po,
    ".mo": read_mo,
    ".gmo": read_mo,
    ".yml": read_yaml_catalog,
    ".yaml": read_yaml_catalog,
}
BY_CONTENT: Mapping[content.Content, CatalogReader] = {
    content.JSON: read_json_catalog,
    content.PO: read_po,
    content.MO: read_mo,
    content.ANDROID: read_android,
}
MAX_NO_TEXT_PERCENT = 50
"""Most percent of values that may be no text; above it, the files are no catalogs."""
ENGLISH = "en"
"""Language of the keys of gettext, by its manual."""


class Catalogs(NamedTuple):
    """Files with catalogs."""

    names: Iterable[str]
    """Paths of all files."""
    read: Callable[[str], bytes]
    template: str
    """Path of a catalog, with {language}, and perhaps {group}, `*` and `**`."""
    title: str
    """Name of the whole in messages."""
    setting: str
    """Setting with the template."""


def pair_catalogs(catalogs: Catalogs, source: str, target: str, omitted: Omitted) -> Iterator[Pair]:
    """Yields the pairs of messages in two languages.

    The group of a pair is the {group} of its files; without one, the first of its keys, or the text
    that gettext has as a key. Raises InputError if a language is missing, a file is damaged, no
    message has both languages, or more than MAX_NO_TEXT_PERCENT of the values are no text.
    """
    by_language = find_catalogs(catalogs.names, catalogs.template)
    targets = _of_language(catalogs, by_language, target)
    sources = _of_source(catalogs, by_language, source, target)
    is_english = closest(ENGLISH, {source: source}) is not None
    texts = pairs = 0
    for group in sorted(targets if is_english else sources.keys() & targets.keys()):
        translated = {one.keys: one for one in _read(catalogs, targets[group], omitted)}
        keys_are_english = is_english and any(one.source for one in translated.values())
        if group not in sources and not keys_are_english:
            continue
        # of English catalogs of gettext, hardly any text differs from its key
        unread = Omitted() if keys_are_english else omitted
        originals = list(_read(catalogs, sources[group], unread)) if group in sources else []
        texts += len(translated) + len(originals)
        for original, message in _joined(originals, translated, keys_are_english):
            own_group = message.keys[0] if message.source is None else original
            origin = f"{targets[group]}:{message.place}"
            if message.source is not None and not (original and message.text):
                omitted.add(NOT_TRANSLATED, origin)
                continue
            pairs += 1
            yield Pair(original, message.text, group or own_group, origin)
    _refuse_few_texts(catalogs, texts, omitted)
    if not pairs:
        raise InputError(
            f"{catalogs.title} has no message in both {source!r} and {target!r} in files like "
            f"{catalogs.template!r}: change {catalogs.setting}, or the languages"
        )


def _joined(
    originals: Iterable[Message], translated: Mapping[Keys, Message], keys_are_english: bool
) -> Iterator[tuple[str, Message]]:
    """Yields the source text of each message that is translated, and its translation."""
    if keys_are_english:
        own = {one.keys: one.text for one in originals}
        for message in translated.values():
            yield own.get(message.keys) or message.source or "", message
        return
    for original in originals:
        if (found := translated.get(original.keys)) is not None:
            yield original.text, found


def find_catalogs(names: Iterable[str], template: str) -> dict[str, dict[str, str]]:
    """Returns the paths that fit a template by language and group.

    The language "" has the files that fit it without {language} and the mark before it, as those
    of an application's first language are called: values/ beside values-es/.
    """
    catalogs: dict[str, dict[str, str]] = {}
    pattern = _pattern(template)
    without = re.sub(r"[-_.]\{language\}", "", template)
    unmarked = None if "{language}" in without else _pattern(without)
    for name in sorted(names):
        found = pattern.fullmatch(name)
        language = found["language"] if found else ""
        if found is None and unmarked is not None:
            found = unmarked.fullmatch(name)
        if found is None:
            continue
        group = found.groupdict().get("group") or ""
        other = catalogs.setdefault(language, {}).setdefault(group, name)
        if other != name:
            raise InputError(
                f"{name} and {other} are of the same language and group by {template!r}: name one "
                "of them, or add {group} where they differ"
            )
    return catalogs


def _pattern(template: str) -> re.Pattern[str]:
    parts = []
    seen: set[str] = set()
    for part in re.split(r"(\{group\}|\{language\}|\*\*/|\*)", template):
        match part:
            case "{group}" | "{language}":
                name = part[1:-1]
                parts.append(f"(?P={name})" if name in seen else f"(?P<{name}>[^/]+)")
                seen.add(name)
            case "**/":
                parts.append("(?:.*/)?")
            case "*":
                parts.append("[^/]*")
            case _:
                parts.append(re.escape(part))
    return re.compile("".join(parts))


def _of_language(
    catalogs: Catalogs, by_language: Mapping[str, dict[str, str]], language: str
) -> dict[str, str]:
    if not by_language:
        raise InputError(
            f"{catalogs.title} has no file like {catalogs.setting} {catalogs.template!r}"
        )
    named = {code: files for code, files in by_language.items() if code}
    code = closest(language, {one: one for one in named})
    if code is None:
        known = sorted(named)
        close = difflib.get_close_matches(language, known, n=3)
        advice = f"did you mean {' or '.join(close)}?" if close else f"it has {' '.join(known)}"
        raise InputError(f"{catalogs.title} has no catalogs in the language {language!r}: {advice}")
    return by_language[code]


def _of_source(
    catalogs: Catalogs, by_language: Mapping[str, dict[str, str]], language: str, target: str
) -> Mapping[str, str]:
    """Returns the files of the source language; none if it is that of the keys of gettext."""
    if closest(language, {code: code for code in by_language if code}) is None:
        if "" in by_language:
            return by_language[""]
        name = next(iter(_of_language(catalogs, by_language, target).values()))
        first = next(_read(catalogs, name, Omitted()), None)
        if closest(ENGLISH, {language: language}) and first is not None and first.source:
            return {}
    return _of_language(catalogs, by_language, language)


def _read(catalogs: Catalogs, name: str, omitted: Omitted) -> Iterator[Message]:
    data = catalogs.read(name)
    reader = BY_SUFFIX.get(PurePosixPath(name).suffix.lower())
    if reader is None:
        kind = recognise(data[:HEAD_BYTES])
        reader = None if kind is None else BY_CONTENT.get(kind)
    if reader is None:
        raise InputError(
            f"{name} ({catalogs.title}) is no catalog: name JSON, YAML, gettext PO or MO, or "
            f"Android strings in {catalogs.setting}"
        )
    try:
        yield from reader(data, name, omitted)
    except InputError as error:
        raise InputError(f"{catalogs.title}: {error}") from error


def _refuse_few_texts(catalogs: Catalogs, texts: int, omitted: Omitted) -> None:
    wrong = omitted.count(NO_TEXT)
    if wrong * 100 > MAX_NO_TEXT_PERCENT * (wrong + texts):
        raise InputError(
            f"of {wrong + texts:,} values in the catalogs of {catalogs.title}, {wrong:,} are no "
            f"text (the first: {omitted.place(NO_TEXT)}): name other files in {catalogs.setting}"
        )
