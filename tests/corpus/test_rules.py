"""Cleaning rules that are not in the default list; test_cleaning.py has the others."""

from __future__ import annotations

import pytest

from tests.corpus.test_cleaning import CONFIG, pair
from tracelate.config import RuleName
from tracelate.config_prepare import RULE_NAMES
from tracelate.corpus.cleaning import context_of
from tracelate.corpus.pairs import table_of
from tracelate.corpus.repeats import REPEAT_KEYS
from tracelate.corpus.rules import ROW_RULES


def drops(rule: RuleName, source: str, target: str, languages: tuple[str, str]) -> bool:
    # between two others, so that a rule which looks into its neighbours fails
    pairs = [pair("a", "a"), pair(source, target), pair("a", "a")]
    [batch] = table_of(pairs).to_batches()
    context = context_of(CONFIG, [], languages)
    return bool(ROW_RULES[rule](batch, context)[1])


def test_every_name_has_a_rule() -> None:
    assert {*ROW_RULES, *REPEAT_KEYS} == set(RULE_NAMES)


@pytest.mark.parametrize(
    ("text", "dropped"),
    [
        ("A" + "a" * 10, False),
        ("b" * 11, False),
        ("b" * 12, True),
        ("end" + "." * 12, True),
        ("1" + "0" * 20, False),
        ("a" + " " * 20 + "b", False),
        ("哈" * 12, True),
    ],
)
def test_a_character_may_follow_itself_ten_times(text: str, dropped: bool) -> None:
    assert drops("repeated_characters", text, "x", ("en", "es")) is dropped
    assert drops("repeated_characters", "x", text, ("en", "es")) is dropped


@pytest.mark.parametrize(
    ("source", "target", "languages", "dropped"),
    [
        ("The door", "Дверь", ("en", "ru"), False),
        ("The door", "The door again", ("en", "ru"), True),
        ("Дверь", "Дверь", ("en", "ru"), True),
        ("Use {network_name}", "Сеть {network_name}", ("en", "ru"), False),
        ("Wi-Fi 6", "Wi-Fi и сеть дома", ("en", "ru"), False),
        ("123", "456 !", ("en", "ru"), False),
        ("The door", "门", ("en", "zh-Hans"), False),
        ("The door", "サーバーのドア", ("en", "ja"), False),
        ("The door", "문", ("en", "ko"), False),
        ("The door", "दरवाज़ा", ("en", "hi"), False),
        ("The door", "दरवाज़ा", ("en", "th"), True),
        ("The door", "Дверь", ("en", "xx-unknown"), False),
    ],
)
def test_most_letters_of_a_side_are_of_its_language(
    source: str, target: str, languages: tuple[str, str], dropped: bool
) -> None:
    assert drops("wrong_script", source, target, languages) is dropped


@pytest.mark.parametrize(
    ("source", "target", "dropped"),
    [
        ("Open {name}", "Abre {name}", False),
        ("Open {name}", "Abre {nombre}", True),
        ("Open %s and %s", "Abre %s", True),
        ("<b>Open</b>", "<b>Abre</b>", False),
        ("<b>Open</b>", "Abre", True),
        ("Open", "Abre &nbsp;", True),
        ("See www.example.org", "Vea", True),
        ("50 % of it", "50 % de eso", False),
        ("{n, plural, one {# day} other {# days}}", "{n, plural, other {# días}}", False),
    ],
)
def test_placeholders_agree(source: str, target: str, dropped: bool) -> None:
    assert drops("placeholders", source, target, ("en", "es")) is dropped


@pytest.mark.parametrize(
    ("source", "target", "dropped"),
    [
        ("Wait 10 s", "Espera 10 s", False),
        ("Wait 10 s", "Espera 100 s", True),
        ("Wait", "Espera 5 s", True),
        ("1,000.5 and 7", "7 y 1.000,5", False),
        ("07", "7", False),
        ("25", "২৫", False),  # Bengali digits
        ("25", "২৬", True),
        ("9" * 5_000, "9" * 5_000, False),
    ],
)
def test_numbers_agree(source: str, target: str, dropped: bool) -> None:
    assert drops("numbers", source, target, ("en", "bn")) is dropped
