"""Complete trainings on a tiny task, each in a process of its own."""

from __future__ import annotations

import json
import math
import os
import re
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from tests.preloaded import python
from tests.test_scoring_metrics import Scoring
from tests.training.reversing import (
    WORDS,
    model_config,
    reversing_pairs,
    runtime,
    tokenizer,
    train_config,
)
from tracelate.corpus.tokenized import TokenizedPair
from tracelate.corpus.tokenized_file import TokenizedSplit
from tracelate.corpus.tokenizer import SubwordTokenizer
from tracelate.corpus.tokenizer_pair import TokenizerPair
from tracelate.errors import InputError
from tracelate.metric_table import METRICS, scoring_metrics
from tracelate.processes import OWN_STORE
from tracelate.sacrebleu_metric import sacrebleu_metric
from tracelate.training.batches import Batch
from tracelate.training.curve_files import read_curve, write_curves
from tracelate.training.fit import AverageOfSteps, fit, scores_of_ids
from tracelate.training.module import TranslationTraining, Validated, schedule_factor
from tracelate.training.report import training_report


def train_apart(
    folder: Path,
    devices: int = 1,
    dies_at: int | None = None,
    by: str = "SIGKILL",
    run: dict[str, Any] | None = None,
    starter: Sequence[str] | None = None,
) -> subprocess.CompletedProcess[str]:
    """Runs tests.training.reversing; it gets a signal after the step `dies_at`.

    `starter` is the beginning of the command, Python's by default.
    """
    folder.mkdir(exist_ok=True)
    arguments = [str(folder), str(devices), *([] if dies_at is None else [str(dies_at), by])]
    return subprocess.run(
        [*(starter or [python()]), "-m", "tests.training.reversing", *arguments],
        timeout=180,
        capture_output=True,
        text=True,
        env={**os.environ, "RUNTIME": json.dumps(run or {}), OWN_STORE: "1"},
    )


def curve(folder: Path, kind: str, name: str) -> list[float]:
    rows = json.loads((folder / "curves.json").read_text())[kind]
    return [row[name] for row in rows]


@pytest.fixture(scope="module")
def uninterrupted(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("uninterrupted")
    assert train_apart(folder).returncode == 0
    return folder


def test_the_same_run_twice_gives_the_same_weights(uninterrupted: Path, tmp_path: Path) -> None:
    assert train_apart(tmp_path).returncode == 0
    first, second = (folder / "weights.safetensors" for folder in (uninterrupted, tmp_path))
    assert first.read_bytes() == second.read_bytes()


@pytest.mark.parametrize(
    ("by", "dies_at", "resumes_at"),
    [
        ("SIGKILL", 9, 8),  # the epoch's end
        ("SIGKILL", 14, 13),  # the last checkpoint by steps
        ("SIGTERM", 11, 11),
        ("SIGINT", 16, 16),  # after the validation that follows
    ],
)
def test_a_stopped_run_continues_and_equals_an_uninterrupted_one(
    uninterrupted: Path, tmp_path: Path, by: str, dies_at: int, resumes_at: int
) -> None:
    often = {"checkpoint_steps": 13}
    stopped = train_apart(tmp_path, dies_at=dies_at, by=by, run=often)
    assert stopped.returncode != 0
    assert (f"training was stopped at step {dies_at}: run" in stopped.stderr) is (by != "SIGKILL")
    assert not (tmp_path / "weights.safetensors").exists()
    assert train_apart(tmp_path, run=often).returncode == 0
    weights = [folder / "weights.safetensors" for folder in (uninterrupted, tmp_path)]
    assert weights[0].read_bytes() == weights[1].read_bytes()
    curves = json.loads((tmp_path / "curves.json").read_text())
    assert curves["resumed_from_step"] == resumes_at
    for kind, name in (("train", "train_loss"), ("valid", "valid_bleu"), ("valid", "step")):
        assert curve(tmp_path, kind, name) == curve(uninterrupted, kind, name)


def test_a_stopped_run_continues_with_other_parts_of_a_batch(
    uninterrupted: Path, tmp_path: Path
) -> None:
    for parts, dies_at in ((1, 11), (3, 19)):
        stopped = train_apart(tmp_path, dies_at=dies_at, by="SIGTERM", run={"accumulate": parts})
        assert f"stopped at step {dies_at}:" in stopped.stderr
    assert train_apart(tmp_path, run={"accumulate": 2}).returncode == 0
    assert json.loads((tmp_path / "curves.json").read_text())["resumed_from_step"] == 19
    for kind, name in (("train", "train_loss"), ("valid", "valid_loss"), ("valid", "step")):
        assert curve(tmp_path, kind, name) == pytest.approx(
            curve(uninterrupted, kind, name), rel=1e-4
        )


def test_two_processes_train_as_one_does(uninterrupted: Path, tmp_path: Path) -> None:
    assert train_apart(tmp_path, devices=2, dies_at=11, by="SIGTERM").returncode != 0
    assert train_apart(tmp_path, devices=2).returncode == 0
    assert json.loads((tmp_path / "curves.json").read_text())["resumed_from_step"] == 11
    for kind, name in (("train", "train_loss"), ("valid", "valid_loss")):
        assert curve(tmp_path, kind, name) == pytest.approx(
            curve(uninterrupted, kind, name), rel=1e-4
        )


def test_a_restart_within_torchrun_goes_on_from_the_last_checkpoint(
    uninterrupted: Path, tmp_path: Path
) -> None:
    options = [
        "-m",
        "torch.distributed.run",
        "--standalone",
        "--nproc-per-node",
        "2",
        "--max-restarts",
        "1",
    ]
    restarted = train_apart(tmp_path, 2, dies_at=9, starter=[sys.executable, *options])
    assert restarted.returncode == 0, restarted.stderr
    assert json.loads((tmp_path / "curves.json").read_text())["resumed_from_step"] == 8
    assert curve(tmp_path, "valid", "valid_loss") == pytest.approx(
        curve(uninterrupted, "valid", "valid_loss"), rel=1e-4
    )


def test_a_crash_of_one_process_fails_the_run_with_its_step(tmp_path: Path) -> None:
    crashed = train_apart(tmp_path, devices=2, dies_at=9)
    assert crashed.returncode != 0
    assert "StoppedError: another process of the training ended at step" in crashed.stderr
    assert not (tmp_path / "weights.safetensors").exists()


SHORT: dict[str, Any] = {"epochs": 2, "warmup_steps": 2, "batch_tokens": 64}


@pytest.fixture(scope="module")
def default_weights(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Tensor]:
    weights: dict[str, Tensor] = run_here(tmp_path_factory.mktemp("default"), **SHORT).weights
    return weights


def run_here(folder: Path, run: dict[str, Any] | None = None, **changes: Any) -> Any:
    return fit(
        model_config(),
        train_config(**changes),
        runtime(**run or {}),
        train=reversing_pairs(50, seed=1),
        valid=reversing_pairs(7, seed=2),
        tokenizers=TokenizerPair.joint(tokenizer()),
        metrics=METRICS,
        checkpoint_dir=folder,
    )


def test_early_stopping_ends_a_run_that_no_longer_improves(tmp_path: Path) -> None:
    result = run_here(tmp_path, learning_rate=1e-9, epochs=20, early_stopping_epochs=2)
    assert [row["epoch"] for row in result.curves.valid] == [1, 2, 3]


def test_the_parts_of_a_batch_together_train_as_the_whole(tmp_path: Path) -> None:
    whole = run_here(tmp_path / "whole", **SHORT)
    parts = run_here(tmp_path / "parts", {"accumulate": 3}, **SHORT)
    assert parts.steps == whole.steps
    for kind, name in (("train", "train_loss"), ("valid", "valid_loss")):
        losses = [[row[name] for row in getattr(one.curves, kind)] for one in (whole, parts)]
        assert losses[1] == pytest.approx(losses[0], rel=1e-4)


def test_bpe_dropout_changes_the_training_and_is_the_same_again_and_in_parts(
    tmp_path: Path, default_weights: dict[str, Tensor]
) -> None:
    first, again, parts = (
        run_here(tmp_path / name, {"accumulate": count}, bpe_dropout=0.3, **SHORT)
        for name, count in (("first", 1), ("again", 1), ("parts", 3))
    )
    for name, weight in first.weights.items():
        assert torch.equal(weight, again.weights[name])
    assert any(not torch.equal(one, first.weights[name]) for name, one in default_weights.items())
    losses = [[row["train_loss"] for row in one.curves.train] for one in (first, parts)]
    assert losses[1] == pytest.approx(losses[0], rel=1e-4)


def test_two_vocabularies_are_trained_with_embeddings_of_each(tmp_path: Path) -> None:
    target = tokenizer()
    source = SubwordTokenizer.train([f" {word.upper()}" for word in WORDS] * 50, 320, 2)
    pairs = TokenizedSplit.of(
        [
            TokenizedPair(source.encode([target.decode([one[1]])[0].upper()])[0], one[1])
            for one in reversing_pairs(30, seed=1)
        ]
    )
    result = fit(
        model_config(),
        train_config(bpe_dropout=0.1, **SHORT),
        runtime(),
        train=pairs,
        valid=pairs,
        tokenizers=TokenizerPair(source, target),
        metrics=METRICS,
        checkpoint_dir=tmp_path,
    )
    assert result is not None
    sizes = [len(result.weights[f"{name}.weight"]) for name in ("source_embedding", "embedding")]
    assert sizes == [source.size, target.size]


def test_a_training_may_be_validated_by_steps_and_end_by_them(tmp_path: Path) -> None:
    result = run_here(tmp_path, validate_every=3, max_steps=8, epochs=9, batch_tokens=64)
    assert [row["step"] for row in result.curves.valid] == [3, 6, 8]
    assert result.steps == 8
    again = run_here(tmp_path, validate_every=3, max_steps=8, epochs=9, batch_tokens=64)
    assert (again.resumed_from_step, again.curves.valid) == (8, result.curves.valid)


def test_the_last_epoch_is_validated_at_its_end_too(tmp_path: Path) -> None:
    result = run_here(tmp_path, **SHORT, validate_every=10_000)
    assert [row["step"] for row in result.curves.valid] == [result.steps]


def test_the_learning_rate_falls_to_its_end_at_the_most_steps(tmp_path: Path) -> None:
    settings = {**SHORT, "max_steps": 5, "log_every_steps": 1, "final_learning_rate_factor": 0.5}
    rates = [row["learning_rate"] for row in run_here(tmp_path, **settings).curves.train]
    assert len(rates) == 5
    assert rates[-1] < 0.8 * max(rates)  # step 5 is the first below the end


def test_a_training_ends_when_its_hours_are_over(tmp_path: Path) -> None:
    result = run_here(tmp_path, epochs=10_000, early_stopping_epochs=10_000, max_hours=1.5 / 3600)
    assert 1 < result.seconds < 60
    assert result.curves.valid[-1]["step"] == result.steps


def test_a_diverging_run_is_reported(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"step \d+ .epoch \d, batch \d.*train.learning_rate"):
        run_here(tmp_path, learning_rate=1e38, gradient_clip_norm=1e30, warmup_steps=0)


def test_a_loss_that_is_finite_and_enormous_is_reported_too(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"diverged at .*the loss is \d.*train.learning_rate"):
        run_here(tmp_path, learning_rate=1e12, warmup_steps=0)
    assert not (tmp_path / "last.ckpt").exists()


def with_bad_gradients(
    patch: pytest.MonkeyPatch, bad: dict[int, float], parts: int = 1
) -> list[dict[str, Any]]:
    """Multiplies the loss of these steps; returns what each step had before and after it."""
    enough, seen = TranslationTraining.training_step, []

    def step(self: TranslationTraining, batch: Batch, batch_idx: int) -> Tensor:
        is_first = batch_idx % parts == 0
        factor = bad.get(self.global_step + 1, 1.0) if is_first else 1.0
        return enough(self, batch, batch_idx) * factor

    def after(self: TranslationTraining, *_: object) -> None:
        [optimizer] = self.trainer.optimizers
        states = [float(state["step"]) for state in optimizer.state.values()]
        trainer: Any = self.trainer
        [average] = [one for one in trainer.callbacks if isinstance(one, AverageOfSteps)]
        averaged: Any = average._average_model
        seen.append(
            {
                "step": self.global_step,
                "weights": {n: p.detach().clone() for n, p in self.model.named_parameters()},
                "adam": max(states, default=0.0),
                "averaged": int(averaged.n_averaged),
                "rate": optimizer.param_groups[0]["lr"],
            }
        )

    patch.setattr(TranslationTraining, "training_step", step)
    patch.setattr(TranslationTraining, "on_train_batch_end", after)
    return seen


@pytest.mark.parametrize("parts", [1, 2])
def test_a_batch_without_a_finite_gradient_is_skipped(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], parts: int
) -> None:
    settings = {**SHORT, "max_skipped_batches": 2, "log_every_steps": 1}
    with monkeypatch.context() as patch:
        seen = with_bad_gradients(patch, {3: math.nan, 4: math.inf}, parts)
        result = run_here(tmp_path, {"accumulate": parts}, **settings)
    rows = {one["step"]: one for one in seen}  # the last part's
    for name, before in rows[2]["weights"].items():
        assert torch.equal(before, rows[4]["weights"][name])
        assert not torch.equal(before, rows[5]["weights"][name]) or not before.requires_grad
    assert [rows[step]["adam"] for step in (2, 3, 4, 5)] == [2, 2, 2, 3]
    assert [rows[step]["averaged"] for step in (2, 3, 4, 5)] == [2, 2, 2, 3]
    assert len({rows[step]["rate"] for step in (5, 6, 7)}) == 3  # the schedule goes on
    assert result.skipped_batches == training_report(result)["skipped_batches"] == 2
    assert all(torch.isfinite(value).all() for value in result.weights.values())
    write_curves(tmp_path, result)
    written = {row["step"]: row for row in read_curve(tmp_path / "train.csv")}
    assert [written[step].get("skipped_batches") for step in (2, 3, 4, 5)] == [None, 1, 2, 2]
    assert "gradient_norm" not in written[3] and "gradient_norm" in written[5]
    said = capfd.readouterr().err
    assert re.search(
        r"skipped step 3 .epoch 1, batch 3., batch 1 of at most 2 .*rows \d+, \d+,", said
    )
    assert said.count("warning: skipped") == 2


def test_more_skipped_batches_than_the_limit_end_the_training(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        with_bad_gradients(patch, {2: math.nan, 8: math.nan})
        with pytest.raises(InputError, match=r"step 8 .*raise train.max_skipped_batches .1."):
            run_here(tmp_path, **SHORT, max_skipped_batches=1)
    kept = torch.load(tmp_path / "last.ckpt", weights_only=True)
    assert 2 < kept["global_step"] < 8 and kept["skipped_batches"] == 1
    with monkeypatch.context() as patch:  # a resumed training knows of the first one
        with_bad_gradients(patch, {7: math.nan})
        with pytest.raises(InputError, match=r"step 7 .*max_skipped_batches .1."):
            run_here(tmp_path, **SHORT, max_skipped_batches=1)
    assert run_here(tmp_path, **SHORT, max_skipped_batches=1).skipped_batches == 1


@pytest.mark.parametrize(
    "error",
    [
        MemoryError(),
        RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 9 bytes"),
        torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB"),
        RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`"),
    ],
    ids=["python", "cpu", "gpu", "cublas"],
)
def test_memory_that_is_not_enough_is_reported_and_the_last_checkpoint_stands(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    enough = TranslationTraining.training_step

    def step(self: TranslationTraining, batch: Batch, batch_idx: int) -> Tensor:
        loss = enough(self, batch, batch_idx)
        if (self.current_epoch, batch_idx) == (1, 1):
            raise error
        return loss

    with monkeypatch.context() as patch:
        patch.setattr(TranslationTraining, "training_step", step)
        with pytest.raises(InputError, match=r"out of memory at step \d+ .epoch 2, batch 2"):
            run_here(tmp_path, **SHORT)
    assert run_here(tmp_path, **SHORT).resumed_from_step > 0


def test_another_error_of_torch_keeps_its_traceback(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def step(*_: object) -> None:
        raise RuntimeError("shapes do not match")

    monkeypatch.setattr(TranslationTraining, "training_step", step)
    with pytest.raises(RuntimeError, match="shapes do not match"):
        run_here(tmp_path, **SHORT)


@pytest.mark.parametrize(
    "changes",
    [
        {"adam_beta1": 0.8},
        {"adam_beta2": 0.9},
        {"adam_epsilon": 1e-3},
        {"final_learning_rate_factor": 0.5},
        {"length_noise": 0.5},
    ],
    ids=str,
)
def test_each_setting_that_changes_numbers_changes_the_weights(
    tmp_path: Path, default_weights: dict[str, Tensor], changes: dict[str, float]
) -> None:
    weights = run_here(tmp_path, **{**SHORT, **changes}).weights
    assert any(not torch.equal(weights[name], value) for name, value in default_weights.items())


def test_the_training_curve_has_a_row_per_logging_interval(tmp_path: Path) -> None:
    result = run_here(tmp_path, **{**SHORT, "log_every_steps": 3})
    assert [row["step"] for row in result.curves.train] == list(range(3, result.steps + 1, 3))


def test_the_learning_rate_warms_up_and_decays() -> None:
    factors = [schedule_factor(step, 10, 110, 0.02) for step in range(111)]
    assert factors[:10] == pytest.approx([(step + 1) / 10 for step in range(10)])
    assert factors[60] == pytest.approx(0.51)
    assert factors[110] == pytest.approx(0.02)
    assert factors[9:] == sorted(factors[9:], reverse=True)
    assert schedule_factor(0, 0, 5, 0.02) == 1.0


@pytest.mark.parametrize(
    ("monitor", "column", "best_of"),
    [("bleu", "valid_bleu", max), ("chrf", "valid_chrf", max), ("loss", "valid_loss", min)],
)
def test_the_monitor_chooses_the_weights_and_stops_early(
    tmp_path: Path, monitor: str, column: str, best_of: Callable[[list[float]], float]
) -> None:
    result = run_here(tmp_path, monitor=monitor, epochs=12, early_stopping_epochs=1)
    values = [row[column] for row in result.curves.valid]
    best = values.index(best_of(values))
    assert result.monitor == monitor
    assert result.best_step == result.curves.valid[best]["step"]
    assert len(values) in (best + 2, 12)  # one epoch without a better value ends it
    report = training_report(result)
    assert report["monitor"] == monitor and report[f"best_{column}"] == values[best]
    assert report["best_valid_bleu"] == result.curves.valid[best]["valid_bleu"]
    write_curves(tmp_path, result)
    assert read_curve(tmp_path / "valid.csv") == result.curves.valid
    header = (tmp_path / "valid.csv").read_text().partition("\n")[0]
    assert ("valid_chrf" in header) is (monitor == "chrf")


def test_validation_has_the_options_of_the_target_language(tmp_path: Path) -> None:
    pieces = tokenizer()
    [ids] = pieces.encode(["无法连接到设备。"])
    [wrong] = pieces.encode(["无法连接到没备。"])
    sentences = [Validated(wrong, ids)]
    plain = scores_of_ids(pieces, METRICS, "bleu")(sentences)
    chinese = scores_of_ids(pieces, scoring_metrics("zh", Scoring()), "chrf")(sentences)
    assert plain == {"bleu": 0.0}
    assert list(chinese) == ["bleu", "chrf"]
    assert chinese["bleu"] > 40


def test_validation_prints_nothing_about_tokenised_text(
    caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    pieces = tokenizer()
    [ids] = pieces.encode(["uno dos ."])
    scores_of_ids(pieces, METRICS, "bleu")([Validated(ids, ids)] * 120)
    assert caplog.records == [] and capfd.readouterr() == ("", "")


def test_validation_scores_the_text_of_placeholders() -> None:
    pieces = SubwordTokenizer.train(["uno dos tres"] * 9, 300, 2, slot_count=2)
    given = [("{a}", "{b}")]
    [right] = pieces.encode_with(["uno dos {b} tres {a}"], given)
    [wrong] = pieces.encode_with(["uno dos {a} tres {b}"], given)
    score = scores_of_ids(pieces, METRICS, "bleu")
    assert score([Validated(right.ids, right.ids, *given)]) == {"bleu": pytest.approx(100.0)}
    expected = sacrebleu_metric(METRICS["bleu"]).corpus_score(
        ["uno dos {a} tres {b}"], [["uno dos {b} tres {a}"]]
    )
    found = score([Validated(wrong.ids, right.ids, *given)])["bleu"]
    assert found == pytest.approx(expected.score)
