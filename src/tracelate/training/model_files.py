"""A trained model as files: weights.safetensors, config.json and tokenizer.json."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import NamedTuple

from pydantic import BaseModel, ConfigDict, ValidationError
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor

from tracelate.config import ModelConfig
from tracelate.corpus.tokenizer import SubwordTokenizer
from tracelate.errors import InputError
from tracelate.files import sha256_of, whole_file, write_json
from tracelate.model.search import SpecialIds
from tracelate.model.seq2seq import Seq2Seq

WEIGHTS, CONFIG, TOKENIZER = "weights.safetensors", "config.json", "tokenizer.json"


class SavedConfig(BaseModel):
    """What config.json says of a model beside its weights."""

    model_config = ConfigDict(frozen=True, strict=True, extra="forbid")

    source_language: str
    target_language: str
    vocabulary_size: int
    tokenizer_sha256: str
    model: ModelConfig


class TrainedModel(NamedTuple):
    model: Seq2Seq
    """In evaluation mode."""
    tokenizer: SubwordTokenizer
    config: SavedConfig


def special_ids(tokenizer: SubwordTokenizer) -> SpecialIds:
    return SpecialIds(tokenizer.padding_id, tokenizer.start_id, tokenizer.end_id)


def save_model(
    folder: Path,
    weights: dict[str, Tensor],
    config: ModelConfig,
    tokenizer_path: Path,
    *,
    source_language: str,
    target_language: str,
) -> None:
    """Writes the three files, each whole, config.json last."""
    folder.mkdir(parents=True, exist_ok=True)
    tokenizer = SubwordTokenizer.load(tokenizer_path)
    with whole_file(folder / TOKENIZER) as temporary:
        shutil.copyfile(tokenizer_path, temporary)
    with whole_file(folder / WEIGHTS) as temporary:
        save_file({name: value.contiguous() for name, value in weights.items()}, temporary)
    saved = SavedConfig(
        source_language=source_language,
        target_language=target_language,
        vocabulary_size=tokenizer.size,
        tokenizer_sha256=sha256_of(folder / TOKENIZER),
        model=config,
    )
    write_json(folder / CONFIG, saved.model_dump())


def load_model(folder: Path) -> TrainedModel:
    """Reads what `save_model` wrote; raises InputError where a file is missing or damaged."""
    for name in (CONFIG, WEIGHTS, TOKENIZER):
        if not (folder / name).is_file():
            raise InputError(f"{folder / name} is missing: train a model first, with `make run`")
    try:
        config = SavedConfig.model_validate_json((folder / CONFIG).read_text(encoding="utf-8"))
        model = Seq2Seq(config.model, config.vocabulary_size, SubwordTokenizer.padding_id)
        model.load_state_dict(load_file(folder / WEIGHTS))
    except (ValidationError, json.JSONDecodeError, SafetensorError, RuntimeError) as error:
        reason = str(error).splitlines()[0]
        raise InputError(f"the model in {folder} is damaged ({reason}): train it again") from error
    if sha256_of(folder / TOKENIZER) != config.tokenizer_sha256:
        raise InputError(
            f"{folder / TOKENIZER} is not the tokenizer that the model was trained with, "
            f"whose sha256 is {config.tokenizer_sha256}: restore it"
        )
    tokenizer = SubwordTokenizer.load(folder / TOKENIZER)
    return TrainedModel(model.eval(), tokenizer, config)
