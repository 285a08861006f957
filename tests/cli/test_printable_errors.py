"""Errors of usage show control characters of arguments as escapes."""

from __future__ import annotations

import pytest
from typer.testing import CliRunner

from tracelate.cli.main import app
from tracelate.printable import CONTROL

EVIL = "\x1b]0;title\x07\u202eab\x9b2J"


@pytest.mark.parametrize(
    "arguments",
    [
        [EVIL],
        [f"--{EVIL}"],
        ["runs", f"--{EVIL}"],
        ["runs", EVIL],
        ["serve", "model", "--port", EVIL],
        ["serve", "model", "--max-beams", f"1{EVIL}"],
        ["keys", EVIL],
        ["keys", "new", EVIL, EVIL],
        ["keys", "new", f"-{EVIL}"],
        ["lineage", "a", EVIL],
    ],
)
def test_an_error_of_usage_has_no_control_characters(arguments: list[str]) -> None:
    done = CliRunner().invoke(app, arguments)
    assert done.exit_code == 2, done.output
    # rich's own colours are off where the output is no terminal
    assert not CONTROL.search(done.stdout + done.stderr)


def test_the_escape_is_shown() -> None:
    assert r"\x1b]0;title" in CliRunner().invoke(app, ["runs", EVIL]).stderr
