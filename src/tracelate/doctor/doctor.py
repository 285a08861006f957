"""Finding what is wrong with a project and its store, and mending what is safe to mend."""

from __future__ import annotations

from mlflow.exceptions import MlflowException

from tracelate import layout
from tracelate.doctor.problem import Ailment
from tracelate.doctor.project_checks import folder_ailments
from tracelate.doctor.store_checks import store_ailments
from tracelate.errors import InputError
from tracelate.tracking.store import (
    StoreError,
    connect,
    has_store,
    reason_of,
    shown_uri,
)


def examine() -> list[Ailment]:
    """All that is wrong with this project and the store that it writes to."""
    root = layout.project_root()
    if not has_store() and not (root / layout.RUN).is_file():
        return list(folder_ailments(root, None))
    try:
        client = connect()
    except StoreError as error:
        remedy = str(error).rpartition(": ")[2]
        unreachable = Ailment("MLflow's store cannot be reached", shown_uri(), remedy)
        return [unreachable, *folder_ailments(root, None)]
    return [*folder_ailments(root, client), *store_ailments(client)]


def mend(ailments: list[Ailment]) -> list[str]:
    """Mends what can be, in order. Gives a line for each that was tried, with what came of it."""
    said = []
    for ailment in ailments:
        if ailment.mend is None:
            continue
        try:
            ailment.mend()
        except (InputError, MlflowException, OSError) as error:
            said.append(f"cannot mend ({reason_of(error)}): {ailment.what}")
        else:
            said.append(f"mended: {ailment.what}")
    return said
