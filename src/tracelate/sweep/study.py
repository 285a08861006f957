"""Optuna's study of a sweep: which trial comes next, and what has come out.

The study is a database in the sweep's folder, which several processes share. A trial is asked for
under one lock, with a sampler that is seeded by the sweep's seed and the number of trials so far: a
sweep that was interrupted suggests the same trials as one that was not.
"""

from __future__ import annotations

import os
import sqlite3
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Literal, NamedTuple

import optuna
from optuna.distributions import (
    BaseDistribution,
    CategoricalDistribution,
    FloatDistribution,
    IntDistribution,
)
from optuna.exceptions import StorageInternalError
from optuna.storages import RDBStorage
from optuna.study import StudyDirection
from optuna.trial import FrozenTrial, TrialState
from sqlalchemy.exc import SQLAlchemyError

from tracelate import layout
from tracelate.errors import InputError
from tracelate.files import whole_file
from tracelate.sweep.config import SweepConfig, Value
from tracelate.sweep.folder import SweepFolder, lock_if_free, locked
from tracelate.sweep.space import Space
from tracelate.training.fit import BETTER

STUDY = "sweep"
"""Name of the study in its database."""
BUSY_S = 60
"""Time for which another process may hold the database."""
HOUR_S = 3600
MOST_AT_ONCE = 200
"""New trials in a row that may need no training, after which the space is taken for used up."""
SECONDS, SETTINGS, REASON, SAME_AS, RUN_ID = "seconds", "settings", "reason", "same_as", "run_id"
"""Names of what is noted with a trial."""

State = Literal["complete", "pruned", "failed", "running", "waiting"]
STATES: Mapping[TrialState, State] = {
    TrialState.COMPLETE: "complete",
    TrialState.PRUNED: "pruned",
    TrialState.FAIL: "failed",
    TrialState.RUNNING: "running",
    TrialState.WAITING: "waiting",
}

optuna.logging.set_verbosity(optuna.logging.WARNING)


class Claimed(NamedTuple):
    """A trial that this process trains, and its lock."""

    trial: optuna.Trial
    settings: Mapping[str, Value]
    """By their dotted names."""
    lock: int
    """Descriptor of its lock, to be closed at the end of the work."""

    @property
    def number(self) -> int:
        return self.trial.number


class Study:
    """The trials of a sweep. Every method raises InputError if the database fails."""

    def __init__(self, folder: SweepFolder, config: SweepConfig, space: Space) -> None:
        self._folder, self._config, self._space = folder, config, space
        with _reporting(folder):
            try:
                self._open()
            except (KeyError, RuntimeError) as error:  # no study, or one of another version
                raise _unusable(folder, error) from error

    def _open(self) -> None:
        if not self._folder.study.exists():
            with locked(self._folder.turn):
                if not self._folder.study.exists():
                    self._create()
        self._storage = _storage(self._folder.study)
        self._study = optuna.load_study(
            study_name=STUDY, storage=self._storage, pruner=_pruner(self._config)
        )

    def _create(self) -> None:
        """Makes the database whole; the first trial of a search has the values of params.yaml."""
        higher = BETTER[self._config.metric] == "max"
        direction = StudyDirection.MAXIMIZE if higher else StudyDirection.MINIMIZE
        with whole_file(self._folder.study) as temporary:
            storage = _storage(temporary)
            study = optuna.create_study(study_name=STUDY, storage=storage, direction=direction)
            if self._config.sampler == "grid":
                for point in self._space.grid():
                    study.enqueue_trial(point)
            elif (first := self._space.base_point()) is not None:
                study.enqueue_trial(first)
            storage.remove_session()
            storage.engine.dispose()

    def claim(self) -> Claimed | None:
        """Returns the next trial to train: one that was interrupted, or a new one.

        None if the budget or the space is used up. A trial with the settings of an earlier one, or
        with settings that are invalid together, ends at once, and the next one is taken.
        """
        with _reporting(self._folder), locked(self._folder.turn):
            for trial, lock in self._free_trials():
                settings = self._space.values(trial.params)
                trial.set_user_attr(SETTINGS, settings)
                if not self._ends_at_once(trial, settings):
                    return Claimed(trial, settings, lock)
                os.close(lock)
        return None

    def _free_trials(self) -> Iterator[tuple[optuna.Trial, int]]:
        """Yields trials that no process trains, each with its lock: interrupted ones, then new."""
        for frozen in self._trials(TrialState.RUNNING):
            if (lock := self._lock_of(frozen.number)) is None:
                continue
            if frozen.params.keys() >= self._space.dimensions.keys():
                yield optuna.Trial(self._study, frozen._trial_id), lock
            else:
                self._give_up(frozen)
                os.close(lock)
        for _ in range(MOST_AT_ONCE):
            if not self._has_budget():
                return
            trial = self._ask()
            if (lock := self._lock_of(trial.number)) is None:
                raise InputError(f"{self._folder.path} is in use: run the command again")
            yield trial, lock

    def _lock_of(self, number: int) -> int | None:
        return lock_if_free(self._folder.trial(number) / layout.TRIAL_LOCK)

    def _give_up(self, frozen: FrozenTrial) -> None:
        """Ends a trial whose process was killed before it had its values; they come again."""
        if (fixed := frozen.system_attrs.get("fixed_params")) is not None:
            self._study.enqueue_trial(fixed)
        self._study.tell(frozen.number, state=TrialState.FAIL)

    def _ask(self) -> optuna.Trial:
        self._study.sampler = _sampler(self._config, len(self._trials()))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of a fixed value that is no multiple of a step
            return self._study.ask(_distributions(self._space))

    def _has_budget(self) -> bool:
        config, begun = self._config, self._trials(*(set(TrialState) - {TrialState.WAITING}))
        if config.trials is not None and len(begun) >= config.trials:
            return False
        if config.hours is not None:
            seconds = sum(trial.user_attrs.get(SECONDS, 0) for trial in begun)
            if seconds >= config.hours * HOUR_S:
                return False
        return config.sampler != "grid" or bool(self._trials(TrialState.WAITING))

    def _ends_at_once(self, trial: optuna.Trial, settings: Mapping[str, Value]) -> bool:
        for other in self._trials(TrialState.COMPLETE, TrialState.PRUNED):
            if other.user_attrs.get(SETTINGS) == settings and REASON not in other.user_attrs:
                trial.set_user_attr(SAME_AS, other.user_attrs.get(SAME_AS, other.number))
                for step, value in other.intermediate_values.items():
                    trial.report(value, step)
                result = other.value if other.state == TrialState.COMPLETE else None
                self._study.tell(trial, result, state=other.state)
                return True
        try:
            self._space.params(settings)
        except InputError as error:
            trial.set_user_attr(REASON, str(error))
            self._study.tell(trial, state=TrialState.PRUNED)  # the sampler avoids its like
            return True
        return False

    def report(self, claimed: Claimed, values: Mapping[int, float], seconds: float) -> None:
        """Notes validations by their numbers from 1, and the time of training so far."""
        with _reporting(self._folder):
            known = self._frozen(claimed).intermediate_values
            for number, value in values.items():
                if number not in known:
                    claimed.trial.report(value, number)
            claimed.trial.set_user_attr(SECONDS, round(seconds, 1))

    def seconds(self, claimed: Claimed) -> float:
        """Returns the time of training before the trial was interrupted."""
        with _reporting(self._folder):
            return float(self._frozen(claimed).user_attrs.get(SECONDS, 0))

    def should_prune(self, claimed: Claimed) -> bool:
        with _reporting(self._folder):
            return claimed.trial.should_prune()

    def complete(self, claimed: Claimed, value: float, run_id: str | None) -> None:
        self._end(claimed, TrialState.COMPLETE, value, run_id)

    def prune(self, claimed: Claimed, run_id: str | None) -> None:
        self._end(claimed, TrialState.PRUNED, None, run_id)

    def fail(self, claimed: Claimed, reason: str, run_id: str | None) -> None:
        with _reporting(self._folder):
            claimed.trial.set_user_attr(REASON, reason)
        self._end(claimed, TrialState.FAIL, None, run_id)

    def trials(self) -> list[FrozenTrial]:
        """Returns all trials in the order of their numbers."""
        with _reporting(self._folder):
            return self._trials()

    def best(self) -> int | None:
        """Returns the number of the best complete trial; None if none is complete."""
        with _reporting(self._folder):
            return self._study.best_trial.number if self.complete_numbers() else None

    def complete_numbers(self) -> list[int]:
        with _reporting(self._folder):
            return [one.number for one in self._trials(TrialState.COMPLETE)]

    def importance(self) -> dict[str, float]:
        """Returns the share of each setting in the differences between trials, the largest first.

        It is measured by PED-ANOVA (Watanabe et al. 2023). Empty where trials are too few.
        """
        complete = [one for one in self.trials() if one.state == TrialState.COMPLETE]
        if len(complete) < 2 or len({one.value for one in complete}) < 2:
            return {}
        with warnings.catch_warnings(), _reporting(self._folder):
            warnings.simplefilter("ignore")
            evaluator = optuna.importance.PedAnovaImportanceEvaluator()
            try:
                return optuna.importance.get_param_importances(self._study, evaluator=evaluator)
            except ValueError:  # no setting has two values among the trials
                return {}

    def _end(
        self, claimed: Claimed, state: TrialState, value: float | None, run_id: str | None
    ) -> None:
        with _reporting(self._folder):
            if run_id is not None:
                claimed.trial.set_user_attr(RUN_ID, run_id)
            self._study.tell(claimed.trial, value, state=state)

    def _trials(self, *states: TrialState) -> list[FrozenTrial]:
        return self._study.get_trials(deepcopy=False, states=states or None)

    def _frozen(self, claimed: Claimed) -> FrozenTrial:
        return self._storage.get_trial(claimed.trial._trial_id)


def _storage(path: Path) -> RDBStorage:
    """Opens a database in which a commit need not wait for the disk.

    With a write-ahead log, a process or machine that ends leaves no damage.
    """

    def connection() -> sqlite3.Connection:
        opened = sqlite3.connect(path, timeout=BUSY_S, check_same_thread=False)
        opened.execute("PRAGMA journal_mode=WAL")
        opened.execute("PRAGMA synchronous=NORMAL")
        return opened

    return RDBStorage("sqlite:///study.db", engine_kwargs={"creator": connection})


def _sampler(config: SweepConfig, trials: int) -> optuna.samplers.BaseSampler:
    seed = (config.seed * 1_000_003 + trials) % 2**32
    if config.sampler == "tpe":
        return optuna.samplers.TPESampler(seed=seed)
    return optuna.samplers.RandomSampler(seed=seed)


def _pruner(config: SweepConfig) -> optuna.pruners.BasePruner:
    if config.pruner == "none":
        return optuna.pruners.NopPruner()
    return optuna.pruners.MedianPruner(
        n_startup_trials=config.warmup_trials, n_warmup_steps=config.warmup_validations + 1
    )


def _distributions(space: Space) -> dict[str, BaseDistribution]:
    return {name: _distribution(space, name) for name in space.dimensions}


def _distribution(space: Space, name: str) -> BaseDistribution:
    one = space.dimensions[name]
    if one.low is None or one.high is None:
        return CategoricalDistribution(one.choices or [])
    if space.is_whole(name):
        return IntDistribution(int(one.low), int(one.high), one.log, int(one.step or 1))
    return FloatDistribution(float(one.low), float(one.high), one.log, one.step)


@contextmanager
def _reporting(folder: SweepFolder) -> Iterator[None]:
    """Turns an error of the database into InputError."""
    try:
        yield
    except (StorageInternalError, SQLAlchemyError) as error:
        raise _unusable(folder, error) from error


def _unusable(folder: SweepFolder, error: Exception) -> InputError:
    reason = str(error.__cause__ or error).strip().splitlines()[0]
    return InputError(
        f"{folder.study} cannot be used ({reason}): run the command again, or restore the file"
    )
