"""The figures that DVC's tables show."""

from __future__ import annotations

import pytest

from tests.pipeline.graph import PIPELINE
from tracelate.evaluation.metrics import Score
from tracelate.evaluation.scores_file import scores_document
from tracelate.layout import SCORES
from tracelate.training.report import TrainingReport

TRAINING = TrainingReport(
    best_valid_bleu=31.0,
    best_step=20,
    steps=30,
    epochs=3,
    parameter_count=7,
    tokens_per_s=1.0,
    seconds=1.0,
)
CURVE = [{"step": 10.0, "valid_loss": 4.0}, {"step": 20.0, "valid_loss": 3.0}, {"step": 30.0}]


def score(name: str, value: float) -> Score:
    return Score(name=name, value=value, low=value - 1, high=value + 1, signature="nrefs:1")


def test_bleu_is_first_and_the_loss_is_that_of_the_kept_weights() -> None:
    document = scores_document([score("bleu", 40.0), score("ter", 50.0)], TRAINING, CURVE, {})
    assert list(document.items()) == [("bleu", 40.0), ("ter", 50.0), ("valid_loss", 3.0)]


def test_a_further_test_set_has_its_first_score() -> None:
    further = {"news": [score("bleu", 20.0), score("chrf", 30.0)]}
    document = scores_document([score("bleu", 40.0)], TRAINING, CURVE, further)
    assert document["tests"] == {"news": {"bleu": 20.0}}


@pytest.mark.parametrize("stage", PIPELINE.stages())
def test_dvc_has_no_other_metrics_file(stage: str) -> None:
    names = [next(iter(one)) for one in PIPELINE.stages()[stage].get("metrics", [])]
    assert names == ([SCORES.as_posix()] if stage == "evaluate" else [])
