"""Points of a training's curves, sent to MLflow beside the training.

MLflow may be slow, fail, or come back: the training never waits for it. Points are sent in order,
each once. Those that were not sent when the training ends are in the files of its curves, from
which `RunWriter.log_curve` writes them.
"""

from __future__ import annotations

import math
import queue
import sys
import threading
import time
from collections.abc import Mapping

from mlflow.entities import Metric

from tracelate.printable import printable_line
from tracelate.tracking.runs.run_writer import RunWriter
from tracelate.tracking.store.address import shown_uri
from tracelate.tracking.store.failures import StoreError, reason_of, reporting_failures
from tracelate.training.curve_files import TRAIN_COLUMNS, VALID_COLUMNS

NAMES = (*TRAIN_COLUMNS, *VALID_COLUMNS)
"""Names of the metrics: those in the files of the curves."""
AT_ONCE = 500
"""Most points of one request; MLflow takes 1,000."""
PAUSE_S = 1.0
"""Time between two requests."""
RETRY_S = 10.0
"""Time after a failure until the next request."""
END_S = 30.0
"""Longest time that the end of a training waits for the last request."""


class LivePoints:
    """Sends points in a thread of its own, which ends with `close`."""

    def __init__(
        self,
        run: RunWriter,
        *,
        pause_s: float = PAUSE_S,
        retry_s: float = RETRY_S,
    ) -> None:
        self._run = run
        self._pause_s, self._retry_s = pause_s, retry_s
        self._logged: set[tuple[str, int]] | None = None
        """Name and step of each point that the store has; None if that must be asked."""
        self._points: queue.SimpleQueue[Metric] = queue.SimpleQueue()
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._send_all, name="live-points", daemon=True)
        self._thread.start()

    def add(self, values: Mapping[str, float], step: int) -> None:
        """Takes the values of a step, which are sent soon; as in the files, all are finite."""
        now_ms = int(time.time() * 1000)
        for name in NAMES:
            if name in values and math.isfinite(values[name]):
                self._points.put(Metric(name, float(values[name]), now_ms, step))

    def close(self, patience_s: float = END_S) -> None:
        """Ends the sending after the request that is under way.

        Raises StoreError if that request has no answer after `patience_s` seconds: nothing may be
        written to the run then, since the request's points might be written twice.
        """
        self._closing.set()
        self._thread.join(patience_s)
        if self._thread.is_alive():
            reason = f"no answer in {patience_s:g} s"
            raise StoreError(f"MLflow at {shown_uri()} failed ({reason}): try again", reason)

    def _send_all(self) -> None:
        unsent: list[Metric] = []
        has_failed = False
        while True:
            is_last = self._closing.wait(self._retry_s if has_failed else self._pause_s)
            if is_last and has_failed:
                return
            unsent += self._taken()
            try:
                with reporting_failures():
                    while unsent:
                        self._send(unsent[:AT_ONCE])
                        del unsent[:AT_ONCE]
            except (StoreError, OSError) as error:
                if not has_failed:
                    reason = error.reason if isinstance(error, StoreError) else reason_of(error)
                    _say(f"failed ({reason}); training goes on, and MLflow is tried again")
                has_failed, self._logged = True, None
            else:
                if has_failed:
                    _say("answers again: no point of the curves is missing")
                has_failed = False
                if is_last:
                    return

    def _send(self, points: list[Metric]) -> None:
        if self._logged is None:
            self._logged = {
                (name, point.step)
                for name in NAMES
                for point in self._run.store.runs.metric_history(self._run.run_id, name)
            }
        new = [point for point in points if (point.key, point.step) not in self._logged]
        self._run.store.runs.log_metrics(self._run.run_id, new)
        self._logged.update((point.key, point.step) for point in new)

    def _taken(self) -> list[Metric]:
        points = []
        while not self._points.empty():
            points.append(self._points.get())
        return points


def _say(text: str) -> None:
    sys.stderr.write(f"warning: MLflow at {shown_uri()} {printable_line(text)}\n")
