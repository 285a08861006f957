"""The typed, strict view of params.yaml: one class for each section.

All values come from params.yaml: nothing here has a default. Percent is 0 to 100.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Self, get_args

from pydantic import (
    Field,
    field_validator,
    model_validator,
)
from pydantic_core import PydanticCustomError

from tracelate.config_behaviour import BehaviourConfig, BehaviourLimits
from tracelate.config_corpus import (
    ArchiveConfig,
    CatalogsConfig,
    ColumnsConfig,
    DocumentsConfig,
    FilePair,
    FilesConfig,
    HubConfig,
    MembersConfig,
    TableColumnsConfig,
)
from tracelate.config_evaluate import EvaluateConfig
from tracelate.config_file import read_settings
from tracelate.config_model import (
    AttentionName,
    BridgeName,
    CellName,
    DropoutConfig,
    EncoderName,
    ModelConfig,
)
from tracelate.config_prepare import ExclusionConfig, NearDuplicateConfig, PrepareConfig, RuleName
from tracelate.config_registry import RegistryConfig, Requirement
from tracelate.config_runtime import RuntimeConfig
from tracelate.config_section import (
    Before,
    Language,
    LengthPenalty,
    Section,
)
from tracelate.config_sources import SourceConfig, SourcesConfig
from tracelate.config_tests import (
    OWN_TEST,
    TEST_NAME,
    ArchiveTestConfig,
    CatalogsTestConfig,
    DocumentsTestConfig,
    FilesTestConfig,
    FurtherTestConfig,
    HubTestConfig,
)
from tracelate.config_tokenize import TokenizeConfig
from tracelate.config_train import MonitorName, TrainConfig
from tracelate.layout import PARAMS
from tracelate.text.normaliser import Normaliser

__all__ = [
    "OWN_TEST",
    "TEST_NAME",
    "ArchiveConfig",
    "ArchiveTestConfig",
    "AttentionName",
    "Before",
    "BehaviourConfig",
    "BehaviourLimits",
    "BridgeName",
    "CatalogsConfig",
    "CatalogsTestConfig",
    "CellName",
    "ColumnsConfig",
    "DocumentsConfig",
    "DocumentsTestConfig",
    "DownloadConfig",
    "DropoutConfig",
    "EncoderName",
    "EvaluateConfig",
    "ExclusionConfig",
    "FilePair",
    "FilesConfig",
    "FilesTestConfig",
    "FurtherTestConfig",
    "HubConfig",
    "HubTestConfig",
    "LengthPenalty",
    "MembersConfig",
    "ModelConfig",
    "MonitorName",
    "NearDuplicateConfig",
    "Params",
    "PrepareConfig",
    "RegistryConfig",
    "Requirement",
    "RuleName",
    "RuntimeConfig",
    "Section",
    "SourceConfig",
    "TableColumnsConfig",
    "TokenizeConfig",
    "TrainConfig",
    "load_params",
]


class DownloadConfig(Section):
    """The corpus and its languages."""

    source_language: Language
    """Code of the language that is translated, as the corpus writes it, such as en. Reports
    have its normal form (BCP 47)."""
    target_language: Language
    """Code of the language that is translated into, as the corpus writes it, such as es or zh-Hans.
    Metrics have the options that fit this language."""
    corpus: str
    """Kind of corpus: the name of the section below that is read; the others are not used."""
    catalogs: CatalogsConfig
    """Message catalogs in a wheel."""
    hub: HubConfig
    """A dataset of the Hugging Face Hub."""
    files: FilesConfig
    """Local text files."""
    documents: DocumentsConfig
    """Local files of translators, and tables."""
    archive: ArchiveConfig | None = None
    """A file at an http(s) address. It may be absent, as in a params.yaml from before this kind."""
    sources: SourcesConfig = Field(default_factory=dict)
    """Several sources by their names, which are one corpus. They may be absent."""

    @field_validator("corpus")
    @classmethod
    def _refuse_unknown_corpora(cls, corpus: str) -> str:
        known = cls.corpora()
        if corpus not in known:
            names = f"{', '.join(map(repr, known[:-1]))} or {known[-1]!r}"
            raise PydanticCustomError("unknown_corpus", f"should be {names}")
        return corpus

    @classmethod
    def corpora(cls) -> list[str]:
        """Returns the kinds of corpora, which are the names of the sections."""
        kinds = {
            name: (field.annotation, *get_args(field.annotation))
            for name, field in cls.model_fields.items()
        }
        return [
            name
            for name, found in kinds.items()
            if any(isinstance(kind, type(Section)) for kind in found)
        ]

    @model_validator(mode="after")
    def _refuse_missing_section(self) -> Self:
        if not getattr(self, self.corpus):
            raise ValueError(f"corpus is {self.corpus}, and {self.corpus} is missing: add it")
        return self

    @property
    def corpus_settings(self) -> Section | Mapping[str, SourceConfig]:
        """The section that `corpus` names, or the sources by their names."""
        section: Section | Mapping[str, SourceConfig] = getattr(self, self.corpus)
        return section


class Params(Section):
    """All of params.yaml."""

    download: DownloadConfig
    """Settings of the stage download."""
    prepare: PrepareConfig
    """Settings of the stage prepare."""
    tokenize: TokenizeConfig
    """Settings of the stage tokenize."""
    model: ModelConfig
    """Architecture of the model that the stage train trains."""
    train: TrainConfig
    """Settings of the stage train."""
    evaluate: EvaluateConfig
    """Settings of the stage evaluate."""
    registry: RegistryConfig
    """Settings of `tracelate promote`."""
    runtime: RuntimeConfig
    """Settings of the machine."""

    @model_validator(mode="after")
    def _refuse_dropout_without_merges(self) -> Self:
        if self.train.bpe_dropout and self.tokenize.model != "bpe":
            raise ValueError(
                f"train.bpe_dropout is {self.train.bpe_dropout}, but tokenize.model is "
                f"{self.tokenize.model}, which has no merges to leave out: set train.bpe_dropout "
                "to 0, or tokenize.model to bpe"
            )
        return self

    @model_validator(mode="after")
    def _refuse_changed_symbols(self) -> Self:
        normalise = Normaliser(self.prepare.normalise)
        for symbol in self.tokenize.user_symbols:
            if (changed := normalise(symbol)) != symbol:
                raise ValueError(
                    f"tokenize.user_symbols has {symbol!r}, which prepare.normalise changes to "
                    f"{changed!r} in every text: write it like that"
                )
        return self


def load_params(path: Path = PARAMS) -> Params:
    """Reads params.yaml. Raises InputError, which names every wrong key and the remedy."""
    return read_settings(path, Params)
