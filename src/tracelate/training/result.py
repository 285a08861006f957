"""The result of a training."""

from __future__ import annotations

from typing import NamedTuple

from torch import Tensor

from tracelate.config import MonitorName
from tracelate.training.curves import Curves
from tracelate.training.precision import Precision


class TrainingResult(NamedTuple):
    """The weights and measurements of a finished training."""

    weights: dict[str, Tensor]
    """The state dict with the best value of `monitor`."""
    monitor: MonitorName
    """Value of the validation that chose them."""
    curves: Curves
    best_step: int
    """Optimiser steps until these weights."""
    steps: int
    """Optimiser steps in all."""
    seconds: float
    """Wall time of the process that ended the training, validation included."""
    resumed_from_step: int
    """0 if the training was not resumed."""
    parameter_count: int
    precision: Precision
    """Number format of the matrix products."""
    skipped_batches: int = 0
    """Batches without a finite loss and gradient."""
