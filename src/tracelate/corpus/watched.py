"""Refusal of files that `dvc repro` would not watch: those outside the folder corpora/."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from tracelate.corpus.provenance import CorpusFile
from tracelate.errors import InputError
from tracelate.layout import CORPORA


def refuse_unwatched(files: Iterable[CorpusFile], setting: str) -> None:
    """Raises InputError for a file whose changes DVC would not notice; `setting` names the files.

    DVC hashes all that is in corpora/, a dependency of the stage, but follows no link to a folder.
    """
    root = CORPORA.absolute()
    for file in files:
        path = _without_dots(file.path.absolute())
        if not path.is_relative_to(root):
            raise InputError(
                f"{file.path} ({setting}) lies outside {CORPORA}/, where dvc repro would not "
                f"notice that it changes: put it into {CORPORA}/"
            )
        for parent in path.relative_to(root).parents:
            if (root / parent).is_symlink() and (root / parent) != root:
                raise InputError(
                    f"{CORPORA / parent} ({setting}) is a link to a folder, which DVC does not "
                    "follow, so that dvc repro would not notice changes: copy the folder, or link "
                    "its files"
                )


def _without_dots(path: Path) -> Path:
    parts: list[str] = []
    for part in path.parts:
        if part == "..":
            parts.pop()
        else:
            parts.append(part)
    return Path(*parts)
