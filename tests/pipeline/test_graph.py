"""The deps of dvc.yaml against the imports of the stages, which DVC does not follow."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.pipeline.graph import GRAPHS, PIPELINE, Graph, is_code
from tracelate import layout
from tracelate.config import Params
from tracelate.evaluation.lineage import MODEL_FILES

STAGES = PIPELINE.stages()
EVERY = [(graph, name) for graph in GRAPHS for name in graph.stages()]


@pytest.mark.parametrize(("graph", "stage"), EVERY, ids=[f"{one.path}:{of}" for one, of in EVERY])
def test_a_stage_lists_exactly_the_code_that_it_imports(graph: Graph, stage: str) -> None:
    named = [dep for dep in graph.stages()[stage]["deps"] if is_code(dep)]
    assert sorted(named) == graph.code_of(stage), "run `make graph`"


def test_every_param_of_the_graph_is_a_setting_and_none_is_of_registry_or_runtime() -> None:
    for stage in STAGES.values():
        for name in stage["params"]:
            section, _, key = name.partition(".")
            assert section not in ("registry", "runtime")
            fields = Params.model_fields[section].annotation.model_fields  # type: ignore[union-attr]
            assert not key or key in fields


def test_the_graph_reads_and_writes_the_files_of_the_layout() -> None:
    known = {path for path in vars(layout).values() if isinstance(path, Path)}
    known |= {layout.MODELS / name for name in MODEL_FILES}
    named = {
        next(iter(entry)) if isinstance(entry, dict) else entry
        for stage in STAGES.values()
        for kind in ("deps", "outs", "metrics", "plots")
        for entry in stage.get(kind, [])
    }
    assert {Path(name) for name in named if not is_code(name)} <= known


def test_a_change_to_evaluation_tracking_or_a_progress_bar_does_not_retrain() -> None:
    code = PIPELINE.code_of("train")
    assert not {part for path in code for part in path.split("/")} & {
        "evaluation",
        "tracking",
        "progress.py",
    }


def test_a_change_of_terminal_output_does_not_evaluate_again() -> None:
    code = PIPELINE.code_of("evaluate")
    assert not [path for path in code if "/cli/" in path or "compar" in path]


@pytest.mark.parametrize("stage", STAGES)
def test_a_stage_is_run_as_a_module_and_has_a_description(stage: str) -> None:
    assert STAGES[stage]["cmd"] == f"python -m pipeline.{stage}"
    assert STAGES[stage]["desc"]
