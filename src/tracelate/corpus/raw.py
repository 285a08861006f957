"""A corpus as it came, before any cleaning: what a source yields and how it lies on disk.

all.parquet                        text without ready-made splits, which prepare divides
train.parquet, valid.parquet, …    those that are ready-made; beside all.parquet, train is text for
                                   training alone
provenance.json                    what it is: no timestamps, no paths of this machine
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from tracelate.corpus.pairs import write_pair_table
from tracelate.errors import InputError
from tracelate.files import write_json

if TYPE_CHECKING:
    from tracelate.corpus.sources.source import Corpus

ALL = "all"
SPLITS = ("train", "valid", "test")
PROVENANCE = "provenance.json"


def raw_files(folder: Path) -> list[Path]:
    """Every file that a raw corpus may have in `folder`."""
    return [*(folder / f"{name}.parquet" for name in (ALL, *SPLITS)), folder / PROVENANCE]


def write_raw(folder: Path, corpus: Corpus) -> None:
    for name, table in corpus.splits.items():
        write_pair_table(folder / f"{name}.parquet", table)
    write_json(folder / PROVENANCE, corpus.provenance.model_dump(mode="json"))


def raw_splits(folder: Path) -> dict[str, Path]:
    """Returns the file of each split that is there. Raises InputError where there is none."""
    if not (folder / PROVENANCE).exists():
        raise InputError(f"{folder / PROVENANCE} is missing: run python -m pipeline.download")
    paths = {name: folder / f"{name}.parquet" for name in (ALL, *SPLITS)}
    return {name: path for name, path in paths.items() if path.exists()}
