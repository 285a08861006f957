"""The corpus source that the settings name."""

from __future__ import annotations

from tracelate.config import DownloadConfig
from tracelate.corpus.sources.catalogs import CatalogSource
from tracelate.corpus.sources.hub import HubSource
from tracelate.corpus.sources.line_files import FileSource
from tracelate.corpus.sources.source import CorpusSource
from tracelate.errors import InputError


def choose_source(config: DownloadConfig) -> CorpusSource:
    source, target = config.source_language, config.target_language
    if source == target:
        raise InputError(
            f"download.source_language and download.target_language are both {source!r}: "
            "change one of them"
        )
    match config.corpus:
        case "catalogs":
            return CatalogSource(config.catalogs, source, target)
        case "hub":
            return HubSource(config.hub, source, target)
        case "files":
            return FileSource(config.files, source, target)
