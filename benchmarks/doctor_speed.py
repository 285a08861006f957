"""Measures `tracelate doctor` on a store with many versions.

    python -m benchmarks.doctor_speed [VERSIONS]

makes a store in a temporary folder with VERSIONS (500) runs, logged models and versions, and
prints the time of the checks and the number of calls to MLflow's client.
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Any

from tracelate.doctor.store_checks import PACKED_FILES, STAGE_FILES, store_problems
from tracelate.registry.versions import register_version
from tracelate.tracking.packages.package_files import ARTIFACTS_FOLDER
from tracelate.tracking.runs.sync_marks import SYNC_TAG
from tracelate.tracking.store.failures import ReportingClient
from tracelate.tracking.store.store import Store, connect


def fill(store: Store, folder: Path, versions: int) -> None:
    """Makes the runs, models and versions, with empty files."""
    experiment = store.runs.find_or_create_experiment("tracelate")
    for number in range(versions):
        tags = {SYNC_TAG + stage: "0" for stage in STAGE_FILES}
        run_id = store.runs.create(experiment, f"run {number}", tags)
        artifacts = Path(store.runs.get(run_id).artifact_uri.removeprefix("file://"))
        for stage, names in STAGE_FILES.items():
            make_files(artifacts / stage, names)
        store.runs.end(run_id, "FINISHED")
        marks = {"training_run_id": run_id, "weights_sha256": f"{number:064x}"}
        model = store.models.create(experiment, "model", run_id, {}, marks)
        location = Path(model.artifact_location.removeprefix("file://"))
        make_files(location / ARTIFACTS_FOLDER, PACKED_FILES)
        store.models.finish(model.model_id)
        register_version(store, "en-es", model.model_id, run_id)


def make_files(folder: Path, names: set[str]) -> None:
    folder.mkdir(parents=True)
    for name in names:
        (folder / name).touch()


def count_calls(calls: Counter[str]) -> None:
    """Counts the calls of MLflow's client from now on."""
    original = ReportingClient.__getattr__

    def counted(self: ReportingClient, name: str) -> Any:
        calls[name] += 1
        return original(self, name)

    ReportingClient.__getattr__ = counted  # type: ignore[method-assign]


def main(versions: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        os.environ["DVC_ROOT"] = folder
        os.environ.pop("MLFLOW_TRACKING_URI", None)
        store = connect()
        fill(store, Path(folder), versions)
        calls: Counter[str] = Counter()
        count_calls(calls)
        began_s = time.perf_counter()
        problems = list(store_problems(store))
        seconds = time.perf_counter() - began_s
    for name, count in calls.most_common():
        sys.stdout.write(f"{count:>7,} {name}\n")
    sys.stdout.write(f"{versions} versions: {seconds:.1f} s, {len(problems)} problems\n")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 500)
