"""Translating text: translate."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from tracelate.cli.alias_warning import alias_warning
from tracelate.cli.console import print_line, print_translation
from tracelate.cli.options import ENSEMBLE_HELP, REFERENCE_HELP
from tracelate.cli.signing_options import SignWithOption, TrustedKeyOption, load_key
from tracelate.errors import InputError
from tracelate.inference.long_lines import MAX_LINE_PIECES

if TYPE_CHECKING:
    from tracelate.inference.translator import Translator
    from tracelate.signing.keys import SigningKey
    from tracelate.signing.receipt import TextDigest
    from tracelate.tracking.references.trained_models import LoadedModel

    Digests = Callable[[], tuple[TextDigest, TextDigest]]
    """Returns the hashes of the text and of the translation."""
    CheckLine = Callable[[str], object]
    """Raises InputError for a line that is not to be translated."""

app = typer.Typer()


@app.command(
    epilog="Example: `echo 'Could not connect' | tracelate translate`, or "
    "`tracelate translate big.en --output big.es --model models:/tracelate@champion`"
)
def translate(
    files: Annotated[
        list[Path] | None,
        typer.Argument(help="Text files, read one after the other. Default: standard input."),
    ] = None,
    model: Annotated[str, typer.Option(help=REFERENCE_HELP + ENSEMBLE_HELP)] = ".",
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
    processes: Annotated[
        int,
        typer.Option(
            min=1,
            max=1024,
            help="Number of processes, each with a copy of the model, that share out the text of "
            "files; the translations are the same with any number.",
        ),
    ] = 1,
    receipt: Annotated[
        Path | None,
        typer.Option(
            help="File for a receipt: a statement, signed with --sign-with, which text the model "
            "has translated into what. `tracelate verify-receipt` checks it."
        ),
    ] = None,
    sign_with: SignWithOption = None,
    trusted_key: TrustedKeyOption = None,
) -> None:
    """Translate text of any size, line by line and in order.

    Beam size, length penalty and batch size are those with which the model was evaluated, as its
    lineage.json states. For a model without a lineage they are taken from the section `evaluate` of
    params.yaml in the model's folder or the nearest one above it; without that they are 5, 1.0 and
    128 sentences.
    """
    from tracelate.inference.part_file import refuse_output

    if processes > 1 and not files:
        raise InputError("--processes needs input files: name them")
    for path in files or []:
        if not path.is_file():
            raise InputError(
                f"{path} is not a regular file: name a text file with one sentence per line"
            )
    if output is not None:
        if not files:
            raise InputError("--output needs input files, so that it can continue: name them")
        refuse_output(output, files)
    key = _receipt_key(receipt, sign_with)
    translator, loaded = _translator(model, beam_size, max_line_pieces, trusted_key)
    if receipt is not None and loaded.receipt is None:
        raise InputError(
            f"{model} cannot give a receipt, because it has no lineage: name a model that was "
            "evaluated"
        )
    check_line = translator.refuse_long if long_lines == "refuse" else lambda _: None
    if not files:
        digests = _translate_standard_input(translator, check_line)
    else:
        from tracelate.inference.shared_search import search_here

        with search_here(translator, processes, Path(tempfile.gettempdir())):
            if output is None:
                digests = _translate_files(translator, files, check_line)
            else:
                hashes = loaded.sha256_by_name
                digests = _translate_to_file(translator, hashes, files, output, check_line)
    if receipt is not None and key is not None and loaded.receipt is not None:
        from tracelate.signing.receipt import write_receipt

        write_receipt(receipt, *digests(), loaded.receipt, _settings(translator), key)


def _receipt_key(receipt: Path | None, sign_with: Path | None) -> SigningKey | None:
    """Returns the key that signs the receipt, if there is to be one."""
    if receipt is None:
        return None
    if sign_with is None:
        raise InputError(
            "--receipt needs a key to sign with: name it with --sign-with, or make one with "
            "`tracelate keys new`"
        )
    return load_key(sign_with)


def _translate_standard_input(translator: Translator, check_line: CheckLine) -> Digests:
    """Translates in batches, or line by line if a user types."""
    from tracelate.inference.file_translation import bounded_lines, read_lines
    from tracelate.signing.receipt import LineCounter

    text, translation = LineCounter(), LineCounter()
    read = read_lines(bounded_lines(sys.stdin.buffer), "standard input", check_line)
    lines = text.passing(read)
    is_typed = sys.stdin.isatty()
    if is_typed:
        typer.echo("Type a sentence and press Enter; Ctrl-D ends.", err=True)
    streams: Iterable[Iterator[str]] = (iter([line]) for line in lines) if is_typed else [lines]
    for stream in streams:
        for line in translation.passing(translator.translate_lines(stream)):
            print_translation(line)
    return lambda: (text.digest, translation.digest)


def _translate_files(
    translator: Translator, files: Sequence[Path], check_line: CheckLine
) -> Digests:
    from tracelate.inference.file_translation import read_files
    from tracelate.signing.receipt import LineCounter

    text, translation = LineCounter(), LineCounter()
    with _bytes_bar(files) as on_bytes:
        lines = text.passing(read_files(files, on_bytes, check_line))
        for line in translation.passing(translator.translate_lines(lines)):
            print_translation(line)
    return lambda: (text.digest, translation.digest)


def _translate_to_file(
    translator: Translator,
    hashes: Mapping[str, str],
    files: Sequence[Path],
    output: Path,
    check_line: CheckLine,
) -> Digests:
    from tracelate.inference.file_translation import translate_to_file, translation_identity
    from tracelate.signing.receipt import digest_files

    with _bytes_bar(files) as on_bytes:
        identity = translation_identity({"model": dict(hashes), **_settings(translator)}, files)
        translate_to_file(translator, files, output, identity, on_bytes, check_line)
    # of the files, because a part of them may have been translated by an earlier call
    return lambda: (digest_files("lines", files), digest_files("lines", [output]))


def _settings(translator: Translator) -> dict[str, Any]:
    """Returns the settings that change the words of a translation."""
    return {
        "beam_size": translator.beam_size,
        "length_penalty": translator.length_penalty,
        "max_line_pieces": translator.max_line_pieces,
    }


def _bytes_bar(files: Sequence[Path]) -> AbstractContextManager[Callable[[int], object]]:
    from tracelate.progress import byte_bar

    return byte_bar("translate", sum(path.stat().st_size for path in files))


def _translator(
    reference: str,
    beam_size: int | None,
    max_line_pieces: int,
    trusted_keys: Sequence[Path] | None,
) -> tuple[Translator, LoadedModel]:
    """Returns a translator with the model's settings, and the model that it uses."""
    from tracelate.inference.translator import Translator
    from tracelate.signing.trust import read_trust
    from tracelate.tracking.references.ensemble_references import load_members, resolve_members

    found = resolve_members(reference)
    loaded = load_members(found, read_trust(trusted_keys or ()))
    for warning in filter(None, map(alias_warning, found)):
        print_line(warning, err=True)
    translator = Translator(
        loaded.trained,
        beam_size=beam_size or loaded.settings.beam_size,
        length_penalty=loaded.settings.length_penalty,
        batch_sentences=loaded.settings.batch_sentences,
        max_line_pieces=max_line_pieces,
    )
    return translator, loaded
