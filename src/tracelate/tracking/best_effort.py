"""Writing to MLflow is never a reason to lose a training: it mirrors."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager

from mlflow.exceptions import MlflowException

from tracelate.tracking.store import StoreError, reason_of, shown_uri


@contextmanager
def mirroring() -> Iterator[None]:
    """Lets the stage go on where MLflow fails; the files hold all that it would have got."""
    try:
        yield
    except (MlflowException, StoreError, OSError) as error:
        sys.stderr.write(
            f"warning: MLflow at {shown_uri()} failed ({reason_of(error)}); the files are "
            "complete, and `tracelate sync` will write what it lacks\n"
        )
