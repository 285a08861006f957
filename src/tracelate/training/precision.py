"""The number format of a training's matrix products on this machine."""

from __future__ import annotations

from typing import Literal

import torch

from tracelate.config import RuntimeConfig, TrainConfig

Precision = Literal["bf16-mixed", "32-true"]

BF16_CAPABILITIES = ("amx_bf16", "avx512_bf16", "bf16")
"""Instructions of x86 (the first two) and ARM processors that multiply numbers in bfloat16. Without
them PyTorch computes it in software: 120 times slower than float32 on an AMD EPYC with AVX2."""


def used_precision(config: TrainConfig, runtime: RuntimeConfig) -> Precision:
    """Returns `train.precision`, where auto is bf16-mixed if the device multiplies in bfloat16."""
    if config.precision != "auto":
        return config.precision
    return "bf16-mixed" if multiplies_bf16(runtime.accelerator) else "32-true"


def with_used_precision(config: TrainConfig, runtime: RuntimeConfig) -> TrainConfig:
    """Returns the settings that name a training: a checkpoint is resumed in its own precision."""
    return config.model_copy(update={"precision": used_precision(config, runtime)})


def precision_warning(config: TrainConfig, runtime: RuntimeConfig) -> str | None:
    """Returns a line about a precision that is slow on this machine; None if it is not."""
    if config.precision == "bf16-mixed" and not multiplies_bf16(runtime.accelerator):
        return (
            "train.precision is bf16-mixed, but the processor has no bfloat16 and computes it in "
            "software, many times slower: set it to auto or 32-true"
        )
    return None


def multiplies_bf16(accelerator: str) -> bool:
    """Returns True if the device that `runtime.accelerator` names multiplies in bfloat16."""
    if accelerator != "cpu" and torch.cuda.is_available():
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    if accelerator != "cpu" and torch.accelerator.is_available():
        return False
    return any(torch.cpu.get_capabilities().get(name) for name in BF16_CAPABILITIES)
