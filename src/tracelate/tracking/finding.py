"""Finding runs in MLflow's store by what people call them."""

from __future__ import annotations

import re
from collections.abc import Sequence

from mlflow import MlflowClient
from mlflow.entities import Experiment, Run

from tracelate.errors import InputError
from tracelate.tracking.store import shown_uri

SHORT_ID = 8
"""Characters of a run's id that people are shown."""
SHORTEST_PREFIX = 6
ID_PREFIX = re.compile(rf"[0-9a-f]{{{SHORTEST_PREFIX},32}}")
NAMED_AT_MOST = 5
PAGE = 1000


def find_unique_run(client: MlflowClient, reference: str) -> Run:
    """The run of that id, of an id that begins so, or of that name, in any experiment.

    Raises InputError where there is none, or more than one.
    """
    experiment_ids = [one.experiment_id for one in all_experiments(client)]
    found: list[Run] = []
    if ID_PREFIX.fullmatch(reference):
        found = all_runs(client, experiment_ids, f"attributes.run_id LIKE '{reference}%'")
    if not found:
        # not by a filter: MLflow's have no way to write a name with both kinds of quotes
        runs = all_runs(client, experiment_ids)
        found = [run for run in runs if run.info.run_name == reference]
    if not found:
        raise InputError(
            f"{reference!r} is no folder, no models:/… and no run in {shown_uri()}: name a run "
            f"by its name or by {SHORTEST_PREFIX} or more characters of its id; `tracelate runs` "
            "lists them"
        )
    if len(found) > 1:
        ids = ", ".join(run.info.run_id[:SHORT_ID] for run in found[:NAMED_AT_MOST])
        more = f" and {len(found) - NAMED_AT_MOST} more" if len(found) > NAMED_AT_MOST else ""
        raise InputError(f"{reference!r} names {len(found)} runs: say which, {ids}{more}")
    return found[0]


def all_experiments(client: MlflowClient) -> list[Experiment]:
    """Those that are not deleted."""
    found: list[Experiment] = []
    token: str | None = None
    while True:
        page = client.search_experiments(max_results=PAGE, page_token=token)
        found += page
        token = page.token
        if not token:
            return found


def all_runs(
    client: MlflowClient, experiment_ids: Sequence[str], filter_string: str = ""
) -> list[Run]:
    """Those that are not deleted, the newest first."""
    found: list[Run] = []
    token: str | None = None
    while experiment_ids:
        page = client.search_runs(
            list(experiment_ids),
            filter_string,
            max_results=PAGE,
            order_by=["attributes.start_time DESC"],
            page_token=token,
        )
        found += page
        token = page.token
        if not token:
            break
    return found
