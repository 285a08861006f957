"""Each fault is found where it is, and not where the source or the reference does the same."""

from __future__ import annotations

import pytest

from tracelate.behaviour_table import TEST_CHECKS
from tracelate.evaluation.behaviour.faults import FAULTS, faults_of
from tracelate.evaluation.behaviour.lengths import LengthBounds, length_bounds
from tracelate.evaluation.behaviour.sentence import Context, Sentence

CONTEXT = Context(LengthBounds(0.5, 2.0), frozenset({"la", "luz", "está", "de"}))


def found(key: str, source: str, reference: str | None, translation: str) -> bool | None:
    return FAULTS[key](Sentence(source, reference, translation), CONTEXT)


def test_the_table_and_the_functions_have_the_same_checks() -> None:
    assert list(FAULTS) == list(TEST_CHECKS)
    assert all(check.__doc__ for check in FAULTS.values())


@pytest.mark.parametrize(
    ("key", "source", "reference", "translation", "fault"),
    [
        ("placeholders", "Open {name}", "Abre {name}", "Abre {nombre}", True),
        ("placeholders", "Open {name}", "Abre {name}", "Abre", True),
        ("placeholders", "Open {name}", "Abre {name}", "Abre {name} {name}", True),
        ("placeholders", "Open {name}", "Abre {name}", "{name} abre", False),
        ("placeholders", "Open {name}", "Ábrelo", "Abre eso", False),
        ("placeholders", "Open it", "Ábrelo", "Abre {name}", True),
        ("placeholders", "Open it", "Ábrelo", "Abre eso", None),
        ("placeholders", "Open {name}", None, "Abre", True),
        ("numbers", "3 days", "3 días", "5 días", True),
        ("numbers", "3 days", "tres días", "tres días", False),
        ("numbers", "3 days", "3 días", "tres días", True),
        ("numbers", "days", "días", "3 días", True),
        ("numbers", "days", "días", "días", None),
        ("numbers", "{d3} days", "{d3} días", "días", None),
        ("repetition", "go", "ve", "ve ve ve", True),
        ("repetition", "ha ha ha", "ja ja ja", "ja ja ja", False),
        ("empty", "Open", "Abre", " …", True),
        ("empty", "Open", "Abre", "Abre", False),
        ("empty", "…", "…", "", None),
        ("copied", "Bedroom light", "Luz", "Bedroom light", True),
        ("copied", "Bedroom light", "Luz", "Bedroom luz", False),
        ("copied", "Bedroom light on", "Luz", "Bedroom light", True),
        ("copied", "Home Assistant", "Home Assistant", "Home Assistant", None),
        ("copied", "{name} 42", "{name} 42", "{name} 42", None),
        ("copied", "打开卧室的灯", "Turn on the light", "打开卧室的灯", True),
        ("copied", "打开卧室的灯", "寝室の灯をつける", "寝室の灯をつけて", False),
        ("copied", "Bedroom", None, "Bedroom", None),
        ("length", "a" * 90, "b" * 90, "b" * 30, True),
        ("length", "a" * 90, "b" * 90, "b" * 300, True),
        ("length", "a" * 90, "b" * 90, "b" * 80, False),
        ("length", "OK", "De acuerdo", "De acuerdo", False),
        ("length", "Open", "Abre", "", None),
        ("invented", "light", "luz", "La luzero", True),
        ("invented", "Zigbee light", "luz", "La luz de ZIGBEE", False),
        ("invented", "light", "lucecita", "La lucecita {name_x} X1 x", False),
        ("invented", "3", "3", "3", None),
    ],
)
def test_faults(
    key: str, source: str, reference: str | None, translation: str, fault: bool | None
) -> None:
    assert found(key, source, reference, translation) is fault


def test_without_the_training_text_no_word_is_invented() -> None:
    sentence = Sentence("light", "luz", "luzero")
    assert "invented" not in faults_of(sentence, CONTEXT._replace(known_words=None))
    assert faults_of(sentence, CONTEXT)["invented"]


def test_bounds_of_length_contain_nearly_all_references() -> None:
    pairs = [("x" * 40, "y" * length) for length in range(20, 60) for _ in range(50)]
    bounds = length_bounds([*pairs, ("x" * 40, "y" * 400)])
    assert sum(not bounds.contains(*pair) for pair in pairs) <= 0.005 * len(pairs)
    assert not bounds.contains("x" * 40, "y" * 400)
    assert length_bounds([]).contains("x", "y" * 1000)
