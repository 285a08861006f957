"""A metric is added in the table alone; one module uses private functions of sacrebleu."""

from __future__ import annotations

import re
from io import StringIO
from pathlib import Path

import pytest
from rich.console import Console, RenderableType
from sacrebleu.metrics import CHRF

from tests.cli.test_runs_table import ROW
from tests.evaluation.results import evidence, some_references, translate_badly
from tests.tiny_corpus import PROJECT
from tracelate.cli.comparison_tables import score_table
from tracelate.cli.runs_table import table_of_runs
from tracelate.cli.summary_tables import score_table as summary_table
from tracelate.comparison.comparability import differences, inconsistencies
from tracelate.comparison.compare import compare, comparison_document
from tracelate.comparison.describe import describe_significance
from tracelate.comparison.significance import Resampling
from tracelate.config import load_params
from tracelate.evaluation.metrics_file import read_metrics, write_metrics
from tracelate.metric_table import METRICS, Metric, metric_title, titled_direction
from tracelate.tracking.run_table import RunScore, RunTable, sort_keys
from tracelate.tracking.runs.evaluation_contents import evaluation_metrics

ADDED = Metric("chrf4", "chrF4", "up to 4 characters shared", True, "CHRF", {"char_order": 4})
QUICK = Resampling(bootstrap_samples=40, randomisations=40, seed=1)
REFERENCES = some_references(30)
GOOD, BAD = translate_badly(REFERENCES, 0.1, 1), translate_badly(REFERENCES, 0.5, 2)
OLDER = evidence("older", BAD, REFERENCES)
"""An evaluation from before the metric was added."""


@pytest.fixture
def added(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(METRICS, ADDED.key, ADDED)


def shown(table: RenderableType) -> str:
    output = StringIO()
    Console(file=output, width=220).print(table)
    return output.getvalue()


@pytest.mark.usefixtures("added")
def test_an_added_metric_is_scored_written_and_read(tmp_path: Path) -> None:
    metrics = evidence("new", GOOD, REFERENCES).metrics
    score = metrics.scores[-1]
    theirs = CHRF(char_order=4)
    assert score.name == "chrf4"
    assert score.value == pytest.approx(theirs.corpus_score(GOOD, [REFERENCES]).score)
    assert "nc:4" in score.signature
    write_metrics(tmp_path / "metrics.json", metrics)
    assert read_metrics(tmp_path / "metrics.json") == metrics
    assert dict(evaluation_metrics(metrics))["test_chrf4"] == score.value


@pytest.mark.usefixtures("added")
def test_an_added_metric_is_in_every_table() -> None:
    new = evidence("new", GOOD, REFERENCES)
    comparison = compare(evidence("other", BAD, REFERENCES), new, QUICK)
    row = ROW._replace(scores={**ROW.scores, "chrf4": RunScore(61.7)})
    tables = [
        score_table(comparison.scores),
        summary_table(new.metrics),
        table_of_runs(
            RunTable([row], [1], groups=1, left_out=0),
            ranked_by="chrf4",
            with_experiment=False,
            width=220,
        ),
    ]
    for table in tables:
        assert "chrF4" in shown(table)
    assert comparison_document(comparison)["scores"]["chrf4"]["difference"] > 0
    assert describe_significance(comparison.scores[-1]).startswith("chrF4 ")
    assert "chrf4" in sort_keys()
    assert row.columns()["chrf4"] == 61.7


@pytest.mark.usefixtures("added")
def test_an_added_metric_can_decide_a_promotion(tmp_path: Path) -> None:
    text = (PROJECT / "params.yaml").read_text(encoding="utf-8")
    changed, count = re.subn(r"metric: bleu", "metric: chrf4", text)
    assert count == 1
    (tmp_path / "params.yaml").write_text(changed, encoding="utf-8")
    assert load_params(tmp_path / "params.yaml").registry.metric == "chrf4"


@pytest.mark.usefixtures("added")
def test_evaluations_before_and_after_an_added_metric_can_be_compared() -> None:
    new = evidence("new", GOOD, REFERENCES)
    assert differences(OLDER, new) == differences(new, OLDER) == []
    assert inconsistencies(OLDER) == inconsistencies(new) == []
    assert [one.metric for one in compare(OLDER, new, QUICK).scores] == list(METRICS)


def test_an_unknown_metric_of_a_newer_version_is_named_and_not_compared(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with monkeypatch.context() as patch:
        patch.setitem(METRICS, ADDED.key, ADDED)
        newer = evidence("newer", GOOD, REFERENCES)
    [reason] = inconsistencies(newer)
    assert reason.startswith("chrf4 is a metric that this version")
    assert metric_title("chrf4") == titled_direction("chrf4") == "chrf4"


def test_evaluations_without_a_common_metric_cannot_be_compared() -> None:
    scores = OLDER.metrics.scores
    one, other = (
        OLDER._replace(metrics=OLDER.metrics._replace(scores=[score])) for score in scores[:2]
    )
    assert differences(one, other) == ["no metric was computed for both: bleu and chrf"]


def test_the_direction_is_named_where_lower_is_better() -> None:
    assert titled_direction("bleu") == "BLEU"
    assert titled_direction("ter") == "TER (lower is better)"


def test_one_module_alone_calls_private_functions_of_sacrebleu() -> None:
    private = re.compile(r"\._(extract_corpus_stat|compute_score_from|aggregate_and_compute)")
    files = [
        path
        for folder in ("src", "pipeline", "studies", "benchmarks", "docs")
        for path in (PROJECT / folder).rglob("*.py")
    ]
    users = [path.name for path in files if private.search(path.read_text(encoding="utf-8"))]
    assert users == ["sacrebleu_statistics.py"]
    # the names of the classes are in the table alone
    importing = [
        path.name
        for path in files
        if re.search(r"(from|import) sacrebleu\b", path.read_text(encoding="utf-8"))
    ]
    assert sorted(importing) == ["sacrebleu_metric.py"]
