"""Writes the settings reference from the classes of config.py and the values of params.yaml.

A setting's meaning is the docstring under its field; without one, its comment in params.yaml.
"""

from __future__ import annotations

import ast
import inspect
import textwrap
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple, get_args, get_origin

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from pydantic import BaseModel
from ruamel.yaml import YAML

from tracelate.config import Params

PAGE = "reference/settings.md"
PARAMS = Path("params.yaml")
INTRODUCTION = """# Settings

Every setting is in `params.yaml`, one section for each stage. `dvc exp run -S section.key=value`
changes one for an experiment. A key that is not listed here is refused, with the nearest right
name; so is a value out of range. Percent is 0 to 100.

*Value* is what params.yaml of this repository has; there are no other defaults, except where the
meaning names the value in an older params.yaml. This page is generated from
`src/tracelate/config.py` and `params.yaml`.
"""


class Setting(NamedTuple):
    key: str
    """With the names of the sections inside the section, such as catalogs.package."""
    value: Any
    accepts: str
    meaning: str


def on_files(files: Files, *, config: MkDocsConfig) -> Files:
    """Adds the page to the site."""
    root = Path(config.config_file_path).parent
    content = settings_page(root / PARAMS)
    files.append(File.generated(config, PAGE, content=content))
    return files


def settings_page(params: Path) -> str:
    """The page, as Markdown."""
    values = YAML().load(params.read_text(encoding="utf-8"))
    parts = [INTRODUCTION]
    for name, field in Params.model_fields.items():
        section = _section_of(field.annotation)
        assert section is not None
        parts.append(f"## {name}\n")
        if documented := _class_docstring(section):
            parts.append(f"{documented}\n")
        parts.append("| setting | value | accepts | meaning |\n| --- | --- | --- | --- |")
        parts.append("\n".join(_row(one) for one in settings_of(section, values[name])) + "\n")
    return "\n".join(parts)


def settings_of(section: type[BaseModel], values: Any, prefix: str = "") -> Iterator[Setting]:
    """The settings of a section and of the sections inside it, in the order of the class."""
    docstrings = field_docstrings(section)
    schema = section.model_json_schema()
    for name, field in section.model_fields.items():
        inner = _section_of(field.annotation)
        value = values[name] if name in values else field.get_default(call_default_factory=True)
        if get_origin(field.annotation) is dict and inner is not None:
            yield Setting(prefix + name, dict(value), "a mapping by names", docstrings[name])
            yield from settings_of(inner, {}, f"{prefix}{name}.NAME.")
            continue
        if inner is not None and isinstance(value, Mapping):
            yield from settings_of(inner, value, f"{prefix}{name}.")
            continue
        accepts = "the same keys, or `null`" if inner else _accepts(schema["properties"][name])
        meaning = docstrings.get(name) or _comment(values, name)
        if meaning.replace(" | ", ", ") == accepts.replace("`", ""):
            meaning = ""  # the comment lists the values again
        yield Setting(prefix + name, value, accepts, meaning)


def field_docstrings(section: type[BaseModel]) -> dict[str, str]:
    """The string under each field of the class, on one line."""
    [tree] = ast.parse(textwrap.dedent(inspect.getsource(section))).body
    assert isinstance(tree, ast.ClassDef)
    found = {}
    for field, after in zip(tree.body, tree.body[1:], strict=False):
        if (
            isinstance(field, ast.AnnAssign)
            and isinstance(field.target, ast.Name)
            and isinstance(after, ast.Expr)
            and isinstance(after.value, ast.Constant)
            and isinstance(after.value.value, str)
        ):
            found[field.target.id] = " ".join(after.value.value.split())
    return found


def _class_docstring(section: type[BaseModel]) -> str:
    """Its own; that of a class above it says nothing of this section."""
    return inspect.cleandoc(section.__dict__.get("__doc__") or "")


def _section_of(annotation: Any) -> type[BaseModel] | None:
    for kind in (annotation, *get_args(annotation)):
        if inspect.isclass(kind) and issubclass(kind, BaseModel):
            return kind
    return None


def _accepts(schema: Mapping[str, Any]) -> str:
    """The values that a field may have, from its JSON schema."""
    if "anyOf" in schema:
        return " or ".join(_accepts(one) for one in schema["anyOf"])
    if "enum" in schema:
        return ", ".join(f"`{value}`" for value in schema["enum"])
    match schema.get("type"):
        case "boolean":
            return "`true`, `false`"
        case "null":
            return "`null`"
        case "object":
            return "a mapping"
        case "string" if "pattern" in schema:
            return f"text that matches `{schema['pattern']}`"
        case "string":
            return "text"
        case "array" if schema["items"].get("type") in ("string", "integer"):
            return f"a list of {_accepts(schema['items'])}"
        case "array":
            return "a list"
        case "object":
            return f"for each name: {_accepts(schema['additionalProperties'])}"
        case "integer":
            return ", ".join(["a whole number", *_limits(schema)])
        case _:
            return ", ".join(["a number", *_limits(schema)])


def _limits(schema: Mapping[str, Any]) -> Iterator[str]:
    words = {
        "minimum": "at least",
        "exclusiveMinimum": "above",
        "maximum": "at most",
        "exclusiveMaximum": "below",
        "multipleOf": "a multiple of",
    }
    for key, word in words.items():
        if key in schema:
            yield f"{word} {schema[key]:g}"


def _comment(values: Any, name: str) -> str:
    """The comment behind a key of params.yaml, also where it goes on in lines of its own."""
    token = (values.ca.items.get(name) or [None] * 3)[2]
    if token is None:
        return ""
    lines = [line.strip() for line in token.value.splitlines()]
    comment = []
    for line in lines:
        if not line.startswith("#"):
            break
        comment.append(line.lstrip("# "))
    return " ".join(comment)


def _row(setting: Setting) -> str:
    value = "null" if setting.value is None else setting.value
    shown = str(value).lower() if isinstance(value, bool) else str(value)
    cells = (f"`{setting.key}`", f"`{shown}`", setting.accepts, setting.meaning)
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"
