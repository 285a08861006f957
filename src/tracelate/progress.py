"""Progress bars. They are shown on stderr while it is a terminal, and not at all otherwise."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import (
    BarColumn,
    DownloadColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    SpinnerColumn,
    Task,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.text import Text

NAME = "{task.description}"
Advance = Callable[[int], object]
"""Called with the amount of work that was done since the last call."""


@contextmanager
def spinner(name: str) -> Iterator[None]:
    """Shows that work of unknown length is being done."""
    with _bars(SpinnerColumn(), TextColumn(NAME), TimeElapsedColumn()) as shown:
        shown.add_task(name, total=None)
        yield


@contextmanager
def bar(name: str, total: int) -> Iterator[Advance]:
    """Shows how much of `total` is done."""
    with _bars(*_counting()) as shown:
        task = shown.add_task(name, total=total)
        yield lambda count: shown.advance(task, count)


@contextmanager
def byte_bar(name: str, total_bytes: int | None, done_bytes: int = 0) -> Iterator[Advance]:
    """Shows how many bytes are done, of a total that may be unknown."""
    with _bars(TextColumn(NAME), BarColumn(), DownloadColumn(), TimeRemainingColumn()) as shown:
        task = shown.add_task(name, total=total_bytes, completed=done_bytes)
        yield lambda count: shown.advance(task, count)


@contextmanager
def bar_for_each_step() -> Iterator[Callable[[str, int, int], object]]:
    """Shows a bar for each step; the function is called with step, newly done amount and total."""
    tasks: dict[str, TaskID] = {}
    with _bars(*_counting()) as shown:

        def advance(step: str, count: int, total: int) -> None:
            if step not in tasks:
                tasks[step] = shown.add_task(step, total=total)
            shown.advance(tasks[step], count)

        yield advance


def training_bar() -> Progress:
    """Returns a bar that counts steps and has measured values as its task's description.

    It must be started and stopped, and stays on the terminal at the end.
    """
    return _bars(
        TextColumn("train"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn(NAME),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
        TextColumn("left"),
        transient=False,
    )


def _counting() -> tuple[ProgressColumn, ...]:
    return TextColumn(NAME), BarColumn(), MofNCompleteColumn(), _Speed(), TimeRemainingColumn()


class _Speed(ProgressColumn):
    """Shows the amount that is done in a second."""

    def render(self, task: Task) -> Text:
        speed = task.finished_speed or task.speed
        return Text("" if speed is None else f"{speed:,.0f}/s")


def _bars(*columns: ProgressColumn, transient: bool = True) -> Progress:
    console = Console(stderr=True)
    return Progress(*columns, console=console, transient=transient, disable=not console.is_terminal)
