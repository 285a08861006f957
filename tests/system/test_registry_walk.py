"""The example of docs/registry.md on a tiny corpus: two models, the gate, serving and rollback."""

from __future__ import annotations

import json
import re
import socket
from pathlib import Path

import pytest

from tests.system.clone import Clone, clone

WEAK_AND_BETTER = (
    "-S train.epochs=1",
    "-S model.embedding_size=32 -S model.hidden_size=64 -S train.epochs=8 "
    "-S train.learning_rate=0.01",
)


@pytest.fixture(scope="module")
def walked(tmp_path_factory: pytest.TempPathFactory) -> tuple[Clone, str]:
    """The project after docs/registry_walk.sh, and the output of the script."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TRACELATE_CACHE", str(tmp_path_factory.mktemp("cache")))
        made = clone(tmp_path_factory.mktemp("project"), registry__metric="chrf")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        made.environment["PORT"] = str(free.getsockname()[1])
    return made, made.succeed("bash", "docs/registry_walk.sh", *WEAK_AND_BETTER)


def history(project: Clone) -> list[dict[str, object]]:
    events: list[dict[str, object]] = json.loads(project.succeed("tracelate", "history", "--json"))
    return events


def test_the_better_model_was_promoted_and_the_weaker_one_refused(
    walked: tuple[Clone, str],
) -> None:
    project, printed = walked
    kinds = [(event["kind"], event["version"], event["replaced"]) for event in history(project)]
    assert sorted(kinds) == sorted(
        [("promoted", "1", None), ("promoted", "2", "1"), ("rolled back", "1", "2")]
    )
    assert "worse than" in printed
    assert len(project.runs()) == 2


def test_the_served_model_answers_with_its_version(
    walked: tuple[Clone, str],
) -> None:
    _, printed = walked
    assert re.search(r"(?m)^tracelate-model: tracelate/2\s*$", printed)
    assert re.search(r'"predictions": ?\[\{"translation": ".*", "score": -?\d', printed)


def test_the_served_model_is_traced_to_the_corpus(walked: tuple[Clone, str]) -> None:
    _, printed = walked
    lineage = printed[printed.index("Trace the served model") :]
    assert "tinycatalogs" in lineage
    assert "✗" not in lineage[: lineage.index("Roll back to the previous champion")]


def test_settings_of_an_experiment_do_not_make_its_code_dirty(
    walked: tuple[Clone, str],
) -> None:
    project, _ = walked
    assert project.succeed("git", "status", "--porcelain", "params.yaml").split() == [
        "M",
        "params.yaml",
    ]
    assert project.json("reports/lineage.json")["training"]["dirty"] is False


def test_the_figure_of_the_comparison_exists(walked: tuple[Clone, str]) -> None:
    project, _ = walked
    picture = project.folder / "reports/comparison/difference_by_source_length.png"
    assert Path(picture).read_bytes().startswith(b"\x89PNG")
