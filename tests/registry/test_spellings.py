"""Spellings of test sentences, tried with functions in place of a model."""

from __future__ import annotations

from collections.abc import Sequence

from tracelate.registry.spellings import MAX_SENTENCES, try_spellings
from tracelate.text.normaliser import Normaliser

SOURCES = [f"Open the café {number}." for number in range(1, 1001)]


def test_a_function_that_normalises_treats_all_spellings_alike() -> None:
    normalise = Normaliser(["invisible", "nfc", "white_space"])
    done: list[tuple[int, int]] = []
    found = try_spellings(
        lambda texts: [normalise(text).upper() for text in texts],
        SOURCES,
        [source.upper() for source in SOURCES],
        lambda *numbers: done.append(numbers),
    )
    assert len(found) == 8 and all(one.parity.holds for one in found)
    assert {one.parity.sentences for one in found} == {MAX_SENTENCES}
    assert sum(count for count, _ in done) == done[-1][1] == 8 * MAX_SENTENCES


def test_a_difference_has_the_number_of_the_test_sentence() -> None:
    def translate(texts: Sequence[str]) -> list[str]:
        return [text.strip().upper() for text in texts]

    plain = translate(SOURCES)
    found = {one.name: one.parity for one in try_spellings(translate, SOURCES, plain)}
    assert found["leading blank"].holds and found["CR LF at the end"].holds
    assert not found["doubled blanks"].holds
    for parity in found.values():
        for one in parity.differences:
            assert one.expected == plain[one.number - 1]


def test_sentences_without_another_spelling_are_not_compared() -> None:
    [accents, *_] = try_spellings(lambda texts: list(texts), ["plain", "Größe"], ["plain", "Größe"])
    assert accents.parity.sentences == 1 and accents.parity.differences[0].number == 2
