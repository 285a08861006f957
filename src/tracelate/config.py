"""The typed, strict view of params.yaml: one class a section.

Values come from params.yaml alone: nothing here has a default. Percent is 0 to 100.
"""

from __future__ import annotations

import difflib
from itertools import pairwise
from pathlib import Path
from typing import Annotated, Any, Literal, NamedTuple, Self, get_args

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
    ValidationError,
    model_validator,
)
from pydantic_core import ErrorDetails, PydanticCustomError
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from tracelate.errors import InputError
from tracelate.layout import PARAMS
from tracelate.metric_table import METRICS

Percent = Annotated[float, Field(ge=0, le=100)]
Fraction = Annotated[float, Field(ge=0, lt=1)]
Count = Annotated[int, Field(ge=1)]
Text = Annotated[str, StringConstraints(min_length=1)]
Language = Annotated[str, StringConstraints(pattern=r"^[A-Za-z]{2,3}([-_][A-Za-z0-9]+)*$")]
LengthPenalty = Annotated[float, Field(ge=0, le=10, allow_inf_nan=False)]
"""Alpha; far above 10, the penalty of a long translation is more than a float can be."""
AttentionName = Literal[
    "none",
    "additive",
    "dot",
    "scaled_dot",
    "general",
    "concat",
    "local_m",
    "local_p",
    "multi_head",
]
CellName = Literal["rnn", "gru", "lstm"]
EncoderName = Literal["recurrent", "feed_forward"]
BridgeName = Literal["dense", "copy", "zero"]


class Before(NamedTuple):
    """Value of a setting in models that were saved before it was a setting, in its annotation."""

    value: Any


class Section(BaseModel):
    """Frozen, strict, with finite numbers, and without room for a misspelt key."""

    model_config = ConfigDict(frozen=True, strict=True, extra="forbid", allow_inf_nan=False)


class CatalogsConfig(Section):
    """Message catalogs (JSON) inside a wheel of the Python package index."""

    package: Text
    version: Text
    sha256: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
    python_version: Text
    path: Annotated[str, StringConstraints(pattern=r"\{group\}.*\{language\}")]
    """A catalog's path in the wheel, with {group} and {language} in it."""
    licence: Text


class HubConfig(Section):
    """A dataset of the Hugging Face Hub, or a local folder of the same shape."""

    name: Text
    """owner/name, or a folder's path."""
    revision: Text
    licence: Text


class FilePair(Section):
    """Two line-aligned UTF-8 text files."""

    source: Text
    target: Text


class FilesConfig(Section):
    train: FilePair
    valid: FilePair | None
    test: FilePair | None
    licence: Text


class DownloadConfig(Section):
    source_language: Language
    target_language: Language
    corpus: Literal["catalogs", "hub", "files"]
    catalogs: CatalogsConfig
    hub: HubConfig
    files: FilesConfig


class NearDuplicateConfig(Section):
    """Definition of two sentences that are nearly the same.

    The Jaccard similarity of their sets of character n-grams is at least `similarity`; see
    `tracelate.corpus.leakage`.
    """

    similarity: Annotated[float, Field(gt=0, le=1)]
    """Lowest similarity of a near duplicate; 1: only sentences with the same n-grams."""
    gram: Count
    """Characters of an n-gram. Longer ones make fewer sentences near duplicates."""


class PrepareConfig(Section):
    seed: int
    """Seed of the split. Another seed puts other groups into valid and test."""
    valid_percent: Percent
    """Percent of the groups that are held out for validation, if the corpus has no split valid."""
    test_percent: Percent
    """Percent of the groups that are held out for the test, if the corpus has no split test."""
    max_characters: Count
    """Most characters on either side of a pair; longer pairs are dropped."""
    max_length_ratio: Annotated[float, Field(ge=1)]
    """Highest ratio of the longer side to the shorter one, in characters of single width. Above it
    a pair is unbalanced and is dropped, as its sides are hardly translations of each other."""
    always_balanced_characters: Annotated[int, Field(ge=0)]
    """Pairs whose longer side has at most this many characters, of single width, are never
    unbalanced: the ratio of short texts varies, as in `OK` and `De acuerdo`."""
    drop_untranslated: bool
    """Drops pairs whose two sides are the same."""
    near_duplicate: NearDuplicateConfig
    max_near_leakage_percent: Percent
    """Highest percent of test sentences with a near duplicate in train; above it, the stage fails.
    """


class TokenizeConfig(Section):
    vocabulary_size: Annotated[int, Field(ge=300)]
    """Largest number of pieces, with the 256 bytes and the special tokens, which are always in it.
    """
    min_frequency: Count
    """Fewest occurrences in the training text of two pieces that are merged (Sennrich et al. 2016).
    """


class DropoutConfig(Section):
    """Dropout by place: the probability with which a feature is set to 0 in training.

    A mask is the same at all positions of a sentence (Gal and Ghahramani 2016).
    """

    embedding: Fraction
    """Of the embedded source and target pieces."""
    layers: Fraction
    """Between recurrent or feed-forward layers; in a transformer, of what each sublayer adds
    (Vaswani et al. 2017, section 5.4)."""
    encoder_output: Fraction
    """Of the encoder's states, before attention reads them."""
    decoder_output: Fraction
    """Of the attentional vector, before the output layer."""


class ModelConfig(Section):
    architecture: Literal["recurrent", "transformer"]
    """The transformer uses heads, the sizes, layers and dropout alone."""
    attention: AttentionName
    hops: Count
    """How often the decoder looks at the source a step; 1 for plain attention."""
    heads: Count
    """Of multi_head and of the transformer."""
    window: Count
    """D of local_m and local_p: they look at 2D + 1 source pieces."""
    input_feeding: bool
    encoder: EncoderName
    directions: Literal["both", "forward"]
    """In which the recurrent encoder reads."""
    bridge: BridgeName
    """How the decoder's first state comes from the encoder's last: through a layer, as it is, or
    not at all."""
    cell: CellName
    embedding_size: Count
    hidden_size: Annotated[int, Field(ge=2, multiple_of=2)]
    """Of the decoder's state, and of the encoder's directions together."""
    layers: Count
    feed_forward_ratio: Annotated[int, Field(ge=1), Before(4)]
    """Size of a transformer's inner feed-forward layer, divided by hidden_size; 4 in Vaswani et al.
    2017, section 3.3."""
    embedding_deviation: Annotated[float, Field(gt=0), Before(0.1)]
    """Standard deviation of the embeddings before training."""
    dropout: DropoutConfig
    max_length_ratio: Annotated[int, Field(ge=1), Before(2)]
    """Most target pieces for each source piece; see max_length_extra."""
    max_length_extra: Annotated[int, Field(ge=0), Before(10)]
    """A source of S pieces has a translation of at most max_length_ratio * S + max_length_extra
    pieces, the end tokens included; a search that reaches this length is cut off."""

    @model_validator(mode="after")
    def refuse_what_makes_no_sense(self) -> Self:
        many_heads = self.architecture == "transformer" or self.attention == "multi_head"
        if many_heads and self.hidden_size % self.heads:
            raise ValueError(
                f"heads is {self.heads}, which does not divide hidden_size {self.hidden_size}"
            )
        if self.architecture == "transformer":
            self._refuse_for_the_transformer()
        else:
            self._refuse_for_the_recurrent()
        return self

    def _refuse_for_the_transformer(self) -> None:
        remedy = "or set architecture to recurrent"
        if self.attention not in ("general", "multi_head"):
            raise ValueError(
                f"attention is {self.attention}, but a transformer has multi-head attention of "
                f"its own: leave attention at general, {remedy}"
            )
        if self.hops > 1:
            raise ValueError(
                f"hops is {self.hops}, but a transformer looks once in each of its layers: "
                f"set hops to 1 and layers to what you need, {remedy}"
            )
        if self.input_feeding:
            raise ValueError(
                "input_feeding is true, but a transformer has no cell to feed: "
                f"set input_feeding to false, {remedy}"
            )
        if self.encoder == "feed_forward":
            raise ValueError(
                "encoder is feed_forward, but a transformer has an encoder of its own: "
                f"leave encoder at recurrent, {remedy}"
            )

    def _refuse_for_the_recurrent(self) -> None:
        if self.attention == "none":
            if self.hops > 1:
                raise ValueError(
                    f"hops is {self.hops}, but attention none never looks: set hops to 1"
                )
            if self.bridge == "zero":
                raise ValueError(
                    "bridge is zero and attention none, so the decoder would know nothing of the "
                    "source: set bridge to dense or copy, or attention to general"
                )
            if self.encoder == "feed_forward":
                raise ValueError(
                    "encoder is feed_forward, which has no last state for the decoder to go on "
                    "from, and attention is none: set attention to general"
                )
        if self.attention == "additive" and self.input_feeding:
            raise ValueError(
                "input_feeding is true, but additive attention feeds its context into the cell "
                "already: set input_feeding to false, or attention to concat"
            )
        if self.encoder == "feed_forward" and self.directions == "forward":
            raise ValueError(
                "directions is forward, but encoder feed_forward reads all words at once: "
                "set directions to both"
            )


class TrainConfig(Section):
    seed: Annotated[int, Field(ge=0)]
    epochs: Count
    warmup_steps: Annotated[int, Field(ge=0)]
    learning_rate: Annotated[float, Field(gt=0)]
    final_learning_rate_factor: Annotated[float, Field(ge=0, le=1)]
    """Learning rate of the last step, divided by learning_rate; half a cosine leads to it
    (Loshchilov and Hutter 2017)."""
    adam_beta1: Fraction
    """Decay of Adam's average of the gradient, for each step (Kingma and Ba 2015)."""
    adam_beta2: Fraction
    """Decay of Adam's average of the squared gradient; 0.98 in Vaswani et al. 2017, section 5.3."""
    adam_epsilon: Annotated[float, Field(gt=0)]
    """Adam's term that keeps the division by the squared gradient's root finite."""
    batch_tokens: Count
    length_noise: Annotated[float, Field(ge=0)]
    """Pairs are sorted into batches by their length times a random factor between 1 and 1 +
    length_noise, so that each epoch has other batches; 0: by length alone."""
    label_smoothing: Fraction
    gradient_clip_norm: Annotated[float, Field(gt=0)]
    weight_average_decay: Fraction
    early_stopping_epochs: Count
    log_every_steps: Count
    """Number of optimiser steps between two rows of the training curve."""
    precision: Literal["bf16-mixed", "32-true"]


class EvaluateConfig(Section):
    beam_size: Count
    length_penalty: LengthPenalty
    batch_sentences: Count
    bootstrap_samples: Annotated[int, Field(ge=2)]
    """Number of resampled test sets that an interval is computed from (Koehn 2004)."""
    bootstrap_seed: Annotated[int, Field(ge=0)]
    """Seed of the resampling."""
    source_length_buckets: Annotated[list[Count], Field(min_length=1)]
    """Fewest words of the source in each bucket that BLEU is computed for, rising from 1. A bucket
    ends before the next one; the last has no end."""
    min_bucket_sentences: Count
    """Fewest sentences of a bucket that gets a score. An interval from very few sentences does not
    hold for others."""
    heat_maps: Annotated[int, Field(ge=0)]
    """Number of test sentences that are drawn with their attention."""

    @model_validator(mode="after")
    def _refuse_buckets_out_of_order(self) -> Self:
        edges = self.source_length_buckets
        if edges[0] != 1 or any(right <= left for left, right in pairwise(edges)):
            raise ValueError(
                f"source_length_buckets is {edges}: begin at 1 and let each edge be greater than "
                "the one before it"
            )
        return self


def _known_metric(key: str) -> str:
    if key not in METRICS:
        raise PydanticCustomError("unknown_metric", f"should be {', '.join(METRICS)}")
    return key


class RegistryConfig(Section):
    """What a model is promoted as, and by what; tracked by no stage."""

    name: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9._-]+$", max_length=200)]
    """The registered model's; --name of a command names another."""
    metric: Annotated[str, AfterValidator(_known_metric)]
    """Key of the metric by which a model must be better than the one that it replaces."""
    significance_level: Annotated[float, Field(gt=0, lt=1)]
    """Of both tests."""
    seed_deviation: Annotated[float, Field(ge=0, le=100)]
    """The metric's standard deviation over seeds, in percent: two that differ by the seed alone do
    so by less than 2.77 of it in 95 % of all pairs, and a model must gain more. 0: any gain counts.
    """


class RuntimeConfig(Section):
    """Where and how fast a stage runs; changes no result and is tracked by no stage."""

    accelerator: Literal["auto", "cpu", "gpu"]
    devices: Count
    experiment: Text


class Params(Section):
    download: DownloadConfig
    prepare: PrepareConfig
    tokenize: TokenizeConfig
    model: ModelConfig
    train: TrainConfig
    evaluate: EvaluateConfig
    registry: RegistryConfig
    runtime: RuntimeConfig


def load_params(path: Path = PARAMS) -> Params:
    """Reads params.yaml (YAML 1.2, as DVC does: `no` is Norwegian, `1e-3` a number).

    Raises InputError, which names every wrong key with its value and the remedy.
    """
    try:
        # pure: the C loader follows YAML 1.1
        values = YAML(typ="safe", pure=True).load(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise InputError(f"{path} is missing: run this at the project's root") from error
    except (YAMLError, UnicodeDecodeError) as error:
        raise InputError(f"{path} is no valid YAML: {' '.join(str(error).split())}") from error
    try:
        return Params.model_validate(values)
    except ValidationError as error:
        raise InputError("; ".join(_explain(path, one) for one in error.errors())) from error


def _explain(path: Path, error: ErrorDetails) -> str:
    place = ".".join(str(part) for part in error["loc"])
    where = f"{path}: {place}" if place else str(path)
    match error["type"]:
        case "missing":
            return f"{where} is missing: add it"
        case "extra_forbidden":
            return f"{where} is not a setting: {_suggest(error['loc'])}"
        case "value_error":
            return f"{where}: {error['msg'].removeprefix('Value error, ')}"
        case _:
            return f"{where} is {error['input']!r}: {error['msg'].removeprefix('Input ')}"


def _suggest(place: tuple[int | str, ...]) -> str:
    section: type[BaseModel] = Params
    for name in place[:-1]:
        annotation = section.model_fields[str(name)].annotation
        kinds = [kind for kind in (annotation, *get_args(annotation)) if isinstance(kind, type)]
        section = next(kind for kind in kinds if issubclass(kind, BaseModel))
    known = list(section.model_fields)
    close = difflib.get_close_matches(str(place[-1]), known, n=1)
    return f"did you mean {close[0]}?" if close else f"known here: {', '.join(known)}"
