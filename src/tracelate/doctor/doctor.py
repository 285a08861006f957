"""Finding the problems of a project and its store, and fixing those that are safe to fix."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from tracelate import layout
from tracelate.doctor.dvc_checks import dvc_problems
from tracelate.doctor.problem import Problem
from tracelate.doctor.project_checks import project_problems
from tracelate.doctor.store_checks import store_problems
from tracelate.errors import InputError
from tracelate.layout import project_root
from tracelate.tracking.store.address import has_store, shown_uri
from tracelate.tracking.store.failures import StoreError, reason_of
from tracelate.tracking.store.moved_artifacts import (
    REMEDY,
    describe,
    places_elsewhere,
    relocate,
)
from tracelate.tracking.store.store import connect


def find_problems() -> list[Problem]:
    """Returns all problems of this project and its store.

    Raises StoreError if MLflow fails after the connection was made.
    """
    root = project_root()
    if not (root / layout.PARAMS).is_file():
        reason = f"this folder is no project: it has no {layout.PARAMS}"
        return [Problem(reason, str(root), "go to the project's folder")]
    return [*dvc_problems(root), *_problems_with_store(root)]


def _problems_with_store(root: Path) -> list[Problem]:
    if not has_store() and not (root / layout.RUN).is_file():
        return list(project_problems(root, None))
    if places := places_elsewhere():
        moved = Problem(describe(places[0]), str(root / layout.DATABASE), REMEDY, relocate)
        return [moved, *project_problems(root, None)]
    try:
        store = connect()
    except StoreError as error:
        remedy = str(error).rpartition(": ")[2]
        unreachable = Problem("MLflow's store cannot be reached", shown_uri(), remedy)
        return [unreachable, *project_problems(root, None)]
    return [*project_problems(root, store), *store_problems(store)]


def fix(problems: Sequence[Problem]) -> list[str]:
    """Fixes the problems that have a fix, in order, and returns a line for each of them."""
    lines = []
    for problem in problems:
        if problem.fix is None:
            continue
        try:
            was_fixed = problem.fix() is not False
        except (InputError, OSError) as error:
            lines.append(f"cannot fix ({reason_of(error)}): {problem.what}")
        else:
            lines.append(f"{'fixed' if was_fixed else 'no longer so'}: {problem.what}")
    return lines
