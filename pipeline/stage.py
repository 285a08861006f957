"""Functions that all stages share: running, closing line, and no incomplete outputs."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from tracelate.committed_outputs import RESTORE, is_committed
from tracelate.config import load_params
from tracelate.credentials import hide_credentials_in_tracebacks, without_credentials
from tracelate.errors import InputError, describe_os_error
from tracelate.files import refuse_unwritable, remove_files
from tracelate.home import name_home
from tracelate.printable import escape_what_cannot_be_encoded, printable_line
from tracelate.telemetry import turn_off_telemetry

name_home()
turn_off_telemetry()  # both before a stage imports MLflow or the hub


def run_stage(main: Callable[[], None], outputs: Sequence[Path] = ()) -> None:
    """Runs `main`; an InputError or OSError becomes one line on stderr and exit status 1.

    `outputs` are removed before, and again if `main` fails, so that no output is incomplete. They
    are kept if a setting is wrong, and if they cannot be written, which is found before `main`.
    """
    hide_credentials_in_tracebacks()
    escape_what_cannot_be_encoded()
    with _errors_in_one_line():
        load_params()
        refuse_unwritable(path.parent for path in outputs)
        replaced = [path for path in outputs if is_committed(path)]
        remove_files(outputs)
    try:
        with _errors_in_one_line():
            main()
    except BaseException:
        remove_files(outputs)
        if replaced:
            warn(f"{replaced[0].parent} lacks the outputs of this stage: {RESTORE}")
        raise


@contextmanager
def _errors_in_one_line() -> Iterator[None]:
    """Exits with status 1 after an InputError or OSError, and with 130 after Ctrl-C."""
    try:
        yield
    except (InputError, OSError) as error:
        message = describe_os_error(error) if isinstance(error, OSError) else str(error)
        message = without_credentials(" ".join(message.split()))
        sys.stderr.write(f"error: {printable_line(message)}\n")
        sys.exit(1)
    except KeyboardInterrupt:
        sys.stderr.write("stopped\n")
        sys.exit(130)


def warn(line: str | None) -> None:
    """Writes a warning of one line to stderr; None is none."""
    if line is not None:
        sys.stderr.write(f"warning: {printable_line(line)}\n")


def say(line: str) -> None:
    """Writes the closing line of a stage to stdout."""
    sys.stdout.write(printable_line(line) + "\n")
