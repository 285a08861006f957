"""Metrics that score a test set; all are computed by sacrebleu.

A metric is added here only: scoring, comparison, the registry's gate and all tables use this table.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any


@dataclass(frozen=True)
class Metric:
    """A metric whose corpus score is in percent."""

    key: str
    """Name in metrics.json, in params.yaml and in MLflow: lower-case letters, digits and `_`."""
    title: str
    """Name in tables and texts."""
    meaning: str
    """Description of what is measured, in a few words."""
    higher_is_better: bool
    sacrebleu_class: str
    """Name of the class in sacrebleu.metrics."""
    options: Mapping[str, Any] = field(default_factory=dict)
    """Arguments of that class. Those that change a score are part of sacrebleu's signature."""

    @property
    def direction(self) -> str:
        return "higher is better" if self.higher_is_better else "lower is better"

    def gain(self, before: float, after: float) -> float:
        """Returns the difference of two scores in percent, positive if `after` is better."""
        return after - before if self.higher_is_better else before - after


BLEU = Metric("bleu", "BLEU", "words and phrases shared with the reference", True, "BLEU")
CHRF = Metric("chrf", "chrF", "characters shared with the reference", True, "CHRF")
TER = Metric("ter", "TER", "edits needed to reach the reference", False, "TER")

BLEU_OF_SHORT_TEXTS = replace(BLEU, options={"effective_order": True})
"""BLEU over n-grams up to the length of the translations. Translations of one or two words have no
4-grams, so that their plain BLEU is 0 even if they are correct."""

METRICS: dict[str, Metric] = {metric.key: metric for metric in (BLEU, CHRF, TER)}
"""All metrics by key, in the order of tables. Tables always show the first one."""


def metric_title(key: str) -> str:
    """Returns the title of a metric, or its key if it is only known to a newer version."""
    return METRICS[key].title if key in METRICS else key


def titled_direction(key: str) -> str:
    """Returns the title of a metric, with its direction if lower is better."""
    usual = key not in METRICS or METRICS[key].higher_is_better
    return metric_title(key) if usual else f"{metric_title(key)} ({METRICS[key].direction})"
