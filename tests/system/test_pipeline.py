"""The whole pipeline on a tiny corpus, run with DVC as by a user."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from tests.preloaded import python
from tests.system.clone import Clone, clone


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TRACELATE_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield


@pytest.fixture(scope="module")
def reproduced(cache: None, tmp_path_factory: pytest.TempPathFactory) -> Clone:
    made = clone(tmp_path_factory.mktemp("project"))
    made.succeed("dvc", "repro")
    return made


def test_the_reports_and_the_run_agree(reproduced: Clone) -> None:
    [run_id] = reproduced.runs()
    assert reproduced.json("models/run.json")["run_id"] == run_id
    metrics, logged = reproduced.json("reports/metrics.json"), reproduced.logged("metrics", run_id)
    for name in ("bleu", "chrf", "chrfpp", "ter"):
        assert logged[f"test_{name}"] == pytest.approx(metrics[name]["value"])
        assert metrics[name]["low"] <= metrics[name]["value"] <= metrics[name]["high"]
    assert logged["best_valid_bleu"] == pytest.approx(
        reproduced.json("reports/train.json")["best_valid_bleu"]
    )
    translations = (reproduced.folder / "reports/translations.jsonl").read_text("utf-8")
    assert len(translations.splitlines()) == metrics["test"]["sentences"]
    assert len(list((reproduced.folder / "reports/figures").glob("attention_*.png"))) == 2


def test_the_run_records_its_code_and_data(reproduced: Clone) -> None:
    [run_id] = reproduced.runs()
    tags, params = reproduced.logged("tags", run_id), reproduced.logged("params", run_id)
    head = reproduced.succeed("git", "rev-parse", "HEAD").strip()
    assert tags["mlflow.source.git.commit"] == head
    assert tags["git.dirty"] == "false"
    assert tags["pair"] == "en-es"
    assert tags["dvc.stage"] == "train"
    assert (tags["corpus"], tags["data"]) == (
        "tinycatalogs 1.0",
        tags["sha256.data/tokenized/train.arrow"][:12],
    )
    assert tags["signature.bleu"] == reproduced.json("reports/metrics.json")["bleu"]["signature"]
    assert len(tags["sha256.data/tokenized/train.arrow"]) == 64
    assert params["model.attention"] == "general"
    assert params["evaluate.beam_size"] == "2"
    assert params["download.catalogs.licence"] == "Apache-2.0"


def test_the_lineage_has_the_commit_of_the_training(reproduced: Clone) -> None:
    training = reproduced.json("reports/lineage.json")["training"]
    [run_id] = reproduced.runs()
    head = reproduced.succeed("git", "rev-parse", "HEAD").strip()
    assert (training["run_id"], training["commit"], training["dirty"]) == (run_id, head, False)


def test_sync_after_a_repro_has_nothing_to_write(reproduced: Clone) -> None:
    before = reproduced.runs()
    assert f"run {before[0]} has all results already" in reproduced.succeed("tracelate", "sync")
    assert reproduced.runs() == before


def test_a_second_repro_does_nothing_also_after_python_has_compiled_the_code(
    reproduced: Clone,
) -> None:
    before = reproduced.runs()
    reproduced.succeed("python", "-m", "compileall", "-q", "src", "pipeline")
    assert "Data and pipelines are up to date" in reproduced.succeed("dvc", "repro")
    assert reproduced.runs() == before


@contextmanager
def edited(path: Path) -> Iterator[None]:
    """Appends a comment to the file, or creates it, and restores all when the block ends."""
    before = path.read_bytes() if path.exists() else None
    path.write_bytes((before or b"") + b"\n# edited\n")
    try:
        yield
    finally:
        if before is None:
            path.unlink()
        else:
            path.write_bytes(before)


def changed_stages(project: Clone) -> set[str]:
    """Stages that `dvc status` reports, after a check that `dvc status -q` agrees."""
    stages = set(json.loads(project.succeed("dvc", "status", "--json")))
    assert project.run("dvc", "status", "-q").returncode == (1 if stages else 0)
    return stages


def test_dvc_status_reports_nothing_after_a_repro(reproduced: Clone) -> None:
    assert reproduced.succeed("dvc", "status") == "Data and pipelines are up to date.\n"
    assert changed_stages(reproduced) == set()


@pytest.mark.parametrize(
    "name",
    [
        "src/tracelate/progress.py",
        "src/tracelate/training/progress.py",
        "src/tracelate/cli/comparison_tables.py",
        "src/tracelate/cli/summary_tables.py",
        "src/tracelate/cli/runs_table.py",
        "src/tracelate/tracking/packages/model_card.py",
        "corpora/README.md",
        "studies/attention/train.py",
        "studies/attention/dvc.yaml",
    ],
)
def test_an_edit_without_effect_on_outputs_leaves_the_status_clean(
    reproduced: Clone, name: str
) -> None:
    with edited(reproduced.folder / name):
        assert changed_stages(reproduced) == set()


@pytest.mark.parametrize(
    ("name", "stages"),
    [
        ("src/tracelate/model/search.py", {"train", "evaluate"}),
        ("src/tracelate/training/fit.py", {"train"}),
        ("src/tracelate/evaluation/page.html", {"evaluate"}),
        ("src/tracelate/corpus/cleaning.py", {"prepare", "test_sets"}),
        ("corpora/new.en", {"download", "test_sets"}),
    ],
)
def test_an_edit_of_the_code_of_a_stage_changes_that_stage(
    reproduced: Clone, name: str, stages: set[str]
) -> None:
    with edited(reproduced.folder / name):
        assert changed_stages(reproduced) == stages


def test_another_test_set_changes_the_evaluation_and_trains_nothing(reproduced: Clone) -> None:
    with edited(reproduced.folder / "data/prepared/test.parquet"):
        for stage, is_changed in (("tokenize", False), ("train", False), ("evaluate", True)):
            found = json.loads(reproduced.succeed("dvc", "status", "--json", stage))
            assert (stage in found) == is_changed, found


def test_another_clone_makes_the_same_data_and_weights(reproduced: Clone, tmp_path: Path) -> None:
    other = clone(tmp_path)
    other.succeed("dvc", "repro")
    first, second = reproduced.hashes(), other.hashes()
    # the ids of runs, which the page names too, and the speed differ
    own = {"models/run.json", "reports/lineage.json", "reports/translations.html"}
    speed = {"reports/train.json", "reports/curves/train.csv", "reports/evaluate.json"}
    assert {name for name in first if first[name] != second[name]} <= own | speed
    assert first["models/weights.safetensors"] == second["models/weights.safetensors"]


def test_a_replay_makes_the_same_model_and_leaves_no_files(reproduced: Clone) -> None:
    before = reproduced.runs()
    said = reproduced.succeed("tracelate", "replay", "reports")
    for name in (
        "data/raw/all.parquet",
        "data/prepared/test.parquet",
        "data/tokenized/tokenizer.json",
        "models/weights.safetensors",
        "reports/translations.jsonl",
        "bleu",
    ):
        assert f"✓ same      {name}" in said
    assert "✗" not in said and "not here" not in said
    assert reproduced.runs() == before
    assert len(reproduced.succeed("git", "worktree", "list").splitlines()) == 1


def test_an_experiment_is_one_more_run_also_in_a_temporary_folder(reproduced: Clone) -> None:
    reproduced.succeed("git", "add", "-A")
    reproduced.succeed("git", "commit", "-qm", "Reproduce")
    before = reproduced.runs()
    experiment = ("dvc", "exp", "run", "-S", "model.attention=additive", "-S", "train.epochs=1")
    reproduced.succeed(*experiment, "--temp", "--name", "bahdanau")
    [run_id] = set(reproduced.runs()) - set(before)
    assert reproduced.logged("params", run_id)["model.attention"] == "additive"
    tags = reproduced.logged("tags", run_id)
    assert tags["dvc.exp_name"] == "bahdanau"
    assert tags["dvc.exp_baseline_rev"] == reproduced.succeed("git", "rev-parse", "HEAD").strip()
    assert "test_bleu" in reproduced.logged("metrics", run_id)


def test_another_evaluation_of_the_same_model_is_a_run_of_its_own(
    reproduced: Clone,
) -> None:
    before = reproduced.runs()
    reproduced.succeed("dvc", "exp", "run", "-S", "evaluate.beam_size=3", "--name", "wider")
    [run_id] = set(reproduced.runs()) - set(before)
    assert reproduced.logged("tags", run_id)["tracelate.restored_from"] == before[0]
    params = reproduced.logged("params", run_id)
    assert (params["evaluate.beam_size"], params["model.attention"]) == ("3", "general")
    assert reproduced.logged("params", before[0])["evaluate.beam_size"] == "2"
    assert "train_loss" in reproduced.logged("metrics", run_id)
    promoted = reproduced.succeed("tracelate", "promote", run_id, "--dry-run")
    assert "would be promoted" in promoted
    reproduced.succeed("git", "checkout", "-q", "params.yaml", "dvc.lock")
    reproduced.succeed("dvc", "checkout", "dvc.yaml")


def test_the_trained_model_translates_standard_input(reproduced: Clone) -> None:
    text = "Always the dog sees the house.\n\nNever the cat opens the door.\n"
    lines = reproduced.succeed("tracelate", "translate", text=text).split("\n")
    assert len(lines) == 4 and lines[0] and lines[1] == "" and lines[2]


def test_the_summary_shows_the_results(reproduced: Clone) -> None:
    said = reproduced.succeed("tracelate", "summary")
    for expected in ("en to es", "BLEU", "chrF", "TER", "make ui", "dvc exp run", "general"):
        assert expected in said


def test_an_invalid_input_of_translate_is_an_error_of_one_line(
    reproduced: Clone, tmp_path: Path
) -> None:
    done = reproduced.run("tracelate", "translate", "--model", str(tmp_path))
    assert done.returncode == 1
    assert done.stderr.startswith("error: ") and len(done.stderr.splitlines()) == 1
    assert "names no model or run" in done.stderr


def test_a_damaged_model_is_refused(reproduced: Clone, tmp_path: Path) -> None:
    damages = {
        "weights.safetensors": "is damaged",
        "config.json": "is damaged",
        "tokenizer.json": "is not the tokenizer",
    }
    for name, message in damages.items():
        model = tmp_path / name
        shutil.copytree(reproduced.folder / "models", model)
        (model / name).write_bytes((model / name).read_bytes()[:-40])
        done = reproduced.run("tracelate", "translate", "--model", str(model), text="a\n")
        assert done.returncode == 1, name
        assert message in done.stderr and len(done.stderr.splitlines()) == 1


def test_text_that_is_not_utf8_is_named_by_its_line(reproduced: Clone) -> None:
    done = subprocess.run(
        ["tracelate", "translate"],
        cwd=reproduced.folder,
        env=reproduced.environment,
        input=b"Bien\n" + b"\xff\xfe\n",
        capture_output=True,
        timeout=60,
    )
    assert done.returncode == 1
    assert b"error: standard input, line 2:" in done.stderr


def test_a_stopped_training_leaves_no_model(reproduced: Clone) -> None:
    environment = {**reproduced.environment, "MLFLOW_TRACKING_URI": "nowhere://runs"}
    done = subprocess.run(
        [python(), "-m", "pipeline.train"],
        cwd=reproduced.folder,
        env=environment,
        capture_output=True,
        encoding="utf-8",
        timeout=120,
    )
    assert done.returncode == 1
    error, remedy = done.stderr.splitlines()[-2:]
    assert error.startswith("error: the MLflow store nowhere://runs")
    assert remedy.startswith("warning: models lacks the outputs of this stage: `dvc checkout`")
    assert not (reproduced.folder / "models/weights.safetensors").exists()
    refused = reproduced.run("tracelate", "translate", text="Hello.")
    assert refused.returncode == 1
    assert "is missing: `dvc checkout` brings back those of the last complete" in refused.stderr
    reproduced.succeed("dvc", "checkout")
    assert reproduced.succeed("tracelate", "translate", text="The dog sees the house.\n")


@pytest.mark.parametrize("setting", ["model.attention=dott", "evaluate.beam_size=0"])
def test_an_experiment_with_a_wrong_setting_keeps_the_model_and_its_reports(
    reproduced: Clone, setting: str
) -> None:
    before = {name: reproduced.hashes()[name] for name in reproduced.hashes() if "/" in name}
    files = [path for path in before if (reproduced.folder / path).is_file()]
    assert "models/weights.safetensors" in files
    assert "reports/metrics.json" in files
    contents = {name: (reproduced.folder / name).read_bytes() for name in files}
    refused = reproduced.run("dvc", "exp", "run", "-S", setting)
    assert refused.returncode != 0
    assert setting.partition("=")[0] in refused.stderr + refused.stdout
    reproduced.succeed("git", "checkout", "-q", "params.yaml")
    assert {name: (reproduced.folder / name).read_bytes() for name in files} == contents
    assert changed_stages(reproduced) == set()


def test_the_study_is_a_repository_of_its_own(reproduced: Clone) -> None:
    small = {
        "seeds": [1],
        "names": ["none", "general"],
        "base": {"model": {}, "train": {"epochs": 1}, "evaluate": {"beam_size": 1}},
        "variants": {"none": {"model": {"attention": "none"}}, "general": {}},
    }
    folder = reproduced.folder / "studies/attention"
    YAML().dump(small, folder / "study.yaml")
    before = set(reproduced.runs())
    reproduced.succeed("dvc", "--cd", str(folder), "repro")
    assert len(set(reproduced.runs()) - before) == 3  # a parent and two trainings
    assert not (folder / "mlflow.db").exists()
    assert "seeds 1;" in (reproduced.folder / "docs/attention.md").read_text("utf-8")
    # Python compiles what the stages import, which must not change them
    reproduced.succeed("python", "-m", "compileall", "-q", "src", "pipeline", "studies")
    up_to_date = "Data and pipelines are up to date.\n"
    assert reproduced.succeed("dvc", "--cd", str(folder), "status") == up_to_date
    assert reproduced.succeed("dvc", "status") == up_to_date
    reproduced.succeed("dvc", "checkout")
    status = reproduced.succeed("git", "status", "--porcelain", "--untracked-files", "studies")
    assert status.split() == ["M", "studies/attention/study.yaml"]
