"""The results of the pipeline, for the terminal."""

from __future__ import annotations

from rich.markup import escape
from rich.table import Table

from tracelate import layout
from tracelate.cli.printable_console import PrintableConsole
from tracelate.config import Params
from tracelate.corpus.data_report import DataReport, describe_normalised, read_data_report
from tracelate.corpus.provenance import Provenance
from tracelate.corpus.sources.choose import read_provenance
from tracelate.errors import InputError
from tracelate.evaluation.metrics_file import read_metrics
from tracelate.evaluation.neural.scores import is_neural
from tracelate.evaluation.report import Metrics, TranslationRow, read_translations
from tracelate.evaluation.word_attention import choose_for_heat_maps
from tracelate.files import read_json
from tracelate.metric_table import BLEU, METRICS
from tracelate.model.architecture import architecture_name
from tracelate.text.languages import shown_direction
from tracelate.training.report import TrainingReport, read_training_report

READ = (
    layout.PROVENANCE,
    layout.DATA_REPORT,
    layout.TRAINING_REPORT,
    layout.METRICS,
    layout.TRANSLATIONS,
)
"""Files of a finished run that the summary is made from."""


def print_summary(params: Params) -> None:
    """Prints the reports of the last run. Raises InputError if it is not finished."""
    _refuse_unfinished()
    console = PrintableConsole(highlight=False)
    provenance, data = read_provenance(layout.PROVENANCE), read_data_report(layout.DATA_REPORT)
    console.print(data_line(params, provenance, data), soft_wrap=True)
    console.print(
        training_line(params, read_training_report(layout.TRAINING_REPORT)), soft_wrap=True
    )
    console.print(score_table(read_metrics(layout.METRICS)))
    for test in params.evaluate.tests:
        path = layout.TEST_RESULTS / test.name / layout.METRICS.name
        if path.is_file():
            console.print(further_line(test.name, read_metrics(path)), soft_wrap=True)
    console.print(translation_table(list(read_translations(layout.TRANSLATIONS))))
    console.print(NEXT_STEPS, soft_wrap=True)


def summary_document() -> dict[str, object]:
    """Returns the reports of the last run. Raises InputError if it is not finished."""
    _refuse_unfinished()
    names = {
        "corpus": layout.PROVENANCE,
        "data": layout.DATA_REPORT,
        "training": layout.TRAINING_REPORT,
        "evaluation": layout.METRICS,
    }
    return {name: read_json(path) for name, path in names.items()}


def _refuse_unfinished() -> None:
    for path in READ:
        if not path.is_file():
            raise InputError(f"{path} is missing: run the pipeline first, with `make run`")


def data_line(params: Params, provenance: Provenance, data: DataReport) -> str:
    """Returns the line about languages, corpus, licence, sizes and leakage."""
    origin = f"{provenance.title} ({provenance.licence})"
    counts = ", ".join(f"{name} {split.pairs:,}" for name, split in data.splits)
    near = data.leakage.test.near_source_percent
    languages = shown_direction(params.download.source_language, params.download.target_language)
    return (
        f"[bold]Data[/]   {languages} from {escape(origin)}: {counts} pairs; "
        f"{near:.1f} % of the test sentences nearly occur in training; {describe_normalised(data)}"
    )


def training_line(params: Params, report: TrainingReport) -> str:
    """Returns the line about architecture, size, duration and speed."""
    return (
        f"[bold]Model[/]  {architecture_name(params.model)}: "
        f"{report.parameter_count / 1e6:.1f} M parameters, {report.epochs} epochs in "
        f"{report.seconds / 60:.1f} minutes at {report.tokens_per_s:,.0f} target tokens/s"
    )


def score_table(metrics: Metrics) -> Table:
    """Returns a row for each metric, with its interval and meaning."""
    scores = {score.name: score for score in metrics.scores}
    signature = scores[BLEU.key].signature if BLEU.key in scores else "none"
    table = Table(
        title=f"Scores on {metrics.test.sentences:,} test sentences",
        caption=f"signature of {BLEU.title}: {escape(signature)}",
        title_justify="left",
        caption_justify="left",
    )
    for column in ("", "score", "95 % interval", "meaning"):
        table.add_column(column, justify="right" if column == "score" else "left")
    for metric in METRICS.values():
        if (score := scores.get(metric.key)) is not None:
            interval = f"{score.low:.1f} to {score.high:.1f}"
            meaning = f"{metric.meaning}; {metric.direction}"
            table.add_row(metric.title, f"{score.value:.1f}", interval, meaning)
    for score in metrics.scores:
        if is_neural(score.signature):
            interval = f"{score.low:.1f} to {score.high:.1f}"
            table.add_row(escape(score.name), f"{score.value:.1f}", interval, "neural metric")
    return table


def further_line(name: str, metrics: Metrics) -> str:
    """Returns the line about the scores on a further test set."""
    scores = ", ".join(
        f"{METRICS[score.name].title if score.name in METRICS else escape(score.name)} "
        f"{score.value:.1f} ({score.low:.1f} to {score.high:.1f})"
        for score in metrics.scores
    )
    return f"[bold]Test set {escape(name)}[/]  {metrics.test.sentences:,} sentences: {scores}"


def translation_table(rows: list[TranslationRow], count: int = 5) -> Table:
    """Returns `count` test sentences of different lengths with their translations."""
    table = Table(title="Some translations", title_justify="left", show_lines=True)
    for column in ("source", "translation", "reference"):
        table.add_column(column, ratio=1)
    for place in choose_for_heat_maps([row.source for row in rows], count):
        row = rows[place]
        table.add_row(escape(row.source), escape(row.translation), escape(row.reference))
    return table


NEXT_STEPS = """\
[bold]Look[/]   make ui                     curves, scores and attention at http://127.0.0.1:5000
       reports/figures             the same pictures as files
       reports/translations.html   every test sentence, with the attention of each word
[bold]Use[/]    echo 'Could not connect' | .venv/bin/tracelate translate
[bold]Next[/]   .venv/bin/dvc exp run -S model.attention=additive     another attention
       .venv/bin/dvc exp run -S download.target_language=de  another language
       .venv/bin/tracelate runs                              all runs and their scores"""
