"""reports/lineage.json: the chain of hashes from a model's weights to the text it learnt from.

Every file is named by its path from the project's root, with the sha256 of its bytes.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import Field, StringConstraints, ValidationError, model_validator

from tracelate import layout
from tracelate.config import OWN_TEST, TEST_NAME, Params
from tracelate.corpus.data_report import LeakageForm, read_data_report
from tracelate.corpus.further.report import REPORT_FORMAT, read_found_sets, set_path
from tracelate.corpus.further.sources import FurtherProvenance
from tracelate.corpus.provenance import CorpusPart
from tracelate.corpus.sources.choose import AnyProvenance, read_provenance
from tracelate.errors import InputError
from tracelate.evaluation.evaluation_record import RECORD, RESULTS
from tracelate.evaluation.hashed_names import (
    EvaluationHashes,
    ModelHashes,
    PreparedHashes,
    RawHashes,
    TestResultHashes,
    TestSetHashes,
    TokenizedHashes,
)
from tracelate.evaluation.metrics_file import read_metrics
from tracelate.evaluation.saved_params import SavedParams
from tracelate.file_format import (
    Document,
    FileForm,
    FileFormat,
    Name,
    Sha256,
    first_error,
    unchanged,
)
from tracelate.files import read_json, sha256_of
from tracelate.saved_settings import model_config_of
from tracelate.text.languages import shown_direction, shown_pair
from tracelate.text.normaliser import STEPS_BEFORE
from tracelate.training.model_files import CONFIG, TOKENIZER, WEIGHTS
from tracelate.training.run_file import TrainingRun, read_training_run

MODEL_FILES = (WEIGHTS, CONFIG, TOKENIZER)
UNPRINTABLE = ("Cc", "Cs")
"""Unicode categories of control characters, such as that which begins a terminal's commands, and of
surrogates, which UTF-8 cannot hold."""


class FurtherTest(FileForm):
    """A further test set, on which the model was evaluated besides its own."""

    sha256: Sha256
    """Of all sources and references."""
    data: TestSetHashes
    """The file of the sentences."""
    provenance: FurtherProvenance
    leakage: dict[str, int | float]
    """As reports/test_sets.json counts it, without the examples."""
    signatures: dict[Name, Name]
    """sacrebleu's, of each score; they have the number of references."""
    evaluation: TestResultHashes
    """The files of the evaluation."""


class Lineage(FileForm):
    """Content of lineage.json.

    It may come from a server or another machine: names of files are checked, because they are read
    and hashed, and no text has control characters, because it is printed.
    """

    training: TrainingRun
    model: ModelHashes
    tokenized: TokenizedHashes
    prepared: PreparedHashes
    raw: RawHashes
    provenance: AnyProvenance
    """data/raw/provenance.json whole."""
    leakage: dict[Literal["valid", "test"], dict[str, Any]]
    """Of valid and test, as reports/data.json counts it, without the examples."""
    params: dict[str, Any]
    """params.yaml whole, as the version that trained had it, so that the run can be repeated."""
    signatures: dict[Name, Name]
    """sacrebleu's, of each score."""
    test_sha256: Sha256
    """Of the file with the test sentences that the scores were measured on."""
    evaluation: EvaluationHashes
    """The scores and the translations that were scored."""
    test_sets: dict[Annotated[str, StringConstraints(pattern=rf"^{TEST_NAME}$")], FurtherTest] = (
        Field(default_factory=dict, exclude_if=lambda sets: not sets)
    )
    """Further test sets by their names; missing if there are none."""

    @model_validator(mode="before")
    @classmethod
    def _refuse_control_characters(cls, document: Any) -> Any:
        for text in _texts(document):
            if any(unicodedata.category(letter) in UNPRINTABLE for letter in text):
                raise ValueError(f"{text[:60]!a} has control characters")
        return document

    @model_validator(mode="after")
    def _refuse_missing_parts(self) -> Self:
        if "test" not in self.leakage:
            raise ValueError("leakage has no test")
        # the whole sections stay as they are in the file; these check what is read of them
        for name, form, part in (
            ("leakage.test", LeakageForm, self.leakage["test"]),
            ("params", SavedParams, self.params),
        ):
            try:
                form.model_validate(part)
            except ValidationError as error:
                raise ValueError(f"{name}.{first_error(error)}") from error
        model_config_of(self.params["model"])
        return self

    @model_validator(mode="after")
    def _refuse_missing_settings_of_the_corpus(self) -> Self:
        if not isinstance(self.params["download"].get(self.provenance.corpus), dict):
            raise ValueError(f"params has no section download.{self.provenance.corpus}")
        self.provenance.parts(self.corpus_settings)  # raises InputError if a source has none
        return self

    @model_validator(mode="after")
    def _refuse_inconsistent_test_sets(self) -> Self:
        for name, one in self.test_sets.items():
            if name == OWN_TEST or list(one.data) != [set_path(name).as_posix()]:
                raise ValueError(f"test_sets.{name} is not the data of a further test set")
            if set(one.evaluation) != {path.as_posix() for path in result_paths(name)}:
                raise ValueError(f"test_sets.{name} has other files than those of an evaluation")
            if not self.test_set_settings(name):
                raise ValueError(f"params has no test set {name} in evaluate.tests")
        return self

    def test_set_settings(self, name: str) -> Mapping[str, Any]:
        """Returns the settings of a test set's source; they are empty if there are none."""
        entries = self.params["evaluate"].get("tests")
        for entry in entries if isinstance(entries, list) else []:
            if isinstance(entry, dict) and entry.get("name") == name:
                settings = entry.get(self.test_sets[name].provenance.corpus)
                return settings if isinstance(settings, dict) else {}
        return {}

    @property
    def test_set_files(self) -> dict[str, str]:
        """Hashes of the sentences and of the evaluations of all further test sets."""
        return {
            name: sha256
            for one in self.test_sets.values()
            for name, sha256 in {**one.data, **one.evaluation}.items()
        }

    @property
    def files(self) -> dict[str, str]:
        """Hashes of the model's files and of all that it comes from, from weights to corpus."""
        return {**self.model, **self.tokenized, **self.prepared, **self.raw}

    @property
    def weights_sha256(self) -> str:
        return self.model[(layout.MODELS / WEIGHTS).as_posix()]

    @property
    def tokenizer_sha256(self) -> str:
        return self.model[(layout.MODELS / TOKENIZER).as_posix()]

    @property
    def corpus(self) -> str:
        """The name of the corpus, with its version or revision."""
        return self.provenance.title

    @property
    def corpus_settings(self) -> Mapping[str, Any]:
        """The settings of the corpus's source, as the version that trained had them."""
        settings: Mapping[str, Any] = self.params["download"][self.provenance.corpus]
        return settings

    @property
    def corpus_parts(self) -> Sequence[CorpusPart]:
        """The sources of the corpus with their settings; one of most corpora."""
        return self.provenance.parts(self.corpus_settings)

    @property
    def near_duplicate(self) -> dict[str, float]:
        """The definition of a near duplicate that `leakage` was measured with."""
        # version 0.1 had constants
        before = {"similarity": 0.8, "gram": 5}
        return dict(self.params["prepare"].get("near_duplicate") or before)

    @property
    def normalise(self) -> tuple[str, ...]:
        """The steps by which the corpus was normalised."""
        steps = self.params["prepare"].get("normalise")
        return STEPS_BEFORE if steps is None else tuple(steps)

    @property
    def pair(self) -> str:
        """The languages in their normal forms, such as en-es."""
        download = self.params["download"]
        return shown_pair(download["source_language"], download["target_language"])

    @property
    def direction(self) -> str:
        """The languages in their normal forms, such as en to es."""
        download = self.params["download"]
        return shown_direction(download["source_language"], download["target_language"])


LINEAGE_FORMAT = FileFormat(
    "lineage.json", Lineage, [unchanged], "evaluate the model (dvc repro), or restore the file"
)


def result_paths(name: str) -> list[Path]:
    """Returns the files of the evaluation on a further test set, from the project's root."""
    return [layout.TEST_RESULTS / name / file for file in (*RESULTS, RECORD)]


def make_lineage(
    params: Params, signatures: Mapping[str, str], test_sha256: str, root: Path = Path()
) -> Lineage:
    """The lineage of the project's model, which was evaluated with scores of these signatures."""
    read_data_report(root / layout.DATA_REPORT)  # refuses a damaged one
    leakage = read_json(root / layout.DATA_REPORT)["leakage"]
    raw = sorted((root / layout.RAW).iterdir())
    further = read_found_sets(params.evaluate.tests, root)
    counted = REPORT_FORMAT.read(root / layout.TEST_SETS_REPORT).test_sets if further else {}
    return Lineage(
        training=read_training_run(root / layout.RUN),
        model=_hashes(root, (layout.MODELS / name for name in MODEL_FILES)),
        tokenized=_hashes(root, layout.training_inputs(root)),
        prepared=_hashes(root, (layout.TRAIN, layout.VALID, layout.TEST)),
        raw=_hashes(root, (path.relative_to(root) for path in raw)),
        provenance=read_provenance(root / layout.PROVENANCE),
        leakage={
            split: {name: value for name, value in figures.items() if name != "examples"}
            for split, figures in leakage.items()
        },
        params=params.model_dump(mode="json"),
        signatures=dict(signatures),
        test_sha256=test_sha256,
        evaluation=_hashes(root, (layout.METRICS, layout.TRANSLATIONS)),
        test_sets={
            name: FurtherTest(
                sha256=one.sha256,
                data=_hashes(root, [set_path(name)]),
                provenance=one.provenance,
                leakage=counted[name].leakage.model_dump(exclude={"examples"}, exclude_none=True),
                signatures=_signatures(root / layout.TEST_RESULTS / name),
                evaluation=_hashes(root, result_paths(name)),
            )
            for name, one in further.items()
        },
    )


def write_lineage(path: Path, lineage: Lineage) -> None:
    LINEAGE_FORMAT.write(path, lineage)


def lineage_document(lineage: Lineage) -> Document:
    """The content of lineage.json as JSON values."""
    return LINEAGE_FORMAT.document(lineage)


def read_lineage(path: Path) -> Lineage:
    """Raises InputError if the file is missing, damaged or of a newer version."""
    return LINEAGE_FORMAT.read(path)


def parse_lineage(document: object, place: str) -> Lineage:
    """A lineage that came from `place` as JSON values. Raises InputError as `read_lineage` does."""
    return LINEAGE_FORMAT.parse(document, place)


def refuse_changed_files(
    folder: Path, sha256_by_name: Mapping[str, str], place: str | None = None
) -> None:
    """Raises InputError, which names the first file in `folder` that is missing or has changed.

    Of what was fetched from elsewhere, `place` is where from.
    """
    for name, wanted in sha256_by_name.items():
        path, shown = folder / name, f"{place or folder}/{name}"
        if not path.is_file():
            raise InputError(f"{shown} is missing, and its lineage names it: restore it")
        found = sha256_of(path)
        if found != wanted:
            raise InputError(
                f"{shown} has changed: its sha256 is {found}, and the lineage says {wanted}; "
                "restore it"
            )


def _hashes(root: Path, paths: Iterable[Path]) -> dict[str, str]:
    return {path.as_posix(): sha256_of(root / path) for path in paths}


def _signatures(folder: Path) -> dict[str, str]:
    scores = read_metrics(folder / layout.METRICS.name).scores
    return {score.name: score.signature for score in scores}


def _texts(document: Any) -> Iterator[str]:
    """Yields all keys and texts of a JSON document."""
    waiting = [document]
    while waiting:
        value = waiting.pop()
        if isinstance(value, str):
            yield value
        elif isinstance(value, dict):
            waiting += [*value, *value.values()]
        elif isinstance(value, list):
            waiting += value
