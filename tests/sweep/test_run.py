"""A sweep whose trainings are functions."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.sweep.stand_in import StandIn, flat_curve, write_sweep
from tracelate import layout
from tracelate.errors import InputError
from tracelate.sweep import training
from tracelate.sweep.outcome import OUTCOME, command_of
from tracelate.sweep.run import SweepResult, read_outcome, sweep
from tracelate.sweep.training import Slot

pytestmark = pytest.mark.usefixtures("stand_in_project")
FILE = Path("rates.yaml")


def run(train: training.Train | None = None, **options: Any) -> SweepResult:
    return sweep(FILE, lambda line: None, train=train or StandIn(), **options)


def settings(result: SweepResult) -> list[dict[str, Any]]:
    return [dict(one.settings) for one in result.outcome.trials]


def test_the_best_trial_is_found_and_written_with_its_command() -> None:
    write_sweep(FILE, trials=5, settings={"train.epochs": 3})
    lines: list[str] = []
    stand_in = StandIn()
    result = sweep(FILE, lines.append, train=stand_in)
    outcome = result.outcome
    assert outcome.count("complete", "pruned") == 5 and len(lines) == 5
    # trial 0 has the settings of params.yaml
    assert outcome.trials[0].settings == {"train.learning_rate": 0.004}
    assert outcome.trials[0].value == pytest.approx(49)
    assert {one["train"]["epochs"] for one in stand_in.trained} == {3}
    values = {one.number: one.value for one in outcome.trials if one.state == "complete"}
    assert outcome.best == max(values, key=lambda number: values[number] or 0)
    best = outcome.trials[outcome.best].settings["train.learning_rate"]
    assert command_of(outcome).startswith("dvc exp run -S train.epochs=3")
    if best != 0.004:
        assert f"train.learning_rate={best}" in outcome.arguments
    assert OUTCOME.read(result.folder.report) == outcome
    assert result.folder.figure.read_bytes().startswith(b"\x89PNG")
    # of the complete trials, the best one alone keeps its model
    kept = [number for number in values if (result.folder.trial(number) / layout.MODELS).exists()]
    assert kept == [outcome.best]
    assert read_outcome(FILE).outcome == outcome


def test_a_loss_is_the_better_the_lower_it_is() -> None:
    write_sweep(FILE, metric="loss", trials=3, pruner="none")

    def loss(params: Mapping[str, Any]) -> list[float]:
        assert params["train"]["monitor"] == "loss"
        return [3.0, abs(params["train"]["learning_rate"] - 0.005)]

    outcome = run(StandIn(loss, "loss")).outcome
    values = [one.value for one in outcome.trials]
    assert outcome.best == values.index(min(value for value in values if value is not None))
    assert "train.monitor=loss" in outcome.arguments


def test_a_trial_worse_than_the_median_ends_early() -> None:
    write_sweep(FILE, trials=4, warmup_trials=3, warmup_validations=1)
    curves = iter([[1.0, 50, 60]] * 3 + [[1.0, 20, 70]])
    stand_in = StandIn(lambda params: next(curves))
    outcome = run(stand_in).outcome
    assert [one.state for one in outcome.trials] == [*["complete"] * 3, "pruned"]
    assert stand_in.validated == {"0000": 3, "0001": 3, "0002": 3, "0003": 2}
    assert outcome.trials[3].value == 20 and outcome.best != 3


@pytest.mark.parametrize(
    "warmed_up", [{"warmup_trials": 4}, {"warmup_validations": 3}, {"pruner": "none"}]
)
def test_no_trial_is_pruned_before_the_warm_up(warmed_up: dict[str, Any]) -> None:
    pruned_without = {"warmup_trials": 3, "warmup_validations": 1, "trials": 4}
    write_sweep(FILE, **{**pruned_without, **warmed_up})
    curves = iter([[1.0, 50, 60]] * 3 + [[1.0, 20, 70]])
    outcome = run(StandIn(lambda params: next(curves))).outcome
    assert outcome.count("complete") == 4


def test_a_larger_budget_adds_trials_and_another_space_is_refused() -> None:
    write_sweep(FILE, trials=2)
    first = settings(run())
    assert settings(run()) == first  # the budget is used up
    write_sweep(FILE, trials=4)
    result = run()
    assert settings(result)[:2] == first and len(result.outcome.trials) == 4
    write_sweep(FILE, trials=4, space={"train.learning_rate": [0.1, 0.2]})
    with pytest.raises(InputError, match=r"has begun with another space.train.learning_rate"):
        run()
    write_sweep(FILE, trials=4)
    layout.TOKENIZER.write_text("other")
    with pytest.raises(InputError, match=r"another data/tokenized/tokenizer.json among its data"):
        run()


def test_hours_are_those_of_all_trials_together(monkeypatch: pytest.MonkeyPatch) -> None:
    write_sweep(FILE, trials=None, hours=1)
    monkeypatch.setattr("tracelate.sweep.trial._Watch.seconds", lambda watch: 1_900.0)
    assert len(run().outcome.trials) == 2


def test_a_space_that_is_used_up_ends_the_sweep(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tracelate.sweep.study.MOST_AT_ONCE", 6)
    write_sweep(FILE, trials=None, hours=1, space={"model.layers": [1, 2]}, sampler="random")
    stand_in = StandIn(lambda params: [1.0])
    run(stand_in)
    assert len(stand_in.trained) == 2


def test_settings_that_are_invalid_together_or_known_are_not_trained() -> None:
    space = {
        "model.architecture": ["recurrent", "transformer"],
        "model.attention": ["additive", "general"],
    }
    write_sweep(FILE, trials=12, space=space, pruner="none", sampler="random")
    stand_in = StandIn(lambda params: [1.0])
    outcome = run(stand_in).outcome
    assert len(outcome.trials) == 12 and len(stand_in.trained) == 3
    refused = [one for one in outcome.trials if one.reason is not None]
    assert refused and all(one.state == "pruned" for one in refused)
    assert "a transformer has multi-head attention of its own" in str(refused[0].reason)
    for one in outcome.trials:
        if one.same_as is not None:
            assert one.settings == outcome.trials[one.same_as].settings and one.value == 1.0


def test_a_grid_is_tried_out_once() -> None:
    space = {"train.length_noise": {"low": 0.1, "high": 0.3, "step": 0.1}, "model.layers": [1, 2]}
    write_sweep(FILE, trials=None, sampler="grid", space=space)
    found = settings(run(StandIn(lambda params: [1.0, 2.0])))
    assert len(found) == 6
    assert {tuple(one.values()) for one in found} == {
        (noise, layers) for noise in (0.1, 0.2, 0.3) for layers in (1, 2)
    }


def test_a_failed_trial_has_its_reason_and_several_in_a_row_end_the_sweep() -> None:
    write_sweep(FILE, trials=9)
    statuses = iter([1, 0, 1, -9, 1])

    def fails(folder: Path, slot: Slot, has_to_stop: Callable[[], bool]) -> int:
        (folder / "log.txt").write_text("epoch 1\nerror: out of memory at step 3\n")
        status = next(statuses)
        return status or StandIn()(folder, slot, has_to_stop)

    with pytest.raises(InputError, match=r"3 trials failed one after another, .*out of memory"):
        run(fails)
    outcome = read_outcome(FILE).outcome
    assert [one.state for one in outcome.trials] == ["failed", "complete", *["failed"] * 3]
    assert outcome.trials[0].reason == "out of memory at step 3"
    assert "lacks memory" in str(outcome.trials[3].reason)


def interrupt_at(number: int, validation: int, stand_in: StandIn) -> training.Train:
    """Training number `number` interrupts the process, as Ctrl-C does, and is stopped then."""

    def train(folder: Path, slot: Slot, has_to_stop: Callable[[], bool]) -> int:
        interrupts = len(stand_in.trained) == number
        looks = iter(range(1, 100))

        def stops() -> bool:
            if interrupts and next(looks) == validation:
                os.kill(os.getpid(), signal.SIGINT)
                while not has_to_stop():
                    pass
            return has_to_stop()

        return stand_in(folder, slot, stops)

    return train


def test_a_sweep_that_was_stopped_goes_on_as_one_that_was_not(tmp_path: Path) -> None:
    write_sweep(FILE, trials=4, pruner="none")
    undisturbed = run()
    assert not undisturbed.is_stopped
    undisturbed.folder.path.rename(tmp_path / "undisturbed")
    stand_in = StandIn()
    stopped = run(interrupt_at(2, 2, stand_in))
    assert stopped.is_stopped
    assert [one.state for one in stopped.outcome.trials] == ["complete", "complete", "running"]
    result = run(stand_in)
    assert settings(result) == settings(undisturbed)
    assert [one.value for one in result.outcome.trials] == [
        one.value for one in undisturbed.outcome.trials
    ]
    # the trial that was interrupted was trained in its own folder again
    assert [one["train"]["learning_rate"] for one in stand_in.trained] == [
        one.settings["train.learning_rate"] for one in result.outcome.trials[:3]
    ] + [one.settings["train.learning_rate"] for one in result.outcome.trials[2:]]


def test_several_trials_are_trained_at_the_same_time() -> None:
    write_sweep(FILE, trials=4, pruner="none")
    both = threading.Barrier(2, timeout=60)
    slots = set()

    def train(folder: Path, slot: Slot, has_to_stop: Callable[[], bool]) -> int:
        both.wait()
        slots.add(slot)
        return StandIn()(folder, slot, has_to_stop)

    outcome = run(train, processes=2).outcome
    assert outcome.count("complete") == 4
    assert {(one.number, one.slots) for one in slots} == {(0, 2), (1, 2)}


def test_trials_of_other_pieces_have_tokens_of_their_own(monkeypatch: pytest.MonkeyPatch) -> None:
    for path in (layout.TRAIN, layout.VALID, layout.TEST):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(path.stem)
    stages: list[str] = []

    def tokenize(stage: str, folder: Path, slot: Slot, has_to_stop: object) -> int:
        stages.append(stage)
        assert [one.name for one in (folder / layout.PREPARED).iterdir()] == [
            layout.TRAIN.name,
            layout.VALID.name,
        ] or not (folder / layout.TEST).exists()
        for path in (layout.TOKENIZER, layout.TOKENIZER_REPORT):
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            (folder / path).write_text((folder / layout.PARAMS).read_text(encoding="utf-8"))
        return 0

    monkeypatch.setattr(training, "_run_stage", tokenize)
    space = {"tokenize.vocabulary_size": [300, 400], "model.layers": [1, 2]}
    write_sweep(FILE, trials=None, sampler="grid", space=space, pruner="none")

    def reads_tokens(folder: Path, slot: Slot, has_to_stop: Callable[[], bool]) -> int:
        size = f"vocabulary_size: {300 if int(folder.name) < 2 else 400}"
        assert size in (folder / layout.TOKENIZER).read_text(encoding="utf-8")
        assert not (folder / layout.PREPARED).exists()
        return StandIn(flat_curve)(folder, slot, has_to_stop)

    assert run(reads_tokens).outcome.count("complete") == 4
    assert stages == ["tokenize", "tokenize"]


def test_data_that_is_missing_is_named_with_its_stage() -> None:
    write_sweep(FILE)
    layout.TOKENIZED_VALID.unlink()
    with pytest.raises(InputError, match=r"valid.arrow is missing: run `dvc repro tokenize`"):
        run()
    with pytest.raises(InputError, match="the sweep rates has not begun"):
        read_outcome(FILE)


def test_gpus_are_shared_out(monkeypatch: pytest.MonkeyPatch) -> None:
    from tracelate.config import load_params

    runtime = load_params().runtime.model_copy(update={"accelerator": "auto", "devices": 2})
    monkeypatch.setattr("torch.cuda.device_count", lambda: 4)
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "3,5,6,7")
    assert [one.gpus for one in training.make_slots(3, runtime)] == [
        ("3", "5"),
        ("6", "7"),
        ("3", "5"),
    ]
    assert training.make_slots(1, runtime)[0].gpus == ()
