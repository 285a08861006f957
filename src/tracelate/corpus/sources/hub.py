"""A dataset of the Hugging Face Hub, or a local folder of the same shape.

Two shapes exist: a column `translation` that holds a struct with a field a language, and a column
a language, under the language's code or any name in the settings. A pair's group is its source
sentence, as with text files.
"""

from __future__ import annotations

import csv
import hashlib
import json
import logging
import re
import tempfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, Literal, NamedTuple

import pyarrow as pa
from pydantic import Field

from tracelate.config import HubConfig
from tracelate.corpus.pairs import Pair, numbered, pair_table, pairs_of
from tracelate.corpus.provenance import CorpusFile, Provenance
from tracelate.corpus.raw import ALL
from tracelate.corpus.sources.formats.tables import (
    CSV,
    TSV,
    Columns,
    CsvForm,
    Rows,
    read_separated,
    texts_of,
    times_of,
)
from tracelate.corpus.sources.hub_folder import (
    hash_files,
    refuse_files_of_no_split,
    refuse_outside_patterns,
)
from tracelate.corpus.sources.source import Corpus, count_pairs
from tracelate.errors import InputError
from tracelate.file_format import Sha256
from tracelate.yaml_file import parse_yaml

CARD = re.compile(r"\s*---[\r\n]+(?P<metadata>[\S\s]*?)[\r\n]+---(\r\n|\r|\n|$)")
"""The beginning of a README.md with metadata, as `datasets` finds it."""
MAX_CARD_BYTES = 1_000_000
MAX_CARD_VALUES = 20_000
"""Keys and values of a dataset's metadata, which may list hundreds of configurations."""
FORMATS = ("arrow", "csv", "json", "parquet")
"""Kinds of files that are read; others hold no pairs, and some can hold code."""
_SPLITS = {"train": "train", "validation": "valid", "valid": "valid", "test": "test"}
OPTIONS_NOT_FOLLOWED = (
    *("index_col", "usecols", "converters", "skipinitialspace", "skiprows", "nrows", "comment"),
    *("lineterminator", "escapechar", "encoding", "dialect", "skipfooter", "doublequote"),
)
"""Options of `datasets` for CSV that change which texts are read."""
Loaded = Mapping[str, Callable[[str], pa.Table]]
"""A function for each split of a dataset that reads it under the split's name here."""


class HubProvenance(Provenance):
    """The dataset that was read, and hashes of its pairs."""

    corpus: Literal["hub"] = "hub"
    name: str
    revision: str | None
    """None of a local folder."""
    commit: str | None
    """Commit of the revision at that time, if `datasets` reports it."""
    sha256_of_pairs: dict[str, Sha256]
    """By split."""
    sha256_of_files: dict[str, Sha256] = Field(
        default_factory=dict, exclude_if=lambda files: not files
    )
    """Of a local folder: its files by their path in it."""

    @property
    def title(self) -> str:
        return f"{self.name} {self.revision or ''}".strip()

    @property
    def hashes(self) -> Sequence[str]:
        return list(self.sha256_of_pairs.values())

    @property
    def description(self) -> str:
        commit = f", commit {self.commit}" if self.commit else ""
        return f"{super().description}{commit}"

    def files_on_disk(self, settings: Mapping[str, Any], root: Path) -> Sequence[CorpusFile]:
        """Returns the files of a local folder; of a dataset of the Hub there are none."""
        folder = str(settings.get("name", self.name))
        # one text, since a name that begins with / would lead out of the folder
        names = {f"{folder}/{name}": sha256 for name, sha256 in self.sha256_of_files.items()}
        return [CorpusFile(name, root / name, sha256) for name, sha256 in names.items()]


class HubSource:
    """`setting` is the name of the section `config` in messages."""

    def __init__(
        self,
        config: HubConfig,
        source_language: str,
        target_language: str,
        setting: str = "download.hub",
    ) -> None:
        self.config = config
        self.source_language = source_language
        self.target_language = target_language
        self.setting = setting
        self._columns = Columns(
            config.columns.source or source_language,
            config.columns.target or target_language,
            setting,
            time=config.columns.time,
        )
        self._remarks: list[str] = []

    def read(self) -> Corpus:
        # a cache of its own for a folder: that of `datasets` knows files by name, size and time
        with tempfile.TemporaryDirectory(prefix="tracelate-") as cache:
            return self._corpus(*self._load(cache))

    def read_split(self, split: str) -> tuple[list[Pair], HubProvenance]:
        """Returns the pairs of one split, which the dataset calls so.

        Raises InputError if it has no such split.
        """
        with tempfile.TemporaryDirectory(prefix="tracelate-") as cache:
            loaded, files, commit = self._load(cache)
            if split not in loaded:
                raise InputError(
                    f"{self.config.name} has the splits {', '.join(loaded)} and no {split}: change "
                    f"{self.setting}.split"
                )
            table = loaded[split](split)
            provenance = self._provenance({split: table}, commit, files)
            return list(pairs_of(table)), provenance

    def _corpus(self, loaded: Loaded, files: Mapping[str, str], commit: str | None) -> Corpus:
        known = {_SPLITS[name]: read for name, read in loaded.items() if name in _SPLITS}
        if "train" not in known:
            raise InputError(
                f"{self.config.name} has the splits {', '.join(loaded)} and no train: "
                f"name another dataset in {self.setting}"
            )
        if unused := [name for name in loaded if name not in _SPLITS]:
            self._remarks.append(
                f"{self.config.name}: its splits {', '.join(unused)} are not read, only "
                f"{', '.join(name for name in loaded if name in _SPLITS)}"
            )
        names = dict.fromkeys(known, ALL) if list(known) == ["train"] else {}
        splits = {names.get(split, split): read(split) for split, read in known.items()}
        return Corpus(splits, self._provenance(splits, commit, files), self._remarks)

    def _provenance(
        self, splits: Mapping[str, pa.Table], commit: str | None, files: Mapping[str, str]
    ) -> HubProvenance:
        return HubProvenance(
            name=Path(self.config.name).name if self._is_local() else self.config.name,
            revision=None if self._is_local() else self.config.revision,
            commit=commit,
            sha256_of_pairs={split: hash_pairs(pairs_of(one)) for split, one in splits.items()},
            sha256_of_files=dict(files),
            licence=self.config.licence,
            source_language=self.source_language,
            target_language=self.target_language,
            pairs=count_pairs(splits),
        )

    def _is_local(self) -> bool:
        return Path(self.config.name).is_dir()

    def _load(self, cache: str) -> tuple[Loaded, Mapping[str, str], str | None]:
        """Returns the splits, of a local folder the hashes of its files, and the commit."""
        # imported here: it takes seconds
        import datasets
        from datasets.exceptions import DatasetNotFoundError, DatasetsError

        name, revision = self.config.name, self.config.revision
        if not self._is_local() and not re.fullmatch(r"[\w.-]+(/[\w.-]+)?", name):
            raise InputError(
                f"{self.setting}.name {name!r} is neither a folder nor owner/name: correct it"
            )
        datasets.disable_progress_bars()
        # what they log is in the error that they raise
        for library in ("datasets", "huggingface_hub"):
            logging.getLogger(library).setLevel(logging.CRITICAL)
        if self._is_local():
            _refuse_wrong_card(Path(name) / "README.md")
            refuse_outside_patterns(Path(name))
            asked = {"cache_dir": cache}
        else:
            asked = {"revision": revision}
        try:
            builder = datasets.load_dataset_builder(name, self.config.subset, **asked)
            if builder.name not in FORMATS:
                raise ValueError(f"its files are of the kind {builder.name}")
            files = self._hash_files(builder)
            if self._is_local():
                refuse_files_of_no_split(
                    Path(name), list(files), map(str, builder.config.data_files)
                )
            loaded = self._loaded(builder)
            if self._hash_files(builder) != files:
                raise ValueError("its files changed while they were read")
            return loaded, files, find_commit(_named_files(builder))
        except InputError:
            raise
        except DatasetNotFoundError as error:
            raise InputError(
                f"the Hugging Face Hub has no dataset {name!r} at revision {revision!r} that you "
                f"may read: correct {self.setting}.name or revision, or log in"
            ) from error
        except (FileNotFoundError, DatasetsError) as error:
            raise _unreadable(name, error) from error
        except OSError as error:
            raise InputError(
                f"cannot reach the Hugging Face Hub for {name!r} ({_one_line(error)}): check the "
                f"network, or name a local folder in {self.setting}.name"
            ) from error
        except Exception as error:  # of wrong metadata, `datasets` raises any class
            raise _unreadable(name, error) from error

    def _loaded(self, builder: Any) -> Loaded:
        """Returns functions that read the splits of a dataset, which is fetched now."""
        if builder.name == "csv":
            # the reader of `datasets` takes NA for missing, 007 for 7 and a `"` in TSV for quoting
            form = csv_form(builder.config, self.config.name)
            fetched = fetch_files(builder)
            return {split: partial(self._of_files, fetched[split], form) for split in fetched}
        builder.download_and_prepare()
        parts = builder.as_dataset()
        return {split: partial(self._of_dataset, parts[split].data.table) for split in parts}

    def _of_files(self, files: Sequence[FetchedFile], form: CsvForm, split: str) -> pa.Table:
        rows: list[Rows] = []
        for file in files:
            own = TSV if form == CSV and ".tsv" in file.name.suffixes else form
            rows += read_separated(file.path, own, self._columns, self._remarks)
        sources, targets = (
            pa.chunked_array([getattr(one, side) for one in rows], pa.string())
            for side in ("sources", "targets")
        )
        found = [one.times for one in rows if one.times is not None]
        times = pa.chunked_array(found) if found else None
        return pair_table(sources, targets, numbered(f"{split}:", len(sources)), times)

    def _of_dataset(self, table: pa.Table, split: str) -> pa.Table:
        place = f"{self.config.name}, split {split}"
        sources, targets = texts_of(table, self._columns, place)
        times = times_of(table, self._columns, place)
        return pair_table(sources, targets, numbered(f"{split}:", len(sources)), times)

    def _hash_files(self, builder: Any) -> Mapping[str, str]:
        if not self._is_local():
            return {}
        return hash_files(Path(self.config.name), _named_files(builder))


class FetchedFile(NamedTuple):
    """A file of a dataset on this machine."""

    name: Path
    """Its name in the dataset."""
    path: Path


def csv_form(config: Any, name: str) -> CsvForm:
    """Returns the form of separated values that the metadata of the dataset `name` describe.

    Raises InputError for an option of `datasets` that is not followed here.
    """
    usual = type(config)()
    for option in OPTIONS_NOT_FOLLOWED:
        if (value := getattr(config, option)) != getattr(usual, option):
            raise InputError(
                f"{name} has the option {option}: {str(value)[:60]!a} for its CSV files, which is "
                "not followed: remove it from README.md, or save the table as parquet"
            )
    if config.header is None and config.names is None:
        raise InputError(
            f"{name} has CSV files without names of columns (header: null): add column_names to "
            "README.md"
        )
    is_quoted = config.sep != "\t" and config.quoting != csv.QUOTE_NONE
    names = config.names if config.header in (None, "infer") else None
    return CsvForm(config.sep, config.quotechar if is_quoted else None, names)


def fetch_files(builder: Any) -> Mapping[str, Sequence[FetchedFile]]:
    """Returns the files of a dataset by split; those of the Hub are downloaded into a cache."""
    import datasets

    settings = datasets.DownloadConfig(token=builder.token, use_etag=False)
    manager = datasets.DownloadManager(builder.dataset_name, download_config=settings)
    named = {split: [str(one) for one in part] for split, part in builder.config.data_files.items()}
    fetched = manager.download(named)
    return {
        split: [
            FetchedFile(Path(name), Path(path))
            for name, path in zip(named[split], fetched[split], strict=True)
        ]
        for split in named
    }


def _named_files(builder: Any) -> list[str]:
    named = (builder.config.data_files or {}).values()
    return [str(one) for part in named for one in part]


def _refuse_wrong_card(path: Path) -> None:
    """Raises InputError if a folder's README.md begins with metadata that is no safe YAML.

    `datasets` reads it without limits.
    """
    if not path.is_file():
        return
    with path.open("rb") as file:
        text = file.read(MAX_CARD_BYTES).decode("utf-8", errors="replace")
    if found := CARD.match(text):
        parse_yaml(found["metadata"], f"the metadata of {path}", MAX_CARD_VALUES)
    elif len(text) >= MAX_CARD_BYTES and text.lstrip().startswith("---"):
        limit = f"{MAX_CARD_BYTES:,} bytes"
        raise InputError(f"the metadata of {path} has more than {limit}: shorten it")


def _unreadable(name: str, error: Exception) -> InputError:
    return InputError(
        f"{name!r} cannot be read as a dataset: {_one_line(error.__cause__ or error)}; its files "
        "must be parquet, csv or json lines, all with the same columns, and its README.md must "
        "describe them"
    )


def hash_pairs(pairs: Iterable[Pair]) -> str:
    """sha256 over the pairs as they were read: it shows when a dataset changes under its name."""
    digest = hashlib.sha256()
    for pair in pairs:
        digest.update(json.dumps([pair.source, pair.target]).encode() + b"\n")
    return digest.hexdigest()


def find_commit(names: Iterable[str]) -> str | None:
    """The commit of a dataset in the addresses of its files; a local folder has none."""
    found = re.search(r"@([0-9a-f]{40})/", " ".join(names))
    return found[1] if found else None


def _one_line(error: BaseException) -> str:
    return " ".join(str(error).replace(f"{Path.cwd()}/", "").split())[:300]
