"""Names of the files that a lineage lists, which may come from anywhere.

A name becomes a path that is read and hashed, so each part of a lineage accepts names in its own
folder of the project alone.
"""

from __future__ import annotations

from pathlib import Path, PurePosixPath
from typing import Annotated

from pydantic import AfterValidator
from pydantic_core import PydanticCustomError

from tracelate import layout
from tracelate.file_format import Sha256
from tracelate.training.model_files import CONFIG, TOKENIZER, WEIGHTS


def is_within_project(name: str) -> bool:
    """Returns True for a relative path that leads to no folder above its start."""
    path = PurePosixPath(name)
    return bool(path.parts) and not path.is_absolute() and ".." not in path.parts


def _files_in(folder: Path, *needed: tuple[Path, ...]) -> AfterValidator:
    """Accepts names of files in the folder, which must have all files of one of the tuples."""
    room = folder.as_posix()

    def checked(hashes: dict[str, str]) -> dict[str, str]:
        for name in hashes:
            if not _is_file_in(folder, name):
                raise PydanticCustomError(
                    "file_name", "{name} is no file of {room}", {"name": repr(name), "room": room}
                )
        missing = [[path for path in paths if path.as_posix() not in hashes] for paths in needed]
        if missing and all(missing):
            path = str(min(missing, key=len)[0])
            raise PydanticCustomError("file_name", "{path} is missing", {"path": path})
        return hashes

    return AfterValidator(checked)


def _is_file_in(folder: Path, name: str) -> bool:
    path = PurePosixPath(name)
    return (
        is_within_project(name)
        and path.as_posix() == name
        and name.isprintable()
        and PurePosixPath(folder) in path.parents
    )


MODEL_FILES = tuple(layout.MODELS / name for name in (WEIGHTS, CONFIG, TOKENIZER))
Hashes = dict[str, Sha256]
"""From the path of a file, from the project's root, to its SHA-256."""
ModelHashes = Annotated[Hashes, _files_in(layout.MODELS, MODEL_FILES)]
TokenizedHashes = Annotated[
    Hashes, _files_in(layout.TOKENIZED, layout.TRAINING_INPUTS, layout.OLDER_TRAINING_INPUTS)
]
PreparedHashes = Annotated[
    Hashes, _files_in(layout.PREPARED, (layout.TRAIN, layout.VALID, layout.TEST))
]
RawHashes = Annotated[Hashes, _files_in(layout.RAW, (layout.PROVENANCE,))]
TestSetHashes = Annotated[Hashes, _files_in(layout.TEST_SETS)]
TestResultHashes = Annotated[Hashes, _files_in(layout.TEST_RESULTS)]
EvaluationHashes = Annotated[
    Hashes, _files_in(layout.REPORTS, (layout.METRICS, layout.TRANSLATIONS))
]
