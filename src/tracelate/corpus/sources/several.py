"""Several sources that are one corpus, each with its own languages, licence, splits and weight."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal

import pyarrow as pa
from pydantic import Field, StringConstraints

from tracelate.config_sources import MAX_WEIGHT, SOURCE_NAME, SourceConfig
from tracelate.corpus.mixture import take_pairs, with_name
from tracelate.corpus.pairs import joined
from tracelate.corpus.provenance import (
    TITLE_SEPARATOR,
    CorpusFile,
    CorpusPart,
    Provenance,
    ProvenancePart,
    Share,
)
from tracelate.corpus.raw import ALL, SPLITS
from tracelate.corpus.sources.kinds import KINDS, PartProvenance
from tracelate.corpus.sources.source import Corpus, count_pairs
from tracelate.errors import InputError


class SourceProvenance(ProvenancePart):
    """One of several sources."""

    name: Annotated[str, StringConstraints(pattern=rf"^{SOURCE_NAME}$")]
    weight: Annotated[float, Field(gt=0, le=MAX_WEIGHT)]
    pairs: dict[str, Annotated[int, Field(ge=0)]]
    """Number of its pairs that are in the corpus, by the corpus's splits."""
    provenance: PartProvenance


class SourcesProvenance(Provenance):
    """The sources that were read, in the order of the settings."""

    corpus: Literal["sources"] = "sources"
    sources: Annotated[list[SourceProvenance], Field(min_length=1)]

    @property
    def title(self) -> str:
        return TITLE_SEPARATOR.join(one.provenance.title for one in self.sources)

    @property
    def hashes(self) -> Sequence[str]:
        return [sha256 for one in self.sources for sha256 in one.provenance.hashes]

    @property
    def description(self) -> str:
        return TITLE_SEPARATOR.join(one.provenance.description for one in self.sources)

    @property
    def shares(self) -> Mapping[str, Share]:
        return {one.name: Share(one.weight, one.pairs) for one in self.sources}

    def parts(self, settings: Mapping[str, Any]) -> Sequence[CorpusPart]:
        return [
            CorpusPart(
                one.name,
                one.provenance,
                _settings_of(one, settings),
                Share(one.weight, one.pairs),
            )
            for one in self.sources
        ]

    def files_on_disk(self, settings: Mapping[str, Any], root: Path) -> Sequence[CorpusFile]:
        return [
            file
            for part in self.parts(settings)
            for file in part.provenance.files_on_disk(part.settings, root)
        ]


class SeveralSources:
    """`config` has the sources by their names."""

    def __init__(
        self, config: Mapping[str, SourceConfig], source_language: str, target_language: str
    ) -> None:
        self.config = config
        self.source_language = source_language
        self.target_language = target_language

    def read(self) -> Corpus:
        tables: dict[str, list[pa.Table]] = {name: [] for name in (ALL, *SPLITS)}
        sources: list[SourceProvenance] = []
        remarks: list[str] = []
        for name, config in self.config.items():
            corpus = self._read_one(name, config)
            given = dict(_given(name, config, corpus))
            for split, table in given.items():
                tables[split].append(with_name(table, name))
            sources.append(
                SourceProvenance(
                    name=name,
                    weight=config.weight,
                    pairs=count_pairs(given),
                    provenance=corpus.provenance,
                )
            )
            remarks += [*corpus.remarks, *_remarks(name, corpus, given)]
        splits = {split: joined(found) for split, found in tables.items() if found}
        if not {ALL, "train"} & splits.keys():
            raise InputError(
                "no source in download.sources gives training text: let one have the split train"
            )
        provenance = SourcesProvenance(
            sources=sources,
            licence=" AND ".join(dict.fromkeys(one.provenance.licence for one in sources)),
            source_language=self.source_language,
            target_language=self.target_language,
            pairs=count_pairs(splits),
        )
        return Corpus(splits, provenance, remarks)

    def _read_one(self, name: str, config: SourceConfig) -> Corpus:
        source = config.source_language or self.source_language
        target = config.target_language or self.target_language
        if source == target:
            raise InputError(
                f"download.sources.{name} has {source!r} on both sides: change one of its languages"
            )
        setting = f"download.sources.{name}.{config.kind}"
        return KINDS[config.kind].source(config.settings, source, target, setting).read()


def _given(name: str, config: SourceConfig, corpus: Corpus) -> Iterator[tuple[str, pa.Table]]:
    """Yields the tables that a source gives by the corpus's splits.

    "all" has the text that prepare may divide, and train the text that is for training alone.
    """
    found, wanted = corpus.splits, config.splits
    if ALL in found:
        split = _split_of_all(name, wanted)
        yield split, _limited(split, found[ALL], config)
        return
    if wanted is not None:
        for split in wanted:
            if split not in found:
                raise InputError(
                    f"download.sources.{name} has the splits {', '.join(found)} and no {split}: "
                    "change its splits"
                )
    is_complete = found.keys() >= set(SPLITS)
    for split, table in found.items():
        if wanted is None:
            own = ALL if split == "train" and not is_complete else split
            yield own, _limited(own, table, config)
        elif split in wanted:
            yield split, _limited(split, table, config)


def _split_of_all(name: str, wanted: Sequence[str] | None) -> str:
    if wanted is None or set(wanted) == set(SPLITS):
        return ALL
    if len(wanted) > 1:
        raise InputError(
            f"download.sources.{name} has no ready-made splits, so it cannot give "
            f"{' and '.join(wanted)}: name one of them in its splits, or set them to null"
        )
    return wanted[0]


def _limited(split: str, table: pa.Table, config: SourceConfig) -> pa.Table:
    if config.max_pairs is None or split not in (ALL, "train"):
        return table
    return take_pairs(table, config.max_pairs)


def _remarks(name: str, corpus: Corpus, given: Mapping[str, pa.Table]) -> Iterator[str]:
    read = sum(table.num_rows for table in corpus.splits.values())
    taken = sum(table.num_rows for table in given.values())
    counts = ", ".join(f"{split} {table.num_rows:,}" for split, table in given.items())
    yield f"{name}: {taken:,} of {read:,} pairs of {corpus.provenance.title} ({counts})"


def _settings_of(source: SourceProvenance, settings: Mapping[str, Any]) -> Mapping[str, Any]:
    """Returns the settings of a source's kind. Raises InputError if there are none."""
    entry = settings.get(source.name)
    own = entry.get(source.provenance.corpus) if isinstance(entry, Mapping) else None
    if not isinstance(own, Mapping):
        raise InputError(
            f"the provenance has the source {source.name!r}, and the settings have no "
            f"download.sources.{source.name}.{source.provenance.corpus}: restore the lineage"
        )
    return own
