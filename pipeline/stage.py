"""Functions that all stages share: running, closing line, and no incomplete outputs."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from tracelate.credentials import hide_credentials_in_tracebacks, without_credentials
from tracelate.errors import InputError
from tracelate.files import remove_files


def run_stage(main: Callable[[], None], outputs: Sequence[Path] = ()) -> None:
    """Runs `main`; an InputError becomes one line on stderr and exit status 1.

    `outputs` are removed before, and again if `main` fails, so that no output is incomplete.
    """
    hide_credentials_in_tracebacks()
    remove_files(outputs)
    try:
        main()
    except InputError as error:
        remove_files(outputs)
        sys.stderr.write(f"error: {' '.join(without_credentials(str(error)).split())}\n")
        sys.exit(1)
    except KeyboardInterrupt:
        remove_files(outputs)
        sys.stderr.write("stopped\n")
        sys.exit(130)
    except BaseException:
        remove_files(outputs)
        raise


def say(line: str) -> None:
    """Writes the closing line of a stage to stdout."""
    sys.stdout.write(line + "\n")
