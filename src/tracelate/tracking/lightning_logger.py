"""MLflow while a model trains."""

from __future__ import annotations

from collections.abc import Mapping

from pytorch_lightning.loggers import MLFlowLogger

from tracelate.tracking.best_effort import mirroring
from tracelate.tracking.run_writer import TrackedRun
from tracelate.tracking.store import tracking_uri


class LiveLogger(MLFlowLogger):
    """Lightning's logger for a run that is already there; gives up after the first failure."""

    def __init__(self, run: TrackedRun) -> None:
        super().__init__(run_id=run.run_id, tracking_uri=tracking_uri())
        self._alive = True

    def log_metrics(self, metrics: Mapping[str, float], step: int | None = None) -> None:
        if not self._alive:
            return
        self._alive = False
        with mirroring():
            # Lightning counts steps from 0; the curves' files count those that are done
            super().log_metrics(metrics, None if step is None else step + 1)
            self._alive = True

    def finalize(self, status: str = "success") -> None:
        """Leaves the run's status to the stage, which knows whether its files are complete."""
