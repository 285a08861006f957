"""Translating text: translate."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Annotated, BinaryIO

import typer

from tracelate.config import load_params
from tracelate.errors import InputError

app = typer.Typer()


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
