"""Lightning's logger for a run of MLflow's."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pytorch_lightning.loggers import Logger

from tracelate.tracking.runs.live_points import LivePoints


class LiveLogger(Logger):
    """Passes the metrics of a training to `LivePoints`."""

    def __init__(self, points: LivePoints, run_id: str) -> None:
        super().__init__()
        self._points = points
        self._run_id = run_id

    @property
    def name(self) -> str:
        return "mlflow"

    @property
    def version(self) -> str:
        return self._run_id

    def log_metrics(self, metrics: Mapping[str, float], step: int | None = None) -> None:
        """Logs metrics at the number of steps that are done, as the curves' files do.

        Lightning's `step` is the index of the last step, which starts at 0.
        """
        if step is not None:
            self._points.add(metrics, step + 1)

    def log_hyperparams(self, params: Any, *args: Any, **kwargs: Any) -> None:
        """Does nothing: the run has the settings since its start."""
