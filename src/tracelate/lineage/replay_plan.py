"""The check of a lineage before its replay, and the description of what a replay will run.

A replay runs code and fetches data that the lineage names, and the lineage may come from a server
or from another machine.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from tracelate import layout
from tracelate.config import Params, load_params
from tracelate.config_file import explain_errors
from tracelate.corpus.provenance import CorpusPart
from tracelate.errors import InputError
from tracelate.evaluation.hashed_names import is_within_project
from tracelate.evaluation.lineage import Lineage
from tracelate.git import commit_subject
from tracelate.lineage.checks import check_lineage, failed_checks
from tracelate.saved_settings import complete_model_settings
from tracelate.tracking.references.references import (
    FilesReference,
    PackageReference,
    ProjectReference,
    Reference,
    ServedReference,
)
from tracelate.tracking.store.address import SQLITE, tracking_uri

SHOWN_VALUE = 80
"""Number of characters of a setting's value in the description."""


def refuse_invalid_lineage(lineage: Lineage) -> None:
    """Raises InputError if a setting is unknown or invalid, or if hashes contradict each other.

    A setting may be missing: an older version did not have it, and its own code reads the settings.
    """
    params = {**lineage.params, "model": complete_model_settings(lineage.params["model"])}
    try:
        Params.model_validate(params)
    except ValidationError as error:
        errors = [one for one in error.errors() if one["type"] != "missing"]
        if errors:
            raise InputError(f"the lineage: {explain_errors(errors, Params)}") from error
    if failed := failed_checks(check_lineage(lineage)):
        raise InputError(
            f"the lineage contradicts itself ({failed[0].what}: it {failed[0].reason}): restore it"
        )


def is_own(reference: Reference | ServedReference) -> bool:
    """Returns True for this project's lineage, or one of its store on this machine.

    Other lineages come from a server, or from a folder that may have come from anywhere.
    """
    match reference:
        case ProjectReference(root=root):
            return root.resolve() == layout.project_root()
        case PackageReference() | FilesReference() | ServedReference():
            return False
        case _:
            return tracking_uri().startswith(SQLITE)


def refuse_files_outside_project(lineage: Lineage) -> None:
    """Raises InputError if the settings name a file outside the project.

    A dataset's name that is a folder of this machine counts as one.
    """
    for part in lineage.corpus_parts:
        section = part.provenance.corpus
        section = f"sources.{part.name}.{section}" if part.name else section
        for path in _named_files(part):
            if not is_within_project(path):
                raise InputError(
                    f"the lineage names {path!r} (download.{section}), which lies outside the "
                    "project: put the corpus into corpora/ and train with it there"
                )


def _named_files(part: CorpusPart) -> Iterator[str]:
    """Yields the paths of files and folders in the settings and the provenance of a source."""
    provenance, settings = part.provenance, part.settings
    if provenance.corpus == "archive":
        return  # its members are no files of this machine
    for split in ("train", "valid", "test"):
        match settings.get(split):
            case dict() as pair:
                yield from pair.values()
            case list() as paths:
                yield from paths
    if provenance.in_project:
        yield from (file.name for file in provenance.files_on_disk(settings, Path()))
    if provenance.corpus == "hub" and Path(settings["name"]).is_dir():
        yield settings["name"]


def describe_replay(lineage: Lineage, root: Path) -> Iterator[str]:
    """Yields lines with the commit, the corpus and the settings that differ from the project's."""
    commit = lineage.training.commit
    subject = None if commit is None else commit_subject(commit, root)
    yield f"commit:   {commit or 'unknown'} {_quoted(subject or '')}".rstrip()
    for part in lineage.corpus_parts:
        yield f"corpus:   {_quoted(part.provenance.description)}"
    differences = list(_differences(lineage.params, _own_settings(root)))
    yield "settings: " + ("as in params.yaml" if not differences else "these differ:")
    for name, before, now in differences:
        yield f"  {name}: {now} (params.yaml: {before})"
    for metric in lineage.params["evaluate"].get("neural_metrics", []):
        yield f"not run:  the neural metric {_quoted(metric['name'])}: {_quoted(metric['command'])}"
    for name in lineage.test_sets:
        yield f"not run:  the test set {_quoted(name)}"


def _own_settings(root: Path) -> Mapping[str, Any]:
    try:
        return load_params(root / layout.PARAMS).model_dump(mode="json")
    except InputError:
        return {}


def _differences(
    settings: Mapping[str, Any], own: Mapping[str, Any]
) -> Iterator[tuple[str, str, str]]:
    """Yields the name of each setting that differs, its value in the project, and its own value."""
    theirs, ours = dict(_flat(settings)), dict(_flat(own))
    for name in sorted(theirs.keys() | ours.keys()):
        before, now = (_shown(values, name) for values in (ours, theirs))
        if before != now:
            yield name, before, now


def _flat(settings: Mapping[str, Any], start: str = "") -> Iterator[tuple[str, Any]]:
    for name, value in settings.items():
        if isinstance(value, dict):
            yield from _flat(value, f"{start}{name}.")
        else:
            yield f"{start}{name}", value


def _shown(values: Mapping[str, Any], name: str) -> str:
    return _quoted(values[name])[:SHOWN_VALUE] if name in values else "none"


def _quoted(value: object) -> str:
    """Returns JSON, in which no character can change what a terminal shows."""
    return json.dumps(value)
