"""A model's card: what it is, how good it is and where it comes from, as Markdown."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from tracelate import layout
from tracelate.behaviour_table import CHECKS, check_title
from tracelate.corpus.data_report import DataReport, describe_normalised, read_data_report
from tracelate.evaluation.lineage import Lineage, read_lineage
from tracelate.evaluation.metrics_file import read_metrics
from tracelate.evaluation.report import Metrics
from tracelate.files import whole_file
from tracelate.metric_table import titled_direction
from tracelate.model.architecture import architecture_name
from tracelate.saved_settings import model_config_of
from tracelate.tracking.packages.package_files import CARD, PICTURES
from tracelate.training.report import TrainingReport, read_training_report

GENERATED = "*Written by Tracelate from the evaluation's files.*"
"""Last line of a card in short, which a user's own description lacks."""


def write_card(folder: Path, root: Path = Path()) -> None:
    """Writes the card of the project's model, with its pictures beside it."""
    pictures = sorted((root / layout.FIGURES).glob("*.png"))
    (folder / PICTURES).mkdir(parents=True, exist_ok=True)
    for picture in pictures:
        shutil.copyfile(picture, folder / PICTURES / picture.name)
    text = model_card(
        read_lineage(root / layout.LINEAGE),
        read_metrics(root / layout.METRICS),
        read_training_report(root / layout.TRAINING_REPORT),
        read_data_report(root / layout.DATA_REPORT),
        [picture.name for picture in pictures],
    )
    with whole_file(folder / CARD) as temporary:
        temporary.write_text(text, encoding="utf-8")


def short_card(root: Path = Path()) -> str:
    """Returns the card of the project's model in short: what it is, its scores and its origin."""
    lineage, metrics = read_lineage(root / layout.LINEAGE), read_metrics(root / layout.METRICS)
    model = architecture_name(model_config_of(lineage.params["model"]))
    commit = (lineage.training.commit or "none")[:12]
    changed = ", with changes that are not in it" if lineage.training.dirty else ""
    lines = [
        *_what(lineage, model, read_training_report(root / layout.TRAINING_REPORT)),
        "",
        f"On {metrics.test.sentences:,} test sentences, in percent:",
        "",
        *(
            f"- {titled_direction(score.name)} {score.value:.2f} "
            f"(95 % interval {score.low:.2f} to {score.high:.2f})"
            for score in metrics.scores
        ),
        "",
        f"Licence of the corpus: {lineage.provenance.licence}. "
        f"Training run `{lineage.training.run_id}`, commit `{commit}`{changed}.",
        "",
        GENERATED,
    ]
    return "\n".join(lines)


def model_card(
    lineage: Lineage,
    metrics: Metrics,
    training: TrainingReport,
    data: DataReport,
    pictures: Sequence[str],
) -> str:
    """`training` and `data` are the contents of reports/train.json and reports/data.json."""
    model = architecture_name(model_config_of(lineage.params["model"]))
    sections = {
        f"{lineage.pair}: {model}": _what(lineage, model, training),
        "Scores": _scores(metrics),
        "Behaviour": _behaviour(metrics),
        "Data": _data(lineage, data),
        "Where it comes from": _chain(lineage),
        "Known limits": _limits(lineage, metrics, data),
        "Pictures": [f"![{Path(name).stem}]({PICTURES}/{name})" for name in pictures],
    }
    paragraphs = (
        "\n".join([f"{'#' if number == 0 else '##'} {title}", "", *lines])
        for number, (title, lines) in enumerate(sections.items())
    )
    return "\n\n".join(paragraphs) + "\n"


def _what(lineage: Lineage, model: str, training: TrainingReport) -> list[str]:
    return [
        f"Translates from {lineage.direction}: an "
        f"encoder-decoder ({model}) with {training.parameter_count:,} parameters, trained for "
        f"{training.epochs} epochs ({training.steps:,} steps) on {lineage.corpus}."
    ]


def _scores(metrics: Metrics) -> Iterator[str]:
    yield (
        f"On {metrics.test.sentences:,} test sentences "
        f"(sha256 {_short(metrics.test.sha256)}), in percent:"
    )
    yield ""
    yield "| | score | 95 % interval | signature |"
    yield "| --- | --- | --- | --- |"
    for score in metrics.scores:
        signature = score.signature.replace("|", " ")
        yield (
            f"| {titled_direction(score.name)} | {score.value:.2f} | "
            f"{score.low:.2f} to {score.high:.2f} | {signature} |"
        )
    yield ""
    yield "Scores of other test sets or signatures cannot be compared with these."


def _behaviour(metrics: Metrics) -> Iterator[str]:
    if metrics.behaviour is None:
        yield "Faults in translations were not counted."
        return
    yield "Faults in the translations of the test set and of sentences made from it:"
    yield ""
    yield "| fault | sentences | of | share | |"
    yield "| --- | --- | --- | --- | --- |"
    for key, count in metrics.behaviour.checks.items():
        meaning = CHECKS[key].meaning if key in CHECKS else ""
        yield (
            f"| {check_title(key)} | {count.faults:,} | {count.sentences:,} | "
            f"{count.percent:.1f} % | {meaning} |"
        )
    if (invented := metrics.behaviour.invented_words_percent) is not None:
        yield ""
        yield (
            f"{metrics.behaviour.invented_words:,} of {metrics.behaviour.words:,} words "
            f"({invented:.1f} %) occur neither in the training text nor in the source."
        )


def _data(lineage: Lineage, data: DataReport) -> list[str]:
    splits = ", ".join(f"{name} {split.pairs:,}" for name, split in data.splits)
    near = lineage.leakage["test"]["near_source_percent"]
    return [
        *_corpora(lineage),
        f"- sentence pairs: {splits}",
        f"- steps that all text passes, also each text to translate: "
        f"{', '.join(lineage.normalise) or 'none'}; in the corpus, {describe_normalised(data)}",
        *(
            ["- placeholders of a text are copied whole"]
            if lineage.params["tokenize"].get("placeholders") == "copy"
            else []
        ),
        *_subwords(lineage.params["tokenize"]),
        f"- test sentences that nearly occur in training: {near:.1f} % ({data.near_duplicate})",
    ]


SUBWORDS = {"bpe": "byte-pair encoding", "unigram": "a unigram language model"}
PIECES = {"bytes": "bytes", "byte_fallback": "characters, with bytes for rare ones"}


def _subwords(tokenize: Mapping[str, Any]) -> Iterator[str]:
    """Yields the kind of pieces, as it was before it was a setting where it is missing."""
    model, pieces = (str(tokenize.get(*one)) for one in (("model", "bpe"), ("pieces", "bytes")))
    yield f"- subword pieces: {SUBWORDS.get(model, model)} over {PIECES.get(pieces, pieces)}"
    if tokenize.get("casing") == "case_markup":
        yield "- capitals: words are in lower case after a token of their case, and get it back"
    if isinstance(symbols := tokenize.get("user_symbols"), list) and symbols:
        yield f"- texts that are always one piece: {', '.join(f'`{one}`' for one in symbols)}"


def _corpora(lineage: Lineage) -> Iterator[str]:
    for part in lineage.corpus_parts:
        if not part.name:
            yield f"- corpus: {part.provenance.title}"
            yield f"- licence: {part.provenance.licence}"
            continue
        read = ", ".join(f"{split} {count:,}" for split, count in part.share.pairs.items())
        yield (
            f"- corpus {part.name}: {part.provenance.title}, licence {part.provenance.licence}; "
            f"pairs read: {read}; weight {part.share.weight:g}"
        )


def _chain(lineage: Lineage) -> Iterator[str]:
    training = lineage.training
    changed = ", with changes that are not in it" if training.dirty else ""
    yield f"Training run `{training.run_id}`, git commit `{training.commit or 'none'}`{changed}."
    yield "`lineage.json` has every hash and setting in full; they begin with:"
    yield ""
    yield "| file | sha256 |"
    yield "| --- | --- |"
    for name, sha256 in lineage.files.items():
        yield f"| {name} | `{_short(sha256)}` |"
    for part in lineage.corpus_parts:
        if (archive := part.provenance.archive_sha256) is not None:
            yield f"| {part.provenance.title} | `{_short(archive)}` |"


def _limits(lineage: Lineage, metrics: Metrics, data: DataReport) -> Iterator[str]:
    sources = len(lineage.corpus_parts)
    kinds = "one kind" if sources == 1 else f"{sources} sources"
    yield (
        f"- It has seen text of {kinds} only, {data.splits.train.pairs:,} pairs of it: "
        "other text will be translated worse than the scores say."
    )
    scored = [(bucket.bleu.value, bucket) for bucket in metrics.buckets if bucket.bleu is not None]
    if scored:
        value, worst = min(scored, key=lambda one: one[0])
        longest = "or more" if worst.longest is None else f"to {worst.longest}"
        yield f"- It is worst on sources of {worst.shortest} {longest} words: BLEU {value:.1f}."
    yield "- It translates sentence by sentence and knows no context."
    yield "- Nobody has checked its translations for harmful or unfair content."


def _short(sha256: str) -> str:
    return sha256[:12]
