"""The question whether the code of a packed model is known here, asked before it is signed.

Tracelate runs no code of a package, but MLflow alone does. A person who may write to MLflow's store
can change the code and its hash together before the package is signed. So the code is compared with
what that person cannot write: the Tracelate that is installed, and a commit of this repository.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path

import tracelate
from tracelate import layout
from tracelate.errors import InputError
from tracelate.evaluation.lineage import MODEL_FILES
from tracelate.files import sha256_of
from tracelate.git import files_of, object_name
from tracelate.lineage.bill_of_materials import parse_requirements
from tracelate.tracking.packages.package_files import (
    ARTIFACTS_FOLDER,
    CODE_FOLDER,
    COMPILED_FOLDER,
    ENVIRONMENTS,
    MODEL_FILE,
    OLD_PYFUNC_MODEL,
    PYFUNC_MODEL,
    REQUIREMENTS_FILE,
)
from tracelate.tracking.runs.log_model import REQUIREMENTS
from tracelate.yaml_file import read_yaml

INSTALLED = Path(tracelate.__path__[0])
SOURCES = "src/tracelate"
"""Folder of the code in the repository."""
REMEDY = "restore the package"
INSTALLABLE = {*REQUIREMENTS, "python", "pip", "setuptools", "wheel"}
"""Distributions that MLflow may install to run a packed model."""
REQUIRED = re.compile(r"([A-Za-z0-9._-]+)(?:[=<>]=?[0-9A-Za-z.!+]+)?")
"""A name, with or without its version; neither an address nor an option of pip's."""
PYTHON = re.compile(r"3\.[0-9]+(?:\.[0-9]+)?")
ENVIRONMENT_WORDS = {
    *("channels", "conda-forge", "dependencies", "build_dependencies", "name", "mlflow-env"),
    f"-r {REQUIREMENTS_FILE}",
}
"""Other keys and texts of the files that describe an environment to MLflow."""


def foreign_code(package: Path, commit: str | None) -> str | None:
    """Returns the first part of the code that is not known here, and why; None if all is known.

    `package` is the folder of the packed model, and `commit` the full name of its training's.
    """
    try:
        _refuse_loading(package / MODEL_FILE)
        _refuse_requirements(package)
    except InputError as error:
        return str(error)
    return _foreign_source(package, commit)


def _foreign_source(package: Path, commit: str | None) -> str | None:
    """All files must be of one version, because a mixture of two was never tested."""
    packed = dict(_files(package / CODE_FOLDER))
    for name in (PYFUNC_MODEL.name, OLD_PYFUNC_MODEL):
        if (entry := package / name).is_file() and sha256_of(entry) not in {
            sha256_of(path) for path in packed.values() if path.name == name
        }:
            return f"{name} is none of the packed code"
    names = {name: sha256_of(path) for name, path in packed.items()}
    installed = {f"{INSTALLED.name}/{name}": sha256_of(path) for name, path in _files(INSTALLED)}
    differing = _first_difference(names, installed)
    if differing is None:
        return None
    if commit is not None and (committed := files_of(commit, SOURCES)) is not None:
        objects = {name: object_name(path, commit) for name, path in packed.items()}
        of_commit = {f"{INSTALLED.name}/{name}": one for name, one in committed.items()}
        if _first_difference(objects, of_commit) is None:
            return None
    return (
        f"{CODE_FOLDER}/{differing} is not that of the Tracelate installed here, and the code is "
        f"not that of commit {commit or 'none'} in this repository"
    )


def _files(folder: Path) -> Iterator[tuple[str, Path]]:
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder)
        if path.is_file() and COMPILED_FOLDER not in name.parts:
            yield name.as_posix(), path


def _first_difference(found: Mapping[str, str], known: Mapping[str, str]) -> str | None:
    return next(
        (name for name in sorted({*found, *known}) if found.get(name) != known.get(name)), None
    )


def _refuse_loading(path: Path) -> None:
    """Raises InputError unless MLflow loads the packed code with the packed files alone."""
    values = read_yaml(path, REMEDY)
    flavors = values.get("flavors") if isinstance(values, dict) else None
    flavor = flavors.get("python_function") if isinstance(flavors, dict) else None
    if not isinstance(flavors, dict) or not isinstance(flavor, dict) or len(flavors) != 1:
        raise InputError(f"{MODEL_FILE} has other flavors than python_function")
    files = (*MODEL_FILES, layout.LINEAGE.name)
    wanted: dict[str, list[object]] = {
        "loader_module": ["mlflow.pyfunc.loaders.code_model"],
        "code": [CODE_FOLDER],
        "model_code_path": [PYFUNC_MODEL.name, OLD_PYFUNC_MODEL],
        "env": [ENVIRONMENTS],
        "artifacts": [
            {name: {"path": f"{ARTIFACTS_FOLDER}/{name}", "uri": name} for name in files}
        ],
    }
    harmless = {"cloudpickle_version", "python_version", "streamable", "config"}
    for name, value in flavor.items():
        if name not in harmless and value not in wanted.get(name, []):
            raise InputError(f"{MODEL_FILE} has {name} {value!r}, which no packed model has")


def _refuse_requirements(package: Path) -> None:
    """Raises InputError if MLflow would install anything that translating does not import."""
    text = (package / REQUIREMENTS_FILE).read_text(encoding="utf-8")
    lines = {REQUIREMENTS_FILE: parse_requirements(text)}
    for name in ENVIRONMENTS.values():
        lines[name] = [*_texts(read_yaml(package / name, REMEDY))]
    for name, found in lines.items():
        for line in found:
            required = REQUIRED.fullmatch(line)
            is_known = line in ENVIRONMENT_WORDS or PYTHON.fullmatch(line)
            if not is_known and not (required and required[1] in INSTALLABLE):
                raise InputError(f"{name} has {line!r}, which translating does not need")


def _texts(value: object) -> Iterator[str]:
    """Yields the texts of a value of YAML, and the keys of its mappings."""
    match value:
        case dict():
            for key, inner in value.items():
                yield str(key)
                yield from _texts(inner)
        case list():
            for inner in value:
                yield from _texts(inner)
        case _:
            yield str(value)
