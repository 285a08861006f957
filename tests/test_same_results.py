from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from benchmarks.same_results import main

METRICS: dict[str, Any] = {"bleu": {"value": 1.5, "low": None}, "buckets": [{"sentences": 3}, {}]}


def make_project(folder: Path, metrics: dict[str, Any] | None = None) -> Path:
    for name in (
        "data/raw/all.parquet",
        "data/tokenized/tokenizer.json",
        "models/weights.safetensors",
        "models/tokenizer.json",
        "models/run.json",
        "reports/translations.jsonl",
        "reports/figures/training.png",
    ):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name, encoding="utf-8")
    (folder / "reports/metrics.json").write_text(json.dumps(metrics or METRICS), encoding="utf-8")
    return folder


def compare(old: Path, new: Path, capsys: pytest.CaptureFixture[str]) -> tuple[int, str]:
    return main([str(old), str(new)]), capsys.readouterr().out


@pytest.fixture
def folders(tmp_path: Path) -> tuple[Path, Path]:
    return make_project(tmp_path / "old"), make_project(tmp_path / "new")


def test_equal_folders_are_the_same_with_a_line_a_file(
    folders: tuple[Path, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    status, printed = compare(*folders, capsys)
    assert status == 0
    assert "the same: all 7 files" in printed
    assert "data/raw/all.parquet" in printed


@pytest.mark.parametrize(
    "name", ["data/raw/all.parquet", "models/weights.safetensors", "reports/figures/training.png"]
)
def test_another_byte_and_a_missing_file_are_differences(
    name: str, folders: tuple[Path, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    old, new = folders
    (new / name).write_text("other", encoding="utf-8")
    assert compare(old, new, capsys)[0] == 1
    (new / name).unlink()
    status, printed = compare(new, old, capsys)
    assert status == 1
    assert f"1 of 7 differ: {name}" in printed


def test_the_id_of_the_run_and_the_format_of_metrics_are_ignored(
    folders: tuple[Path, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    old, new = folders
    (new / "models/run.json").write_text("another run", encoding="utf-8")
    make_project(new, {"format_version": 2, **METRICS})
    assert compare(old, new, capsys)[0] == 0


@pytest.mark.parametrize(
    "changed",
    [
        {**METRICS, "bleu": {"value": 1.5000001, "low": None}},
        {**METRICS, "bleu": {"value": 1.5}},
        {**METRICS, "more": 1},
    ],
)
def test_another_value_of_metrics_is_a_difference(
    changed: dict[str, Any], folders: tuple[Path, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    old, new = folders
    make_project(new, changed)
    assert compare(old, new, capsys)[0] == 1


def test_a_folder_without_results_is_named(
    folders: tuple[Path, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    status, printed = compare(folders[0], tmp_path / "empty", capsys)
    assert status == 1
    assert "is missing: run `dvc repro`" in printed
