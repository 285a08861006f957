"""The files of code that a script reaches by its imports.

DVC follows no imports, and only the code that began a training may resume it: dvc.yaml and the
fingerprint of a training use the same list.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from importlib import import_module
from importlib.util import resolve_name
from pathlib import Path

OWN_PACKAGES = ("tracelate", "pipeline", "studies")
WITHOUT_EFFECT = (
    "tracelate.code_files",  # names the folder of checkpoints
    "tracelate.committed_outputs",  # names a remedy
    "tracelate.config",  # dvc.yaml tracks the values of settings
    "tracelate.errors",  # texts of messages
    "tracelate.git",  # reads the commit that is written beside the results
    "tracelate.layout",  # dvc.yaml names the same files
    "tracelate.progress",  # shows, and returns nothing
    "tracelate.training.corpus_size",  # warns
    "tracelate.training.progress",
    "tracelate.telemetry",  # what libraries report about their use
    "tracelate.tracking",  # copies the outputs to MLflow
    "tracelate.version",  # is written beside the results
    "pipeline.stage",  # ends a stage
)
"""Modules and packages that change no output of a stage; what they import is not followed."""
TEMPLATES = (".html", ".css")
"""Ends of the names of files that belong to the module of the same name beside them."""
TYPE_CHECKS = ("TYPE_CHECKING", "typing.TYPE_CHECKING")


def reached_files(script: Path, package: str) -> dict[str, Path]:
    """Returns the script and all of our own files that its imports reach, by module.

    `package` is the name of the script's package, such as pipeline. Imports inside functions count.
    Imports for type checking do not, and the modules WITHOUT_EFFECT are neither listed nor
    followed. A template that lies beside the module of the same name belongs to it.
    """
    found: dict[str, Path] = {}
    waiting = [(f"{package}.{script.stem}", script)]
    while waiting:
        module, path = waiting.pop()
        if module in found or _has_no_effect(module):
            continue
        found[module] = path
        tree = ast.parse(path.read_text(encoding="utf-8"))
        for name in _imported(tree, module.rpartition(".")[0]):
            if (imported := _file_of(name)) is not None:
                waiting.append((name, imported))
        for template in map(path.with_suffix, TEMPLATES):
            if template.is_file():
                found[f"{module}{template.suffix}"] = template
    return dict(sorted(found.items()))


def _imported(tree: ast.Module, package: str) -> Iterator[str]:
    """Yields every module that is imported, and every imported name, which may be a module.

    `package` is that of the module, for relative imports.
    """
    nodes: list[ast.AST] = [tree]
    while nodes:
        node = nodes.pop()
        if isinstance(node, ast.ImportFrom):
            module = resolve_name("." * node.level + (node.module or ""), package)
            yield module
            yield from (f"{module}.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.If) and ast.unparse(node.test) in TYPE_CHECKS:
            nodes += node.orelse
        else:
            nodes += ast.iter_child_nodes(node)


def _has_no_effect(module: str) -> bool:
    return any(module == name or module.startswith(f"{name}.") for name in WITHOUT_EFFECT)


def _file_of(module: str) -> Path | None:
    """Returns the file of one of our own modules; None for a package or any other name."""
    package, *parts = module.split(".")
    if package not in OWN_PACKAGES or not parts:
        return None
    for folder in import_module(package).__path__:
        path = Path(folder, *parts).with_suffix(".py")
        if path.is_file():
            return path
    return None
