"""The field `behaviour` of reports/metrics.json."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import StringConstraints

from tracelate.behaviour_table import CHECKS
from tracelate.evaluation.behaviour.result import Behaviour, FaultCount, FaultExample
from tracelate.file_format import FileForm, Whole

CheckKey = Annotated[str, StringConstraints(pattern=r"^[a-z0-9_]{1,100}$")]
"""MLflow's names of metrics contain it."""


class ExampleForm(FileForm):
    """As `FaultExample`."""

    number: Whole
    source: str
    translation: str


class CheckForm(FileForm):
    """As `FaultCount`."""

    percent: float
    faults: Whole
    sentences: Whole
    chrf: float | None = None
    plain_chrf: float | None = None
    examples: list[ExampleForm]


class InventedForm(FileForm):
    """Words of the translations that neither the training text nor the source has."""

    percent: float
    invented: Whole
    words: Whole


class BehaviourForm(FileForm):
    """As `Behaviour`."""

    checks: dict[CheckKey, CheckForm]
    invented_words: InventedForm | None
    """Null if the training text was not known."""


def behaviour_form(behaviour: Behaviour | None) -> dict[str, Any] | None:
    """Returns the field's content."""
    if behaviour is None:
        return None
    invented = None
    if behaviour.words is not None and behaviour.invented_words is not None:
        invented = {
            "percent": behaviour.invented_words_percent,
            "invented": behaviour.invented_words,
            "words": behaviour.words,
        }
    checks = {key: _check_form(count) for key, count in behaviour.checks.items()}
    return {"checks": checks, "invented_words": invented}


def read_behaviour(form: BehaviourForm | None) -> Behaviour | None:
    """Returns what `behaviour_form` was given, with known checks in the order of their tables."""
    if form is None:
        return None
    order = dict.fromkeys([*(key for key in CHECKS if key in form.checks), *form.checks])
    checks = {key: _fault_count(form.checks[key]) for key in order}
    if form.invented_words is None:
        return Behaviour(checks)
    return Behaviour(checks, form.invented_words.words, form.invented_words.invented)


def _check_form(count: FaultCount) -> dict[str, Any]:
    means = {"chrf": count.chrf, "plain_chrf": count.plain_chrf} if count.chrf is not None else {}
    return {
        "percent": count.percent,
        "faults": count.faults,
        "sentences": count.sentences,
        **means,
        "examples": [example._asdict() for example in count.examples],
    }


def _fault_count(form: CheckForm) -> FaultCount:
    examples = [FaultExample(**example.model_dump()) for example in form.examples]
    return FaultCount(form.faults, form.sentences, examples, form.chrf, form.plain_chrf)
