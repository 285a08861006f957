"""Translating text: translate."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from tracelate.cli.console import print_translation
from tracelate.cli.options import REFERENCE_HELP
from tracelate.errors import InputError
from tracelate.inference.long_lines import MAX_LINE_PIECES

if TYPE_CHECKING:
    from tracelate.inference.translator import Translator

app = typer.Typer()


@app.command(
    epilog="Example: `echo 'Could not connect' | tracelate translate`, or "
    "`tracelate translate big.en --output big.es --model models:/en-es@champion`"
)
def translate(
    files: Annotated[
        list[Path] | None,
        typer.Argument(help="Text files, read one after the other. Default: standard input."),
    ] = None,
    model: Annotated[str, typer.Option(help=REFERENCE_HELP)] = ".",
    output: Annotated[
        Path | None,
        typer.Option(
            help="File to write to, in place of standard output; a translation that was "
            "interrupted continues."
        ),
    ] = None,
    beam_size: Annotated[
        int | None,
        typer.Option(
            min=1,
            max=64,
            help="Number of hypotheses of the search. Default: that of the model's evaluation.",
        ),
    ] = None,
    long_lines: Annotated[
        Literal["split", "refuse"],
        typer.Option(
            help="Lines with more pieces than --max-line-pieces: split them at the ends of "
            "sentences, or stop at the first of them and name it."
        ),
    ] = "split",
    max_line_pieces: Annotated[
        int,
        typer.Option(
            min=1,
            help="Longest line that is translated as a whole, in subword pieces; the time grows "
            "with its square.",
        ),
    ] = MAX_LINE_PIECES,
) -> None:
    """Translate text of any size, line by line and in order.

    Beam size, length penalty and batch size are those with which the model was evaluated, as its
    lineage.json states. For a model without a lineage they are taken from the section `evaluate` of
    params.yaml in the model's folder or the nearest one above it; without that they are 5, 1.0 and
    128 sentences.
    """
    from tracelate.inference.file_translation import (
        bounded_lines,
        read_files,
        read_lines,
        translate_to_file,
        translation_identity,
    )
    from tracelate.inference.part_file import refuse_output
    from tracelate.progress import byte_bar

    for path in files or []:
        if not path.is_file():
            raise InputError(
                f"{path} is not a regular file: name a text file with one sentence per line"
            )
    if output is not None:
        if not files:
            raise InputError("--output needs input files, so that it can continue: name them")
        refuse_output(output, files)
    translator, hashes = _translator(model, beam_size, max_line_pieces)
    check_line = translator.refuse_long if long_lines == "refuse" else lambda _: None
    if not files:
        lines = read_lines(bounded_lines(sys.stdin.buffer), "standard input", check_line)
        _translate_standard_input(translator, lines)
        return
    with byte_bar("translate", sum(path.stat().st_size for path in files)) as on_bytes:
        if output is None:
            for translation in translator.translate_lines(read_files(files, on_bytes, check_line)):
                print_translation(translation)
            return
        identity = translation_identity(_settings(translator, hashes), files)
        translate_to_file(translator, files, output, identity, on_bytes, check_line)


def _settings(translator: Translator, hashes: Mapping[str, str]) -> dict[str, object]:
    """Returns everything beside the input that the translations depend on."""
    return {
        "model": dict(hashes),
        "beam_size": translator.beam_size,
        "length_penalty": translator.length_penalty,
        "max_line_pieces": translator.max_line_pieces,
    }


def _translate_standard_input(translator: Translator, lines: Iterator[str]) -> None:
    """Translates in batches, or line by line if a user types."""
    is_typed = sys.stdin.isatty()
    if is_typed:
        typer.echo("Type a sentence and press Enter; Ctrl-D ends.", err=True)
    streams: Iterable[Iterator[str]] = (iter([line]) for line in lines) if is_typed else [lines]
    for stream in streams:
        for translation in translator.translate_lines(stream):
            print_translation(translation)


def _translator(
    reference: str, beam_size: int | None, max_line_pieces: int
) -> tuple[Translator, Mapping[str, str]]:
    """Returns a translator with the model's settings, and the hashes of the model's files."""
    from tracelate.inference.translator import Translator
    from tracelate.tracking.references.references import resolve
    from tracelate.tracking.references.trained_models import load_trained

    loaded = load_trained(resolve(reference))
    translator = Translator(
        loaded.trained,
        beam_size=beam_size or loaded.settings.beam_size,
        length_penalty=loaded.settings.length_penalty,
        batch_sentences=loaded.settings.batch_sentences,
        max_line_pieces=max_line_pieces,
    )
    return translator, loaded.sha256_by_name
