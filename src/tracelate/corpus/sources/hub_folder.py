"""Files of a local folder that `datasets` would read, which its README may name anywhere."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path, PurePosixPath
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from tracelate.errors import InputError
from tracelate.files import sha256_of

README = "README.md"
SETTINGS = (README, ".huggingface.yaml")
"""Files in which a folder says where its data is; the first has YAML between two lines of `---`."""
CONFIGURED = re.compile(r"^(configs|data_files)\s*:", re.MULTILINE)
"""In settings that name the folder's files."""
DATA_SUFFIXES = {".arrow", ".csv", ".json", ".jsonl", ".ndjson", ".parquet", ".tsv"}
REMEDY = "copy its files into the folder, without links"


def refuse_outside_patterns(folder: Path) -> None:
    """Raises InputError if the folder's own settings name data outside the folder.

    Other programs resolve such names with requests over the network.
    """
    for name in SETTINGS:
        path = folder / name
        if not path.is_file():
            continue
        try:
            text = path.read_text(encoding="utf-8")
            if name == README:
                text = text.partition("---\n")[2].partition("\n---")[0]
            settings = YAML(typ="safe", pure=True).load(text)
        except (YAMLError, UnicodeDecodeError, RecursionError) as error:
            reason = " ".join(str(error).split())[:200]
            raise InputError(f"{path} cannot be read ({reason}): correct it") from error
        for named in _texts(settings.get("configs") if isinstance(settings, dict) else None):
            is_address = "://" in named or "::" in named
            if is_address or named.startswith(("/", "~")) or ".." in PurePosixPath(named).parts:
                raise InputError(f"{path} names {named[:100]!a}, outside its folder: {REMEDY}")


def refuse_files_of_no_split(folder: Path, read: Iterable[str], splits: Iterable[str]) -> None:
    """Raises InputError if a data file of the folder is in none of its splits.

    `read` has the paths in the folder of the files that belong to one. A folder whose settings
    name its files may have others.
    """
    if any(
        CONFIGURED.search((folder / name).read_text("utf-8", "replace"))
        for name in SETTINGS
        if (folder / name).is_file()
    ):
        return
    root = folder.resolve()
    known = {root / name for name in read}
    for path in sorted(root.rglob("*")):
        name = path.relative_to(root)
        is_data = DATA_SUFFIXES & set(path.suffixes) and path.is_file()
        is_hidden = any(part.startswith((".", "__")) for part in name.parts)
        if is_data and not is_hidden and path.resolve() not in known:
            raise InputError(
                f"{folder} has {name.as_posix()!a}, which is in none of its splits "
                f"({', '.join(splits)}): call the file or its folder train, validation or test, "
                "name it in the configs of README.md, or take it out"
            )


def hash_files(folder: Path, names: Iterable[str]) -> Mapping[str, str]:
    """Returns the SHA-256 of the data files and of the settings, by their path in the folder.

    Raises InputError if a file, or what it links to, lies outside the folder.
    """
    root = folder.resolve()
    settings = [str(folder / name) for name in SETTINGS if (folder / name).is_file()]
    hashes = {}
    for name in sorted({*names, *settings}):
        real = Path(name).resolve()
        if not real.is_relative_to(root) or not real.is_file():
            raise InputError(f"{folder} leads to {name!a}, which is no file in it: {REMEDY}")
        hashes[real.relative_to(root).as_posix()] = sha256_of(real)
    return hashes


def _texts(value: Any) -> Iterator[str]:
    """Yields all texts in YAML, each list and mapping once, however often it is referred to."""
    waiting, seen = [value], set()
    while waiting:
        one = waiting.pop()
        if isinstance(one, str):
            yield one
        elif isinstance(one, dict | list) and id(one) not in seen:
            seen.add(id(one))
            waiting += one if isinstance(one, list) else [*one, *one.values()]
