"""Translating text: translate."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tracelate import layout
from tracelate.config import load_params
from tracelate.errors import InputError

if TYPE_CHECKING:
    from tracelate.inference.translator import Translator

app = typer.Typer()
MODELS = str(layout.MODELS)


@app.command(
    epilog="Example: `echo 'Could not connect' | tracelate translate`, or "
    "`tracelate translate big.en --output big.es --model models:/en-es@champion`"
)
def translate(
    files: Annotated[
        list[Path] | None,
        typer.Argument(help="Read one after the other; without any, standard input."),
    ] = None,
    model: Annotated[
        str,
        typer.Option(
            help="Folder of the trained model, models:/NAME@alias, models:/NAME/3, or a run."
        ),
    ] = MODELS,
    output: Annotated[
        Path | None,
        typer.Option(help="A file, in place of standard output; a run that was cut short goes on."),
    ] = None,
    beam_size: Annotated[
        int | None,
        typer.Option(min=1, help="Default: evaluate.beam_size, as the model was evaluated."),
    ] = None,
) -> None:
    """Translate text line by line and in order, files of any size."""
    from tracelate.inference.file_translation import (
        read_files,
        read_lines,
        translate_to_file,
        translation_identity,
    )
    from tracelate.progress import byte_bar

    for path in files or []:
        if not path.is_file():
            raise InputError(f"{path} is no file: name one with a sentence a line")
    if output is not None and not files:
        raise InputError("--output needs FILES to read, so that it can go on: name them")
    translator, hashes = _translator(model, beam_size)
    if not files:
        if sys.stdin.isatty():
            typer.echo("Type a sentence and press Enter; Ctrl-D ends.", err=True)
        lines = read_lines(iter(sys.stdin.buffer), "standard input")
        streams: Iterable[Iterator[str]] = (
            (iter([line]) for line in lines) if sys.stdin.isatty() else [lines]
        )
        for stream in streams:
            for translation in translator.translate_lines(stream):
                typer.echo(translation)
        return
    with byte_bar("translate", sum(path.stat().st_size for path in files)) as on_bytes:
        if output is None:
            for translation in translator.translate_lines(read_files(files, on_bytes)):
                typer.echo(translation)
            return
        settings = {
            "model": hashes,
            "beam_size": translator.beam_size,
            "length_penalty": translator.length_penalty,
        }
        identity = translation_identity(settings, files)
        translate_to_file(translator, files, output, identity, on_bytes)


def _translator(reference: str, beam_size: int | None) -> tuple[Translator, dict[str, str]]:
    """The model's translator, with the settings that it was evaluated with, and its hashes."""
    from tracelate.evaluation.lineage import MODEL_FILES
    from tracelate.files import sha256_of
    from tracelate.inference.translator import Translator
    from tracelate.training.model_files import load_model

    folder = Path(reference)
    settings: dict[str, Any]
    if reference == MODELS or (folder.is_dir() and not (folder / "MLmodel").is_file()):
        settings = load_params().evaluate.model_dump()
        trained = load_model(folder)
        hashes = {name: sha256_of(folder / name) for name in MODEL_FILES}
    else:
        from tracelate.tracking.packed_models import load_packed

        trained, lineage = load_packed(reference)
        settings = lineage.params["evaluate"]
        hashes = {Path(name).name: sha256 for name, sha256 in lineage.model.items()}
    translator = Translator(
        trained,
        beam_size=beam_size or settings["beam_size"],
        length_penalty=settings["length_penalty"],
        batch_sentences=settings["batch_sentences"],
    )
    return translator, hashes
