"""Refusal of a model whose training does not fit into the RAM of the machine."""

from __future__ import annotations

import os

import torch

from tracelate.config import ModelConfig
from tracelate.errors import InputError
from tracelate.model.seq2seq import Seq2Seq

BYTES_PER_WEIGHT = 4 * 4
"""Float32 values of a weight: itself, its gradient, and Adam's two averages."""


def refuse_too_large(
    config: ModelConfig,
    vocabulary_size: int,
    padding_id: int,
    source_vocabulary_size: int | None = None,
) -> None:
    """Raises InputError if the weights with gradients and Adam's averages need more than all RAM.

    No memory is taken. The activations of a batch, which also need RAM, are not counted.
    """
    try:
        with torch.device("meta"):
            model = Seq2Seq(config, vocabulary_size, padding_id, source_vocabulary_size)
    except (RuntimeError, OverflowError) as error:
        raise InputError(f"{_settings(config)} give no model ({error}): lower them") from error
    pieces = vocabulary_size + (source_vocabulary_size or 0)
    weights = sum(parameter.numel() for parameter in model.parameters())
    needed, ram = weights * BYTES_PER_WEIGHT, ram_bytes()
    if needed > ram:
        raise InputError(
            f"a model of {_settings(config)} and {pieces:,} pieces has {weights:,} "
            f"weights, whose training needs {needed / 2**30:,.0f} GiB, and this machine has "
            f"{ram / 2**30:,.0f} GiB of RAM: lower these settings"
        )


def ram_bytes() -> int:
    """Returns the size of the machine's RAM."""
    return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")


def _settings(config: ModelConfig) -> str:
    return (
        f"model.hidden_size {config.hidden_size:,}, embedding_size {config.embedding_size:,}, "
        f"layers {config.layers:,} and hops {config.hops:,}"
    )
