"""Words and pieces of words in scripts with and without blanks, and repetition in both."""

from __future__ import annotations

import pytest

from tracelate.evaluation.behaviour.repetition import repeats
from tracelate.evaluation.behaviour.words import pieces, words


def test_words_are_folded_and_keep_their_marks() -> None:
    assert words("«L'État», e-mail: STRASSE/Straße!") == [
        "l", "état", "e", "mail", "strasse", "strasse"]  # fmt: skip
    assert words("हिन्दी में, नमस्ते।") == ["हिन्दी", "में", "नमस्ते"]
    assert words(" … ") == []


def test_runs_without_blanks_are_cut_into_pairs_of_characters() -> None:
    assert list(pieces("打开Wi-Fi设置 3")) == ["打开", "wi", "fi", "设置", "3"]
    assert list(pieces("温度是")) == ["温度", "度是"]
    assert list(pieces("大")) == ["大"]


@pytest.mark.parametrize(
    "text",
    [
        "la la la",
        "Select the, select the; SELECT THE device",
        "los los Los dispositivos",
        "se requiere re re re",
        "intentententente",
        "请打开打开打开门",
        "你好，你好，你好",
        "เปิดเปิดเปิด",
        "がありますがありますがあります",
    ],
)
def test_repetitions_are_found(text: str) -> None:
    assert repeats(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "the the",
        "one two one two",
        "the cat, the dog, the bird",
        "का की के",
        "101010 and 000000",
        "哈哈哈",
        "谢谢谢谢",
        "Mississippi banana",
        "1. 2. 3.",
        "...",
    ],
)
def test_other_text_repeats_nothing(text: str) -> None:
    assert not repeats(text)
