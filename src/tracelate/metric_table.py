"""Metrics that score a test set; all are computed by sacrebleu.

A metric is added here only: scoring, comparison, the registry's gate and all tables use this table.
`scoring_metrics` gives the table's metrics with the options that fit a language.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal, NamedTuple, Protocol

from tracelate.text.languages import script_of

TokenizerName = Literal[
    "auto",
    "13a",
    "intl",
    "zh",
    "ja-mecab",
    "ko-mecab",
    "char",
    "none",
    "flores101",
    "flores200",
    "spm",
]
"""Tokenizers of BLEU, as sacrebleu names them. `spm` is sacrebleu's older name of flores101."""


@dataclass(frozen=True)
class Metric:
    """A metric whose corpus score is in percent."""

    key: str
    """Name in metrics.json, in params.yaml and in MLflow: lower-case letters, digits and `_`."""
    title: str
    """Name in tables and texts."""
    meaning: str
    """Description of what is measured, in a few words."""
    higher_is_better: bool
    sacrebleu_class: str
    """Name of the class in sacrebleu.metrics."""
    options: Mapping[str, Any] = field(default_factory=dict)
    """Arguments of that class. Those that change a score are part of sacrebleu's signature."""

    @property
    def direction(self) -> str:
        return "higher is better" if self.higher_is_better else "lower is better"


BLEU = Metric("bleu", "BLEU", "words and phrases shared with the reference", True, "BLEU")
CHRF = Metric("chrf", "chrF", "characters shared with the reference", True, "CHRF")
CHRFPP = Metric(
    "chrfpp",
    "chrF++",
    "characters and words shared with the reference",
    True,
    "CHRF",
    {"word_order": 2},
)
TER = Metric("ter", "TER", "edits needed to reach the reference", False, "TER")

METRICS: dict[str, Metric] = {metric.key: metric for metric in (BLEU, CHRF, CHRFPP, TER)}
"""All metrics by key, in the order of tables. Tables always show the first one."""


class ScoringSettings(Protocol):
    """Settings that the scores of a text depend on, beside its language."""

    @property
    def tokenizer(self) -> TokenizerName: ...
    @property
    def lowercase(self) -> bool: ...


class ScoringOptions(NamedTuple):
    """Options of the metrics where no params.yaml gives them."""

    tokenizer: TokenizerName = "auto"
    lowercase: bool = False


DEFAULT_TOKENIZER = "13a"
TOKENIZERS = {
    **dict.fromkeys(("Hans", "Hant", "Hani", "Hanb"), "zh"),
    **dict.fromkeys(("Jpan", "Hira", "Kana", "Hrkt"), "ja-mecab"),
    **dict.fromkeys(("Kore", "Hang"), "ko-mecab"),
    # sacrebleu has none for these scripts without blanks; flores200 needs a download
    **dict.fromkeys(("Thai", "Laoo", "Khmr", "Mymr", "Tibt"), "char"),
}
"""Tokenizer of BLEU by script (ISO 15924); those of zh, ja and ko are sacrebleu's own choice."""
ASIAN_TER = ("zh", "ja-mecab")
"""Tokenizers of the languages whose characters TER separates. Its option `asian_support` has an
effect only with `normalized`."""


def scoring_metrics(language: str, settings: ScoringSettings) -> dict[str, Metric]:
    """Returns all metrics by key, with their options for translations into `language`."""
    own = TOKENIZERS.get(script_of(language), DEFAULT_TOKENIZER)
    tokenizer = own if settings.tokenizer == "auto" else settings.tokenizer
    options: dict[str, dict[str, Any]] = {
        "BLEU": {
            "tokenize": "flores101" if tokenizer == "spm" else tokenizer,
            "lowercase": settings.lowercase,
        },
        "CHRF": {"lowercase": settings.lowercase},
        "TER": {"normalized": True, "asian_support": True} if own in ASIAN_TER else {},
    }
    return {
        key: replace(metric, options={**metric.options, **options[metric.sacrebleu_class]})
        for key, metric in METRICS.items()
    }


def for_short_texts(bleu: Metric) -> Metric:
    """Returns BLEU over n-grams up to the length of the translations (effective order).

    Translations of one or two words have no 4-grams, so that their plain BLEU is 0 even if they are
    correct.
    """
    return replace(bleu, options={**bleu.options, "effective_order": True})


def metric_title(key: str) -> str:
    """Returns the title of a metric, or its key if it is only known to a newer version."""
    return METRICS[key].title if key in METRICS else key


def titled_direction(key: str) -> str:
    """Returns the title of a metric, with its direction if lower is better."""
    usual = key not in METRICS or METRICS[key].higher_is_better
    return metric_title(key) if usual else f"{metric_title(key)} ({METRICS[key].direction})"
