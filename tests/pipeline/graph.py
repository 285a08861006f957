"""The code that dvc.yaml must name for each stage, and `make graph`, which writes it there.

A folder stands for its files where a stage reaches all of them.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from tracelate.code_files import reached_files

ROOT = Path(__file__).parents[2]
SCRIPTS = {Path("dvc.yaml"): "pipeline", Path("studies/attention/dvc.yaml"): "studies.attention"}
"""From each graph to the package with its stages' scripts."""
ROOMS = ("src/tracelate/model", "src/tracelate/corpus/sources", "src/tracelate/evaluation/figures")
"""Folders that are named as one where a stage reaches all of their files."""
yaml = YAML()
yaml.width = 1000
yaml.indent(mapping=2, sequence=4, offset=2)


def code_of(graph: Path, stage: str) -> list[str]:
    """The code of a stage as its deps should name it, from the folder that its paths start from."""
    package = SCRIPTS[graph]
    script = ROOT / package.replace(".", "/") / f"{stage}.py"
    files = {path.relative_to(ROOT).as_posix() for path in reached_files(script, package).values()}
    for room in ROOMS:
        inside = {path.relative_to(ROOT).as_posix() for path in (ROOT / room).rglob("*.py")}
        inside = {path for path in inside if not path.endswith("/__init__.py")}
        if inside <= files:
            files = (files - inside) | {room}
    return sorted(files)


def is_code(dep: str) -> bool:
    return "$" not in dep and (dep.endswith(".py") or dep.startswith("src/"))


def stages(graph: Path) -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.load(ROOT / graph)["stages"]
    return loaded


def main() -> None:
    os.chdir(ROOT)
    for graph in SCRIPTS:
        document = yaml.load(graph)
        for name, stage in document["stages"].items():
            others = [dep for dep in stage["deps"] if not is_code(dep)]
            stage["deps"] = sorted([*others, *code_of(graph, name)])
        yaml.dump(document, graph)


if __name__ == "__main__":
    main()
