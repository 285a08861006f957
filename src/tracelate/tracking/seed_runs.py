"""Runs that differ from another run only by the seed of their training."""

from __future__ import annotations

from typing import NamedTuple

from tracelate.errors import InputError
from tracelate.metric_table import METRICS
from tracelate.tracking.references.reference_runs import run_of_reference, shown_run
from tracelate.tracking.references.references import Reference
from tracelate.tracking.run_table import comparable_key_of
from tracelate.tracking.runs.runs import COMMIT_TAG
from tracelate.tracking.store.records import StoredRun
from tracelate.tracking.store.store import connect

SEED = "train.seed"
NO_RESULT = ("runtime.", "registry.")
"""Beginnings of the names of params that do not affect a score."""


class SeedRun(NamedTuple):
    """A scored run and its seed."""

    seed: int
    run_id: str
    commit: str | None
    scores: dict[str, float]
    """In percent, by the key of the metric."""


def runs_of_all_seeds(reference: Reference) -> list[SeedRun]:
    """Returns the run that `reference` names, and for each other seed the newest run of the same
    experiment with the same data, settings, test set and scoring, sorted by seed.

    Raises InputError if the reference names no run, or a run that was not scored.
    """
    store = connect()
    wanted = run_of_reference(store, reference)
    if not _is_scored(wanted):
        raise InputError(
            f"{shown_run(wanted)} was not trained with a seed "
            "and scored: name a run for which `tracelate runs` shows a BLEU"
        )
    alike = [
        run
        for run in store.runs.search([wanted.experiment_id])
        if _is_scored(run) and _recipe(run) == _recipe(wanted)
    ]
    # from the oldest to the newest: the last run of a seed is kept
    of_seed = {int(run.params[SEED]): run for run in [*reversed(alike), wanted]}
    return [_seed_run(seed, of_seed[seed]) for seed in sorted(of_seed)]


def _is_scored(run: StoredRun) -> bool:
    is_seeded = run.params.get(SEED, "").isdecimal()
    return bool(_scores(run)) and is_seeded and comparable_key_of(run) is not None


def _scores(run: StoredRun) -> dict[str, float]:
    scores = {key: run.measured(f"test_{key}") for key in METRICS}
    return {key: score for key, score in scores.items() if score is not None}


def _recipe(run: StoredRun) -> tuple[object, ...]:
    """Returns everything that is equal in two runs that differ only by their seed."""
    settings = {
        name: value
        for name, value in run.params.items()
        if name != SEED and not name.startswith(NO_RESULT)
    }
    return run.tags.get("data"), comparable_key_of(run), settings


def _seed_run(seed: int, run: StoredRun) -> SeedRun:
    return SeedRun(seed, run.run_id, run.tags.get(COMMIT_TAG), _scores(run))
