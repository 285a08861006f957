"""The files of a packed model: their names, their hashes, and the refusal of others.

MLflow chooses the names of most. package.json lists the sha256 of each file that does not change
after packing: all but the card, its pictures and lineage.json, which a later evaluation of the same
model replaces. A tag of the logged model has the lineage's sha256.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from tracelate.errors import InputError
from tracelate.file_format import FileForm, FileFormat
from tracelate.files import sha256_of
from tracelate.layout import LINEAGE, PACKAGE_SIGNATURE

MODEL_FILE = "MLmodel"
"""MLflow's description of the package."""
ARTIFACTS_FOLDER = "artifacts"
"""Folder of the model's own files: weights, settings, tokenizer and lineage."""
CODE_FOLDER = "code"
CARD = "README.md"
PICTURES = "figures"
LIST = "package.json"
REQUIREMENTS_FILE = "requirements.txt"
ENVIRONMENTS = {"conda": "conda.yaml", "virtualenv": "python_env.yaml"}
"""Files with which MLflow makes an environment for the model, by the program that makes it."""
PYFUNC_MODEL = Path(__file__).with_name("pyfunc_model.py")
"""Code that MLflow runs where Tracelate is not installed."""
OLD_PYFUNC_MODEL = "served_model.py"
"""Name of PYFUNC_MODEL in models that Tracelate 0.1 packed."""
CODE = (
    MODEL_FILE,
    PYFUNC_MODEL.name,
    OLD_PYFUNC_MODEL,
    CODE_FOLDER,
    REQUIREMENTS_FILE,
    ENVIRONMENTS["virtualenv"],
    LIST,
)
"""Files and folders of a packed model that MLflow runs, or that decide how it runs."""
EXAMPLES = ("input_example.json", "serving_input_example.json")
NOT_LISTED = (ENVIRONMENTS["conda"], "registered_model_meta", PACKAGE_SIGNATURE.name)
"""Files of MLflow, the second written where a version is downloaded, and the signature."""
COMPILED_FOLDER = "__pycache__"
"""Folder of Python's compiled files. They are never packed: Python prefers them to the code."""


class PackageList(FileForm):
    """Content of package.json."""

    files: dict[str, str]
    """From the path of each file in the package to its sha256."""


LIST_FORMAT = FileFormat("package.json", PackageList, [], "restore the package")


def write_list(package: Path) -> None:
    """Lists the files of a package that was just made."""
    files = {name: sha256_of(package / name) for name in _names(package) if not _is_replaced(name)}
    LIST_FORMAT.write(package / LIST, PackageList(files=files))


def refuse_changed_package(package: Path) -> None:
    """Raises InputError if a file of the package is not as its list has it, or is not in the list.

    Compiled files of the packed code are ignored: loading a package in its folder writes them.
    """
    listed = LIST_FORMAT.read(package / LIST).files
    found = {name for name in _names(package) if COMPILED_FOLDER not in PurePosixPath(name).parts}
    for name, sha256 in listed.items():
        if name not in found:
            raise InputError(f"{package / name} is missing: restore the package")
        if (actual := sha256_of(package / name)) != sha256:
            raise InputError(
                f"{package / name} has changed: its sha256 is {actual}, but {LIST} has {sha256}; "
                "restore it"
            )
    unknown = sorted(name for name in found - listed.keys() if not _is_replaced(name))
    if unknown:
        raise InputError(f"{package / unknown[0]} is not in {LIST}: remove it")


def unexpected_files(package: Path) -> list[str]:
    """Returns the paths of files that no packed model has, in a package of any version."""
    # imported here, because torch takes seconds, and --help needs none of it
    from tracelate.evaluation.lineage import MODEL_FILES

    data = (f"{ARTIFACTS_FOLDER}/{name}" for name in (*MODEL_FILES, LINEAGE.name))
    known = {*CODE, *EXAMPLES, *NOT_LISTED, CARD, *data}
    return [
        name
        for name in _names(package)
        if (package / name).is_symlink()
        or COMPILED_FOLDER in (parts := PurePosixPath(name).parts)
        or not (name in known or parts[0] == CODE_FOLDER or _is_picture(parts))
    ]


def code_sha256(package: Path) -> str:
    """Returns one hash of the names and contents of all files of CODE in a packed model."""
    every = (path for name in CODE for path in [package / name, *(package / name).rglob("*")])
    files = sorted(
        (path.relative_to(package).as_posix(), sha256_of(path))
        for path in every
        if path.is_file() and path.parent.name != COMPILED_FOLDER
    )
    return hashlib.sha256(repr(files).encode()).hexdigest()


def _names(package: Path) -> Iterator[str]:
    for path in sorted(package.rglob("*")):
        if path.is_symlink() or not path.is_dir():
            yield path.relative_to(package).as_posix()


def _is_replaced(name: str) -> bool:
    """True for the files that may change or appear after packing."""
    replaced = {LIST, CARD, f"{ARTIFACTS_FOLDER}/{LINEAGE.name}", *NOT_LISTED}
    return name in replaced or _is_picture(PurePosixPath(name).parts)


def _is_picture(parts: tuple[str, ...]) -> bool:
    return len(parts) == 2 and parts[0] == PICTURES and parts[1].endswith(".png")
