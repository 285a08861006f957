"""What all stages share: how they end, what they say, and that they leave no half outputs."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from tracelate.errors import InputError
from tracelate.files import remove_files


def run_stage(main: Callable[[], None], outputs: Sequence[Path] = ()) -> None:
    """Runs `main`; an InputError becomes one line on stderr and exit status 1.

    `outputs` are removed before, and again where `main` fails: none that looks whole is left.
    """
    remove_files(outputs)
    try:
        main()
    except InputError as error:
        remove_files(outputs)
        sys.stderr.write(f"error: {' '.join(str(error).split())}\n")
        sys.exit(1)
    except KeyboardInterrupt:
        remove_files(outputs)
        sys.stderr.write("stopped\n")
        sys.exit(130)
    except BaseException:
        remove_files(outputs)
        raise


def say(line: str) -> None:
    """A stage's closing line, on stdout."""
    sys.stdout.write(line + "\n")


def progress() -> Progress:
    """Progress on stderr while that is a terminal, and nothing otherwise."""
    console = Console(stderr=True)
    columns = (SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
    return Progress(*columns, console=console, transient=True, disable=not console.is_terminal)
