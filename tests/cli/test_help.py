"""The examples of the help can be run as they are written."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from typing import Any

import pytest
import typer.main

from tests.tiny_corpus import PROJECT
from tracelate.cli.main import app
from tracelate.config import load_params

EXAMPLE = re.compile(r"`([^`]+)`")
PAGES = (PROJECT / "README.md", *sorted((PROJECT / "docs").rglob("*.md")))


def commands(group: Any = None, name: str = "") -> Iterator[tuple[str, Any]]:
    """Every command with its name, such as `keys new`."""
    group = group or typer.main.get_command(app)
    for part, command in group.commands.items():
        if hasattr(command, "commands"):
            yield from commands(command, f"{name}{part} ")
        else:
            yield f"{name}{part}", command


COMMANDS = dict(commands())


@pytest.mark.unit
@pytest.mark.parametrize("name", COMMANDS)
def test_each_command_has_an_example_that_its_options_accept(name: str) -> None:
    epilog = COMMANDS[name].epilog
    assert epilog and epilog.startswith("Example: ")
    own = [text for text in EXAMPLE.findall(epilog) if f"tracelate {name}" in text]
    assert own
    for text in own:
        words = shlex.split(text.rpartition("|")[2])
        assert words[: 1 + len(name.split())] == ["tracelate", *name.split()]
        COMMANDS[name].make_context(name, words[1 + len(name.split()) :])


@pytest.mark.unit
def test_examples_name_the_model_and_the_alias_of_the_defaults() -> None:
    [alias] = [one.default for one in COMMANDS["promote"].params if "--alias" in one.opts]
    default = f"{load_params(PROJECT / 'params.yaml').registry.name}@{alias}"
    texts = [command.epilog for command in COMMANDS.values()]
    texts += [page.read_text(encoding="utf-8") for page in PAGES]
    named = [found for text in texts for found in re.findall(r"models:/([\w.-]+@[\w-]+)", text)]
    assert len(named) > 20
    assert set(named) - {"NAME@alias"} == {default}
