"""Finding the runs that differ from another by the seed of their training alone."""

from __future__ import annotations

from typing import NamedTuple

from mlflow.entities import Run
from mlflow.utils.mlflow_tags import MLFLOW_GIT_COMMIT

from tracelate.errors import InputError
from tracelate.evaluation.metrics import SCORE_NAMES
from tracelate.tracking.references import SHORT_ID, find_unique_run
from tracelate.tracking.run_table import comparable_key_of
from tracelate.tracking.store import all_runs, connect

SEED = "train.seed"
NO_RESULT = ("runtime.", "registry.")
"""How params begin that change no score."""


class SeedRun(NamedTuple):
    seed: int
    run_id: str
    commit: str | None
    scores: dict[str, float]
    """By SCORE_NAMES, in percent."""


def runs_of_all_seeds(reference: str) -> list[SeedRun]:
    """The run that `reference` names, and of each other seed the newest of its experiment with the
    same data, settings, test set and scoring; by seed.

    Raises InputError where the reference names no run, or one that was not scored.
    """
    client = connect()
    wanted = find_unique_run(client, reference)
    if not _is_scored(wanted):
        raise InputError(
            f"{wanted.info.run_name} ({wanted.info.run_id[:SHORT_ID]}) was not trained with a seed "
            "and scored: name a run that `tracelate runs` shows a BLEU of"
        )
    alike = [
        run
        for run in all_runs(client, [wanted.info.experiment_id])
        if _is_scored(run) and _recipe(run) == _recipe(wanted)
    ]
    # of each seed the last one stays
    of_seed = {int(run.data.params[SEED]): run for run in [*reversed(alike), wanted]}
    return [_seed_run(seed, of_seed[seed]) for seed in sorted(of_seed)]


def _is_scored(run: Run) -> bool:
    has_scores = all(f"test_{name}" in run.data.metrics for name in SCORE_NAMES)
    is_seeded = run.data.params.get(SEED, "").isdecimal()
    return has_scores and is_seeded and comparable_key_of(run) is not None


def _recipe(run: Run) -> tuple[object, ...]:
    """What two runs share that differ by the seed alone."""
    settings = {
        name: value
        for name, value in run.data.params.items()
        if name != SEED and not name.startswith(NO_RESULT)
    }
    return run.data.tags.get("data"), comparable_key_of(run), settings


def _seed_run(seed: int, run: Run) -> SeedRun:
    scores = {name: run.data.metrics[f"test_{name}"] for name in SCORE_NAMES}
    return SeedRun(seed, run.info.run_id, run.data.tags.get(MLFLOW_GIT_COMMIT), scores)
