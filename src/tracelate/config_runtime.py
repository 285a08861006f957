"""The settings of the machine."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from tracelate.config_section import Count, Reason, Section, Text


class RuntimeConfig(Section):
    """Place and speed of a run. They change no result, and no stage tracks them."""

    accelerator: Literal["auto", "cpu", "gpu"]
    """Device to train on; auto: a GPU if there is one."""
    devices: Annotated[int, Field(ge=1, le=1_024), Reason("more than any machine has")]
    """Number of devices of a machine, each with a process of its own; all processes train together
    (DDP), and share out the translation of the test sets."""
    num_nodes: Annotated[int, Field(ge=1, le=100_000)] = 1
    """Number of machines that train together, each with as many devices; torchrun or SLURM starts
    the processes."""
    accumulate: Annotated[int, Field(ge=1, le=10_000)] = 1
    """Number of parts in which each device computes its share of a batch, one after another, whose
    gradients are added: more parts take less memory."""
    checkpoint_minutes: Annotated[float, Field(gt=0, le=100_000)] = 10
    """Longest time without a checkpoint that a stopped training is resumed from, in minutes; there
    is one after each epoch, too."""
    checkpoint_steps: Count | None = None
    """Number of optimiser steps between such checkpoints, besides the time; null: by time alone."""
    experiment: Annotated[Text, StringConstraints(max_length=256)]
    """Name of the experiment in MLflow."""
