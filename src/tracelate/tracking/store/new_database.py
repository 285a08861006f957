"""The project's database, which is made whole: MLflow's own creation takes seconds, and what it
leaves when it is killed cannot be opened again.
"""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

from mlflow import MlflowClient

from tracelate.files import temporary_folder


def make_database(path: Path) -> None:
    """Makes an empty database of MLflow's beside `path` and puts it there.

    If another process has made it meanwhile, that one stays. Raises MLflow's and SQLAlchemy's
    exceptions.
    """
    with temporary_folder(path) as folder:
        made = folder / path.name
        # relative, since a project's path may have signs of an address
        MlflowClient(f"sqlite:///{os.path.relpath(made)}").search_experiments(max_results=1)
        with suppress(FileExistsError):
            os.link(made, path)
