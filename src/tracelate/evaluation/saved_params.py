"""The settings in a lineage, of any version: the parts that commands read have their types."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field

from tracelate.config import LengthPenalty
from tracelate.config_section import MAX_COUNT, SavedLanguage
from tracelate.file_format import PartForm, Whole

Number = Annotated[int, Field(ge=1, le=MAX_COUNT)]


class SavedDownload(PartForm):
    """The languages; each kind of corpus reads its own section."""

    source_language: SavedLanguage
    target_language: SavedLanguage


class SavedNearDuplicate(PartForm):
    """Definition of a near duplicate."""

    similarity: float
    gram: Whole


class SavedPrepare(PartForm):
    """Settings of the stage prepare that commands read."""

    normalise: list[str] | None = None
    near_duplicate: SavedNearDuplicate | None = None


class SavedEvaluate(PartForm):
    """Settings with which a model translates."""

    beam_size: Number
    length_penalty: LengthPenalty
    batch_sentences: Number


class SavedParams(PartForm):
    """The sections that every version has."""

    download: SavedDownload
    prepare: SavedPrepare
    tokenize: dict[str, Any]
    model: dict[str, Any]
    train: dict[str, Any]
    evaluate: SavedEvaluate
