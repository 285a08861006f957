"""The metrics that a test set is scored by. All of them are sacrebleu's.

A metric is added here alone: scoring, comparison, the registry's gate and all tables read this one.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any


@dataclass(frozen=True)
class Metric:
    """A corpus score in percent."""

    key: str
    """Name in metrics.json, in params.yaml and in MLflow: lower-case letters, digits and `_`."""
    title: str
    """Name in tables and texts."""
    meaning: str
    """Description of what is counted, in a few words."""
    higher_is_better: bool
    sacrebleu_class: str
    """Name of the class in sacrebleu.metrics."""
    options: Mapping[str, Any] = field(default_factory=dict)
    """Arguments of that class. sacrebleu writes those that change a score into the signature."""

    @property
    def direction(self) -> str:
        return "higher is better" if self.higher_is_better else "lower is better"

    def gain(self, before: float, after: float) -> float:
        """The difference of two scores in percent, positive where `after` is better."""
        return after - before if self.higher_is_better else before - after


BLEU = Metric("bleu", "BLEU", "words and phrases shared with the reference", True, "BLEU")
CHRF = Metric("chrf", "chrF", "characters shared with the reference", True, "CHRF")
TER = Metric("ter", "TER", "edits needed to reach the reference", False, "TER")

BLEU_OF_SHORT_TEXTS = replace(BLEU, options={"effective_order": True})
"""BLEU up to the longest n-gram that the translations have. Plain BLEU of translations with one or
two words, which have no 4-grams, is 0 even if they are right."""

METRICS: dict[str, Metric] = {metric.key: metric for metric in (BLEU, CHRF, TER)}
"""Every metric by its key, in the order of tables. The first is the one that tables always show."""


def metric_title(key: str) -> str:
    """The title of a metric; its key if this version does not have it, as in a newer file."""
    return METRICS[key].title if key in METRICS else key


def titled_direction(key: str) -> str:
    """The title of a metric, with its direction where lower is better."""
    usual = key not in METRICS or METRICS[key].higher_is_better
    return metric_title(key) if usual else f"{metric_title(key)} ({METRICS[key].direction})"
