from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.evaluation.results import evidence, some_references, translate_badly, write_evidence
from tracelate import layout
from tracelate.errors import InputError
from tracelate.evaluation.evaluation_record import (
    EvaluationRecord,
    HashedFile,
    ScoredModel,
    ScoredText,
    write_record,
)
from tracelate.tracking.references.references import resolve
from tracelate.tracking.results import find_evidence
from tracelate.tracking.runs.log_later_evaluation import log_later_evaluation
from tracelate.tracking.runs.run_writer import RunWriter
from tracelate.tracking.runs.runs import start_run

REFERENCES = some_references(20)
MADE = evidence("later", translate_badly(REFERENCES, 0.3, 1), REFERENCES)
WEIGHTS, OTHER = "ab" * 32, "cd" * 32


def written(folder: Path, *, text: str = OTHER, weights: str = WEIGHTS) -> Path:
    """Writes an evaluation as `tracelate evaluate --output` does."""
    folder.mkdir()
    write_evidence(folder, MADE)
    (folder / layout.PAGE.name).write_text("page", encoding="utf-8")
    model = ScoredModel(
        name="model",
        files={"weights.safetensors": weights},
        training_run_id=None,
        beam_size=5,
        length_penalty=1.0,
        batch_sentences=128,
    )
    file = HashedFile(name="file", sha256=OTHER)
    test = ScoredText(sentences=20, sha256=text, source=file, references=[file])
    write_record(
        folder, EvaluationRecord(model=model, test=test, signatures=MADE.signatures, results={})
    )
    return folder


@pytest.fixture
def run(empty_database: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> RunWriter:
    """A finished run with scores of its own."""
    shutil.copyfile(empty_database, tmp_path / "mlflow.db")
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    monkeypatch.setenv("DVC_ROOT", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    made, _ = start_run("experiment", "trained", {"sha256.models/weights.safetensors": WEIGHTS})
    made.log_metrics({"test_bleu": 12.5})
    made.set_tags({"test_set": "5e5e5e5e5e5e"})
    made.finish()
    return made


def test_a_run_keeps_what_it_has_beside_a_later_evaluation(run: RunWriter, tmp_path: Path) -> None:
    before = run.store.runs.get(run.run_id)
    log_later_evaluation(run, "news", written(tmp_path / "scores"))
    after = run.store.runs.get(run.run_id)
    assert before.metrics.items() <= after.metrics.items()
    assert before.tags.items() <= after.tags.items()
    assert (before.params, before.status) == (after.params, after.status)
    for score in MADE.metrics.scores:
        assert after.metrics[f"news/{score.name}"] == pytest.approx(score.value)
        assert after.metrics[f"news/{score.name}_low"] == pytest.approx(score.low)
    new = after.tags.keys() - before.tags.keys()
    assert all("test_sets" in name for name in new) and "test_sets.news" in new


def test_the_test_sets_name_finds_the_later_evaluation(run: RunWriter, tmp_path: Path) -> None:
    log_later_evaluation(run, "news", written(tmp_path / "scores"))
    found = find_evidence(resolve(run.run_id), "news")
    assert found.rows == MADE.rows
    assert found.name.endswith("on news")
    with pytest.raises(InputError, match=r"no evaluation on the test set 'blogs'.*--log blogs"):
        find_evidence(resolve(run.run_id), "blogs")
    run.set_tags({"sha256.test_sets/news/metrics.json": OTHER})
    with pytest.raises(InputError, match=r"metrics\.json of .* has changed"):
        find_evidence(resolve(run.run_id), "news")


def test_the_same_text_is_added_again_and_another_is_refused(
    run: RunWriter, tmp_path: Path
) -> None:
    log_later_evaluation(run, "news", written(tmp_path / "scores"))
    log_later_evaluation(run, "news", tmp_path / "scores")
    with pytest.raises(InputError, match="another text under the name 'news'"):
        log_later_evaluation(run, "news", written(tmp_path / "other", text=WEIGHTS))


def test_scores_of_another_model_are_not_added(run: RunWriter, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="has other weights than run"):
        log_later_evaluation(run, "news", written(tmp_path / "scores", weights=OTHER))
    assert "news/bleu" not in run.store.runs.get(run.run_id).metrics
