"""The files of code that a script reaches by its imports.

DVC follows no imports, and a training may only be resumed by the code that began it: dvc.yaml and
the fingerprint of a training take the same list from here.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

OWN_PACKAGES = ("tracelate", "pipeline", "studies")
WITHOUT_EFFECT = (
    "tracelate.code_files",  # names the folder of checkpoints
    "tracelate.config",  # settings are tracked by their values
    "tracelate.errors",
    "tracelate.git",
    "tracelate.layout",  # DVC tracks the files themselves
    "tracelate.progress",
    "tracelate.training.progress",
    "tracelate.tracking",  # mirrors the outputs
    "tracelate.version",  # is written beside the results
    "pipeline.stage",
)
"""Modules and packages that change no output of a stage; what they import is not followed."""


def reached_files(script: Path, package: str) -> dict[str, Path]:
    """The script and all files of our own that it imports, directly or through others, by module.

    `package` is the name of the script's package, such as pipeline. Imports for type checking alone
    are not followed, nor are the modules WITHOUT_EFFECT.
    """
    found: dict[str, Path] = {}
    waiting = [(f"{package}.{script.stem}", script)]
    while waiting:
        module, path = waiting.pop()
        if module in found or _has_no_effect(module):
            continue
        found[module] = path
        for name in _imported(ast.parse(path.read_text(encoding="utf-8"))):
            if (imported := _file_of(name)) is not None:
                waiting.append((name, imported))
        # a template or the like, which the module of the same name reads
        for data in sorted(path.parent.glob(f"{path.stem}.*")):
            found.setdefault(f"{module}{data.suffix}" if data != path else module, data)
    return dict(sorted(found.items()))


def _imported(tree: ast.Module) -> Iterator[str]:
    """Every module that is imported, and every name imported from one, which may be a module."""
    nodes: list[ast.AST] = [tree]
    while nodes:
        node = nodes.pop()
        if isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif not (isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"):
            nodes += ast.iter_child_nodes(node)


def _has_no_effect(module: str) -> bool:
    return any(module == name or module.startswith(f"{name}.") for name in WITHOUT_EFFECT)


def _file_of(module: str) -> Path | None:
    """The file of one of our own modules; None for a package, a name in a module, or others'."""
    package, *parts = module.split(".")
    if package not in OWN_PACKAGES or not parts:
        return None
    for folder in import_module(package).__path__:
        path = Path(folder, *parts).with_suffix(".py")
        if path.is_file():
            return path
    return None
