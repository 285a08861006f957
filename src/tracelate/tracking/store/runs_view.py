"""The view of an experiment's runs that MLflow's page opens with: its columns and its charts.

MLflow keeps a shared view as JSON in a tag of the experiment. Without one, its table has no scores,
and its charts are in alphabetical order.
"""

from __future__ import annotations

import json
from typing import Any

from tracelate.metric_table import METRICS

KEY = "tracelate"
"""Name of the view in the address of the page, as `viewStateShareKey`."""
TAG = f"mlflow.sharedViewState.{KEY}"
SCORES = tuple(f"test_{key}" for key in METRICS)
CURVES = ("valid_bleu", "valid_loss", "train_loss", "learning_rate", "gradient_norm")
SETTINGS = ("model.attention", "model.cell", "train.seed")


def runs_view() -> str:
    """Returns the value of TAG: BLEU comes first in the table and among the charts."""
    columns = [f"metrics.`{name}`" for name in SCORES] + [f"params.`{name}`" for name in SETTINGS]
    state = {
        "selectedColumns": columns,
        "isAccordionReordered": True,  # else MLflow sorts the sections
        "compareRunSections": [_section("Scores"), _section("Training")],
        "compareRunCharts": [
            *(_chart("BAR", name, "Scores") for name in SCORES),
            *(_chart("LINE", name, "Training") for name in CURVES),
        ],
    }
    return json.dumps(state)


def _section(name: str) -> dict[str, Any]:
    return {
        "uuid": name,
        "name": name,
        "display": True,
        "isReordered": True,
        "deleted": False,
        "isGenerated": False,
    }


def _chart(kind: str, metric: str, section: str) -> dict[str, Any]:
    chart = {
        "uuid": metric,
        "type": kind,
        "metricKey": metric,
        "displayName": metric,
        "metricSectionId": section,
        "deleted": False,
        "isGenerated": True,
        "runsCountToCompare": 10,
    }
    if kind == "BAR":
        return chart
    return chart | {
        "selectedMetricKeys": [metric],
        "lineSmoothness": 0,
        "scaleType": "linear",
        "xAxisKey": "step",
        "xAxisScaleType": "linear",
        "range": {},
        "useGlobalXaxisKey": True,
        "useGlobalLineSmoothing": True,
    }
