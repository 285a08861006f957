"""One trial of a sweep from its folder to its result."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from tracelate import layout
from tracelate.config import Params
from tracelate.errors import InputError
from tracelate.printable import printable_line
from tracelate.sweep.config import SweepConfig
from tracelate.sweep.folder import SweepFolder
from tracelate.sweep.space import Space
from tracelate.sweep.study import Claimed, Study
from tracelate.sweep.training import (
    LOG,
    FailedTrialError,
    Slot,
    Train,
    failure,
    link_tokens,
    remove_weights,
    tokenized_for,
    write_folder,
)
from tracelate.tracking.runs.best_effort import best_effort
from tracelate.tracking.runs.log_sweep import end_trial
from tracelate.tracking.runs.run_names import run_name
from tracelate.tracking.runs.trials import NOTE, TrialNote, read_validations
from tracelate.training.checkpoint_folders import list_checkpoints, remove_checkpoints
from tracelate.training.fit import BETTER

FAILURES_IN_A_ROW = 3
"""Trials that may fail one after another before the sweep gives up."""
REMEDY = "the sweep goes on"
"""End of a warning about MLflow."""
LONGEST_NAME = 250
"""Characters of a run's name in MLflow."""


class TrialRunner:
    """Trains trials that a study has given, in any thread, and passes their results to it."""

    def __init__(
        self,
        name: str,
        config: SweepConfig,
        space: Space,
        folder: SweepFolder,
        study: Study,
        *,
        files: tuple[Path, ...],
        parent_run_id: str | None,
        stop: threading.Event,
        train: Train,
        say: Callable[[str], None],
    ) -> None:
        self._name, self._config, self._space = name, config, space
        self._folder, self._study, self._files = folder, study, files
        self._parent_run_id, self._stop = parent_run_id, stop
        self._train, self._say = train, say
        self._failures = 0
        self._turn = threading.Lock()

    def run(self, claimed: Claimed, slot: Slot) -> None:
        """Trains a trial to its end, or until the sweep is stopped, after which it can be resumed.

        Raises InputError if several trials one after another have failed.
        """
        folder = self._folder.trial(claimed.number)
        params = self._space.params(claimed.settings)
        note = self._note(claimed, params)
        watch = _Watch(self._study, claimed, folder, self._config.metric, self._stop)
        try:
            if not self._prepare(folder, params, note, slot):
                return
            status = self._train(folder, slot, watch.has_to_stop)
            watch.report()
            if status != 0 and self._stop.is_set():
                return
            if status != 0 and not watch.is_pruned:
                raise FailedTrialError(failure(folder, "train", status))
            self._finish(claimed, folder, note, watch, is_complete=status == 0)
        except FailedTrialError as error:
            self._fail(claimed, folder, note, watch, str(error))
        else:
            self._failures = 0

    def _note(self, claimed: Claimed, params: Params) -> TrialNote:
        shown = ", ".join(
            f"{setting.rpartition('.')[2]} {value}" for setting, value in claimed.settings.items()
        )
        name = f"{run_name(params.model_dump())}, trial {claimed.number}: {shown}"
        return TrialNote(
            sweep=self._name,
            trial=claimed.number,
            name=name[:LONGEST_NAME],
            parent_run_id=self._parent_run_id,
        )

    def _prepare(self, folder: Path, params: Params, note: TrialNote, slot: Slot) -> bool:
        """Makes the trial's folder, and its tokens where it has its own; False if stopped."""
        provenance = [layout.PROVENANCE] if layout.PROVENANCE.is_file() else []
        if self._space.varies_tokens:
            tokens = tokenized_for(self._folder, params, slot, self._stop.is_set)
            if tokens is None:
                return False
            write_folder(folder, params, provenance)
            link_tokens(folder, tokens)
        else:
            write_folder(folder, params, [*provenance, *self._files])
        NOTE.write(folder / layout.TRIAL, note)
        return True

    def _finish(
        self, claimed: Claimed, folder: Path, note: TrialNote, watch: _Watch, *, is_complete: bool
    ) -> None:
        if not is_complete:
            self._study.prune(claimed, watch.run_id)
            self._mark(note, watch, "pruned", {})
            self._tell(claimed, f"pruned at validation {len(watch.rows)}")
            return
        metric = self._config.metric
        if not watch.values:
            raise FailedTrialError(f"no validation has a finite {metric}, see {folder / LOG}")
        value = (max if BETTER[metric] == "max" else min)(watch.values.values())
        self._study.complete(claimed, value, watch.run_id)
        self._mark(note, watch, "complete", {best_name(metric): value})
        self._keep_best()
        self._tell(claimed, f"{metric} {value:.4g} in {watch.seconds():,.0f} s")

    def _fail(
        self, claimed: Claimed, folder: Path, note: TrialNote, watch: _Watch, reason: str
    ) -> None:
        self._study.fail(claimed, reason, watch.run_id)
        self._mark(note, watch, "failed", {})
        self._tell(claimed, f"failed: {reason}")
        with self._turn:
            self._failures += 1
            if self._failures >= FAILURES_IN_A_ROW:
                raise InputError(
                    f"{self._failures} trials failed one after another, the last one with: "
                    f"{reason}; correct that and run the command again; messages are in "
                    f"{folder / LOG}"
                )

    def _mark(
        self, note: TrialNote, watch: _Watch, state: str, metrics: Mapping[str, float]
    ) -> None:
        """Writes the end of a trial to MLflow, and removes its checkpoints."""
        if watch.run_id is None:
            return
        with best_effort(REMEDY):
            experiment = self._space.base.runtime.experiment
            end_trial(watch.run_id, note, experiment, state, metrics, watch.rows)
        for one in list_checkpoints(layout.project_root() / layout.CHECKPOINTS):
            if one.run_id == watch.run_id and one.pid is None:
                remove_checkpoints(one)

    def _keep_best(self) -> None:
        """Removes the weights of all complete trials but the best."""
        with self._turn:
            best = self._study.best()
            for number in self._study.complete_numbers():
                if number != best:
                    remove_weights(self._folder.trial(number))

    def _tell(self, claimed: Claimed, text: str) -> None:
        shown = ", ".join(f"{name} {value}" for name, value in claimed.settings.items())
        self._say(printable_line(f"trial {claimed.number}: {text} ({shown})"))


class _Watch:
    """Reports the validations of a trial while it trains, and ends it when that is due."""

    def __init__(
        self, study: Study, claimed: Claimed, folder: Path, metric: str, stop: threading.Event
    ) -> None:
        self._study, self._claimed = study, claimed
        self._path, self._column, self._stop = folder, f"valid_{metric}", stop
        self._before_s = study.seconds(claimed)
        self._began_s = time.monotonic()
        self._size = -1
        self.rows: list[dict[str, Any]] = []
        self.values: dict[int, float] = {}
        """Finite values of the metric, by the number of the validation from 1."""
        self.is_pruned = False

    @property
    def run_id(self) -> str | None:
        return self.rows[-1]["run_id"] if self.rows else None

    def seconds(self) -> float:
        """Returns the time of training, that of earlier parts included."""
        return self._before_s + time.monotonic() - self._began_s

    def has_to_stop(self) -> bool:
        if self._stop.is_set():
            return True
        try:
            size = (self._path / layout.VALIDATIONS).stat().st_size
        except FileNotFoundError:
            return False
        if size != self._size:
            self._size = size
            self.report()
            self.is_pruned = self._study.should_prune(self._claimed)
        return self.is_pruned

    def report(self) -> None:
        """Passes the validations so far to the study."""
        self.rows = read_validations(self._path)
        self.values = {
            number: float(row[self._column])
            for number, row in enumerate(self.rows, start=1)
            if row.get(self._column) is not None
        }
        self._study.report(self._claimed, self.values, self.seconds())


def best_name(metric: str) -> str:
    """Returns the name in MLflow of the best value of a training's validations."""
    return f"best_valid_{metric}"
