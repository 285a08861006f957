"""Recognition of variants that repeat another one with more epochs."""

from __future__ import annotations

import pytest

from studies.attention.longer import longer_trained
from studies.attention.settings import Changes, Study

DOT = {"attention": "dot"}


def study(**variants: Changes) -> Study:
    return Study(
        seeds=[1], names=list(variants), base={"train": {"epochs": 5}}, variants=dict(variants)
    )


def test_a_variant_that_differs_in_epochs_alone_repeats_another_one() -> None:
    every = study(
        general={},
        dot={"model": DOT},
        general_longer={"train": {"epochs": 10}},
        dot_longer={"model": DOT, "train": {"epochs": 10}},
    )
    assert longer_trained(every) == {"general_longer": "general", "dot_longer": "dot"}


@pytest.mark.parametrize(
    "other",
    [
        {"train": {"epochs": 5}},
        {"train": {"epochs": 10, "learning_rate": 0.001}},
        {"model": DOT, "train": {"epochs": 10}},
    ],
)
def test_a_variant_with_another_difference_repeats_none(other: Changes) -> None:
    assert longer_trained(study(general={}, other=other)) == {}
