"""Writing to MLflow without risk for the training: a failure is a warning, not an error."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager

from tracelate.printable import printable_line
from tracelate.tracking.store.address import shown_uri
from tracelate.tracking.store.failures import StoreError, reason_of, reporting_failures


@contextmanager
def best_effort(remedy: str = "`tracelate sync` writes them to MLflow") -> Iterator[None]:
    """Prints a warning if MLflow fails in the block, and continues after the block.

    The files contain everything that MLflow would have received, and `remedy` ends the warning.
    """
    try:
        with reporting_failures():
            yield
    except StoreError as error:
        _warn(error.reason, remedy)
    except OSError as error:
        _warn(reason_of(error), remedy)


def _warn(reason: str, remedy: str) -> None:
    sys.stderr.write(
        f"warning: MLflow at {shown_uri()} failed ({printable_line(reason)}); the files are "
        f"complete, and {remedy}\n"
    )
