"""The section `prepare` of params.yaml: normalisation, cleaning and splitting of the corpus."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Literal, Self, get_args

from pydantic import BeforeValidator, Field, field_validator, model_validator
from pydantic_core import PydanticCustomError

from tracelate.config_section import (
    MAX_COUNT,
    MAX_SEED,
    Characters,
    Count,
    Percent,
    Reason,
    Section,
    Text,
)
from tracelate.text.normaliser import StepName
from tracelate.text.times import parse_time

RuleName = Literal[
    "excluded",
    "empty",
    "too_long",
    "unbalanced",
    "untranslated",
    "repeated_characters",
    "wrong_script",
    "wrong_language",
    "placeholders",
    "numbers",
    "duplicate",
    "duplicate_normalised",
    "duplicate_source",
    "duplicate_target",
    "many_targets",
]
RULE_NAMES: tuple[RuleName, ...] = get_args(RuleName)
RULES_BEFORE: tuple[RuleName, ...] = (
    "excluded",
    "empty",
    "too_long",
    "unbalanced",
    "untranslated",
    "duplicate",
)
"""Rules of the stage before they were a setting."""


def _checked_time(value: object) -> str:
    """Returns a time as it was written; YAML has a date of its own kind."""
    text = value.isoformat() if isinstance(value, date) else value
    try:
        parse_time(text if isinstance(text, str) else str(text))
    except (ValueError, OverflowError) as error:
        raise PydanticCustomError(
            "time", "should be a time of ISO 8601, such as 2024-03-01 or 2024-03-01T12:00:00Z"
        ) from error
    return str(text)


TimeText = Annotated[str, BeforeValidator(_checked_time)]


class NearDuplicateConfig(Section):
    """Definition of two sentences that are nearly the same.

    The Jaccard similarity of their sets of character n-grams is at least `similarity`; see
    `tracelate.corpus.leakage`.
    """

    similarity: Annotated[float, Field(gt=0, le=1)]
    """Lowest similarity of a near duplicate; 1: only sentences with the same n-grams."""
    gram: Characters
    """Characters of an n-gram. Longer ones make fewer sentences near duplicates."""


class ExclusionConfig(Section):
    """Pairs that are dropped whatever the other rules say, such as texts that were withdrawn.

    `tracelate recall --exclude` writes these lists.
    """

    texts: list[Text]
    """Whole texts; a pair with one of them on either side is dropped. They are normalised as the
    corpus is before they are compared."""
    origins: list[Text]
    """Files that pairs were read from, or places in them (FILE:PLACE), as the column `origin` of
    data/raw names them; their pairs are dropped."""


class PrepareConfig(Section):
    """Normalisation, cleaning and splitting of the corpus."""

    normalise: list[StepName]
    """Steps that all text passes in this order before anything else: the corpus, and each sentence
    that the trained model translates, because the model carries the list. mojibake repairs UTF-8
    that was decoded in another encoding, with ftfy; line_breaks turns CR LF and CR into line feeds;
    control removes control characters; nfc composes accents (Unicode NFC); invisible removes soft
    hyphens, zero-width spaces, byte order marks, direction marks and the like, and joiners and
    variation selectors where no script or emoji needs them; white_space leaves one blank for each
    run of white space of any kind, and none at the ends of lines and texts. Steps are repeated
    until none changes the text any more."""
    rules: list[RuleName] = Field(default_factory=lambda: list(RULES_BEFORE))
    """Cleaning rules in the order in which they are tried; a pair is dropped and counted by the
    first that matches it. The rules of duplicates compare pairs with those before them, and are
    tried after all others. `tracelate.corpus.rules` and `tracelate.corpus.repeats` define them."""
    seed: Annotated[int, Field(ge=-MAX_SEED, le=MAX_SEED), Reason("since a seed has 63 bits")]
    """Seed of the splits. The split of a group depends on this and the group's name, so that new
    groups move no others; see `tracelate.corpus.splitting` for what holds when a corpus grows."""
    split_by: Literal["group", "group_hash", "pair", "time"] = "group"
    """group: pairs of a group, such as a catalog or a document, are all in one split, and the sizes
    are kept near the percentages; where there are too few groups, the corpus is split by pair, with
    a warning. group_hash: by a hash of the group's name alone, so that the sizes are as the groups
    fall. pair: by a hash of the source text alone, so that the sizes are near the percentages in a
    large corpus. time: the newest pairs are held out; the source's columns name the time. With
    group_hash, pair, and time with test_from and valid_from, no pair moves from test or valid to
    train when the corpus grows; with group, a warning names what may move."""
    valid_from: TimeText | None = None
    """With split_by time: pairs of this time or later, such as 2024-03-01, are validation text, if
    they are not test text. null: the newest valid_percent of the pairs are."""
    test_from: TimeText | None = None
    """With split_by time: pairs of this time or later are test text. null: the newest test_percent
    of the pairs are."""
    valid_percent: Percent
    """Percent of the groups that become validation text, if the corpus has no validation split.
    Groups are catalogs, or sentences with the same source, so the percentage of pairs differs. With
    split_by pair or time, it is of the pairs."""
    test_percent: Percent
    """Percent of the groups, or of the pairs with split_by pair or time, that become test text, if
    the corpus has no test split."""
    max_characters: Characters
    """Most characters on either side of a pair; longer pairs are dropped."""
    max_length_ratio: Annotated[float, Field(ge=1)]
    """Factor by which the ratio of a pair's lengths may be above or below the corpus's typical
    ratio; other pairs are dropped (rule unbalanced). Characters of double width, such as Chinese
    ones, count twice. The typical ratio is the median of the corpus, and 1 where that is between
    3/4 and 4/3 or there are fewer than 100 pairs to measure."""
    always_balanced_characters: Annotated[int, Field(ge=0, le=MAX_COUNT)]
    """Pairs whose longer side has at most this many characters, counted in the same way, are kept
    whatever their ratio: that of short texts varies, as in `OK` and `De acuerdo`."""
    drop_untranslated: bool
    """If true, pairs with the same text on both sides are dropped (rule untranslated)."""
    max_repeated_characters: Count = 10
    """Most times that a character other than a digit or blank may follow itself on either side
    (rule repeated_characters)."""
    max_targets: Count = 4
    """Most different targets of a source; further pairs are dropped (rule many_targets)."""
    min_language_probability: Annotated[float, Field(gt=0, le=1)] = 0.7
    """Probability from which on a side counts as text of another language (rule wrong_language,
    which needs `pip install 'tracelate[langid]'`). A lower one finds more and errs more often."""
    shifted: Literal["warn", "drop", "fail"] = "warn"
    """Treatment of shifted lines: runs of pairs whose target belongs to the source one line before
    or after, as after a line that one of two files lost. warn: the stage names them; drop: they are
    dropped before all rules; fail: the stage fails. They are looked for in 1,000 pairs or more."""
    excluded: ExclusionConfig
    """Pairs that are dropped by name."""
    near_duplicate: NearDuplicateConfig
    """Definition of a near duplicate."""
    near_leakage: Literal["drop", "fail", "warn"] = "fail"
    """Treatment of training pairs whose source is a near duplicate of a validation or test source.
    drop: they are dropped; fail: the stage fails where more than max_near_leakage_percent of the
    test sentences have one, as with an older params.yaml; warn: it warns about it."""
    max_near_leakage_percent: Percent
    """Most percent of the test sentences that may have a near duplicate in the training text, with
    near_leakage fail or warn."""

    @model_validator(mode="after")
    def _refuse_borders_out_of_order(self) -> Self:
        if self.split_by != "time" and (self.valid_from or self.test_from):
            raise ValueError(
                f"split_by is {self.split_by}, and valid_from or test_from is set: set split_by to "
                "time, or these to null"
            )
        if (
            self.valid_from is not None
            and self.test_from is not None
            and parse_time(self.valid_from) >= parse_time(self.test_from)
        ):
            raise ValueError(
                f"valid_from {self.valid_from} is not before test_from {self.test_from}: change one"
            )
        return self

    @field_validator("normalise")
    @classmethod
    def _refuse_repeated_steps(cls, steps: list[StepName]) -> list[StepName]:
        if len(set(steps)) < len(steps):
            raise PydanticCustomError("repeated_step", "should name each step once")
        return steps

    @field_validator("rules")
    @classmethod
    def _refuse_repeated_rules(cls, rules: list[RuleName]) -> list[RuleName]:
        if len(set(rules)) < len(rules):
            raise PydanticCustomError("repeated_rule", "should name each rule once")
        return rules
