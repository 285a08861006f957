"""A file at an http(s) address: an archive of text files or documents, or one packed file.

It lies in the cache under its sha256, which is checked at every use and before it is opened. Text
files are paired line by line, as `line_files` does, and documents are read as `documents` does.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, ClassVar, Literal
from urllib.parse import urlsplit

import pyarrow as pa

from tracelate.config import ArchiveConfig, MembersConfig
from tracelate.corpus.provenance import CorpusFile, Provenance
from tracelate.corpus.raw import ALL
from tracelate.corpus.sources.cache import cache_folder, refuse_unwritable_cache
from tracelate.corpus.sources.documents import DocumentReader, catalog_pattern
from tracelate.corpus.sources.formats.tables import columns_of
from tracelate.corpus.sources.formats.wanted import Wanted
from tracelate.corpus.sources.http_download import (
    MEGABYTE,
    Remote,
    download,
    empty_part,
    locked_part,
)
from tracelate.corpus.sources.line_files import read_aligned
from tracelate.corpus.sources.members import PackedFile, find_members, unpack_members
from tracelate.corpus.sources.source import Corpus, count_pairs
from tracelate.errors import InputError
from tracelate.file_format import Name, Sha256
from tracelate.files import sha256_of, temporary_folder

UNPACKED_TIMES = 20
"""Most bytes of all members for each byte that the file may have."""


class ArchiveProvenance(Provenance):
    """The file that was read, which lies in the cache."""

    in_project: ClassVar[bool] = False

    corpus: Literal["archive"] = "archive"
    address: Name
    sha256: Sha256
    members: dict[str, list[Name]]
    """Names of the members that were read, by split."""

    @property
    def title(self) -> str:
        """The address without its scheme and what follows the path."""
        parts = urlsplit(self.address)
        return f"{parts.hostname}{parts.path}"

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
        return [CorpusFile(f"{self.title} (archive)", cached_archive(self.sha256), self.sha256)]


class ArchiveSource:
    """`setting` is the name of the section `config` in messages."""

    def __init__(
        self,
        config: ArchiveConfig,
        source_language: str,
        target_language: str,
        setting: str = "download.archive",
    ) -> None:
        columns = columns_of(config.columns, source_language, target_language, setting)
        self.config = config
        self.setting = setting
        self._wanted = Wanted(source_language, target_language, columns)

    def read(self) -> Corpus:
        path = fetch_archive(self.config, self.setting)
        named = {"train": self.config.train, "valid": self.config.valid, "test": self.config.test}
        given = {split: members for split, members in named.items() if members is not None}
        patterns = [pattern for members in given.values() for pattern in _patterns_of(members)]
        packed = PackedFile(
            path=path,
            name=_remote(self.config, self.setting).name,
            place=f"{self.config.address} ({self.setting})",
            limit_bytes=UNPACKED_TIMES * self.config.max_megabytes * MEGABYTE,
        )
        with temporary_folder(path) as folder:
            names = unpack_members(packed, patterns, folder)
            try:
                return self._corpus(given, names, folder)
            except InputError as error:
                # the folder is gone when the message is read
                raise InputError(
                    f"{packed.place}: {str(error).replace(f'{folder}/', '')}"
                ) from error

    def _corpus(
        self, given: Mapping[str, MembersConfig], names: Sequence[str], folder: Path
    ) -> Corpus:
        splits: dict[str, pa.Table] = {}
        read: dict[str, list[str]] = {}
        documents = DocumentReader(self._wanted, self.setting, partial(find_members, names), folder)
        for split, members in given.items():
            own = ALL if list(given) == ["train"] else split
            if members.documents is None:
                source, target = self._aligned(members, names)
                splits[own] = read_aligned(folder / source, folder / target, source)
                read[own] = [source, target]
            else:
                splits[own], hashes = documents.read(members.documents)
                read[own] = list(hashes)
        assert self.config.sha256 is not None  # a file without a hash is refused
        provenance = ArchiveProvenance(
            address=self.config.address,
            sha256=self.config.sha256,
            members=read,
            licence=self.config.licence,
            source_language=self._wanted.source,
            target_language=self._wanted.target,
            pairs=count_pairs(splits),
        )
        return Corpus(splits, provenance, documents.remarks)

    def _aligned(self, members: MembersConfig, names: Sequence[str]) -> tuple[str, str]:
        source, target = (
            self._only(side, pattern, names)
            for side, pattern in (("source", members.source), ("target", members.target))
        )
        if source == target:
            raise InputError(
                f"{source} is both source and target ({self.setting}): correct the patterns"
            )
        return source, target

    def _only(self, side: str, pattern: str | None, names: Sequence[str]) -> str:
        assert pattern is not None  # the settings have both sides or documents
        found = find_members(names, pattern)
        if len(found) != 1:
            raise InputError(
                f"the members {', '.join(map(ascii, found[:5]))} fit the pattern {pattern!a} of "
                f"{side}: name one of them"
            )
        return found[0]


def cached_archive(sha256: str) -> Path:
    """Returns the path of the file with that hash in the cache."""
    return cache_folder("archives") / sha256


def fetch_archive(config: ArchiveConfig, setting: str = "download.archive") -> Path:
    """Returns the file's path in the cache, where its hash was checked.

    `setting` is the name of the section `config` in messages. Raises InputError if the file cannot
    be had, or if its hash is not the one in the settings, or none is there.
    """
    remote = _remote(config, setting)
    if config.sha256 is not None and (cached := _checked(config.sha256)) is not None:
        return cached
    folder = cache_folder("archives")
    refuse_unwritable_cache(folder)
    try:
        return _fetch(config, remote, folder)
    except InputError as error:
        if config.sha256 is None or not str(error).startswith("cannot fetch"):
            raise
        raise InputError(
            f"{error}; without a network, put the file at {cached_archive(config.sha256)}"
        ) from error


def _fetch(config: ArchiveConfig, remote: Remote, folder: Path) -> Path:
    setting = remote.setting
    with locked_part(folder / _part_name(config)) as part:
        if config.sha256 is not None and (cached := _checked(config.sha256)) is not None:
            return cached  # another process has fetched it
        has_resumed = download(remote, part)
        found = sha256_of(part)
        if has_resumed and config.sha256 not in (None, found):
            empty_part(part)  # parts of two states of the file were joined
            download(remote, part)
            found = sha256_of(part)
        if config.sha256 not in (None, found):
            empty_part(part)
            raise InputError(
                f"{config.address} has the sha256 {found}, not {config.sha256} as in "
                f"{setting}.sha256: the server sends another file; change the setting only if you "
                "trust it"
            )
        archive = cached_archive(found)
        part.replace(archive)
    if config.sha256 is None:
        raise InputError(
            f"{setting}.sha256 is null, and {config.address} has the sha256 {found}: set it if you "
            "trust that address; the file is in the cache and is not fetched again"
        )
    return archive


def _remote(config: ArchiveConfig, setting: str) -> Remote:
    limit_bytes = config.max_megabytes * MEGABYTE
    return Remote(config.address, limit_bytes, setting, config.sha256 is not None)


def _checked(sha256: str) -> Path | None:
    """Returns the file of that hash in the cache, or None."""
    path = cached_archive(sha256)
    return path if path.is_file() and sha256_of(path) == sha256 else None


def _part_name(config: ArchiveConfig) -> str:
    return hashlib.sha256(config.address.encode()).hexdigest()


def _patterns_of(members: MembersConfig) -> Iterator[str]:
    if members.documents is None:
        yield from filter(None, (members.source, members.target))
    else:
        yield from map(catalog_pattern, members.documents)
