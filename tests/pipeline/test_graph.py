"""dvc.yaml against the code: DVC follows no imports, so the graph must name what stages use."""

from __future__ import annotations

import ast
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from tracelate.config import Params

ROOT = Path(__file__).parents[2]


def stages(graph: str) -> dict[str, Any]:
    loaded: dict[str, Any] = YAML(typ="safe", pure=True).load(ROOT / graph)["stages"]
    return loaded


STAGES = stages("dvc.yaml")
SCRIPTS = {Path(f"pipeline/{name}.py"): stage for name, stage in STAGES.items()} | {
    Path(f"studies/attention/{name}.py"): stage
    for name, stage in stages("studies/attention/dvc.yaml").items()
}
# settings are tracked by value, and what mirrors or reports an error changes no output
CODE = ("tracelate", "pipeline", "studies")
UNTRACKED = ("config", "errors", "files", "tracking")


def module_path(name: str) -> Path | None:
    """The file of one of the project's modules, relative to the root."""
    base = Path("src") if name.startswith("tracelate") else Path()
    path = (base / name.replace(".", "/")).with_suffix(".py")
    return path if (ROOT / path).is_file() else None


def imported(path: Path) -> set[Path]:
    """The project's files that a file imports."""
    names = set()
    for node in ast.walk(ast.parse((ROOT / path).read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module:
            names |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
        elif isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
    own = {name for name in names if name.split(".")[0] in CODE}
    return {found for name in own if (found := module_path(name)) is not None}


def used(script: Path) -> set[Path]:
    """All files that a stage's script reaches by imports, the untracked ones left out."""
    found: set[Path] = set()
    waiting = [script]
    while waiting:
        path = waiting.pop()
        room = path.relative_to("src/tracelate").parts[0] if path.is_relative_to("src") else ""
        if path in found or room.removesuffix(".py") in UNTRACKED or path.stem == "stage":
            continue
        found.add(path)
        waiting += imported(path)
    return found


def code_deps(stage: dict[str, Any]) -> set[Path]:
    deps = {Path(dep) for dep in stage["deps"] if "$" not in dep}
    return {dep for dep in deps if (ROOT / dep).suffix == ".py" or dep.is_relative_to("src")}


@pytest.mark.parametrize("script", SCRIPTS, ids=str)
def test_a_stage_depends_on_all_the_code_it_uses(script: Path) -> None:
    deps = code_deps(SCRIPTS[script])
    missing = {p for p in used(script) if not any(p == d or d in p.parents for d in deps)}
    assert not missing


@pytest.mark.parametrize("script", SCRIPTS, ids=str)
def test_a_stage_depends_on_no_code_that_it_does_not_use(script: Path) -> None:
    needed, deps = used(script), code_deps(SCRIPTS[script])
    idle = {d for d in deps if not any(p == d or d in p.parents for p in needed)}
    assert not idle


def test_every_param_of_the_graph_is_a_setting_and_none_is_of_registry_or_runtime() -> None:
    for stage in STAGES.values():
        for name in stage["params"]:
            section, _, key = name.partition(".")
            assert section not in ("registry", "runtime")
            fields = Params.model_fields[section].annotation.model_fields  # type: ignore[union-attr]
            assert not key or key in fields


def test_a_change_to_evaluation_or_tracking_does_not_retrain() -> None:
    assert not {
        dep for dep in code_deps(STAGES["train"]) if {"evaluation", "tracking"} & set(dep.parts)
    }


@pytest.mark.parametrize("stage", STAGES)
def test_a_stage_is_run_as_a_module_and_says_what_it_does(stage: str) -> None:
    assert STAGES[stage]["cmd"] == f"python -m pipeline.{stage}"
    assert STAGES[stage]["desc"]
