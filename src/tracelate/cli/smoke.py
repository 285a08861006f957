"""A debug run of the project's settings: smoke."""

from __future__ import annotations

import signal
import sys

import typer

from tracelate.cli.console import print_json, print_line
from tracelate.cli.options import JsonOption

app = typer.Typer()


@app.command(epilog="Example: `tracelate smoke`, before `dvc repro` or a long `dvc exp run`")
def smoke(as_json: JsonOption = False) -> None:
    """Run all stages with the settings of params.yaml on a small share of the corpus.

    It finds wrong settings, text that cannot be read, test text in the
    training text, too little memory and missing programs before the long run. All text is read, up
    to 100,000 pairs are prepared, and 20 batches with the longest sentences are trained and
    evaluated. Settings that do not fit the size of the corpus are named with a value to set. The
    expected duration of the whole training is printed.

    Everything is written to .tracelate/smoke/, with an MLflow store of its own: no data, model,
    report, experiment or run of the project changes. The scores mean nothing.
    """
    from tracelate.smoke.run import smoke as run_smoke

    # as SystemExit, so that the stage is stopped too
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    warnings: list[str] = []

    def warn(line: str) -> None:
        warnings.append(line)
        print_line(f"warning: {line}", err=True)

    report = run_smoke(warn, output=sys.stderr if as_json else None)
    if as_json:
        print_json({**report._asdict(), "folder": str(report.folder), "warnings": warnings})
        return
    print_line(
        f"smoke: all stages ran in {report.seconds:,.0f} s and took at most "
        f"{report.ram_bytes / 2**30:,.1f} GiB of RAM; their files are in {report.folder}, and "
        "their scores mean nothing"
    )
    print_line(
        f"smoke: at this speed, the {report.epochs:,} epochs of the whole training take about "
        f"{_duration(report.training_s)} without validation"
    )


def _duration(seconds: float) -> str:
    if seconds < 90:
        return f"{seconds:,.0f} s"
    if seconds < 90 * 60:
        return f"{seconds / 60:,.0f} minutes"
    return f"{seconds / 3600:,.1f} hours"
