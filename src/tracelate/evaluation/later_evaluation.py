"""The evaluation of a model on text that it was not evaluated on before, into a folder of its own.

Nothing of the model's own evaluation is read or written.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from tracelate.config import BehaviourConfig, EvaluateConfig
from tracelate.corpus.aligned_files import AlignedTest
from tracelate.corpus.further.sources import aligned_set
from tracelate.errors import InputError
from tracelate.evaluation.evaluation import Evaluation, write_results
from tracelate.evaluation.evaluation_record import (
    RECORD,
    RESULTS,
    EvaluationRecord,
    HashedFile,
    ScoredModel,
    ScoredText,
    write_record,
)
from tracelate.evaluation.further_evaluation import evaluate_further, refuse_long_sentences
from tracelate.evaluation.page_frame import Facts
from tracelate.files import sha256_of, temporary_folder
from tracelate.inference.translator import Translator
from tracelate.metric_table import ScoringOptions

BOOTSTRAP_SAMPLES, BOOTSTRAP_SEED = 1000, 12345
"""Those of sacrebleu."""
EXAMPLES = 10
"""Quoted sentences with a fault of behaviour."""
LENGTH_BUCKETS, MIN_BUCKET_SENTENCES = [1, 3, 6, 11, 21], 20


def evaluate_text(
    translator: Translator,
    source: Path,
    test: AlignedTest,
    options: ScoringOptions,
    on_progress: Callable[[int], object] = lambda _: None,
) -> Evaluation:
    """Translates the sentences of `source` and scores them against the test's references.

    Raises InputError for a line that is too long to be translated as a whole.
    """
    further = aligned_set(source, test)
    refuse_long_sentences(translator, further, source)
    settings = _settings(translator, options)
    return evaluate_further(translator, further, settings, None, on_progress)


def text_record(source: Path, references: Sequence[Path], test: AlignedTest) -> ScoredText:
    """Returns the record of a test set."""
    return ScoredText(
        sentences=len(test.references),
        sha256=test.sha256,
        source=_hashed(source),
        references=[_hashed(path) for path in references],
    )


def refuse_existing(folder: Path, inputs: Sequence[Path], *, force: bool) -> None:
    """Raises InputError if an evaluation may not be written to the folder.

    It must not exist, or with `force` have an earlier evaluation of this kind. The folder of an
    input, and one with the lineage of a model, are never written to.
    """
    if folder.is_dir() and folder.resolve() in {path.resolve().parent for path in inputs}:
        raise InputError(f"{folder} has an input file: name another folder for the output")
    if not folder.exists():
        return
    if not folder.is_dir():
        raise InputError(f"{folder} is a file: name a folder for the output")
    found = {path.name for path in folder.iterdir()}
    if not found:
        return
    if RECORD not in found or not found <= {RECORD, *RESULTS}:
        raise InputError(f"{folder} has other files than an evaluation's: name a new folder")
    if not force:
        raise InputError(f"{folder} has an evaluation already: name another, or add --force")


def write_evaluation(
    folder: Path,
    evaluation: Evaluation,
    translator: Translator,
    model: ScoredModel,
    text: ScoredText,
    facts: Facts,
) -> None:
    """Writes the scores, the translations, their page and the record, all or none of them.

    `facts` is the origin of the evaluation, for the page's heading.
    """
    with temporary_folder(folder) as unfinished:
        write_results(evaluation, translator, unfinished, facts)
        record = EvaluationRecord(
            model=model,
            test=text,
            signatures=evaluation.signatures,
            results={name: sha256_of(unfinished / name) for name in RESULTS},
        )
        write_record(unfinished, record)
        if not folder.exists():
            unfinished.rename(folder)
            return
        for name in (*RESULTS, RECORD):
            (unfinished / name).replace(folder / name)


def _hashed(path: Path) -> HashedFile:
    return HashedFile(name=path.name, sha256=sha256_of(path))


def _settings(translator: Translator, options: ScoringOptions) -> EvaluateConfig:
    return EvaluateConfig(
        beam_size=translator.beam_size,
        length_penalty=translator.length_penalty,
        batch_sentences=translator.batch_sentences,
        tokenizer=options.tokenizer,
        lowercase=options.lowercase,
        force=False,
        bootstrap_samples=BOOTSTRAP_SAMPLES,
        bootstrap_seed=BOOTSTRAP_SEED,
        source_length_buckets=LENGTH_BUCKETS,
        min_bucket_sentences=MIN_BUCKET_SENTENCES,
        heat_maps=0,
        neural_metrics=[],
        behaviour=BehaviourConfig(variant_sentences=0, seed=0, examples=EXAMPLES),
        tests=[],
    )
