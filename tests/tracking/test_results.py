"""Evaluations are found by what people call them, in sqlite and in a real server."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from mlflow import MlflowClient

from tests.evaluation.results import evidence, some_references, translate_badly, write_evidence
from tests.tracking.runs.test_log_later_evaluation import written
from tests.tracking.stored_runs import mlflow_client
from tracelate.errors import InputError
from tracelate.evaluation.evaluation_record import read_record, write_record
from tracelate.evaluation.results import Evidence
from tracelate.tracking.references.references import resolve
from tracelate.tracking.results import find_evidence as evidence_of_reference
from tracelate.tracking.runs.log_later_evaluation import log_later_evaluation
from tracelate.tracking.runs.run_writer import RunWriter
from tracelate.tracking.runs.runs import start_run

REFERENCES = some_references(10)
MODEL = "evidence-en-es"
WRITTEN = evidence("written", translate_badly(REFERENCES, 0.3, 1), REFERENCES)


def find_evidence(text: str) -> Evidence:
    return evidence_of_reference(resolve(text))


@pytest.fixture(params=["sqlite", "server"])
def store(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[MlflowClient]:
    monkeypatch.setenv("DVC_ROOT", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    if request.param == "sqlite":
        monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
        shutil.copy(request.getfixturevalue("empty_database"), tmp_path)
        yield mlflow_client()
        return
    monkeypatch.setenv("MLFLOW_TRACKING_URI", request.getfixturevalue("mlflow_server"))
    client = mlflow_client()
    yield client
    for model in client.search_registered_models(filter_string=f"name = '{MODEL}'"):
        client.delete_registered_model(model.name)
    for experiment in client.search_experiments(filter_string="name = 'evidence'"):
        for run in client.search_runs([experiment.experiment_id]):
            client.delete_run(run.info.run_id)


def evaluated_run(name: str, folder: Path) -> RunWriter:
    run, _ = start_run("evidence", name, {})
    write_evidence(folder, WRITTEN)
    run.log_files(sorted(folder.iterdir()), "evaluation")
    return run


def test_a_run_is_found_by_its_id_its_beginning_and_its_name(
    store: MlflowClient, tmp_path: Path
) -> None:
    run = evaluated_run("""the "first" one's""", tmp_path / "files")
    evaluated_run("another", tmp_path / "files")
    for reference in (run.run_id, run.run_id[:6], """the "first" one's"""):
        found = find_evidence(reference)
        assert found.run_id == run.run_id
        assert found.name == f"""the "first" one's ({run.run_id[:8]})"""
        assert (found.metrics, found.rows) == (WRITTEN.metrics, list(WRITTEN.rows))


def test_a_model_is_found_by_alias_and_version(store: MlflowClient, tmp_path: Path) -> None:
    run = evaluated_run("first", tmp_path / "files")
    store.create_registered_model(MODEL)
    store.create_model_version(MODEL, f"runs:/{run.run_id}/model", run.run_id)
    store.set_registered_model_alias(MODEL, "champion", "1")
    for reference in (f"models:/{MODEL}@champion", f"models:/{MODEL}/1"):
        found = find_evidence(reference)
        assert (found.run_id, found.name) == (run.run_id, reference)
    for reference in (f"models:/{MODEL}/2", f"models:/{MODEL}@other", "models:/none/1"):
        with pytest.raises(InputError, match=f"'{reference}' names .*it is not in .*not found"):
            find_evidence(reference)
    store.delete_run(run.run_id)
    with pytest.raises(InputError, match=r"the run of models:/.* is not in "):
        find_evidence(f"models:/{MODEL}/1")


def test_an_evaluation_has_the_settings_of_its_run_or_of_the_lineage_beside_it(
    store: MlflowClient, tmp_path: Path
) -> None:
    run = evaluated_run("first", tmp_path / "files")
    run.log_params({"train": {"seed": 3}, "evaluate": {"beam_size": 5}})
    store.create_registered_model(MODEL)
    store.create_model_version(MODEL, f"runs:/{run.run_id}/model", run.run_id)
    store.set_registered_model_alias(MODEL, "champion", "1")
    for reference in (run.run_id, f"models:/{MODEL}@champion", f"models:/{MODEL}/1"):
        assert find_evidence(reference).params == {"train.seed": "3", "evaluate.beam_size": "5"}
    assert find_evidence(str(tmp_path / "files")).params is None

    # an evaluation in a folder names its decoding settings, and its model's run the others
    later = written(tmp_path / "later")
    decoding = {
        "evaluate.beam_size": "5", "evaluate.length_penalty": "1.0",
        "evaluate.batch_sentences": "128",
    }  # fmt: skip
    assert find_evidence(str(later)).params == decoding
    record = read_record(later)
    model = record.model.model_copy(update={"training_run_id": run.run_id, "beam_size": 9})
    write_record(later, record.model_copy(update={"model": model}))
    expected = {**decoding, "train.seed": "3", "evaluate.beam_size": "9"}
    assert find_evidence(str(later)).params == expected

    # as does one that was added to the run
    log_later_evaluation(run, "news", later)
    assert evidence_of_reference(resolve(run.run_id), "news").params == expected
    assert find_evidence(run.run_id).params == {"train.seed": "3", "evaluate.beam_size": "5"}


def test_an_ambiguous_reference_is_refused_with_all_its_runs(
    store: MlflowClient, tmp_path: Path
) -> None:
    ids = [evaluated_run("same", tmp_path / "files").run_id for _ in range(7)]
    with pytest.raises(
        InputError, match=r"'same' names 7 runs: name one by its id, .* and 2 more"
    ) as raised:
        find_evidence("same")
    assert ids[-1][:8] in str(raised.value)


def test_a_run_that_was_not_evaluated_is_refused_by_name(store: MlflowClient) -> None:
    run, _ = start_run("evidence", "bare", {})
    with pytest.raises(InputError, match=r"bare \(\w{8}\) has no evaluation/metrics\.json in "):
        find_evidence(run.run_id)


def test_a_damaged_evaluation_of_a_run_is_reported_by_the_runs_name(
    store: MlflowClient, tmp_path: Path
) -> None:
    run, _ = start_run("evidence", "odd", {})
    write_evidence(tmp_path / "files", WRITTEN)
    (tmp_path / "files" / "metrics.json").write_text("{}")
    run.log_files(sorted((tmp_path / "files").iterdir()), "evaluation")
    with pytest.raises(InputError, match=r"^odd \(\w{8}\): metrics\.json is damaged"):
        find_evidence(run.run_id)


def test_an_unknown_reference_is_refused_with_the_forms(store: MlflowClient) -> None:
    start_run("evidence", "bare", {})
    for reference in (
        "nothing",
        "abcdef",
        "abc",
        "%",
        "'",
        "models",
        "",
        "x" * 5000,
        "runs:/",
        "runs:/nothing",
    ):
        with pytest.raises(InputError, match=r"names no model or run ."):
            find_evidence(reference)


def test_an_unknown_model_is_refused(store: MlflowClient) -> None:
    for reference in ("models:/", "models:/a", "models:/a/b", "models:a@b"):
        with pytest.raises(InputError, match="it has no alias, version or id"):
            find_evidence(reference)


def test_files_are_found_without_a_store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:9")
    folder = write_evidence(tmp_path / "reports", WRITTEN)
    for path in (folder, folder / "metrics.json", folder / "translations.jsonl"):
        assert find_evidence(str(path)).metrics == WRITTEN.metrics
    with pytest.raises(InputError, match="it belongs to no project and no packed model"):
        find_evidence(str(tmp_path))
