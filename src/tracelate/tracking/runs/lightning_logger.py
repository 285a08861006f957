"""Logging to MLflow while a model trains."""

from __future__ import annotations

from collections.abc import Mapping

from pytorch_lightning.loggers import MLFlowLogger

from tracelate.tracking.runs.best_effort import best_effort
from tracelate.tracking.runs.run_writer import RunWriter
from tracelate.tracking.store.address import tracking_uri


class LiveLogger(MLFlowLogger):
    """Lightning's logger for an existing run; it stops logging after the first failure."""

    def __init__(self, run: RunWriter) -> None:
        super().__init__(run_id=run.run_id, tracking_uri=tracking_uri())
        self._alive = True

    def log_metrics(self, metrics: Mapping[str, float], step: int | None = None) -> None:
        """Logs metrics at the number of steps that are done, as the curves' files do.

        Lightning's `step` is the index of the last step, which starts at 0.
        """
        if not self._alive:
            return
        self._alive = False
        with best_effort():
            super().log_metrics(metrics, None if step is None else step + 1)
            self._alive = True

    def finalize(self, status: str = "success") -> None:
        """Does nothing: the stage sets the run's status when its files are complete."""
