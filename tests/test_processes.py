"""Processes that torchrun starts."""

from __future__ import annotations

import pytest

from tracelate.errors import InputError
from tracelate.processes import refuse_unsafe_restarts

RESTARTING = {"TORCHELASTIC_MAX_RESTARTS": "1", "TORCHELASTIC_USE_AGENT_STORE": "True"}


def test_restarts_with_the_store_of_the_processes_before_are_refused() -> None:
    with pytest.raises(InputError, match=r"--max-restarts 1 .*TORCH_DISABLE_SHARE_RDZV_TCP_STORE"):
        refuse_unsafe_restarts(RESTARTING)


@pytest.mark.parametrize(
    "environment",
    [
        {},
        {**RESTARTING, "TORCHELASTIC_MAX_RESTARTS": "0"},
        {**RESTARTING, "TORCHELASTIC_USE_AGENT_STORE": "False"},
    ],
)
def test_other_starts_are_not(environment: dict[str, str]) -> None:
    refuse_unsafe_restarts(environment)
