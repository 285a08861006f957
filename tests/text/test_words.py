"""Words by a segmentation that fits the script."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tracelate.text.words import bounds_without_space, count_words, split_words

SPACED = st.text(st.characters(max_codepoint=0xDFF, exclude_categories=["Cs"]))
"""Latin, Greek, Cyrillic, Hebrew, Arabic, scripts of India, and marks."""
MIXED = st.text(st.sampled_from("ab1 .,(（）。「」你好网络データーノไทที่้ຂໍ້ကမြាន་ོབ집\u200b\u0301\n"))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("你好，世界。", "你 好， 世 界。"),
        ("Home Assistant（例如 10 个）。", "Home Assistant （例 如 10 个）。"),
        ("在abc123中使用Wi-Fi网络", "在 abc123 中 使 用 Wi-Fi 网 络"),
        ("温度：21°C", "温 度： 21°C"),
        ("「データ」を開く", "「デ ー タ」 を 開 く"),
        ("ที่ตั้ง 21 °C", "ที่ ตั้ ง 21 °C"),
        ("ຂໍ້ຜິດ", "ຂໍ້ ຜິ ດ"),
        ("ការ។", "កា រ។"),
        ("မြန်။", "မြ န်။"),
        ("བོད་སྐད་", "བོ ད་ སྐ ད་"),
        ("집에 있는 장치", "집에 있는 장치"),
        ("{name}已配置", "{name} 已 配 置"),
        ("Не удалось подключиться", "Не удалось подключиться"),
        ("", ""),
    ],
)
def test_words_fit_the_script(text: str, words: str) -> None:
    assert split_words(text) == words.split()
    assert count_words(text) == len(words.split())


@given(SPACED)
def test_scripts_with_blanks_have_their_words_between_white_space(text: str) -> None:
    assert split_words(text) == text.split()
    assert bounds_without_space(text) == set()


@given(MIXED)
def test_words_spell_the_text_and_none_is_empty(text: str) -> None:
    words = split_words(text)
    assert "".join(words) == "".join(text.split())
    assert all(words)


@given(MIXED)
def test_bounds_and_white_space_together_separate_the_words(text: str) -> None:
    bounds = bounds_without_space(text)
    apart = "".join(f" {letter}" if at in bounds else letter for at, letter in enumerate(text))
    assert apart.split() == split_words(text)


def test_an_invisible_character_is_no_word() -> None:
    assert count_words("កំណត់\u200bរចនា") == count_words("កំណត់រចនា")
