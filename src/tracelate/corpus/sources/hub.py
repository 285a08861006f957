"""A dataset of the Hugging Face Hub, or a local folder of the same shape.

Two shapes exist: a column `translation` that holds a struct with a field a language, and a column
a language. A pair's group is its source sentence, as with text files.
"""

from __future__ import annotations

import hashlib
import json
import logging
import re
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from pydantic import Field

from tracelate.config import HubConfig
from tracelate.corpus.pairs import Pair
from tracelate.corpus.provenance import CorpusFile, Provenance
from tracelate.corpus.raw import ALL
from tracelate.corpus.sources.hub_folder import hash_files, refuse_outside_patterns
from tracelate.corpus.sources.source import Corpus, count_pairs
from tracelate.errors import InputError
from tracelate.file_format import Sha256
from tracelate.yaml_file import parse_yaml

if TYPE_CHECKING:
    from datasets import Dataset

CARD = re.compile(r"\s*---[\r\n]+(?P<metadata>[\S\s]*?)[\r\n]+---(\r\n|\r|\n|$)")
"""The beginning of a README.md with metadata, as `datasets` finds it."""
MAX_CARD_BYTES = 1_000_000
MAX_CARD_VALUES = 20_000
"""Keys and values of a dataset's metadata, which may list hundreds of configurations."""
FORMATS = ("arrow", "csv", "json", "parquet")
"""Kinds of files that are read; others hold no pairs, and some can hold code."""
_SPLITS = {"train": "train", "validation": "valid", "valid": "valid", "test": "test"}


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
        names = {
            f"{settings.get('name')}/{name}": one for name, one in self.sha256_of_files.items()
        }
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

    def read(self) -> Corpus:
        # a cache of its own for a folder: that of `datasets` knows files by name, size and time
        with tempfile.TemporaryDirectory(prefix="tracelate-") as cache:
            return self._corpus(*self._load(cache))

    def read_split(self, split: str) -> tuple[list[Pair], HubProvenance]:
        """Returns the pairs of one split, which the dataset calls so.

        Raises InputError if it has no such split.
        """
        with tempfile.TemporaryDirectory(prefix="tracelate-") as cache:
            loaded, files = self._load(cache)
            if split not in loaded:
                raise InputError(
                    f"{self.config.name} has the splits {', '.join(loaded)} and no {split}: change "
                    f"{self.setting}.split"
                )
            pairs = self._pairs(split, loaded[split])
            return pairs, self._provenance({split: pairs}, find_commit(loaded[split].info), files)

    def _corpus(self, loaded: Mapping[str, Dataset], files: Mapping[str, str]) -> Corpus:
        known = {_SPLITS[name]: part for name, part in loaded.items() if name in _SPLITS}
        if "train" not in known:
            raise InputError(
                f"{self.config.name} has the splits {', '.join(loaded)} and no train: "
                f"name another dataset in {self.setting}"
            )
        names = dict.fromkeys(known, ALL) if list(known) == ["train"] else {}
        splits = {
            names.get(split, split): self._pairs(split, part) for split, part in known.items()
        }
        return Corpus(splits, self._provenance(splits, find_commit(known["train"].info), files))

    def _provenance(
        self, splits: Mapping[str, Sequence[Pair]], commit: str | None, files: Mapping[str, str]
    ) -> HubProvenance:
        return HubProvenance(
            name=Path(self.config.name).name if self._is_local() else self.config.name,
            revision=None if self._is_local() else self.config.revision,
            commit=commit,
            sha256_of_pairs={split: hash_pairs(pairs) for split, pairs in splits.items()},
            sha256_of_files=dict(files),
            licence=self.config.licence,
            source_language=self.source_language,
            target_language=self.target_language,
            pairs=count_pairs(splits),
        )

    def _is_local(self) -> bool:
        return Path(self.config.name).is_dir()

    def _load(self, cache: str) -> tuple[dict[str, Dataset], Mapping[str, str]]:
        """Returns the splits, and of a local folder the hashes of its files."""
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
            builder = datasets.load_dataset_builder(name, **asked)
            if builder.name not in FORMATS:
                raise ValueError(f"its files are of the kind {builder.name}")
            files = self._hash_files(builder)
            builder.download_and_prepare()
            loaded = dict(builder.as_dataset())
            if self._hash_files(builder) != files:
                raise ValueError("its files changed while they were read")
            return loaded, files
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

    def _hash_files(self, builder: Any) -> Mapping[str, str]:
        if not self._is_local():
            return {}
        named = (builder.config.data_files or {}).values()
        return hash_files(Path(self.config.name), [str(one) for part in named for one in part])

    def _pairs(self, split: str, part: Dataset) -> list[Pair]:
        columns: list[Iterable[Any]] = []
        for language in (self.source_language, self.target_language):
            shape = part.features.get("translation", part.features)
            fields = list(getattr(shape, "languages", shape))
            if language not in fields:
                raise InputError(
                    f"{self.config.name} has no column {language!r} in its split {split}, only "
                    f"{', '.join(fields)}: change download.source_language or target_language"
                )
            if "translation" in part.features:
                columns.append([(row or {}).get(language) for row in part["translation"]])
            else:
                columns.append(part[language])
        return [
            Pair(str(source or ""), str(target or ""), str(source or ""), f"{split}:{number}")
            for number, (source, target) in enumerate(zip(*columns, strict=True), start=1)
        ]


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


def find_commit(info: Any) -> str | None:
    """The commit that the revision stood for, where `datasets` tells it."""
    urls = " ".join(info.download_checksums or {})
    found = re.search(r"@([0-9a-f]{40})/", urls)
    return found[1] if found else None


def _one_line(error: BaseException) -> str:
    return " ".join(str(error).replace(f"{Path.cwd()}/", "").split())[:300]
