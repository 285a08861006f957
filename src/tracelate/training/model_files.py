"""A trained model as files: weights.safetensors, config.json and tokenizer.json."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple, Self

import torch
from pydantic import model_validator
from safetensors import SafetensorError, safe_open
from safetensors.torch import load_file, save_file
from torch import Tensor

from tracelate.committed_outputs import RESTORE, is_committed
from tracelate.config import ModelConfig
from tracelate.corpus.tokenizer import SubwordTokenizer
from tracelate.errors import InputError
from tracelate.file_format import Document, FileForm, FileFormat, Name, Sha256, Whole
from tracelate.files import sha256_of, whole_file
from tracelate.model.search import SpecialIds, TranslationModel
from tracelate.model.seq2seq import Seq2Seq
from tracelate.saved_settings import complete_model_settings, model_config_of
from tracelate.text.casing import VERSION as CASING_VERSION
from tracelate.text.normaliser import STEPS_BEFORE, Normaliser
from tracelate.text.normaliser import VERSION as NORMALISER_VERSION
from tracelate.text.placeholders import VERSION as PLACEHOLDERS_VERSION
from tracelate.version import VERSION

WEIGHTS, CONFIG, TOKENIZER = "weights.safetensors", "config.json", "tokenizer.json"


class SavedNormaliser(FileForm):
    """The normaliser of the text that the model was trained on."""

    version: Whole
    """Of the steps; 0 in a model that was saved before normalisers were."""
    steps: list[Name]

    @property
    def is_newer(self) -> bool:
        """True if this version of Tracelate does not know the steps."""
        return self.version > NORMALISER_VERSION

    def build(self) -> Normaliser:
        """Raises ValueError if a step is unknown."""
        return Normaliser(self.steps)


class SavedPlaceholders(FileForm):
    """Treatment of placeholders, `tokenize.placeholders`."""

    version: Whole
    """Of the definition; 0 in a model that was saved before placeholders could be copied."""
    slots: Whole
    """Number of the tokenizer's slot tokens; 0: placeholders are text."""

    @property
    def is_newer(self) -> bool:
        """True if this version of Tracelate does not know the definition."""
        return self.version > PLACEHOLDERS_VERSION


class SavedCasing(FileForm):
    """Case of letters in pieces, `tokenize.casing`."""

    version: Whole
    """Of the definition; 0 in a model that was saved before case markup was."""
    markup: bool
    """If false, pieces are cased."""

    @property
    def is_newer(self) -> bool:
        """True if this version of Tracelate does not know the definition."""
        return self.version > CASING_VERSION


class SavedConfig(FileForm):
    """Content of config.json: the model's settings and what they belong to."""

    source_language: Name
    target_language: Name
    vocabulary_size: int
    """Pieces of the tokenizer, special tokens included."""
    tokenizer_sha256: Sha256
    model: dict[str, Any]
    """The section `model` of the params that the model was trained with."""
    normaliser: SavedNormaliser
    placeholders: SavedPlaceholders
    casing: SavedCasing

    @model_validator(mode="after")
    def _refuse_wrong_settings(self) -> Self:
        model_config_of(self.model)
        if not self.normaliser.is_newer:
            self.normaliser.build()
        return self

    @property
    def settings(self) -> ModelConfig:
        return model_config_of(self.model)


def _complete_settings(document: Document) -> Document:
    """From version 1 to 2: settings that were constants in the code of 0.1 are written down."""
    return {**document, "model": complete_model_settings(document["model"])}


def _add_normaliser(document: Document) -> Document:
    """From version 2 to 3: the steps of the stage prepare before they were a setting."""
    return {**document, "normaliser": {"version": 0, "steps": list(STEPS_BEFORE)}}


def _add_placeholders(document: Document) -> Document:
    """From version 3 to 4: placeholders were text."""
    return {**document, "placeholders": {"version": 0, "slots": 0}}


def _add_casing(document: Document) -> Document:
    """From version 4 to 5: pieces were cased."""
    return {**document, "casing": {"version": 0, "markup": False}}


CONFIG_FORMAT = FileFormat(
    "config.json",
    SavedConfig,
    [_complete_settings, _add_normaliser, _add_placeholders, _add_casing],
    "restore it, or train the model again",
)


class TrainedModel(NamedTuple):
    model: TranslationModel
    """In evaluation mode."""
    tokenizer: SubwordTokenizer
    config: SavedConfig


def special_ids(tokenizer: SubwordTokenizer) -> SpecialIds:
    return SpecialIds(tokenizer.padding_id, tokenizer.start_id, tokenizer.end_id, tokenizer.slots)


def save_model(
    folder: Path,
    weights: dict[str, Tensor],
    config: ModelConfig,
    tokenizer_path: Path,
    *,
    source_language: str,
    target_language: str,
    normalise: Sequence[str],
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
        normaliser=SavedNormaliser(version=NORMALISER_VERSION, steps=list(normalise)),
        placeholders=SavedPlaceholders(version=PLACEHOLDERS_VERSION, slots=len(tokenizer.slots)),
        casing=SavedCasing(version=CASING_VERSION, markup=bool(tokenizer.case_tokens)),
    )
    CONFIG_FORMAT.write(folder / CONFIG, saved)


def load_model(folder: Path) -> TrainedModel:
    """Reads what `save_model` wrote, now or in an older version.

    Raises InputError if a file is missing, damaged or of a newer version.
    """
    for name in (CONFIG, WEIGHTS, TOKENIZER):
        if not (folder / name).is_file():
            remedy = "train a model first, with `make run`"
            if is_committed(folder / name):
                remedy = f"{RESTORE}, or {remedy}"
            raise InputError(f"{folder / name} is missing: {remedy}")
    config = CONFIG_FORMAT.read(folder / CONFIG)
    for what, part, known in (
        ("normaliser", config.normaliser, NORMALISER_VERSION),
        ("placeholders", config.placeholders, PLACEHOLDERS_VERSION),
        ("casing", config.casing, CASING_VERSION),
    ):
        if part.is_newer:
            raise InputError(
                f"{folder / CONFIG} was made by a later version of Tracelate ({what} "
                f"{part.version}, and {VERSION} has up to {known}): update Tracelate"
            )
    tokenizer = _load_tokenizer(folder / TOKENIZER, config)
    _refuse_unfit_weights(folder / WEIGHTS, config)
    model = _build(config)
    weights = load_file(folder / WEIGHTS)
    for name, tensor in weights.items():
        if not tensor.isfinite().all():
            raise InputError(
                f"{folder / WEIGHTS}: the tensor {name} has values that are not finite: restore "
                "the file, or train the model again"
            )
    model.load_state_dict(weights)
    return TrainedModel(model.eval(), tokenizer, config)


def _load_tokenizer(path: Path, config: SavedConfig) -> SubwordTokenizer:
    if sha256_of(path) != config.tokenizer_sha256:
        raise InputError(
            f"{path} is not the tokenizer that the model was trained with, "
            f"whose sha256 is {config.tokenizer_sha256}: restore it"
        )
    tokenizer = SubwordTokenizer.load(path)
    if tokenizer.size != config.vocabulary_size:
        raise InputError(
            f"{path} has {tokenizer.size:,} pieces, but {CONFIG} beside it says "
            f"{config.vocabulary_size:,}: restore both"
        )
    if len(tokenizer.slots) != config.placeholders.slots:
        raise InputError(
            f"{path} has {len(tokenizer.slots)} slot tokens, but {CONFIG} beside it says "
            f"{config.placeholders.slots}: restore both"
        )
    if bool(tokenizer.case_tokens) != config.casing.markup:
        has = "has" if tokenizer.case_tokens else "lacks"
        raise InputError(f"{path} {has} case markup, unlike {CONFIG} beside it: restore both")
    return tokenizer


def _build(config: SavedConfig) -> Seq2Seq:
    return Seq2Seq(config.settings, config.vocabulary_size, SubwordTokenizer.padding_id)


def _refuse_unfit_weights(path: Path, config: SavedConfig) -> None:
    """Raises InputError if a tensor of the file is missing, unknown, or of another shape or type.

    It reads the file's header alone and allocates no memory for tensors.
    """
    remedy = "restore the file, or train the model again"
    try:
        with torch.device("meta"):
            wanted = {
                name: _layout(tensor.dtype, tensor.shape)
                for name, tensor in _build(config).state_dict().items()
            }
        with safe_open(path, framework="pt") as file:
            names = file.keys()
            found = {name: _layout_in_file(file.get_slice(name)) for name in names}
    except (SafetensorError, RuntimeError, MemoryError, OverflowError) as error:
        reason = str(error).splitlines()[0]
        raise InputError(f"{path} is damaged ({reason}): {remedy}") from error
    for name in sorted(wanted.keys() | found.keys()):
        if wanted.get(name) != found.get(name):
            raise InputError(
                f"{path}: the tensor {name} is {found.get(name, 'missing')}, but {CONFIG} beside "
                f"it describes {wanted.get(name, 'none of that name')}: {remedy}"
            )


def _layout(dtype: torch.dtype, shape: Sequence[int]) -> str:
    return f"{str(dtype).removeprefix('torch.')} {list(shape)}"


def _layout_in_file(tensor: Any) -> str:
    dtype = {"F32": "float32"}.get(tensor.get_dtype(), tensor.get_dtype())
    return f"{dtype} {tensor.get_shape()}"
