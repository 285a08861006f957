"""Translation of files line by line, and its continuation after an interruption."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from pathlib import Path

import pytest

from tracelate.errors import InputError
from tracelate.inference import file_translation
from tracelate.inference.file_translation import read_files, translate_to_file, translation_identity
from tracelate.inference.translator import CHUNK_BATCHES, Translator
from tracelate.training.model_files import load_model

WORDS = ["Always", "the door", "opens", "the window", "never", "a light ñ"]
LINES = [" ".join(pair) for pair in itertools.permutations(WORDS, 2)]


class Reverser(Translator):
    """Translates a line by reversing it, and records its input."""

    def __init__(self) -> None:
        self.batch_sentences, self.processes = 1, 1
        self.seen: list[str] = []

    def translate_lines(self, lines: Iterator[str]) -> Iterator[str]:
        for line in lines:
            self.seen.append(line)
            yield line[::-1]


@pytest.fixture
def translator() -> Reverser:
    return Reverser()


@pytest.fixture
def inputs(tmp_path: Path) -> list[Path]:
    paths = [tmp_path / "a.en", tmp_path / "b.en"]
    paths[0].write_text("\n".join(LINES[:11]) + "\n", encoding="utf-8")
    paths[1].write_text("\n".join(LINES[11:]), encoding="utf-8")
    return paths


def cut_short(
    translator: Reverser, inputs: list[Path], output: Path, identity: str, lines: int
) -> None:
    """Translates like a process that is killed after a number of lines."""
    seen = 0

    def stop(_: int) -> None:
        nonlocal seen
        seen += 1
        if seen == lines:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        translate_to_file(translator, inputs, output, identity, stop)


def test_every_line_has_its_translation_in_order(
    translator: Reverser, inputs: list[Path], tmp_path: Path
) -> None:
    output = tmp_path / "new" / "out.es"
    sizes: list[int] = []
    translate_to_file(translator, inputs, output, "x", sizes.append)
    assert output.read_text(encoding="utf-8") == "".join(f"{line[::-1]}\n" for line in LINES)
    assert sum(sizes) == sum(path.stat().st_size for path in inputs)
    assert [path.name for path in output.parent.iterdir()] == ["out.es"]


@pytest.mark.parametrize("lines", [1, CHUNK_BATCHES + 1, 2 * CHUNK_BATCHES + 5])
def test_an_interrupted_translation_continues_with_the_same_result(
    translator: Reverser, inputs: list[Path], tmp_path: Path, lines: int
) -> None:
    whole, output = tmp_path / "whole.es", tmp_path / "out.es"
    translate_to_file(translator, inputs, whole, "x")
    cut_short(translator, inputs, output, "x", lines)
    assert not output.exists()
    with (tmp_path / "out.es.tracelate-part").open("ab") as part:
        part.write(b"half a li")
    translator.seen.clear()
    translate_to_file(translator, inputs, output, "x")
    assert output.read_bytes() == whole.read_bytes()
    assert translator.seen == LINES[(lines - 1) // CHUNK_BATCHES * CHUNK_BATCHES :]
    assert not list(tmp_path.glob("*tracelate*"))


def test_a_partial_file_of_another_model_or_input_is_refused_and_kept(
    translator: Reverser, inputs: list[Path], tmp_path: Path
) -> None:
    output, part = tmp_path / "out.es", tmp_path / "out.es.tracelate-part"
    cut_short(translator, inputs, output, "x", CHUNK_BATCHES + 1)
    before = part.read_bytes()
    with pytest.raises(InputError, match=r"\.tracelate-part is of another model.* remove it"):
        translate_to_file(translator, inputs, output, "y")
    assert part.read_bytes() == before
    part.write_bytes(before[:-1])
    with pytest.raises(InputError, match="is not complete, or was changed"):
        translate_to_file(translator, inputs, output, "x")
    part.write_bytes(before[:-1] + b"?")
    with pytest.raises(InputError, match="is not complete, or was changed"):
        translate_to_file(translator, inputs, output, "x")


def test_an_existing_output_is_not_overwritten(
    translator: Reverser, inputs: list[Path], tmp_path: Path
) -> None:
    output = tmp_path / "out.es"
    output.write_text("mine")
    with pytest.raises(InputError, match="exists already"):
        translate_to_file(translator, inputs, output, "x")
    assert output.read_text() == "mine"


def test_a_line_that_the_check_refuses_is_named_and_what_came_before_is_kept(
    translator: Reverser, inputs: list[Path], tmp_path: Path
) -> None:
    def refuse(line: str) -> None:
        if line == LINES[20]:
            raise InputError("it is too long: split it")

    output = tmp_path / "out.es"
    with pytest.raises(InputError, match=r"b\.en, line 10: it is too long: split it"):
        translate_to_file(translator, inputs, output, "x", check_line=refuse)
    translator.seen.clear()
    translate_to_file(translator, inputs, output, "x")
    assert translator.seen == LINES[2 * CHUNK_BATCHES :]


def test_a_file_without_line_ends_is_not_read_as_one_line(
    inputs: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    longest = max(len(line.encode()) for line in LINES) + 1
    monkeypatch.setattr(file_translation, "LONGEST_LINE_BYTES", longest)
    assert list(read_files(inputs)) == LINES
    with inputs[1].open("ab") as file:
        file.write(b"x" * 1000)
    with pytest.raises(InputError, match=rf"b\.en, line \d+: more than {longest} bytes: break it"):
        list(read_files(inputs))


def test_the_identity_depends_on_settings_and_content_but_not_on_names(inputs: list[Path]) -> None:
    identity = translation_identity({"beam_size": 1}, inputs)
    moved = inputs[0].rename(inputs[0].with_name("c.en"))
    assert translation_identity({"beam_size": 1}, [moved, inputs[1]]) == identity
    assert translation_identity({"beam_size": 2}, [moved, inputs[1]]) != identity
    assert translation_identity({"beam_size": 1}, [inputs[1], moved]) != identity
    moved.write_text("changed")
    assert translation_identity({"beam_size": 1}, [moved, inputs[1]]) != identity


@pytest.mark.parametrize("skipped", [0, 11, 12])
def test_a_line_with_invalid_utf8_is_named_by_its_file_and_number(
    inputs: list[Path], skipped: int
) -> None:
    with inputs[1].open("ab") as file:
        file.write(b"\nfine\n\xff\n")
    number = len(LINES) - 11 + 2
    with pytest.raises(InputError, match=rf"b\.en, line {number}: "):
        list(read_files(inputs, skipped=skipped))


def test_only_lf_and_cr_lf_end_a_line(tmp_path: Path) -> None:
    path = tmp_path / "a.en"
    lines = ["a\u2028b", "c\x0bd\x0c", "e\rf", "\x85", "g"]
    path.write_bytes("\r\n".join(lines).encode() + b"\n")
    assert list(read_files([path])) == lines


def test_each_line_of_other_white_space_has_one_line_in_the_output(
    finished_project: Path, tmp_path: Path
) -> None:
    path, output = tmp_path / "a.en", tmp_path / "a.es"
    path.write_bytes("\ufeffNever.\u2028Never.\r\n\x0b\nNever.\rNever.\nNever.\n".encode())
    trained = load_model(finished_project / "models")
    translator = Translator(trained, beam_size=1, length_penalty=1.0, batch_sentences=2)
    translate_to_file(translator, [path], output, "identity")
    first, blank, second, last = output.read_text(encoding="utf-8").removesuffix("\n").split("\n")
    assert blank == "" and first and second and last
    assert first == translator.translate(["Never. Never."])[0].text
