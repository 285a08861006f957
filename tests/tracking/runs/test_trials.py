"""A training that is a trial of a sweep."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from mlflow.utils.mlflow_tags import MLFLOW_PARENT_RUN_ID

from tracelate import layout
from tracelate.errors import InputError
from tracelate.sweep.folder import lock_if_free
from tracelate.tracking.runs.trials import (
    NOTE,
    WATCHED,
    TrialLogger,
    TrialNote,
    read_trial_note,
    read_validations,
    trial_loggers,
    trial_tags,
)


def test_a_note_gives_the_tags_of_a_run(tmp_path: Path) -> None:
    assert read_trial_note(tmp_path) is None
    note = TrialNote(sweep="rates", trial=3, name="trial 3", parent_run_id="ab")
    NOTE.write(tmp_path / layout.TRIAL, note)
    assert read_trial_note(tmp_path) == note
    expected = {"tracelate.sweep": "rates", "tracelate.trial": "3", MLFLOW_PARENT_RUN_ID: "ab"}
    assert trial_tags(note) == expected
    assert MLFLOW_PARENT_RUN_ID not in trial_tags(note.model_copy(update={"parent_run_id": None}))


def test_a_damaged_note_is_refused(tmp_path: Path) -> None:
    (tmp_path / layout.TRIAL).write_text('{"sweep": 3}')
    with pytest.raises(InputError, match=r"trial.json is damaged"):
        read_trial_note(tmp_path)


def test_only_a_trial_has_the_logger(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert trial_loggers("run") == []
    layout.TRIAL.write_text("{}")
    assert [type(one) for one in trial_loggers("run")] == [TrialLogger]


def test_validations_are_read_while_they_are_written(tmp_path: Path) -> None:
    assert read_validations(tmp_path) == []
    logger = TrialLogger("run", tmp_path)
    logger.log_metrics({"train_loss": 3.0}, step=4)
    logger.log_metrics({"valid_bleu": 20.0, "valid_loss": float("nan")}, step=9)
    logger.log_metrics({"valid_bleu": 30.0}, step=19)
    first = {"step": 10, "run_id": "run", "valid_bleu": 20.0, "valid_loss": None}
    assert read_validations(tmp_path) == [
        first,
        {"step": 20, "run_id": "run", "valid_bleu": 30.0},
    ]


def test_a_line_that_was_cut_off_is_left_out_and_a_repeated_step_counts_once(
    tmp_path: Path,
) -> None:
    logger = TrialLogger("run", tmp_path)
    logger.log_metrics({"valid_bleu": 20.0}, step=9)
    with (tmp_path / layout.VALIDATIONS).open("a", encoding="utf-8") as file:
        file.write('{"step": 20, "valid_bl')
    resumed = TrialLogger("run", tmp_path)
    resumed.log_metrics({"valid_bleu": 20.0}, step=9)
    resumed.log_metrics({"valid_bleu": 31.0}, step=19)
    assert [(row["step"], row["valid_bleu"]) for row in read_validations(tmp_path)] == [
        (10, 20.0),
        (20, 31.0),
    ]


def test_a_training_whose_sweep_was_killed_asks_itself_to_stop_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent: list[int] = []
    monkeypatch.setattr(os, "kill", lambda pid, number: sent.append(number))
    monkeypatch.setenv(WATCHED, "1")
    sweep = lock_if_free(tmp_path / layout.TRIAL_LOCK)
    assert sweep is not None
    logger = TrialLogger("run", tmp_path)
    logger.log_metrics({"train_loss": 1.0}, step=1)
    assert sent == []
    os.close(sweep)
    logger.log_metrics({"train_loss": 1.0}, step=2)
    logger.log_metrics({"train_loss": 1.0}, step=3)
    assert len(sent) == 1
    # one that no sweep has started goes on
    monkeypatch.delenv(WATCHED)
    TrialLogger("run", tmp_path).log_metrics({"train_loss": 1.0}, step=1)
    assert len(sent) == 1
