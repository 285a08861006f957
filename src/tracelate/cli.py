"""The `tracelate` command, for people.

Heavy libraries are imported by the command that needs them, so that `--help` answers at once.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Annotated, BinaryIO

import typer

from tracelate.config import load_params
from tracelate.errors import InputError

app = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode="markdown",
    help="Train, compare and ship attention-based translation models that can be traced.",
)


@app.command(epilog="Example: `echo 'Could not connect' | tracelate translate`")
def translate(
    model: Annotated[Path, typer.Option(help="Folder of the trained model.")] = Path("models"),
    beam_size: Annotated[
        int | None, typer.Option(min=1, help="Default: evaluate.beam_size of params.yaml.")
    ] = None,
) -> None:
    """Translate lines from standard input, one by one and in order, to standard output."""
    from tracelate.evaluation.translate import Translator
    from tracelate.training.model_files import load_model

    config = load_params().evaluate
    translator = Translator(
        load_model(model),
        beam_size=beam_size or config.beam_size,
        length_penalty=config.length_penalty,
        batch_sentences=config.batch_sentences,
    )
    lines = read_lines(sys.stdin.buffer)
    if sys.stdin.isatty():
        typer.echo("Type a sentence and press Enter; Ctrl-D ends.", err=True)
        streams: Iterable[Iterator[str]] = (iter([line]) for line in lines)
    else:
        streams = [lines]
    for stream in streams:
        for translation in translator.translate_lines(stream):
            typer.echo(translation)


@app.command(epilog="Example: `tracelate summary`, after `dvc repro`")
def summary() -> None:
    """Say what was trained on what, how good it is, and what to try next."""
    from tracelate.evaluation.summary import print_summary

    print_summary(load_params())


@app.command(epilog="Example: `tracelate ui --port 5001`")
def ui(port: Annotated[int, typer.Option(help="On localhost.")] = 5000) -> None:
    """Open MLflow's interface on this project's runs."""
    from tracelate.tracking.store import tracking_uri

    address = ["--backend-store-uri", tracking_uri(), "--host", "127.0.0.1", "--port", str(port)]
    os.execvp(sys.executable, [sys.executable, "-m", "mlflow", "ui", *address])


def read_lines(file: BinaryIO) -> Iterator[str]:
    """UTF-8 lines without their ends. Raises InputError, which names the line that is none."""
    for number, line in enumerate(file, start=1):
        try:
            yield line.decode("utf-8").rstrip("\r\n")
        except UnicodeDecodeError as error:
            raise InputError(
                f"standard input, line {number}: {error.reason} at byte {error.start + 1}: "
                "convert it to UTF-8"
            ) from error


def main() -> None:
    """Runs the command; what a user can mend is one line on standard error and status 1."""
    try:
        app()
    except InputError as error:
        typer.echo(f"error: {error}", err=True)
        raise SystemExit(1) from None
    except BrokenPipeError:
        # whoever read our output has had enough; Python would complain again when it flushes
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


if __name__ == "__main__":
    main()
