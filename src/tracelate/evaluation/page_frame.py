"""The heading and the filters of a page of translations: all of the page but its sentences."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

from tracelate import layout
from tracelate.corpus.sources.choose import read_provenance
from tracelate.evaluation.lineage import Lineage
from tracelate.evaluation.metrics import LengthBucket, Score
from tracelate.evaluation.report import Metrics
from tracelate.metric_table import metric_title
from tracelate.model.architecture import architecture_name
from tracelate.saved_settings import model_config_of
from tracelate.text.languages import shown_direction
from tracelate.training.model_files import SavedConfig
from tracelate.training.report import read_training_report
from tracelate.training.run_file import TrainingRun, read_training_run

SHORT_HASH = 12
"""Characters of a commit's name."""

Facts = Mapping[str, str]
"""The origin of an evaluation, from the name of a row of the heading to its text."""


class PageFrame(NamedTuple):
    """All of a page but its sentences."""

    title: str
    """Name of the page in a browser's tab and among bookmarks."""
    model: str
    scores: Sequence[Score]
    facts: Facts
    lengths: Sequence[LengthBucket]
    """Lengths of the source to filter by."""


def page_frame(saved: SavedConfig, metrics: Metrics, facts: Facts) -> PageFrame:
    """Returns the frame of an evaluation's page. `facts` comes from one of the functions below."""
    languages = shown_direction(saved.source_language, saved.target_language)
    model = f"{languages}: {architecture_name(model_config_of(saved.model))}"
    [first, *_] = metrics.scores
    sentences = f"{metrics.test.sentences:,} sentences"
    test_set = facts.get("Test set")
    return PageFrame(
        title=f"{model}, {metric_title(first.name)} {first.value:.2f} on {test_set or sentences}",
        model=model,
        scores=metrics.scores,
        facts={
            "Languages": languages,
            "Test set": f"{test_set}, {sentences}" if test_set else sentences,
            **{name: text for name, text in facts.items() if name != "Test set"},
        },
        lengths=[bucket for bucket in metrics.buckets if bucket.sentences],
    )


def project_facts(test_set: str | None = None, root: Path = Path()) -> Facts:
    """Returns the origin of an evaluation of the project's model.

    `test_set` is the name of a further test set; None for the corpus's own.
    """
    finished = read_training_report(root / layout.TRAINING_REPORT).finished
    return {
        **({} if test_set is None else {"Test set": test_set}),
        "Corpus": read_provenance(root / layout.PROVENANCE).title,
        **_run_facts(read_training_run(root / layout.RUN)),
        **({} if finished is None else {"Trained": _shown_time(finished)}),
    }


def later_facts(test_set: str, model: str, lineage: Lineage | None) -> Facts:
    """Returns the origin of an evaluation that is made now.

    `model` is the reference to the model as the user named it.
    """
    facts = {"Test set": test_set, "Model": model}
    if lineage is not None:
        facts |= {"Corpus": lineage.corpus, **_run_facts(lineage.training)}
    return {**facts, "Scored": _shown_time(datetime.now(UTC).isoformat())}


def _run_facts(training: TrainingRun) -> dict[str, str]:
    changed = ", with changes that are not in it" if training.dirty else ""
    commit = f"{training.commit[:SHORT_HASH]}{changed}" if training.commit else "none"
    return {"Run": f"{training.run_id} of {training.experiment}", "Commit": commit}


def _shown_time(time: str) -> str:
    return f"{datetime.fromisoformat(time).astimezone(UTC):%Y-%m-%d %H:%M} UTC"
