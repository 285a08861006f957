"""What MLflow gets of an evaluation."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from tracelate.config import Params
from tracelate.evaluation.attention_statistics import AttentionStatistics
from tracelate.evaluation.metrics import LengthBucket, Score
from tracelate.evaluation.report import TranslationRow
from tracelate.tracking.runs import DataFile, attach_run, hash_tags


def track_evaluation(
    params: Params,
    run_id: str,
    *,
    test: Path,
    scores: Sequence[Score],
    buckets: Sequence[LengthBucket],
    attention: AttentionStatistics | None,
    rows: Sequence[TranslationRow],
    sentences_per_s: float,
    figures: Path,
    files: Iterable[Path],
) -> None:
    """Logs scores, signatures, pictures and the table of translations to the training's run."""
    run = attach_run(
        run_id,
        params.runtime.experiment,
        "evaluate",
        params.model_dump(),
        {
            **{f"signature.{score.name}": score.signature for score in scores},
            **hash_tags([test]),
        },
    )
    run.log_datasets([DataFile(test, "test", len(rows))])
    run.log_metrics(
        {
            **dict(score_metrics(scores, buckets)),
            **dict(attention_metrics(attention)),
            "test_sentences_per_s": sentences_per_s,
        }
    )
    run.log_files(sorted(figures.glob("*.png")), "figures")
    run.log_files(files, "evaluation")
    shown = ("source", "reference", "translation", "sentence_bleu", "sentence_chrf", "group")
    run.log_table(
        {name: [getattr(row, name) for row in rows] for name in shown}, "translations.json"
    )
    run.finish()


def score_metrics(
    scores: Sequence[Score], buckets: Sequence[LengthBucket]
) -> Iterator[tuple[str, float]]:
    """Each score with its interval, and BLEU by source length, under MLflow's metric names."""
    for score in scores:
        yield f"test_{score.name}", score.value
        yield f"test_{score.name}_low", score.low
        yield f"test_{score.name}_high", score.high
    for bucket in buckets:
        if bucket.bleu is not None:
            longest = "up" if bucket.longest is None else bucket.longest
            name = f"test_bleu_by_source_length/{bucket.shortest}_{longest}_words"
            yield name, bucket.bleu.value


def attention_metrics(attention: AttentionStatistics | None) -> Iterator[tuple[str, float]]:
    """What attention was like on the test set, under MLflow's metric names."""
    if attention is not None:
        for name, value in attention._asdict().items():
            if name == "sharpness_by_position":
                for tenth, sharpness in enumerate(value, start=1):
                    yield f"attention_sharpness_by_position/tenth_{tenth:02d}", sharpness
            else:
                yield f"attention_{name}", value
