"""Printing of results, for people and for programs."""

from __future__ import annotations

import io
import json
import math
import re
import subprocess
import sys
from io import StringIO
from pathlib import Path
from typing import Any, NoReturn

import pytest
from rich.markup import escape
from rich.table import Table
from rich.text import Text
from rich.tree import Tree

from tests.cli.conftest import Run
from tests.evaluation.results import evidence, some_references, translate_badly, write_evidence
from tests.tracking.stored_runs import add_run, mlflow_client
from tracelate.cli.console import print_json, print_translation
from tracelate.cli.main import main
from tracelate.cli.printable_console import PrintableConsole

REFERENCES = some_references(20)
HOSTILE = "a\x1b[2J\x1b]52;c;aGk=\x07\r\u202e\x9b2J\x7f[red]b[green]"
SHOWN = r"a\x1b[2J\x1b]52;c;aGk=\x07\r\u202e\x9b2J\x7f[red]b[green]"


def assert_harmless(text: str) -> None:
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]", text)


def strict(text: str) -> Any:
    """Reads JSON as its standard has it."""

    def refuse(name: str) -> NoReturn:
        raise AssertionError(name)

    return json.loads(text, parse_constant=refuse)


def test_runs_print_null_for_a_score_that_is_nan(run: Run) -> None:
    store = mlflow_client()
    store.create_experiment("tests")
    add_run(store, "broken", bleu=math.nan, ter=math.inf)
    done = run("runs", "--all-experiments", "--json", "--sort", "bleu")
    [row] = strict(done.stdout)
    assert (row["name"], row["bleu"], row["ter"], row["rank"]) == ("broken", None, None, None)


def test_a_comparison_prints_and_writes_null_for_nan(
    run: Run, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for seed, name in enumerate("ab"):
        translated = translate_badly(REFERENCES, 0.3, seed)
        write_evidence(folder / name, evidence(name, translated, REFERENCES))
    monkeypatch.setattr(
        "tracelate.comparison.significance.interval_of_both", lambda *_: (math.nan, math.inf)
    )
    done = run("compare", "a", "b", "--json", "--output", "out")
    assert done.status == 0
    document = strict(done.stdout)
    assert document["scores"]["bleu"]["low"] is document["scores"]["bleu"]["high"] is None
    written = (folder / "out/comparison.json").read_text(encoding="utf-8")
    assert strict(written) == document


def test_a_level_that_is_nan_is_refused(run: Run) -> None:
    done = run("compare", "a", "b", "--level", "nan")
    assert done.status == 2
    assert "--level" in done.stderr


def test_every_kind_of_text_is_shown_with_escapes_and_styles_stay(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("TERM", "xterm")  # a dumb one has no styles
    tree, table = Tree(escape(HOSTILE)), Table(title=escape(HOSTILE), caption=escape(HOSTILE))
    tree.add(Text(HOSTILE))
    table.add_column("column", style="bold")
    table.add_row(escape(HOSTILE))
    table.add_row(Text(HOSTILE))
    for is_terminal in (False, True):
        output = StringIO()
        console = PrintableConsole(file=output, width=200, force_terminal=is_terminal)
        console.print(tree)
        console.print(table)
        text = output.getvalue()
        assert ("\x1b[1m" in text) == is_terminal
        plain = re.sub(r"\x1b\[[\d;]*m", "", text)
        assert_harmless(plain)
        assert plain.count("aGk=") == 6
    rows = [line for line in plain.splitlines() if "│" in line and "aGk=" in line]
    assert len({len(row) for row in rows}) == 1, "columns are aligned"


@pytest.mark.parametrize(
    "command",
    [
        ("runs", "--all-experiments"),
        ("runs", "--all-experiments", "--where", f"name={HOSTILE}"),
        ("runs", "--all-experiments", "--where", f"name={HOSTILE}x"),
        ("runs", "--all-experiments", "--where", HOSTILE),
        ("doctor",),
        ("lineage", HOSTILE),
        ("history", "--name", HOSTILE),
        ("seeds", HOSTILE),
        ("promote", HOSTILE),
        ("compare", HOSTILE, HOSTILE),
        ("compare", "a", HOSTILE + "b"),
        ("compare", "a", "c"),
        ("translate", HOSTILE),
        ("translate", "params.yaml", "--model", HOSTILE),
        ("serve", HOSTILE),
    ],
    ids=lambda command: " ".join(ascii(part) for part in command),
)
def test_hostile_names_sentences_and_paths_are_harmless_in_every_command(
    run: Run, folder: Path, command: tuple[str, ...]
) -> None:
    store = mlflow_client()
    store.create_experiment(HOSTILE)
    run_id = add_run(
        store, HOSTILE, bleu=20.0, experiment=HOSTILE, tags={"pair": HOSTILE, "other": HOSTILE}
    )
    store.log_param(run_id, "model.attention", HOSTILE)
    for name in ("a", HOSTILE + "b"):
        translated = [f"{text} {name} {HOSTILE}" for text in REFERENCES]
        write_evidence(folder / name, evidence(name, translated, REFERENCES))
    others = [HOSTILE, *REFERENCES[1:]]
    write_evidence(folder / "c", evidence("c", others, others))
    done = run(*command)
    assert_harmless(done.stdout + done.stderr)
    if command == ("runs", "--all-experiments") or HOSTILE + "b" in command:
        assert done.status == 0
        assert SHOWN in done.stdout


def test_translations_and_json_are_escaped_on_a_terminal_alone(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for is_terminal in (False, True):
        monkeypatch.setattr(sys.stdout, "isatty", lambda is_terminal=is_terminal: is_terminal)
        print_translation(HOSTILE)
        assert capsys.readouterr().out == f"{SHOWN if is_terminal else HOSTILE}\n"
        print_json([HOSTILE, "ñ\udc80"])
        text = capsys.readouterr().out
        assert json.loads(text) == [HOSTILE, "ñ\udc80"]
        assert ("\x9b" in text) != is_terminal
        assert "ñ" in text and "\\udc80" in text


@pytest.mark.parametrize("encoding", ["ascii", "latin-1"])
def test_an_output_that_lacks_signs_shows_their_numbers(
    folder: Path, monkeypatch: pytest.MonkeyPatch, encoding: str
) -> None:
    store = mlflow_client()
    store.create_experiment("→ ñ")
    add_run(store, "ok → ñ", bleu=20.0, experiment="→ ñ")
    shown = {"ascii": r"ok \u2192 \xf1", "latin-1": r"ok \u2192 ñ"}[encoding]
    table, document = (
        _output(monkeypatch, encoding, "runs", "--all-experiments", *options).decode(encoding)
        for options in ((), ("--json",))
    )
    assert shown in table
    assert json.loads(document)[0]["name"] == "ok → ñ"
    (folder / "models").mkdir()
    (folder / "models/run.json").touch()  # a problem, marked with a sign
    mark = {"ascii": "✗".encode(), "latin-1": rb"\u2717"}[encoding]  # for ASCII, click has UTF-8
    assert mark in _output(monkeypatch, encoding, "doctor")


def test_translations_are_in_utf_8_whatever_the_output_is(monkeypatch: pytest.MonkeyPatch) -> None:
    output = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(output, encoding="ascii"))
    print_translation("→ ñ")
    assert output.getvalue().decode("utf-8") == "→ ñ\n"


def _output(monkeypatch: pytest.MonkeyPatch, encoding: str, *arguments: str) -> bytes:
    """Runs the command with a standard output of this encoding, and returns what it writes."""
    output = io.BytesIO()
    with monkeypatch.context() as patch:
        patch.setattr(sys, "stdout", io.TextIOWrapper(output, encoding=encoding))
        patch.setattr(sys, "argv", ["tracelate", *arguments])
        with pytest.raises(SystemExit):
            main()
        sys.stdout.flush()
        return output.getvalue()


def test_a_full_disk_behind_standard_output_is_one_line(folder: Path) -> None:
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [sys.executable, "-m", "tracelate.cli.main", "runs", "--all-experiments"],
            stdout=full,
            stderr=subprocess.PIPE,
            encoding="utf-8",
            timeout=120,
        )
    assert done.returncode == 1
    assert done.stderr == "error: [Errno 28] No space left on device\n"
