"""A sweep: trials of other settings, each a training of its own, until the budget is used up."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from tracelate.config import Params, load_params
from tracelate.errors import InputError
from tracelate.sweep.config import SweepConfig, read_sweep
from tracelate.sweep.figure import write_figure
from tracelate.sweep.folder import (
    RECORD,
    SweepFolder,
    data_files,
    lock_if_free,
    locked,
    record_of,
    refuse_other_sweep,
    sweep_folder,
)
from tracelate.sweep.outcome import OUTCOME, SweepOutcome, outcome_of
from tracelate.sweep.space import make_space, settings_of
from tracelate.sweep.study import Study
from tracelate.sweep.training import Slot, Train, make_slots, train_in
from tracelate.sweep.trial import TrialRunner, best_name
from tracelate.tracking.runs.best_effort import best_effort
from tracelate.tracking.runs.log_sweep import end_sweep, start_sweep
from tracelate.tracking.runs.run_writer import flatten

JOIN_S = 0.2
"""Time between two looks at the threads, in which signals are handled."""


class SweepResult(NamedTuple):
    """The trials of a sweep so far."""

    outcome: SweepOutcome
    folder: SweepFolder
    is_stopped: bool
    """True if the command was stopped before the budget was used up."""


def sweep(
    file: Path,
    say: Callable[[str], None],
    *,
    processes: int = 1,
    train: Train = train_in,
) -> SweepResult:
    """Runs the sweep of a file in the project of the working folder, or continues it.

    `processes` trials are trained at the same time. `say` takes a line for each trial that ends. On
    Ctrl-C and SystemExit the trainings that are under way save checkpoints and end, and the result
    says that the sweep was stopped.

    Raises InputError if the file or a setting is wrong, if the sweep began with other ones, or if
    several trials fail one after another.
    """
    name, config = read_sweep(file)
    params = load_params()
    space = make_space(config, params)
    files = data_files(space)
    folder = sweep_folder(name)
    new = record_of(config, space)
    with locked(folder.in_use, shared=True):
        with locked(folder.turn):
            if not folder.record.exists():
                RECORD.write(folder.record, new)
        refuse_other_sweep(folder, new)
        study = Study(folder, config, space)
        run_id = _start_run(file, name, config, params, folder)
        stop = threading.Event()
        runner = TrialRunner(
            name,
            config,
            space,
            folder,
            study,
            files=files,
            parent_run_id=run_id,
            stop=stop,
            train=train,
            say=say,
        )
        is_stopped, error = _work(study, runner, make_slots(processes, params.runtime), stop)
    outcome = _outcome(name, config, params, study)
    OUTCOME.write(folder.report, outcome)
    write_figure(folder.figure, outcome)
    if run_id is not None:
        _end_run(run_id, folder, outcome, is_finished=not is_stopped and error is None)
    if error is not None:
        raise error
    return SweepResult(outcome, folder, is_stopped)


def read_outcome(file: Path) -> SweepResult:
    """Returns the trials so far of a sweep, which may be under way.

    Raises InputError if it has not begun.
    """
    name, config = read_sweep(file)
    folder = sweep_folder(name)
    if not folder.study.is_file():
        raise InputError(f"the sweep {name} has not begun: run `tracelate sweep {file}`")
    params = load_params()
    study = Study(folder, config, make_space(config, params))
    return SweepResult(_outcome(name, config, params, study), folder, is_stopped=False)


def _work(
    study: Study, runner: TrialRunner, slots: list[Slot], stop: threading.Event
) -> tuple[bool, BaseException | None]:
    """Trains in a thread for each slot, until no trial is left.

    Returns True if this process was asked to stop, and the first error of a thread.
    """
    errors: list[BaseException] = []

    def work(slot: Slot) -> None:
        try:
            while not stop.is_set() and (claimed := study.claim()) is not None:
                try:
                    runner.run(claimed, slot)
                finally:
                    os.close(claimed.lock)
        except BaseException as error:
            errors.append(error)
            stop.set()  # the others save checkpoints

    threads = [threading.Thread(target=work, args=(slot,), daemon=True) for slot in slots]
    is_stopped = False
    try:
        for thread in threads:
            thread.start()
        _join(threads)
    except (KeyboardInterrupt, SystemExit):
        is_stopped = True
        stop.set()
        _join(threads)
    return is_stopped, errors[0] if errors else None


def _join(threads: list[threading.Thread]) -> None:
    for thread in threads:
        while thread.is_alive():
            thread.join(JOIN_S)


def _start_run(
    file: Path, name: str, config: SweepConfig, params: Params, folder: SweepFolder
) -> str | None:
    """Returns the sweep's run in MLflow; None if that fails, which is a warning."""
    record = RECORD.read(folder.record)
    logged = {
        "metric": config.metric,
        "sampler": config.sampler,
        "seed": config.seed,
        "settings": config.settings,
        "space": {
            " / ".join(settings_of(one)): str(values) for one, values in config.space.items()
        },
    }
    with best_effort("the sweep goes on without a run of its own"):
        return start_sweep(params.runtime.experiment, name, record.sweep_id, logged, file)
    return None


def _end_run(run_id: str, folder: SweepFolder, outcome: SweepOutcome, *, is_finished: bool) -> None:
    """Writes the outcome to the sweep's run, unless another process still works at the sweep."""
    if (alone := lock_if_free(folder.in_use)) is None:
        return
    metrics: dict[str, float] = {
        "trials": outcome.count("complete", "pruned", "failed", "running"),
        "trials_pruned": outcome.count("pruned"),
        "trials_failed": outcome.count("failed"),
    }
    if outcome.best is not None and (value := outcome.trials[outcome.best].value) is not None:
        metrics[best_name(outcome.metric)] = value
    with best_effort("the same command writes the outcome again"):
        end_sweep(
            run_id,
            best=outcome.settings if outcome.best is not None else {},
            metrics=metrics,
            files=[folder.report, folder.figure],
            is_finished=is_finished,
        )
    os.close(alone)


def _outcome(name: str, config: SweepConfig, params: Params, study: Study) -> SweepOutcome:
    fixed = {**config.settings, "train.monitor": config.metric}
    known = dict(flatten(params.model_dump()))
    return outcome_of(name, config.metric, fixed, study.trials(), study.importance(), known)
