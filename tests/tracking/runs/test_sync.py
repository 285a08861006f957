"""Writing a finished project's files to MLflow, in a sqlite store and in a server."""

from __future__ import annotations

import csv
import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from mlflow import MlflowClient
from mlflow.entities import LoggedModel, Run
from typer.testing import CliRunner

from tests.tracking.stored_runs import mlflow_client
from tracelate import layout
from tracelate.cli import sync
from tracelate.errors import InputError
from tracelate.evaluation.lineage import read_lineage, write_lineage
from tracelate.evaluation.metrics_file import read_metrics
from tracelate.files import read_json, sha256_of, write_json
from tracelate.tracking.runs.runs import RESTORED_FROM
from tracelate.tracking.runs.sync import sync_project


class SyncedProject(NamedTuple):
    """A project's folder and a store that does not have its run yet."""

    folder: Path
    client: MlflowClient

    @property
    def experiment_id(self) -> str:
        found = self.client.get_experiment_by_name("tracelate")
        assert found is not None
        return str(found.experiment_id)

    def runs(self) -> list[Run]:
        return list(self.client.search_runs([self.experiment_id]))

    def models(self) -> list[LoggedModel]:
        return list(self.client.search_logged_models([self.experiment_id]))

    def state(self) -> Any:
        """Everything that MLflow has about runs and models."""
        return json.loads(
            json.dumps(
                {
                    "runs": [run.to_dictionary() for run in self.runs()],
                    "curves": [
                        [
                            point.timestamp
                            for point in self.client.get_metric_history(run.info.run_id, name)
                        ]
                        for run in self.runs()
                        for name in sorted(run.data.metrics)
                    ],
                    "models": [model.to_dictionary() for model in self.models()],
                },
                default=str,
                sort_keys=True,
            )
        )


@pytest.fixture(params=["sqlite", "server"])
def store(
    request: pytest.FixtureRequest,
    finished_project: Path,
    empty_database: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[SyncedProject]:
    folder = tmp_path / "project"
    for room in ("models", "reports", "data"):
        shutil.copytree(finished_project / room, folder / room)
    shutil.copyfile(finished_project / "params.yaml", folder / "params.yaml")
    monkeypatch.setenv("DVC_ROOT", str(folder))
    if request.param == "sqlite":
        monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
        shutil.copyfile(empty_database, folder / "mlflow.db")
        yield SyncedProject(folder, mlflow_client())
        return
    monkeypatch.setenv("MLFLOW_TRACKING_URI", request.getfixturevalue("empty_server"))
    yield SyncedProject(folder, mlflow_client())


def test_curves_logged_in_training_have_the_same_points_as_the_files(
    finished_project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{finished_project}/mlflow.db")
    store = SyncedProject(finished_project, mlflow_client())
    [run], [model] = store.runs(), store.models()
    assert run.info.run_id == read_json(finished_project / layout.RUN)["run_id"]
    assert model.source_run_id == run.info.run_id
    for curve, name in (("train", "train_loss"), ("valid", "valid_bleu")):
        assert points(store, run, name) == rows(finished_project, curve, name)
    assert not sync_project(finished_project).wrote_training


def points(store: SyncedProject, run: Run, name: str) -> list[tuple[int, float]]:
    history = store.client.get_metric_history(run.info.run_id, name)
    return sorted((point.step, point.value) for point in history)


def rows(folder: Path, curve: str, name: str) -> list[tuple[int, float]]:
    with (folder / layout.CURVES / f"{curve}.csv").open() as file:
        return [(int(row["step"]), float(row[name])) for row in csv.DictReader(file)]


def test_the_files_restore_the_run_and_its_model(store: SyncedProject) -> None:
    done = sync_project(store.folder)
    assert done.is_new and done.wrote_training and done.wrote_evaluation
    [run] = store.runs()
    lineage = read_lineage(store.folder / layout.LINEAGE)
    assert run.info.status == "FINISHED"
    tags = run.data.tags
    assert tags[RESTORED_FROM] == lineage.training.run_id
    assert (tags["pair"], tags["corpus"]) == ("en-es", "tinycatalogs 1.0")
    assert lineage.test_sha256.startswith(tags["test_set"])
    assert tags["signature.bleu"] == lineage.signatures["bleu"]
    assert run.data.params["model.attention"] == "general"
    assert run.data.params["evaluate.beam_size"] == "2"
    metrics, report = run.data.metrics, read_json(store.folder / layout.TRAINING_REPORT)
    evaluated = read_metrics(store.folder / layout.METRICS)
    for score in evaluated.scores:
        assert metrics[f"test_{score.name}"] == score.value
    assert evaluated.attention is not None
    sharpness = list(enumerate(evaluated.attention.sharpness_by_position, start=1))
    assert points(store, run, "attention_sharpness_by_position") == sharpness
    assert metrics["best_valid_bleu"] == report["best_valid_bleu"]
    assert metrics["target_tokens_per_s"] == report["tokens_per_s"]
    assert metrics["parameter_count"] == report["parameter_count"]
    assert points(store, run, "train_loss") == rows(store.folder, "train", "train_loss")
    [model] = store.models()
    assert model.status == "READY"
    assert run.outputs is not None
    assert [one.model_id for one in run.outputs.model_outputs] == [model.model_id]


def test_a_second_sync_changes_nothing_and_reports_that(
    store: SyncedProject, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(store.folder)
    printed = CliRunner().invoke(sync.app, []).stdout
    [run] = store.runs()
    assert printed == f"wrote training and evaluation to the new run {run.info.run_id}\n"
    before = store.state()
    printed = CliRunner().invoke(sync.app, []).stdout
    assert printed == f"run {run.info.run_id} has all results already\n"
    assert store.state() == before


def test_the_model_has_the_scores_with_their_test_set(store: SyncedProject) -> None:
    sync_project(store.folder)
    [model] = store.models()
    lineage = read_lineage(store.folder / layout.LINEAGE)
    assert model.tags["weights_sha256"] == sha256_of(store.folder / "models/weights.safetensors")
    assert model.tags["tokenizer_sha256"] == lineage.tokenizer_sha256
    assert model.tags["test_sha256"] == lineage.test_sha256
    measured = {metric.key: metric for metric in model.metrics or []}
    for score in read_metrics(store.folder / layout.METRICS).scores:
        metric = measured[f"test_{score.name}"]
        assert metric.value == score.value
        assert metric.dataset_name == "data/prepared/test.parquet"
        assert lineage.test_sha256.startswith(str(metric.dataset_digest))


def test_a_run_stores_its_weights_once(store: SyncedProject) -> None:
    sync_project(store.folder)
    [run], [model] = store.runs(), store.models()

    def names(list_artifacts: Any, owner: str, folder: str | None = None) -> list[str]:
        found: list[str] = []
        for one in list_artifacts(owner, folder):
            found += names(list_artifacts, owner, one.path) if one.is_dir else [one.path]
        return found

    of_run = names(store.client.list_artifacts, run.info.run_id)
    of_model = names(store.client.list_logged_model_artifacts, model.model_id)
    assert "translations.json" in of_run and "figures/attention_1.png" in of_run
    assert not [name for name in of_run if name.endswith(".safetensors")]
    assert [name for name in of_model if name.endswith(".safetensors")] == [
        "artifacts/weights.safetensors"
    ]
    assert {"README.md", "figures/attention_1.png", "artifacts/lineage.json"} <= set(of_model)
    assert not [name for name in of_model if name.endswith((".pkl", ".pyc"))]


def test_an_evaluation_with_other_settings_is_another_run_with_a_package_of_its_own(
    store: SyncedProject,
) -> None:
    sync_project(store.folder)
    [model], [first] = store.models(), store.runs()
    path = store.folder / layout.LINEAGE
    lineage = read_lineage(path)
    params = {**lineage.params, "evaluate": {**lineage.params["evaluate"], "beam_size": 3}}
    write_lineage(path, lineage.model_copy(update={"params": params}))
    document = read_json(store.folder / layout.METRICS)
    document["bleu"]["value"] = 99.0
    write_json(store.folder / layout.METRICS, document)

    done = sync_project(store.folder)
    assert done.is_new and done.run.run_id != first.info.run_id
    assert sync_project(store.folder)[1:] == (False, False, False)
    [same, other] = sorted(store.models(), key=lambda one: one.model_id != model.model_id)
    assert same.to_dictionary() == model.to_dictionary()
    assert other.params["evaluate.beam_size"] == "3"
    assert other.tags["weights_sha256"] == model.tags["weights_sha256"]
    assert other.tags["lineage_sha256"] == sha256_of(path) != model.tags["lineage_sha256"]
    second = store.client.get_run(done.run.run_id)
    assert second.data.params["evaluate.beam_size"] == "3"
    assert second.data.metrics["test_bleu"] == 99.0
    assert "train_loss" in second.data.metrics
    assert second.outputs is not None
    assert [one.model_id for one in second.outputs.model_outputs] == [other.model_id]


def test_an_interrupted_upload_of_a_model_is_continued(
    store: SyncedProject, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*_: object) -> None:
        raise OSError("the store is full")

    with monkeypatch.context() as patch:
        patch.setattr(MlflowClient, "log_model_artifacts", fails)
        with pytest.raises(OSError, match="full"):
            sync_project(store.folder)
    [model] = store.models()
    assert model.status == "PENDING"
    done = sync_project(store.folder)
    assert not done.is_new and not done.wrote_training and done.wrote_evaluation
    [whole] = store.models()
    assert (whole.model_id, whole.status) == (model.model_id, "READY")
    assert len(store.runs()) == 1


def test_a_training_without_an_evaluation_is_written_too(store: SyncedProject) -> None:
    (store.folder / layout.LINEAGE).unlink()
    done = sync_project(store.folder)
    assert done[1:] == (True, True, False)
    assert store.models() == []
    assert sync_project(store.folder)[1:] == (False, False, False)


def train_again(folder: Path) -> str:
    """Changes the files as a new training does; reports/ still has the previous evaluation."""
    run = read_json(folder / layout.RUN)
    new = {**run, "run_id": run["run_id"][::-1], "commit": "c" * 40}
    write_json(folder / layout.RUN, new)
    report = read_json(folder / layout.TRAINING_REPORT)
    write_json(folder / layout.TRAINING_REPORT, {**report, "best_valid_bleu": 77.0})
    change_weights(folder)
    return str(new["run_id"])


def change_weights(folder: Path) -> None:
    weights = folder / "models/weights.safetensors"
    weights.write_bytes(weights.read_bytes()[:-1] + b"\x77")


def test_a_new_training_leaves_the_run_of_the_previous_one_unchanged(store: SyncedProject) -> None:
    sync_project(store.folder)
    before = store.state()
    run_id = train_again(store.folder)
    done = sync_project(store.folder)
    assert done[1:] == (True, True, False)
    new = store.client.get_run(done.run.run_id)
    assert new.data.tags[RESTORED_FROM] == run_id
    assert new.data.tags["mlflow.source.git.commit"] == "c" * 40
    assert new.data.metrics["best_valid_bleu"] == 77.0
    assert sync_project(store.folder)[1:] == (False, False, False)
    store.client.delete_run(done.run.run_id)
    assert store.state() == before


def test_an_evaluation_of_other_weights_is_not_written(store: SyncedProject) -> None:
    change_weights(store.folder)
    assert sync_project(store.folder)[1:] == (True, True, False)
    assert store.models() == []


def test_a_missing_file_is_named(store: SyncedProject) -> None:
    (store.folder / "models/weights.safetensors").unlink()
    with pytest.raises(InputError, match=r"weights\.safetensors is missing: .*dvc checkout"):
        sync_project(store.folder)


def test_without_a_training_there_is_nothing_to_write(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DVC_ROOT", str(tmp_path))
    with pytest.raises(InputError, match=r"run\.json is missing: train a model first"):
        sync_project(tmp_path)
