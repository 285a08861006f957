"""A corpus as it came, before any cleaning: what a source yields and how it lies on disk.

all.parquet                        of a corpus without ready-made splits, else
train.parquet, valid.parquet, …    those that it has
provenance.json                    what it is: no timestamps, no paths of this machine
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal, Self

from pydantic import model_validator

from tracelate.corpus.pairs import Pair, read_pairs, write_pairs
from tracelate.corpus.sources.source import Corpus
from tracelate.errors import InputError
from tracelate.file_format import FileFormat, Name, PartForm, Sha256
from tracelate.files import read_json, write_json

ALL = "all"
SPLITS = ("train", "valid", "test")
PROVENANCE = "provenance.json"


class HashedSide(PartForm):
    """A text file."""

    sha256: Sha256


class HashedSides(PartForm):
    """Hashes of the two files of a pair of text files."""

    source: HashedSide
    target: HashedSide


class Provenance(PartForm):
    """Content of provenance.json, as far as it is read, of every kind of corpus."""

    corpus: Literal["catalogs", "hub", "files"]
    licence: Name
    package: Name | None = None
    name: Name | None = None
    version: Name | None = None
    revision: Name | None = None
    sha256: Sha256 | None = None
    files: dict[Literal["all", "train", "valid", "test"], HashedSides] | None = None

    @model_validator(mode="after")
    def _refuse_missing_hash(self) -> Self:
        if self.corpus == "catalogs" and self.sha256 is None:
            raise ValueError("sha256 is missing")
        return self


PROVENANCE_FORMAT = FileFormat(
    "provenance.json", Provenance, [], "download the corpus again (dvc repro)"
)


def read_provenance(path: Path) -> dict[str, Any]:
    """Returns the whole content. Raises InputError if the file is missing or damaged."""
    PROVENANCE_FORMAT.read(path)
    return dict(read_json(path))


def raw_files(folder: Path) -> list[Path]:
    """Every file that a raw corpus may have in `folder`."""
    return [*(folder / f"{name}.parquet" for name in (ALL, *SPLITS)), folder / PROVENANCE]


def write_raw(folder: Path, corpus: Corpus) -> None:
    for name, pairs in corpus.splits.items():
        write_pairs(folder / f"{name}.parquet", pairs)
    counts = {name: len(pairs) for name, pairs in corpus.splits.items()}
    write_json(folder / PROVENANCE, {**corpus.provenance, "pairs": counts})


def read_raw(folder: Path) -> dict[str, list[Pair]]:
    """The pairs of each split that is there. Raises InputError where there is none."""
    if not (folder / PROVENANCE).exists():
        raise InputError(f"{folder / PROVENANCE} is missing: run python -m pipeline.download")
    paths = {name: folder / f"{name}.parquet" for name in (ALL, *SPLITS)}
    return {name: read_pairs(path) for name, path in paths.items() if path.exists()}
