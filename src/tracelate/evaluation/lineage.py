"""reports/lineage.json: the chain of hashes from a model's weights to the text it learnt from.

Every file is named by its path from the project's root, with the sha256 of its bytes.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import Field, ValidationError, model_validator

from tracelate import layout
from tracelate.config import LengthPenalty, Params
from tracelate.config_section import MAX_COUNT
from tracelate.corpus.raw import ALL, Provenance, read_provenance
from tracelate.corpus.report import LeakageForm, read_data_report
from tracelate.errors import InputError
from tracelate.file_format import (
    Document,
    FileForm,
    FileFormat,
    FilePath,
    Name,
    PartForm,
    Sha256,
    Whole,
    first_error,
    unchanged,
)
from tracelate.files import read_json, sha256_of
from tracelate.saved_settings import model_config_of
from tracelate.training.model_files import CONFIG, TOKENIZER, WEIGHTS
from tracelate.training.run_file import TrainingRun, read_training_run

MODEL_FILES = (WEIGHTS, CONFIG, TOKENIZER)


Hashes = dict[FilePath, Sha256]


class DownloadPart(PartForm):
    """Settings of the corpus that commands read."""

    source_language: Name
    target_language: Name
    catalogs: dict[str, Any] | None = None
    files: dict[str, Any] | None = None


class FilePairForm(PartForm):
    """Paths of two text files."""

    source: Name
    target: Name


class NearDuplicatePart(PartForm):
    """Definition of a near duplicate."""

    similarity: float
    gram: Whole


class PreparePart(PartForm):
    """Settings of the stage prepare that commands read."""

    near_duplicate: NearDuplicatePart | None = None


class EvaluatePart(PartForm):
    """Settings with which a model translates."""

    beam_size: Annotated[int, Field(ge=1, le=MAX_COUNT)]
    length_penalty: LengthPenalty
    batch_sentences: Annotated[int, Field(ge=1, le=MAX_COUNT)]


class ParamsPart(PartForm):
    """Settings of any version that commands read."""

    download: DownloadPart
    prepare: PreparePart
    model: dict[str, Any]
    train: dict[str, Any]
    evaluate: EvaluatePart


class Lineage(FileForm):
    """Content of lineage.json."""

    training: TrainingRun
    model: Hashes
    tokenized: Hashes
    prepared: Hashes
    raw: Hashes
    provenance: dict[str, Any]
    """data/raw/provenance.json whole: what the corpus is, its version or revision, its licence."""
    leakage: dict[Literal["valid", "test"], dict[str, Any]]
    """Of valid and test, as reports/data.json counts it, without the examples."""
    params: dict[str, Any]
    """params.yaml whole, as the version that trained had it, so that the run can be repeated."""
    signatures: dict[Name, Name]
    """sacrebleu's, of each score."""
    test_sha256: Sha256
    """Of the file with the test sentences that the scores were measured on."""
    evaluation: Hashes
    """The scores and the translations that were scored."""

    @model_validator(mode="after")
    def _refuse_missing_parts(self) -> Self:
        for section, paths in {
            "model": [layout.MODELS / name for name in MODEL_FILES],
            "tokenized": layout.TRAINING_INPUTS,
            "prepared": [layout.TRAIN, layout.VALID, layout.TEST],
            "evaluation": [layout.METRICS, layout.TRANSLATIONS],
        }.items():
            for path in paths:
                if path.as_posix() not in getattr(self, section):
                    raise ValueError(f"{section} has no {path.as_posix()}")
        if "test" not in self.leakage:
            raise ValueError("leakage has no test")
        # the whole sections stay as they are in the file; these check what is read of them
        for name, form, part in (
            ("provenance", Provenance, self.provenance),
            ("leakage.test", LeakageForm, self.leakage["test"]),
            ("params", ParamsPart, self.params),
        ):
            try:
                form.model_validate(part)
            except ValidationError as error:
                raise ValueError(f"{name}.{first_error(error)}") from error
        model_config_of(self.params["model"])
        self._refuse_other_corpus()
        return self

    def _refuse_other_corpus(self) -> None:
        """Raises ValueError if the settings lack the corpus that the provenance describes."""
        download = self.params["download"]
        match self.provenance["corpus"]:
            case "catalogs" if "sha256" not in (download.get("catalogs") or {}):
                raise ValueError("params.download.catalogs has no sha256")
            case "files":
                for split in self.provenance.get("files") or {}:
                    name = "train" if split == ALL else split
                    FilePairForm.model_validate((download.get("files") or {}).get(name))

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
        return corpus_name(self.provenance)

    @property
    def near_duplicate(self) -> dict[str, float]:
        """The definition of a near duplicate that `leakage` was measured with."""
        # version 0.1 had constants
        before = {"similarity": 0.8, "gram": 5}
        return dict(self.params["prepare"].get("near_duplicate") or before)

    @property
    def pair(self) -> str:
        """The languages, such as en-es."""
        download = self.params["download"]
        return f"{download['source_language']}-{download['target_language']}"


LINEAGE_FORMAT = FileFormat(
    "lineage.json", Lineage, [unchanged], "evaluate the model (dvc repro), or restore the file"
)


def make_lineage(
    params: Params, signatures: Mapping[str, str], test_sha256: str, root: Path = Path()
) -> Lineage:
    """The lineage of the project's model, which was evaluated with scores of these signatures."""
    read_data_report(root / layout.DATA_REPORT)  # refuses a damaged one
    leakage = read_json(root / layout.DATA_REPORT)["leakage"]
    raw = sorted((root / layout.RAW).iterdir())
    return Lineage(
        training=read_training_run(root / layout.RUN),
        model=_hashes(root, (layout.MODELS / name for name in MODEL_FILES)),
        tokenized=_hashes(root, layout.TRAINING_INPUTS),
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
    )


def corpus_name(provenance: Mapping[str, Any]) -> str:
    """The name of the corpus, with its version or revision."""
    name = provenance.get("package") or provenance.get("name") or "local files"
    version = provenance.get("version") or provenance.get("revision") or ""
    return f"{name} {version}".strip()


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
