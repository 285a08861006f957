"""Writes the results of the study: docs/attention.md, two figures, and the runs in MLflow.

    python -m studies.attention.report

reads   studies/attention/results, studies/attention/speed.json, params.yaml,
        studies/attention/study.yaml
writes  docs/attention.md, docs/attention/{bleu,source_length}.png
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from pipeline.stage import run_stage, say
from studies.attention.document import Sources, document
from studies.attention.longer import longer_trained
from studies.attention.outcome import study_outcome
from studies.attention.plots import bleu_figure, source_length_figure
from studies.attention.settings import SPEED, Run, load_run, load_study
from tracelate.comparison.comparability import differences
from tracelate.config import load_params
from tracelate.errors import InputError
from tracelate.evaluation.figures.style import write_png
from tracelate.evaluation.results import Evidence, read_evidence
from tracelate.files import read_json, whole_file
from tracelate.layout import TRAIN_CURVE, VALID_CURVE
from tracelate.tracking.runs.best_effort import best_effort
from tracelate.tracking.runs.log_study import StudyRun, track_study

DOCUMENT = Path("docs/attention.md")
PICTURES = Path("docs/attention")
BLEU_PICTURE = PICTURES / "bleu.png"
LENGTH_PICTURE = PICTURES / "source_length.png"
NAMED = ("none", "general", "additive", "feed_forward", "transformer")
"""Variants in colour in the figure of BLEU by source length."""


def main() -> None:
    study = load_study()
    runs = {
        variant: [load_run(study, variant, seed) for seed in study.seeds] for variant in study.names
    }
    evidence = {
        variant: [read_evidence(run.folder, run.name) for run in of] for variant, of in runs.items()
    }
    refuse_incomparable(evidence)
    outcome = study_outcome(evidence)
    pictured = outcome.without(longer_trained(study))
    write_png(bleu_figure(pictured), BLEU_PICTURE)
    named = [name for name in NAMED if name in pictured.variants]
    write_png(source_length_figure(pictured, named), LENGTH_PICTURE)
    sources = Sources(
        params=load_params(),
        study=study,
        runs={variant: of[0] for variant, of in runs.items()},
        training={variant: [read_json(run.training) for run in of] for variant, of in runs.items()},
        speed=read_json(SPEED),
    )
    with whole_file(DOCUMENT) as temporary:
        temporary.write_text(document(outcome, sources), encoding="utf-8")
    with best_effort():
        track_study(
            load_params().runtime.experiment,
            "what attention brings",
            [study_run(run) for of in runs.values() for run in of],
            [DOCUMENT, BLEU_PICTURE, LENGTH_PICTURE, SPEED],
        )
    say(f"report: {DOCUMENT}, from {sum(len(of) for of in runs.values())} runs")


def refuse_incomparable(evidence: Mapping[str, list[Evidence]]) -> None:
    """Raises InputError if two runs differ in their test set or in the signature of a metric."""
    every = [one for of in evidence.values() for one in of]
    for other in every[1:]:
        for reason in differences(every[0], other):
            raise InputError(
                f"{every[0].name} and {other.name} cannot be compared ({reason}): run `make study`"
            )


def study_run(run: Run) -> StudyRun:
    return StudyRun(
        name=run.name,
        tags={"study.variant": run.variant, "study.seed": str(run.seed)},
        params=run.params.model_dump(),
        training=run.training,
        metrics=run.metrics,
        translations=run.translations,
        curves=[run.curves / TRAIN_CURVE.name, run.curves / VALID_CURVE.name],
    )


if __name__ == "__main__":
    run_stage(main, [DOCUMENT, BLEU_PICTURE, LENGTH_PICTURE])
