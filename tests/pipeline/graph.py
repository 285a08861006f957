"""The code that each stage of a dvc.yaml must list; `make graph` updates it."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, NamedTuple

from ruamel.yaml import YAML

from tracelate.code_files import reached_files

ROOT = Path(__file__).parents[2]
ROOMS = ("src/tracelate/model", "src/tracelate/corpus/sources", "src/tracelate/evaluation/figures")
yaml = YAML()
yaml.width = 1000
yaml.indent(mapping=2, sequence=4, offset=2)


class Graph(NamedTuple):
    """A dvc.yaml, by its path from the project's root."""

    path: Path
    package: str
    """The package of the stages' scripts."""
    rooms: tuple[str, ...] = ()
    """Folders that are listed instead of their files if a stage imports all of these.

    DVC applies no .dvcignore outside a repository, so a graph in a repository of its own lists
    files: a folder's hash would include files that Python compiles.
    """

    def stages(self) -> dict[str, Any]:
        loaded: dict[str, Any] = yaml.load(ROOT / self.path)["stages"]
        return loaded

    def code_of(self, stage: str) -> list[str]:
        """Returns the code of a stage as its deps should name it, from the graph's folder."""
        script = ROOT / self.package.replace(".", "/") / f"{stage}.py"
        reached = reached_files(script, self.package).values()
        files = {path.relative_to(ROOT).as_posix() for path in reached}
        for room in self.rooms:
            inside = {path.relative_to(ROOT).as_posix() for path in (ROOT / room).rglob("*.py")}
            inside = {path for path in inside if not path.endswith("/__init__.py")}
            if inside <= files:
                files = (files - inside) | {room}
        return sorted(os.path.relpath(file, self.path.parent) for file in files)


PIPELINE = Graph(Path("dvc.yaml"), "pipeline", ROOMS)
STUDY = Graph(Path("studies/attention/dvc.yaml"), "studies.attention")
GRAPHS = (PIPELINE, STUDY)


def is_code(dep: str) -> bool:
    return "$" not in dep and (dep.endswith(".py") or "src/tracelate/" in dep)


def main() -> None:
    os.chdir(ROOT)
    for graph in GRAPHS:
        document = yaml.load(graph.path)
        for name, stage in document["stages"].items():
            others = [dep for dep in stage["deps"] if not is_code(dep)]
            stage["deps"] = sorted([*others, *graph.code_of(name)])
        yaml.dump(document, graph.path)


if __name__ == "__main__":
    main()
