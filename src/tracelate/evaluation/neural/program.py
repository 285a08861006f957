"""A program that scores translations, in an environment of its own.

It reads a JSON object a line from standard input,
`{"source": …, "translation": …, "reference": …}`. To standard output it writes first
`{"name": …, "version": …, "signature": …}` and then, for each sentence in order, `{"score": …}`: a
finite number, higher for a better translation. It ends with status 0. On failure, its last line of
standard error is the reason.
"""

from __future__ import annotations

import json
import math
import os
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import IO, Annotated, Any, NamedTuple, NoReturn

from pydantic import BaseModel, ConfigDict, StringConstraints, ValidationError

from tracelate.config_evaluate import NeuralMetricConfig
from tracelate.errors import InputError
from tracelate.file_format import first_error
from tracelate.printable import printable_line

ADAPTER = "{comet_adapter}"
"""In a command: the path of the packaged adapter of COMET."""
SCORE_BYTES = 1_000
"""Most bytes of a line that the program may write on average."""
MESSAGE_BYTES = 50_000_000
"""Most bytes that it may write to standard error."""
LOOK_EVERY_S = 0.1
NOT_INHERITED = ("PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV")
"""Environment variables of this environment that would harm another one."""
SHOWN = 300
OFF = "correct evaluate.neural_metrics, or set it to [] to do without"

Part = Annotated[str, StringConstraints(pattern=r"^[^|\x00-\x1f\x7f]{1,200}$")]


class SentenceToScore(NamedTuple):
    """A sentence as the program reads it."""

    source: str
    translation: str
    reference: str


class Header(BaseModel):
    """The program's first line. It is part of the signature of its scores."""

    model_config = ConfigDict(frozen=True, strict=True, extra="ignore")

    name: Part
    version: Part
    signature: Part
    """All else that a score depends on, such as the model's name and revision."""


class ProgramScores(NamedTuple):
    """The answer of a program."""

    header: Header
    scores: list[float]
    """Of each sentence, in order."""


def score_by_program(
    metric: NeuralMetricConfig, sentences: Sequence[SentenceToScore]
) -> ProgramScores:
    """Runs the metric's command on the sentences.

    Raises InputError, which names the metric and the reason, if the command cannot be run, fails,
    takes longer than `timeout_s`, or does not answer with a finite score for each sentence.
    """
    with (
        tempfile.TemporaryFile() as asked,
        tempfile.TemporaryFile() as answer,
        tempfile.TemporaryFile() as errors,
    ):
        for sentence in sentences:
            asked.write(json.dumps(sentence._asdict()).encode() + b"\n")
        asked.seek(0)
        limit_bytes = SCORE_BYTES * (len(sentences) + 2)
        status = _run(metric, asked, answer, errors, limit_bytes)
        if status != 0:
            _fail(metric, f"ended with status {status}: {_last_line(errors)}")
        answer.seek(0)
        return _parse(metric, answer.read().splitlines(), len(sentences))


def _run(
    metric: NeuralMetricConfig, asked: IO[bytes], answer: IO[bytes], errors: IO[bytes], limit: int
) -> int:
    """Returns the exit status."""
    adapter = str(Path(__file__).with_name("comet_adapter.py"))
    kept = {name: value for name, value in os.environ.items() if name not in NOT_INHERITED}
    try:
        process = subprocess.Popen(
            [part.replace(ADAPTER, adapter) for part in metric.command],
            stdin=asked,
            stdout=answer,
            stderr=errors,
            env=kept,
            start_new_session=True,
        )
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else str(error)
        _fail(metric, f"cannot be run ({reason})")
    ends_s = time.monotonic() + metric.timeout_s
    try:
        while True:
            try:
                return process.wait(LOOK_EVERY_S)
            except subprocess.TimeoutExpired:
                pass
            if time.monotonic() > ends_s:
                _fail(metric, f"took longer than its timeout_s, {metric.timeout_s:g} s")
            for file, most in ((answer, limit), (errors, MESSAGE_BYTES)):
                if os.fstat(file.fileno()).st_size > most:
                    _fail(metric, f"wrote more than {most:,} bytes")
    finally:
        _end(process)


def _end(process: subprocess.Popen[bytes]) -> None:
    """Ends the program with all that it has started."""
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def _parse(metric: NeuralMetricConfig, lines: Sequence[bytes], count: int) -> ProgramScores:
    if not lines:
        _fail(metric, "answered with nothing")
    try:
        header = Header.model_validate_json(lines[0])
    except ValidationError as error:
        _fail(metric, f"did not begin with name, version and signature ({first_error(error)})")
    scores = list(_scores(metric, lines[1:]))
    if len(scores) != count:
        _fail(metric, f"answered with {len(scores):,} scores for {count:,} sentences")
    return ProgramScores(header, scores)


def _scores(metric: NeuralMetricConfig, lines: Sequence[bytes]) -> Iterator[float]:
    for number, line in enumerate(lines, start=1):
        try:
            document: Any = json.loads(line)
            score = document["score"]
        except (ValueError, RecursionError, KeyError, TypeError):
            _fail(metric, f"answered for sentence {number} with no score, but {line[:60]!r}")
        if isinstance(score, bool) or not isinstance(score, int | float):
            _fail(metric, f"gave sentence {number} the score {score!r:.60}, which is no number")
        if not abs(score) <= 1e9 or not math.isfinite(score):
            _fail(metric, f"gave sentence {number} the score {score!r:.60}, which is not finite")
        yield float(score)


def _last_line(errors: IO[bytes]) -> str:
    errors.seek(max(0, os.fstat(errors.fileno()).st_size - 4096))
    lines = [line for line in errors.read().decode("utf-8", "replace").splitlines() if line.strip()]
    return printable_line(lines[-1].strip())[:SHOWN] if lines else "it gave no reason"


def _fail(metric: NeuralMetricConfig, reason: str) -> NoReturn:
    command = printable_line(" ".join(metric.command))[:SHOWN]
    raise InputError(f"the neural metric {metric.name} (`{command}`) {reason}: {OFF}")
