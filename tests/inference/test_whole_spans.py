"""Parts of a long line that are never cut: copied placeholders and user symbols."""

from __future__ import annotations

from types import SimpleNamespace

from tracelate.corpus.tokenizer import SubwordTokenizer
from tracelate.corpus.tokenizer_pair import TokenizerPair
from tracelate.inference.translator import Translator


def test_overlapping_placeholders_and_user_symbols_are_one_span() -> None:
    symbols = ["x. y", "{a} z"]
    tokenizer = SubwordTokenizer.train(["a"], 400, 2, 2, user_symbols=symbols)
    translator = Translator.__new__(Translator)
    translator.trained = SimpleNamespace(  # type: ignore[assignment]
        tokenizers=TokenizerPair.joint(tokenizer)
    )
    assert translator._whole_spans("b x. y {a} z <b>") == [(2, 6), (7, 12), (13, 16)]
