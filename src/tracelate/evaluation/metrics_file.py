"""reports/metrics.json: the scores of an evaluation. Each score is under its name, in percent."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

from pydantic import ConfigDict, StringConstraints

from tracelate.evaluation.attention_statistics import AttentionStatistics
from tracelate.evaluation.behaviour.form import BehaviourForm, behaviour_form, read_behaviour
from tracelate.evaluation.metrics import LengthBucket, Score
from tracelate.evaluation.report import Metrics, ScoredTest
from tracelate.file_format import Document, FileForm, FileFormat, Name, Sha256, Whole, unchanged
from tracelate.files import write_json
from tracelate.metric_table import METRICS


class ScoreForm(FileForm):
    """A score with its 95 % interval and sacrebleu's signature."""

    value: float
    low: float
    high: float
    signature: Name


class BucketForm(FileForm):
    """BLEU of the sentences whose source has so many words; null where they are too few."""

    shortest_words: Whole
    longest_words: Whole | None
    sentences: Whole
    bleu: ScoreForm | None


class AttentionForm(FileForm):
    """As `AttentionStatistics`."""

    entropy_nats: float
    sharpness: float
    monotonicity: float
    uncovered: float
    sharpness_by_position: list[float]


class TestSetForm(FileForm):
    """As `ScoredTest`."""

    sentences: Whole
    sha256: Sha256


ScoreName = Annotated[str, StringConstraints(pattern=r"^[a-z0-9_]{1,100}$")]
"""MLflow's names of metrics contain it."""


class MetricsForm(FileForm):
    """Content of metrics.json. Every other key is a score's name."""

    model_config = ConfigDict(frozen=True, strict=True, extra="allow", allow_inf_nan=False)
    __pydantic_extra__: dict[ScoreName, ScoreForm]

    bleu_by_source_length: list[BucketForm]
    attention: AttentionForm | None
    """Null for a model without attention."""
    test: TestSetForm
    behaviour: BehaviourForm | None = None
    """Missing if it was not measured."""


METRICS_FORMAT = FileFormat(
    "metrics.json", MetricsForm, [unchanged], "evaluate the model (dvc repro)"
)


def write_metrics(path: Path, metrics: Metrics) -> None:
    """Writes the file whole, the same bytes for the same metrics and version of Tracelate."""
    write_json(path, metrics_document(metrics))


def metrics_document(metrics: Metrics) -> Document:
    """The content of metrics.json as JSON values."""
    form = MetricsForm.model_validate(
        {
            **{score.name: _score_form(score) for score in metrics.scores},
            "bleu_by_source_length": [_bucket_form(bucket) for bucket in metrics.buckets],
            "attention": None if metrics.attention is None else metrics.attention._asdict(),
            "test": metrics.test._asdict(),
            "behaviour": behaviour_form(metrics.behaviour),
        }
    )
    document = METRICS_FORMAT.document(form)
    if form.behaviour is None:
        del document["behaviour"]
    names = [score.name for score in metrics.scores]
    # scores come first: they are what people look for in the file
    order = ["format_version", "tracelate_version", *names]
    return {name: document[name] for name in dict.fromkeys([*order, *document])}


def read_metrics(path: Path) -> Metrics:
    """Raises InputError if the file is missing, damaged or of a newer version."""
    form = METRICS_FORMAT.read(path)
    scores = form.__pydantic_extra__
    known = [name for name in METRICS if name in scores]
    return Metrics(
        scores=[_score(name, scores[name]) for name in dict.fromkeys([*known, *scores])],
        buckets=[
            LengthBucket(
                bucket.shortest_words,
                bucket.longest_words,
                bucket.sentences,
                None if bucket.bleu is None else _score("bleu", bucket.bleu),
            )
            for bucket in form.bleu_by_source_length
        ],
        attention=None
        if form.attention is None
        else AttentionStatistics(**form.attention.model_dump()),
        test=ScoredTest(**form.test.model_dump()),
        behaviour=read_behaviour(form.behaviour),
    )


def _score_form(score: Score) -> dict[str, Any]:
    return {name: value for name, value in score._asdict().items() if name != "name"}


def _bucket_form(bucket: LengthBucket) -> dict[str, Any]:
    return {
        "shortest_words": bucket.shortest,
        "longest_words": bucket.longest,
        "sentences": bucket.sentences,
        "bleu": None if bucket.bleu is None else _score_form(bucket.bleu),
    }


def _score(name: str, form: ScoreForm) -> Score:
    return Score(name, form.value, form.low, form.high, form.signature)
