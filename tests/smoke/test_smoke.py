"""A debug run of the settings."""

from __future__ import annotations

import os
import signal
import subprocess
from pathlib import Path

import pytest

from tests.conftest import Project
from tests.preloaded import python
from tests.system.further_sets import TESTS, write_further_sets
from tests.tiny_corpus import PROJECT
from tracelate.errors import InputError
from tracelate.smoke import run as running
from tracelate.smoke.run import FOLDER, smoke


def run_smoke(project: Project) -> subprocess.CompletedProcess[str]:
    environment = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join([str(PROJECT), str(PROJECT / "src")]),
        "MLFLOW_TRACKING_URI": "nowhere://runs",
    }
    return subprocess.run(
        [python(), "-m", "tracelate.cli.main", "smoke"],
        cwd=project.folder,
        env=environment,
        capture_output=True,
        encoding="utf-8",
        timeout=900,
    )


def contents(folder: Path) -> dict[Path, bytes]:
    """Returns all files but those of the debug run."""
    return {
        path.relative_to(folder): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and not path.is_relative_to(folder / FOLDER)
    }


def test_all_stages_run_in_a_folder_of_their_own(project: Project) -> None:
    outside = [{**TESTS[0], "files": {**TESTS[0]["files"], "source": "../news.en"}}]
    write_further_sets(project.folder)
    (project.folder / "corpora/news.en").rename(project.folder.parent / "news.en")
    project.set(evaluate__tests=outside, train__warmup_steps=50, tokenize__vocabulary_size=9000)
    for name in ("models/weights.safetensors", "reports/metrics.json", "data/raw/all.parquet"):
        (project.folder / name).parent.mkdir(parents=True, exist_ok=True)
        (project.folder / name).write_text("of the last run\n")
    before = contents(project.folder)
    done = run_smoke(project)
    assert done.returncode == 0, done.stdout + done.stderr
    assert contents(project.folder) == before
    made = project.folder / FOLDER
    for name in ("models/weights.safetensors", "reports/tests/news/metrics.json", "mlflow.db"):
        assert (made / name).is_file()
    assert "smoke: all stages ran in " in done.stdout
    assert "smoke: at this speed, the 2 epochs of the whole training take about " in done.stdout
    warnings = [line for line in done.stderr.splitlines() if line.startswith("warning: ")]
    for expected in ("training pairs of en", "only 20 test sentences", "train.warmup_steps 50"):
        assert sum(expected in line for line in warnings) == 1
    assert sum("has only" in line and "vocabulary_size 9,000" in line for line in warnings) == 1
    # of the whole training, and none of its share, whose settings fit
    assert ["0.99" in line for line in warnings if "weight_average_decay" in line] == [True]


def test_text_that_cannot_be_read_ends_the_run_with_its_place(project: Project) -> None:
    project.set(download__corpus="files")
    (project.folder / "corpora").mkdir()
    for language in ("en", "es"):
        (project.folder / f"corpora/train.{language}").write_bytes(b"a\n" * 9 + b"\xff\xfe\n")
    done = run_smoke(project)
    assert done.returncode == 1 and done.stdout == ""
    first, last = done.stderr.splitlines()
    assert first.startswith("error: corpora/train.en") and "10" in first
    assert last.startswith("error: the stage download failed with status 1: see its message above")


def test_a_wrong_setting_is_named_before_anything_is_made(project: Project) -> None:
    text = (project.folder / "params.yaml").read_text(encoding="utf-8")
    (project.folder / "params.yaml").write_text(text.replace("attention: ", "atention: "))
    with pytest.raises(InputError, match="atention"):
        smoke(print, project.folder)
    assert not (project.folder / FOLDER).exists()


def test_a_stage_that_was_killed_is_named_with_the_probable_cause(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(running, "run_to_end", lambda *_: -signal.SIGKILL)
    with pytest.raises(InputError, match=r"download was killed, probably .* lacks memory: lower"):
        smoke(print, project.folder)
