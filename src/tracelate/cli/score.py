"""Scoring translations of any system: score."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from tracelate.cli.console import print_json, result_console
from tracelate.errors import InputError
from tracelate.metric_table import TokenizerName

app = typer.Typer()

ReferenceFiles = Annotated[
    list[Path],
    typer.Option(
        "--reference",
        help="Text file with a right translation of each sentence; repeat it for several "
        "references. An empty line of one of several files is a missing reference.",
    ),
]

TokenizerOption = Annotated[
    TokenizerName,
    typer.Option(
        help="Tokenizer of BLEU; auto: by the target language. none is for text that is tokenised."
    ),
]
LowercaseOption = Annotated[
    bool, typer.Option("--lowercase", help="Do not distinguish upper and lower case.")
]


@app.command(epilog="Example: `tracelate score --translations out.es --reference test.es`")
def score(
    translations: Annotated[
        Path, typer.Option(help="Text file with a translation of each sentence, of any system.")
    ],
    reference: ReferenceFiles,
    source: Annotated[
        Path | None,
        typer.Option(help="Text file with the source sentences, whose hash is then included."),
    ] = None,
    language: Annotated[
        str, typer.Option(help="Code of the target language, which the tokenizer depends on.")
    ] = "en",
    tokenizer: TokenizerOption = "auto",
    lowercase: LowercaseOption = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the scores as JSON.")] = False,
) -> None:
    """Score translations against one or several references.

    The scores are those of sacrebleu's command. An empty translation is scored; an empty source or
    a sentence without a reference is refused.
    """
    from tracelate.cli.score_tables import scores_document, scores_table
    from tracelate.corpus.aligned_files import (
        read_aligned_test,
        refuse_missing,
        refuse_other_lengths,
        refuse_same_file,
    )
    from tracelate.corpus.sources.line_files import read_lines
    from tracelate.evaluation.later_evaluation import BOOTSTRAP_SAMPLES, BOOTSTRAP_SEED
    from tracelate.evaluation.metrics import corpus_scores
    from tracelate.metric_table import ScoringOptions, scoring_metrics
    from tracelate.progress import spinner
    from tracelate.sacrebleu_metric import refuse_unavailable

    options = ScoringOptions(tokenizer, lowercase)
    metrics = scoring_metrics(_known_language(language), options)
    refuse_unavailable(metrics.values())
    refuse_missing([translations])
    refuse_same_file([translations, *reference, *([source] if source is not None else [])])
    test, lines = read_aligned_test(source, reference), read_lines(translations)
    refuse_other_lengths({translations: len(lines), reference[0]: len(test.references)})
    with spinner("scoring"):
        scores = corpus_scores(
            lines,
            test.references,
            samples=BOOTSTRAP_SAMPLES,
            seed=BOOTSTRAP_SEED,
            metrics=metrics,
        )
    if as_json:
        print_json(scores_document(scores, len(lines), test.sha256))
    else:
        result_console().print(scores_table(scores, len(lines)))


def _known_language(code: str) -> str:
    """Raises InputError for a code that names no language."""
    from tracelate.text.languages import UnknownLanguageError, normal_form

    try:
        return normal_form(code)
    except UnknownLanguageError as error:
        raise InputError(f"--language {code!r} {error}") from error
