"""Every command with a result prints it as one JSON document with --json."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import IO

import pytest

from tests.cli.conftest import Run
from tests.cli.test_help import COMMANDS
from tests.evaluation.results import evidence, some_references, write_evidence
from tracelate.smoke.run import SmokeReport

WITHOUT_OPTION = {
    "translate": "its result is text",
    "serve": "it ends when it is stopped",
    "ui": "it ends when it is stopped",
    "bom": "its result is JSON in any case",
}


@pytest.mark.unit
def test_each_command_with_a_result_has_the_option() -> None:
    without = {
        name
        for name, command in COMMANDS.items()
        if not any("--json" in parameter.opts for parameter in command.params)
    }
    assert without == set(WITHOUT_OPTION)


@pytest.mark.parametrize(
    ("command", "status"),
    [
        (("runs", "--all-experiments"), 0),
        (("doctor",), 0),
        (("checkpoints",), 0),
        (("keys", "new"), 0),
        (("compare", "a", "b"), 0),
        (("score", "--translations", "out.es", "--reference", "test.es"), 0),
        (("recall", "--corpus", "none"), 0),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else str(value),
)
def test_standard_output_is_one_document_and_nothing_else(
    run: Run, folder: Path, command: tuple[str, ...], status: int
) -> None:
    references = some_references(20)
    for name in ("a", "b"):
        write_evidence(folder / name, evidence(name, references, references))
    for name in ("out.es", "test.es"):
        (folder / name).write_text("\n".join(references), encoding="utf-8")
    done = run(*command, "--json")
    assert (done.status, json.loads(done.stdout) is None) == (status, False), done.stderr


@pytest.mark.parametrize(
    "command",
    [
        ("summary",),
        ("inspect",),
        ("sync",),
        ("rollback",),
        ("history",),
        ("seeds", "none"),
        ("lineage", "none"),
        ("replay", "none"),
        ("promote", "none"),
        ("evaluate", "--source", "none", "--reference", "none"),
        ("verify-receipt", "none", "--model", "none"),
    ],
    ids=" ".join,
)
def test_a_command_that_fails_prints_no_part_of_a_document(
    run: Run, command: tuple[str, ...]
) -> None:
    done = run(*command, "--json")
    assert done.status != 0
    assert (done.stdout, len(done.stderr.splitlines())) == ("", 1)


def test_the_stages_of_a_debug_run_write_to_the_errors_with_json(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    def smoke(warn: Callable[[str], None], output: IO[str] | None) -> SmokeReport:
        warn("few pairs")
        print("train: done", file=output)
        return SmokeReport(Path("smoke"), 1.5, 2**30, epochs=2, training_s=60.0)

    monkeypatch.setattr("tracelate.smoke.run.smoke", smoke)
    done = run("smoke", "--json")
    assert done.status == 0 and "train: done" in done.stderr
    document = json.loads(done.stdout)
    assert (document["folder"], document["warnings"]) == ("smoke", ["few pairs"])
