"""Precision of numbers where 16 bits are too few."""

from __future__ import annotations

import torch
from torch import Tensor


def at_least_float32(values: Tensor) -> Tensor:
    """Returns 16-bit values as float32, and others unchanged."""
    return values.float() if values.dtype in (torch.bfloat16, torch.float16) else values
