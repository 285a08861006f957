"""Numbers count as kept in the form of any language, and as changed if their value is another."""

from __future__ import annotations

import pytest

from tracelate.evaluation.behaviour.numbers import has_numbers, same_numbers


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("3 of 10", "de 10, 3"),
        ("1,234.5 m", "1.234,5 m"),
        ("1,234.5 m", "1 234,5 m"),
        ("1,234.5 m", "1\u202f234,5 m"),
        ("1,234.5 m", "1’234.5 m"),
        ("10000", "10 000"),
        ("1,234,567", "1.234.567"),
        ("12,34,567", "1,234,567"),
        ("0.5", "0,5"),
        ("0.125", "0,125"),
        ("in 2026", "في ٢٠٢٦"),
        ("1,234.5", "١٬٢٣٤٫٥"),
        ("४२", "42"),
        ("12/05/2026", "05.12.2026"),
        ("2026.2.3", "2026.2.3"),
        ("192.168.1.1", "192.168.1.1"),
        ("{item_7}: 5", "5: {item_7}"),
        ("channels 1 200", "canales 1 200"),
        ("5.", "5,"),
    ],
)
def test_numbers_written_otherwise_are_kept(one: str, other: str) -> None:
    assert same_numbers(one, other)
    assert same_numbers(other, one)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("3", "4"),
        ("3", ""),
        ("3 and 3", "3"),
        ("1.5", "15"),
        ("0.5", "5"),
        ("0,125", "125"),
        ("1,234", "1 235"),
        ("2026.2.3", "2026.2"),
        ("BME280", "BME20"),
        ("4-10", "4"),
        ("", "2"),
    ],
)
def test_other_numbers_are_changed(one: str, other: str) -> None:
    assert not same_numbers(one, other)


def test_digits_of_placeholders_are_no_numbers() -> None:
    assert not has_numbers("{item_7} %1$s http://10.0.0.1/")
    assert not has_numbers("H₂O")
    assert has_numbers("٢")
