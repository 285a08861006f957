"""Writes the command reference from the Typer app: each command's help, arguments and options."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import typer.main
from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files

from tracelate.cli.main import app

PAGE = "reference/commands.md"
INTRODUCTION = """# Commands

`tracelate COMMAND --help` prints the same in a terminal. Results go to standard output, progress
and notes to standard error. The status is 0 on success, 1 where the command refused or found a
problem, and 2 where it was called with wrong arguments. `MLFLOW_TRACKING_URI` names the MLflow
store; without it, the store is the file `mlflow.db` at the project's root.
"""


def on_files(files: Files, *, config: MkDocsConfig) -> Files:
    """Adds the page to the site."""
    files.append(File.generated(config, PAGE, content=commands_page()))
    return files


def commands_page() -> str:
    """The page, as Markdown."""
    commands: dict[str, Any] = typer.main.get_command(app).commands  # type: ignore[attr-defined]
    return "\n".join([INTRODUCTION, *(_sections(commands))])


def _sections(commands: dict[str, Any], group: str = "") -> Iterator[str]:
    for name, command in commands.items():
        if hasattr(command, "commands"):
            yield from _sections(command.commands, f"{name} ")
        else:
            yield _section(f"{group}{name}", command)


def _section(name: str, command: Any) -> str:
    arguments = [one for one in command.params if not _is_option(one)]
    options = [one for one in command.params if _is_option(one)]
    usage = " ".join([f"tracelate {name}", *(["[OPTIONS]"] if options else [])])
    usage = " ".join([usage, *(_usage(one) for one in arguments)])
    parts = [f"## {name}\n", f"```\n{usage}\n```\n", f"{command.help.strip()}\n"]
    if arguments:
        parts.append("| argument | meaning |\n| --- | --- |")
        parts.append("\n".join(f"| `{_usage(one)}` | {_cell(one.help)} |" for one in arguments))
        parts.append("")
    if options:
        parts.append("| option | default | meaning |\n| --- | --- | --- |")
        parts.append("\n".join(_option(one) for one in options))
        parts.append("")
    if command.epilog:
        parts.append(f"{command.epilog}\n")
    return "\n".join(parts)


def _is_option(parameter: Any) -> bool:
    return any(name.startswith("-") for name in parameter.opts)


def _usage(argument: Any) -> str:
    name = argument.name.upper() + ("..." if argument.nargs == -1 else "")
    return name if argument.required else f"[{name}]"


def _option(option: Any) -> str:
    names = ", ".join(f"`{name}`" for name in (*option.opts, *option.secondary_opts))
    limits = ", ".join(_limits(option))
    help_text = " ".join(text for text in (option.help, f"({limits})" if limits else "") if text)
    return f"| {names} | {_default(option)} | {_cell(help_text)} |"


def _default(option: Any) -> str:
    if isinstance(option.show_default, str):
        return option.show_default
    empty = option.default is None or option.default is False or option.default == []
    return "" if option.is_flag or empty else f"`{option.default}`"


def _limits(option: Any) -> Iterator[str]:
    for name, word in (("min", "at least"), ("max", "at most")):
        if getattr(option, name, None) is not None:
            yield f"{word} {getattr(option, name)}"


def _cell(text: str | None) -> str:
    return " ".join((text or "").split()).replace("|", "\\|")
