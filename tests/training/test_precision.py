from __future__ import annotations

import pytest
import torch

from tests.training.reversing import runtime, train_config
from tracelate.config import RuntimeConfig
from tracelate.training.precision import (
    BF16_CAPABILITIES,
    precision_warning,
    used_precision,
    with_used_precision,
)

AUTO = train_config(epochs=1).model_copy(update={"precision": "auto"})
CPU = runtime(1).model_copy(update={"accelerator": "cpu"})


@pytest.fixture(params=BF16_CAPABILITIES)
def with_bf16(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: {request.param: True})


@pytest.fixture
def without_bf16(monkeypatch: pytest.MonkeyPatch) -> None:
    found = {"avx2": True, **dict.fromkeys(BF16_CAPABILITIES, False)}
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: found)


def test_auto_is_bf16_where_the_processor_has_it(with_bf16: None) -> None:
    assert used_precision(AUTO, CPU) == "bf16-mixed"


def test_auto_is_float32_elsewhere(without_bf16: None) -> None:
    assert used_precision(AUTO, CPU) == "32-true"
    assert with_used_precision(AUTO, CPU).precision == "32-true"
    assert precision_warning(AUTO, CPU) is None


@pytest.mark.parametrize(("has_bf16", "expected"), [(True, "bf16-mixed"), (False, "32-true")])
def test_auto_asks_the_gpu_where_it_is_used(
    without_bf16: None, monkeypatch: pytest.MonkeyPatch, has_bf16: bool, expected: str
) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda including_emulation: has_bf16)
    gpu = RuntimeConfig.model_validate({**CPU.model_dump(), "accelerator": "auto"})
    assert used_precision(AUTO, gpu) == expected
    assert used_precision(AUTO, CPU) == "32-true"


def test_a_named_precision_is_used_and_warned_of_where_it_is_slow(without_bf16: None) -> None:
    named = AUTO.model_copy(update={"precision": "bf16-mixed"})
    assert used_precision(named, CPU) == "bf16-mixed"
    warning = precision_warning(named, CPU)
    assert warning is not None and "set it to auto or 32-true" in warning
    assert precision_warning(AUTO.model_copy(update={"precision": "32-true"}), CPU) is None


def test_no_warning_where_the_processor_has_it(with_bf16: None) -> None:
    assert precision_warning(AUTO.model_copy(update={"precision": "bf16-mixed"}), CPU) is None
