"""Typed view of study.yaml, and the paths of each run's results."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple, Self

from pydantic import Field, ValidationError, model_validator

from pipeline.stage import run_stage
from tracelate.config import Params, Section, load_params
from tracelate.config_file import explain_errors, read_settings
from tracelate.errors import InputError
from tracelate.layout import CURVES, METRICS, TRAINING_REPORT, TRANSLATIONS

FOLDER = Path("studies/attention")
STUDY = FOLDER / "study.yaml"
RESULTS = FOLDER / "results"
SPEED = FOLDER / "speed.json"
Changes = dict[str, dict[str, Any]]
"""Settings that differ, by section of params.yaml."""


class Study(Section):
    """Content of study.yaml."""

    seeds: list[int] = Field(min_length=1)
    names: list[str]
    """Variants that are run; DVC's matrix reads this list."""
    base: Changes
    variants: dict[str, Changes]

    @model_validator(mode="after")
    def name_known_variants(self) -> Self:
        for name in self.names:
            if name not in self.variants:
                raise ValueError(f"{name} is among names, but not among variants: add it there")
        return self


class Run(NamedTuple):
    """One variant with one seed."""

    variant: str
    seed: int
    params: Params
    """Settings of the whole pipeline for this run."""

    @property
    def name(self) -> str:
        return f"{self.variant}, seed {self.seed}"

    @property
    def folder(self) -> Path:
        return RESULTS / self.variant / str(self.seed)

    @property
    def model(self) -> Path:
        return self.folder / "model"

    @property
    def curves(self) -> Path:
        return self.folder / CURVES.name

    @property
    def training(self) -> Path:
        return self.folder / TRAINING_REPORT.name

    @property
    def metrics(self) -> Path:
        return self.folder / METRICS.name

    @property
    def translations(self) -> Path:
        return self.folder / TRANSLATIONS.name


def load_study() -> Study:
    """Reads study.yaml. Raises InputError if it is missing or invalid."""
    return read_settings(STUDY, Study)


def load_run(study: Study, variant: str, seed: int) -> Run:
    """Returns the run with the settings of params.yaml, changed by those of the study."""
    if variant not in study.variants:
        raise InputError(f"{variant} is no variant of {STUDY}: take one of {study.names}")
    values = load_params().model_dump()
    for changes in (study.base, study.variants[variant], {"train": {"seed": seed}}):
        for section, settings in changes.items():
            values[section] = {**values.get(section, {}), **settings}
    try:
        return Run(variant, seed, Params.model_validate(values))
    except ValidationError as error:
        reasons = explain_errors(error.errors(include_url=False), Params)
        raise InputError(f"{STUDY}: variant {variant}: {reasons}") from error


def run_of_a_variant(main: Callable[[Run], None]) -> None:
    """Runs `main` for the variant and the seed that the command line names."""
    run_stage(lambda: main(_named_run(sys.argv[1:])))


def _named_run(arguments: list[str]) -> Run:
    if len(arguments) != 2:
        raise InputError(f"{len(arguments)} arguments: name a variant and a seed, as in general 1")
    variant, seed = arguments
    if not seed.isdecimal():
        raise InputError(f"the seed is {seed!r}: give a whole number")
    return load_run(load_study(), variant, int(seed))
