"""A trained model as files: weights.safetensors, config.json and tokenizer.json."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any, NamedTuple

from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor

from tracelate.config import ModelConfig
from tracelate.corpus.tokenizer import SubwordTokenizer
from tracelate.errors import InputError
from tracelate.file_format import Document, FileForm, FileFormat
from tracelate.files import sha256_of, whole_file
from tracelate.model.search import SpecialIds
from tracelate.model.seq2seq import Seq2Seq
from tracelate.saved_settings import complete_model_settings, model_config_of

WEIGHTS, CONFIG, TOKENIZER = "weights.safetensors", "config.json", "tokenizer.json"


class SavedConfig(FileForm):
    """Content of config.json: the model's settings and what they belong to."""

    source_language: str
    target_language: str
    vocabulary_size: int
    """Pieces of the tokenizer, special tokens included."""
    tokenizer_sha256: str
    model: dict[str, Any]
    """The section `model` of the params that the model was trained with."""

    @property
    def settings(self) -> ModelConfig:
        return model_config_of(self.model)


def _complete_settings(document: Document) -> Document:
    """From version 1 to 2: settings that were constants in the code of 0.1 are written down."""
    return {**document, "model": complete_model_settings(document["model"])}


CONFIG_FORMAT = FileFormat(
    "config.json", SavedConfig, [_complete_settings], "restore it, or train the model again"
)


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
        model=config.model_dump(mode="json"),
    )
    CONFIG_FORMAT.write(folder / CONFIG, saved)


def load_model(folder: Path) -> TrainedModel:
    """Reads what `save_model` wrote, now or in an older version.

    Raises InputError if a file is missing, damaged or of a newer version.
    """
    for name in (CONFIG, WEIGHTS, TOKENIZER):
        if not (folder / name).is_file():
            raise InputError(f"{folder / name} is missing: train a model first, with `make run`")
    config = CONFIG_FORMAT.read(folder / CONFIG)
    try:
        model = Seq2Seq(config.settings, config.vocabulary_size, SubwordTokenizer.padding_id)
        model.load_state_dict(load_file(folder / WEIGHTS))
    except (SafetensorError, RuntimeError) as error:
        reason = str(error).splitlines()[0]
        raise InputError(f"the model in {folder} is damaged ({reason}): train it again") from error
    if sha256_of(folder / TOKENIZER) != config.tokenizer_sha256:
        raise InputError(
            f"{folder / TOKENIZER} is not the tokenizer that the model was trained with, "
            f"whose sha256 is {config.tokenizer_sha256}: restore it"
        )
    tokenizer = SubwordTokenizer.load(folder / TOKENIZER)
    return TrainedModel(model.eval(), tokenizer, config)
