"""A model that the machine cannot train is refused before memory is taken."""

from __future__ import annotations

import time
import tracemalloc

import pytest
import torch

from tests.model.toy import toy_config
from tracelate.config import ModelConfig
from tracelate.errors import InputError
from tracelate.model.seq2seq import Seq2Seq
from tracelate.training import model_size
from tracelate.training.model_size import BYTES_PER_WEIGHT, refuse_too_large


@pytest.mark.parametrize(
    "sizes",
    [
        {"hidden_size": 1_000_000},
        {"embedding_size": 1_000_000, "hidden_size": 400_000},
        {"hidden_size": 200_000, "layers": 2},
        {"architecture": "transformer", "hidden_size": 400_000, "heads": 4},
    ],
)
def test_a_model_beyond_the_ram_is_refused_with_both_sizes(sizes: dict[str, object]) -> None:
    config = ModelConfig.model_validate({**toy_config().model_dump(), **sizes})
    refuse_too_large(toy_config(), 300, 0)  # what torch imports at its first use is not counted
    began_s = time.perf_counter()
    tracemalloc.start()
    with pytest.raises(InputError, match=r"weights, whose training needs [\d,]+ GiB, and this mac"):
        refuse_too_large(config, 4_000, 0)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 50_000_000
    assert time.perf_counter() - began_s < 10


def test_the_limit_is_the_ram_of_the_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    config = toy_config()
    weights = sum(one.numel() for one in Seq2Seq(config, 300, 0).parameters())
    monkeypatch.setattr(model_size, "ram_bytes", lambda: weights * BYTES_PER_WEIGHT)
    refuse_too_large(config, 300, 0)
    with pytest.raises(InputError, match="301 pieces has"):
        refuse_too_large(config, 301, 0)


def test_the_check_draws_no_random_number() -> None:
    torch.manual_seed(3)
    state = torch.get_rng_state()
    refuse_too_large(toy_config(), 300, 0)
    assert torch.equal(state, torch.get_rng_state())
