"""The settings of the translation of the test text, and of its scores."""

from __future__ import annotations

from itertools import pairwise
from typing import Annotated, Self

from pydantic import Field, StringConstraints, model_validator

from tracelate.config_behaviour import BehaviourConfig
from tracelate.config_section import (
    MAX_BEAMS,
    Count,
    LengthPenalty,
    Reason,
    Section,
    Seed,
    Size,
    Text,
)
from tracelate.config_tests import FurtherTestConfig
from tracelate.metric_table import METRICS, TokenizerName


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
