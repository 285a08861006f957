"""The typed, strict view of params.yaml: one class for each section.

All values come from params.yaml: nothing here has a default. Percent is 0 to 100.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise
from pathlib import Path
from typing import Annotated, Literal, Self, get_args

from pydantic import (
    AfterValidator,
    Field,
    StringConstraints,
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
from tracelate.config_section import (
    MAX_BEAMS,
    MAX_COUNT,
    Before,
    Count,
    Fraction,
    Language,
    LengthPenalty,
    Percent,
    Reason,
    Section,
    Seed,
    Size,
    Text,
)
from tracelate.config_sources import SourceConfig, SourcesConfig
from tracelate.config_tests import (
    OWN_TEST,
    TEST_NAME,
    CatalogsTestConfig,
    FilesTestConfig,
    FurtherTestConfig,
    HubTestConfig,
)
from tracelate.layout import PARAMS
from tracelate.metric_table import METRICS, TokenizerName
from tracelate.text.normaliser import Normaliser

__all__ = [
    "OWN_TEST",
    "TEST_NAME",
    "ArchiveConfig",
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


SMALLEST_VOCABULARY = 300
"""Bytes, special tokens, slots, and some pieces to learn."""


class TokenizeConfig(Section):
    """The vocabulary."""

    vocabulary_size: Annotated[
        int,
        Field(ge=SMALLEST_VOCABULARY, le=5_000_000),
        Reason("more than a corpus has words; memory is reserved"),
    ]
    """Number of pieces that both languages share, with the 256 bytes, 4 special tokens, 16 slots if
    placeholders are copied, and the user symbols; a small corpus may yield fewer."""
    min_frequency: Count
    """Minimum number of occurrences in the training text of two pieces that byte-pair encoding
    merges, and of a character that is a piece with byte_fallback."""
    placeholders: Literal["copy", "text"] = "text"
    """Treatment of placeholders such as `{name}`, `%s`, tags, entities, URLs and e-mail addresses.
    copy: each different one of a source is a token of its own, which the search uses as often as
    the source has it (placeholding: Crego et al. 2016, Post et al. 2019); text: pieces like other
    text, as in a params.yaml from before this setting."""
    model: Literal["bpe", "unigram"] = "bpe"
    """Kind of pieces: byte-pair encoding (Sennrich et al. 2016) merges the most frequent pairs; a
    unigram language model (Kudo 2018) keeps the pieces that make the text most probable. It may be
    absent, as in a params.yaml from before this setting, and so may the two below."""
    pieces: Literal["bytes", "byte_fallback"] = "bytes"
    """Smallest pieces: the 256 bytes (Radford et al. 2019), or the characters of the training text,
    of which rare ones are bytes (byte fallback)."""
    user_symbols: Annotated[list[Text], Field(max_length=1_000)] = Field(default_factory=list)
    """Texts that are always one piece wherever they occur, also within words, such as `<br>`. A
    placeholder that is copied is a slot, also one that is or has a user symbol."""

    @model_validator(mode="after")
    def _refuse_small_vocabulary(self) -> Self:
        least = SMALLEST_VOCABULARY + len(self.user_symbols)
        if self.vocabulary_size < least:
            raise ValueError(
                f"vocabulary_size is {self.vocabulary_size}, and {len(self.user_symbols)} "
                f"user_symbols need {least}: set it to {least} or more"
            )
        return self

    @field_validator("user_symbols")
    @classmethod
    def _refuse_equal_symbols(cls, symbols: list[str]) -> list[str]:
        for place, symbol in enumerate(symbols):
            if symbol in symbols[:place]:
                raise ValueError(f"{symbol} occurs twice: remove one")
            if symbol != symbol.strip():
                raise ValueError(f"{symbol!r} begins or ends with white space: remove that")
        return symbols


MonitorName = Literal["bleu", "chrf", "loss"]


class TrainConfig(Section):
    """The training: its length, optimiser, batches and regularisation."""

    seed: Annotated[int, Field(ge=0, le=2**32 - 1), Reason("since numpy's seeds have 32 bits")]
    """Seed of the first weights, the order of batches and the dropout masks."""
    epochs: Count
    """Most passes over the training text; early stopping, max_steps or max_hours may end the
    training before."""
    max_steps: Count | None = None
    """Most optimiser steps, at which the learning rate has fallen to its end; null: as many as the
    epochs have."""
    max_hours: Annotated[float, Field(gt=0, le=100_000)] | None = None
    """Most hours of training, validation and earlier parts of a resumed training included; null: no
    limit. The weights then depend on the speed of the machine."""
    validate_every: Count | None = None
    """Number of optimiser steps after which the weights are validated, and again; null: after each
    epoch. The training's end is validated too."""
    warmup_steps: Annotated[int, Field(ge=0, le=MAX_COUNT)]
    """Number of optimiser steps in which the learning rate rises linearly from 0 to
    learning_rate."""
    learning_rate: Annotated[float, Field(gt=0, le=1e38), Reason("since float32 ends there")]
    """Learning rate of Adam (Kingma and Ba 2015) after the warm-up."""
    final_learning_rate_factor: Annotated[float, Field(ge=0, le=1)]
    """Learning rate of the last step, divided by learning_rate; half a cosine leads to it
    (Loshchilov and Hutter 2017)."""
    adam_beta1: Fraction
    """Decay of Adam's average of the gradient, for each step (Kingma and Ba 2015)."""
    adam_beta2: Fraction
    """Decay of Adam's average of the squared gradient; 0.98 in Vaswani et al. 2017, section 5.3."""
    adam_epsilon: Annotated[float, Field(gt=0, le=1_000)]
    """Number that Adam adds to the root of the average squared gradient before dividing by it."""
    batch_tokens: Count
    """Most tokens in a batch of all devices together: its number of pairs times the length of its
    longest side, padding included. It sets the number of optimiser steps, so it is tracked."""
    length_noise: Annotated[float, Field(ge=0, le=1_000)]
    """Pairs are sorted into batches by their length times a random factor between 1 and 1 +
    length_noise, so that each epoch has other batches; 0: by length alone."""
    label_smoothing: Fraction
    """Probability that the training target spreads evenly over the vocabulary (Szegedy et al. 2016,
    section 7; 0.1 in Vaswani et al. 2017, section 5.4)."""
    gradient_clip_norm: Annotated[float, Field(gt=0, le=1e30), Reason("since float32 ends there")]
    """Largest L2 norm of the gradient of all weights; a larger gradient is scaled down to it
    (Pascanu et al. 2013)."""
    weight_average_decay: Fraction
    """Decay, for each step, of the moving average of the weights (Polyak and Juditsky 1992), which
    is validated and kept in place of the weights; 0: no average."""
    monitor: MonitorName
    """Value of the validation that chooses the best weights and stops early: BLEU or chrF of the
    translations, as evaluate.tokenizer and evaluate.lowercase say, or the loss."""
    early_stopping_epochs: Count
    """Number of epochs, or of validations where validate_every is set, without a better value of
    monitor after which the training ends."""
    log_every_steps: Count
    """Number of optimiser steps between two rows of the training curve."""
    precision: Literal["auto", "bf16-mixed", "32-true"]
    """Number format of the matrix products in training: bfloat16 with float32 weights, or float32.
    auto: bfloat16 where the processor or GPU has it, and float32 elsewhere, since bfloat16 in
    software is many times slower. The report of the training has the one that was used. Validation
    and translation are in float32."""


class NeuralMetricConfig(Section):
    """A program that scores translations, in an environment of its own."""

    name: Annotated[str, StringConstraints(pattern=r"^[a-z0-9_]{1,100}$")]
    """Name of the score in metrics.json and MLflow: lower-case letters, digits and `_`."""
    command: Annotated[list[Text], Field(min_length=1, max_length=100)]
    """The program and its arguments, without a shell. `{comet_adapter}` is the path of the packaged
    adapter of COMET."""
    timeout_s: Annotated[float, Field(gt=0, le=1_000_000)]
    """Seconds after which the program is ended and the evaluation fails."""

    @model_validator(mode="after")
    def _refuse_taken_name(self) -> Self:
        taken = (*METRICS, "attention", "bleu_by_source_length", "test")
        if self.name in taken or self.name.endswith(("_low", "_high", "_version")):
            raise ValueError(f"name is {self.name}, which has another meaning: choose another one")
        return self


class EvaluateConfig(Section):
    """Translation of the test text, and its scores."""

    beam_size: Annotated[
        int, Field(ge=1, le=MAX_BEAMS), Reason("since servers refuse more beams by default")
    ]
    """Number of hypotheses of a sentence that beam search keeps at each step; 1 is greedy
    search."""
    length_penalty: LengthPenalty
    """Exponent alpha of the length penalty ((5 + length) / 6) ** alpha, which divides the log
    probability of a translation (Wu et al. 2016, eq. 14); 0: no penalty, which favours short
    translations."""
    batch_sentences: Size
    """Number of sentences that are translated together. Their order is by length; another number
    may change scores by rounding."""
    tokenizer: TokenizerName
    """Tokenizer of BLEU; it is in the signature as tok. auto: by download.target_language, zh,
    ja-mecab or ko-mecab as sacrebleu chooses, char for Thai, Lao, Khmer, Burmese and Tibetan, and
    13a for others. none is for text that is tokenised already. flores101, flores200 and spm, which
    is flores101, need sentencepiece and a download."""
    lowercase: bool
    """If true, BLEU and chrF do not distinguish upper and lower case; it is in the signature as
    case:lc. TER never does."""
    force: bool
    """If true, there is no warning about text that seems to be tokenised, but is tokenised by BLEU
    again. It changes no score."""
    bootstrap_samples: Annotated[
        int, Field(ge=2, le=1_000_000), Reason("above which an interval changes no more")
    ]
    """Number of resampled test sets behind each 95 % interval (Koehn 2004)."""
    bootstrap_seed: Seed
    """Seed of the resampling."""
    source_length_buckets: Annotated[list[Count], Field(min_length=1, max_length=100)]
    """Fewest words of the source in each bucket that BLEU is computed for, rising from 1. A bucket
    ends before the next one; the last has no end."""
    min_bucket_sentences: Count
    """Fewest sentences of a bucket that gets a score. An interval from very few sentences does not
    hold for others."""
    heat_maps: Annotated[int, Field(ge=0, le=10_000), Reason("since each is a picture in MLflow")]
    """Number of test sentences whose attention is drawn; 0: none."""
    neural_metrics: Annotated[list[NeuralMetricConfig], Field(max_length=20)]
    """Programs that score the translations too, such as COMET; []: none. They are run as you, so
    name only what you trust."""
    behaviour: BehaviourConfig
    """Measurement of faults in translations."""
    tests: Annotated[list[FurtherTestConfig], Field(max_length=100)]
    """Further test sets, which are translated and scored with the run; []: none. Each has a `name`
    and one of `files`, `hub` and `catalogs`, see docs/guides/evaluate.md."""

    @model_validator(mode="after")
    def _refuse_equal_names(self) -> Self:
        for setting, named in (("neural_metrics", self.neural_metrics), ("tests", self.tests)):
            names = [one.name for one in named]
            if len(set(names)) < len(names):
                raise ValueError(f"{setting} has a name twice: {', '.join(names)}")
        return self

    @model_validator(mode="after")
    def _refuse_buckets_out_of_order(self) -> Self:
        edges = self.source_length_buckets
        if edges[0] != 1 or any(right <= left for left, right in pairwise(edges)):
            raise ValueError(
                f"source_length_buckets is {edges}: begin at 1 and let each edge be greater than "
                "the one before it"
            )
        return self


Requirement = Literal["better", "not_worse"]
"""Requirement on a test set."""
TestSetName = Annotated[str, StringConstraints(pattern=rf"^{TEST_NAME}$")]
"""Name of a test set, which is part of metrics' names in MLflow."""

MODEL_NAME = r"^(?:[A-Za-z0-9_-]|\.[A-Za-z0-9_-])[A-Za-z0-9._-]*$"
"""Pattern of a registered model's name. MLflow refuses `.` and what begins with
`..`."""

MAX_MODEL_NAME = 200


def _known_metric(key: str) -> str:
    if key not in METRICS:
        raise PydanticCustomError("unknown_metric", f"should be {', '.join(METRICS)}")
    return key


class RegistryConfig(Section):
    """The conditions of a promotion, and the trusted signers. No stage tracks them."""

    name: Annotated[str, StringConstraints(pattern=MODEL_NAME, max_length=MAX_MODEL_NAME)]
    """Name of the registered model; the option --name of a command overrides it. Another language
    pair needs another name."""
    metric: Annotated[str, AfterValidator(_known_metric)]
    """Metric by which a model must be better than the champion that it replaces: bleu, chrf,
    chrfpp (chrF++) or ter."""
    significance_level: Annotated[
        float, Field(ge=0.001, lt=1), Reason("the lowest that 1,000 bootstrap samples can show")
    ]
    """Level that the p-values of both tests must be below: paired bootstrap (Koehn 2004) and
    approximate randomisation (Riezler and Maxwell 2005)."""
    seed_deviation: Annotated[float, Field(ge=0, le=100)]
    """Standard deviation of the metric over training seeds, in percent points. A model must gain
    more than 2.77 times this at the level 0.05, which is more than another seed explains; 0: any
    significant gain counts. The command `tracelate seeds` measures it."""
    max_near_leakage_percent: Percent
    """Most percent of the test sentences that may have a near duplicate in the training text, by
    the definition prepare.near_duplicate. A candidate's own settings do not count here."""
    behaviour: BehaviourLimits
    """Limits on faults in translations."""
    tests: dict[TestSetName, Requirement]
    """Further test sets, by their names in evaluate.tests or of `tracelate evaluate --log`, with
    what is required on each: better or not_worse. The model must be better on the test set of its
    own evaluation in any case; {}: that alone counts."""
    not_worse_margin: Annotated[float, Field(ge=0, le=100)]
    """Largest loss of the metric, in percent points, that counts as not worse: the 95 % interval of
    the difference must exclude losses of this size (non-inferiority, ICH E9 1998)."""
    trusted_keys: list[Text]
    """Paths of public keys, relative to params.yaml. With at least one, `promote` has to sign, and
    models that none of the keys has signed are neither translated with nor served; [] needs no
    signature. The command `tracelate keys new` makes a key."""


class RuntimeConfig(Section):
    """Place and speed of a run. They change no result, and no stage tracks them."""

    accelerator: Literal["auto", "cpu", "gpu"]
    """Device to train on; auto: a GPU if there is one."""
    devices: Annotated[int, Field(ge=1, le=1_024), Reason("more than any machine has")]
    """Number of devices of a machine, each with a process of its own; all processes train together
    (DDP)."""
    num_nodes: Annotated[int, Field(ge=1, le=100_000)] = 1
    """Number of machines that train together, each with as many devices; torchrun or SLURM starts
    the processes."""
    accumulate: Annotated[int, Field(ge=1, le=10_000)] = 1
    """Number of parts in which each device computes its share of a batch, one after another, whose
    gradients are added: more parts take less memory."""
    checkpoint_minutes: Annotated[float, Field(gt=0, le=100_000)] = 10
    """Longest time without a checkpoint that a stopped training is resumed from, in minutes; there
    is one after each epoch, too."""
    checkpoint_steps: Count | None = None
    """Number of optimiser steps between such checkpoints, besides the time; null: by time alone."""
    experiment: Annotated[Text, StringConstraints(max_length=256)]
    """Name of the experiment in MLflow."""


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
