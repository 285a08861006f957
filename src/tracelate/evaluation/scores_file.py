"""reports/scores.json: the few figures by which DVC's tables compare experiments.

It is the only metrics file of dvc.yaml, because DVC shows every number of such a file as a column.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from tracelate.evaluation.metrics import Score
from tracelate.training.report import TrainingReport


def scores_document(
    scores: Sequence[Score],
    training: TrainingReport,
    valid_curve: Sequence[Mapping[str, float]],
    further: Mapping[str, Sequence[Score]],
) -> dict[str, Any]:
    """Returns the test scores in percent, BLEU first, and the validation loss in nats a token.

    The loss is that of the weights that were kept. Of each further test set, by its name, there is
    the first score; its folder has all of them.
    """
    document: dict[str, Any] = {score.name: score.value for score in scores}
    for row in valid_curve:
        if row["step"] == training.best_step and "valid_loss" in row:
            document["valid_loss"] = row["valid_loss"]
    if further:
        document["tests"] = {name: {of[0].name: of[0].value} for name, of in further.items()}
    return document
