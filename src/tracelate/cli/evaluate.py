"""Scoring a model on text that it was not evaluated on before: evaluate."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Annotated

import typer

from tracelate.cli.console import print_json, print_line, result_console
from tracelate.cli.options import ENSEMBLE_HELP, REFERENCE_HELP
from tracelate.cli.score import LowercaseOption, ReferenceFiles, TokenizerOption
from tracelate.cli.signing_options import TrustedKeyOption
from tracelate.errors import InputError

if TYPE_CHECKING:
    from tracelate.evaluation.evaluation_record import ScoredModel
    from tracelate.tracking.references.references import Reference
    from tracelate.tracking.references.trained_models import LoadedModel
    from tracelate.tracking.runs.run_writer import RunWriter

app = typer.Typer()


@app.command(
    epilog="Example: `tracelate evaluate --model models:/tracelate@champion --source new.en "
    "--reference new.es --output scores/new`"
)
def evaluate(
    source: Annotated[Path, typer.Option(help="Text file with the sentences to translate.")],
    reference: ReferenceFiles,
    model: Annotated[str, typer.Option(help=REFERENCE_HELP + ENSEMBLE_HELP)] = ".",
    output: Annotated[
        Path | None,
        typer.Option(
            help="New folder for metrics.json, translations.jsonl, a page of the translations, and "
            "evaluation.json, the record of what was scored. `tracelate compare` takes the folder."
        ),
    ] = None,
    force: Annotated[
        bool, typer.Option("--force", help="Replace an earlier evaluation in that folder.")
    ] = False,
    log: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="Add the evaluation to the model's run in MLflow under this name of the test set, "
            "beside the run's own evaluation; `tracelate compare --test NAME` finds it there.",
        ),
    ] = None,
    tokenizer: TokenizerOption = "auto",
    lowercase: LowercaseOption = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the scores as JSON.")] = False,
    trusted_key: TrustedKeyOption = None,
) -> None:
    """Score any model on any text, at any time after its training.

    The model translates with the settings of its own evaluation. Its files and its lineage stay as
    they are, and so does its run without --log.
    """
    from tracelate.cli.score_tables import scores_document, scores_table
    from tracelate.corpus.aligned_files import read_aligned_test
    from tracelate.evaluation.later_evaluation import (
        evaluate_text,
        refuse_existing,
        text_record,
        write_evaluation,
    )
    from tracelate.evaluation.page_frame import later_facts
    from tracelate.inference.translator import Translator
    from tracelate.metric_table import ScoringOptions, scoring_metrics
    from tracelate.progress import bar
    from tracelate.sacrebleu_metric import refuse_unavailable
    from tracelate.signing.trust import read_trust
    from tracelate.tracking.references.ensemble_references import load_members, resolve_members

    _refuse_wrong_name(log)
    test = read_aligned_test(source, reference)
    text = text_record(source, reference, test)
    if output is not None:
        refuse_existing(output, [source, *reference], force=force)
    found = resolve_members(model)
    run = None if log is None else _run_to_log_to(_one_of(found, model), log, test.sha256)
    loaded = load_members(found, read_trust(trusted_key or ()))
    options = ScoringOptions(tokenizer, lowercase)
    target_language = loaded.trained.config.target_language
    refuse_unavailable(scoring_metrics(target_language, options).values())
    translator = Translator(loaded.trained, **loaded.settings._asdict())
    with bar("translate", len(test.references)) as advance:
        evaluation = evaluate_text(translator, source, test, options, advance)
    scores = evaluation.metrics.scores
    record = _model_record(model, loaded)
    facts = later_facts(log or source.name, model, loaded.lineage)
    if run is not None and log is not None:
        _add_to_run(
            run,
            log,
            lambda folder: write_evaluation(folder, evaluation, translator, record, text, facts),
        )
    if output is not None:
        write_evaluation(output, evaluation, translator, record, text, facts)
        print_line(f"written: {output}", err=True)
    if as_json:
        print_json(scores_document(scores, text.sentences, text.sha256))
    else:
        result_console().print(scores_table(scores, text.sentences))


def _refuse_wrong_name(name: str | None) -> None:
    from tracelate.config import OWN_TEST, TEST_NAME

    if name is not None and (name == OWN_TEST or not re.fullmatch(TEST_NAME, name)):
        raise InputError(
            f"--log {name!r} is no name of a further test set: use up to 50 lower-case letters, "
            "digits, '_' and '-'; test is that of the run's own evaluation"
        )


def _one_of(references: list[Reference], text: str) -> Reference:
    if len(references) > 1:
        raise InputError(f"{text} is an ensemble, which has no run: leave out --log")
    return references[0]


def _run_to_log_to(reference: Reference, name: str, sha256: str) -> RunWriter:
    """Returns the model's run. Raises InputError before the model translates if it cannot be."""
    from tracelate.tracking.references.reference_runs import connect_for, run_of_reference
    from tracelate.tracking.runs.log_later_evaluation import (
        refuse_other_text,
        refuse_stage_evaluation,
    )
    from tracelate.tracking.runs.run_writer import RunWriter

    store = connect_for(reference)
    run = RunWriter(store, run_of_reference(store, reference).run_id)
    refuse_other_text(run, name, sha256)
    refuse_stage_evaluation(run, name)
    return run


def _add_to_run(run: RunWriter, name: str, write: Callable[[Path], object]) -> None:
    """Adds the evaluation that `write` writes to a folder."""
    from tracelate.tracking.runs.log_later_evaluation import log_later_evaluation

    with TemporaryDirectory(prefix="tracelate-") as temporary:
        folder = Path(temporary) / name
        write(folder)
        log_later_evaluation(run, name, folder)
    print_line(f"added to run {run.run_id} as {name}", err=True)


def _model_record(reference: str, loaded: LoadedModel) -> ScoredModel:
    from tracelate.evaluation.evaluation_record import ScoredModel

    return ScoredModel(
        name=reference,
        files=dict(loaded.sha256_by_name),
        training_run_id=None if loaded.receipt is None else loaded.receipt.run_id,
        **loaded.settings._asdict(),
    )
