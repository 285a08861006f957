"""Compares the results of two project folders in which `dvc repro` has run.

    python -m benchmarks.same_results OLD NEW

Data, weights, tokenizer, translations and figures must be equal byte for byte; metrics.json must
have equal values, except for its `format_version`. Prints a line for each file, and exits with
status 1 if a file differs or is missing. Use it to check that a refactoring changes no result;
CONTRIBUTING.md has the commands.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from rich.console import Console
from rich.table import Table

from tracelate.errors import InputError
from tracelate.files import read_json, sha256_of

FOLDERS = (Path("data"), Path("reports/figures"))
FILES = (
    Path("models/weights.safetensors"),
    Path("models/tokenizer.json"),
    Path("reports/translations.jsonl"),
)
METRICS = Path("reports/metrics.json")
FORMAT = "format_version"
SHOWN = 12
"""Number of characters of a hash in the table."""


class Result(NamedTuple):
    """Comparison of one file."""

    path: Path
    is_same: bool
    found: str
    """Hash or number of values if they are equal; otherwise the differences."""


def compare_folders(old: Path, new: Path) -> Iterator[Result]:
    """Yields a result for each file; metrics.json is the last.

    Raises InputError if a folder has no metrics.json, and ValueError if that file is not JSON.
    """
    for folder in (old, new):
        if not (folder / METRICS).is_file():
            raise InputError(f"{folder / METRICS} is missing: run `dvc repro` in {folder}")
    for path in sorted({*FILES, *_files(old), *_files(new)}):
        yield _compare_bytes(old, new, path)
    yield _compare_metrics(old, new)


def _files(root: Path) -> Iterator[Path]:
    for folder in FOLDERS:
        for path in (root / folder).rglob("*"):
            if path.is_file() and path.name != ".gitignore":
                yield path.relative_to(root)


def _compare_bytes(old: Path, new: Path, path: Path) -> Result:
    missing = [str(root) for root in (old, new) if not (root / path).is_file()]
    if missing:
        return Result(path, False, f"missing in {' and '.join(missing)}")
    before, after = (sha256_of(root / path)[:SHOWN] for root in (old, new))
    return Result(path, before == after, before if before == after else f"{before}, now {after}")


def _compare_metrics(old: Path, new: Path) -> Result:
    before, after = (dict(_values(read_json(root / METRICS))) for root in (old, new))
    for values in (before, after):
        values.pop(FORMAT, None)
    differing = [
        f"{name} {before.get(name, 'missing')}, now {after.get(name, 'missing')}"
        for name in sorted({*before, *after})
        if name not in before or name not in after or before[name] != after[name]
    ]
    return Result(METRICS, not differing, "; ".join(differing) or f"{len(before)} values")


def _values(value: Any, name: str = "") -> Iterator[tuple[str, Any]]:
    """Yields the path within the document and the value of each number, text or null."""
    if isinstance(value, dict | list) and value:
        parts = value.items() if isinstance(value, dict) else enumerate(value)
        for key, part in parts:
            yield from _values(part, f"{name}.{key}" if name else str(key))
    else:
        yield name, value


def table_of(results: list[Result]) -> Table:
    table = Table()
    for column in ("", "file", "sha256"):
        table.add_column(column, overflow="fold")
    for path, is_same, found in results:
        table.add_row("[green]✓[/]" if is_same else "[red]✗[/]", str(path), found)
    return table


def main(arguments: list[str]) -> int:
    """Prints the table and returns the exit status."""
    console = Console(highlight=False)
    if len(arguments) != 2:
        console.print("usage: python -m benchmarks.same_results OLD NEW")
        return 2
    try:
        results = list(compare_folders(*map(Path, arguments)))
    except (InputError, ValueError) as error:
        console.print(f"error: {error}", markup=False)
        return 1
    console.print(table_of(results))
    differing = [str(one.path) for one in results if not one.is_same]
    console.print(
        f"{len(differing)} of {len(results)} differ: {', '.join(differing)}"
        if differing
        else f"the same: all {len(results)} files"
    )
    return 1 if differing else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
