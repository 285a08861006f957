"""Every combination of the model's settings runs, or is refused with a reason."""

from __future__ import annotations

import itertools
from typing import get_args

import pytest
import torch
from pydantic import ValidationError

from tests.model.toy import toy_config, toy_model, toy_sources
from tracelate.config import AttentionName, BridgeName, CellName, EncoderName

CHOICES: dict[str, tuple[object, ...]] = {
    "architecture": ("recurrent", "transformer"),
    "cell": get_args(CellName),
    "hops": (1, 2),
    "input_feeding": (False, True),
    "encoder": get_args(EncoderName),
    "directions": ("both", "forward"),
    "bridge": get_args(BridgeName),
}
TARGET_BT = torch.tensor([[1, 5, 9], [1, 3, 8]])


@pytest.mark.parametrize("attention", get_args(AttentionName))
def test_each_combination_runs_or_is_refused(attention: AttentionName) -> None:
    ran, refused = 0, set()
    for values in itertools.product(*CHOICES.values()):
        settings = {"attention": attention, **dict(zip(CHOICES, values, strict=True))}
        try:
            toy_config(**settings)
        except ValidationError as error:
            refused.add(error.errors()[0]["msg"])
            continue
        trains_and_decodes(settings)
        ran += 1
    assert ran >= 18, refused
    for reason in refused:
        assert any(f"{name} is " in reason for name in ("attention", *CHOICES)), reason
        assert any(word in reason for word in ("set ", "leave ")), reason


def trains_and_decodes(settings: dict[str, object]) -> None:
    model = toy_model(**settings)
    source_BS, mask_BS = toy_sources(5, 3)
    forced = model(source_BS, mask_BS, TARGET_BT)
    forced.logits_BTV.square().mean().backward()
    gradients = [parameter.grad for parameter in model.parameters()]
    assert all(grad is not None and grad.isfinite().all() for grad in gradients), settings
    with torch.no_grad():
        memory, state = model.encode(source_BS, mask_BS)
        for t in range(TARGET_BT.shape[1]):
            logits_BV, state = model.step(TARGET_BT[:, t], state, memory)
            torch.testing.assert_close(logits_BV, forced.logits_BTV[:, t], rtol=1e-9, atol=1e-9)
