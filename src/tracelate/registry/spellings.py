"""Translating test sentences in other spellings, which must give the same words."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

from tracelate.comparison.parity import Parity, compare_translations
from tracelate.text.variants import VARIANTS
from tracelate.training.model_files import SavedNormaliser

MAX_SENTENCES = 200
"""Number of test sentences that are translated in each spelling, spread over the test set."""


class SpellingParity(NamedTuple):
    """Translations of one spelling compared with those of the plain sentences."""

    name: str
    """Name of the spelling, such as soft hyphens."""
    step: str
    """The step of a normaliser that undoes it."""
    parity: Parity
    """Of those sentences in the sample that this spelling changes."""


class Spellings(NamedTuple):
    """The spellings that a model was tried with, and its normaliser."""

    normaliser: SavedNormaliser
    parities: Sequence[SpellingParity]


def try_spellings(
    translate: Callable[[Sequence[str]], Sequence[str]],
    sources: Sequence[str],
    translations: Sequence[str],
    on_progress: Callable[[int, int], object] = lambda *_: None,
) -> list[SpellingParity]:
    """Translates a sample of the test set in each spelling, and compares with the `translations` of
    the plain `sources`.

    The sample has at most MAX_SENTENCES sentences, spread evenly. `on_progress` is called with the
    number of sentences of each spelling and that of all.
    """
    places = range(0, len(sources), max(1, -(-len(sources) // MAX_SENTENCES)))
    found = []
    for variant in VARIANTS:
        spelt = {place: variant.spell(sources[place]) for place in places}
        changed = [place for place in places if spelt[place] != sources[place]]
        parity = compare_translations(
            [translations[place] for place in changed],
            translate([spelt[place] for place in changed]),
        )
        differences = [
            one._replace(number=changed[one.number - 1] + 1) for one in parity.differences
        ]
        parity = parity._replace(differences=differences)
        found.append(SpellingParity(variant.name, variant.step, parity))
        on_progress(len(places), len(places) * len(VARIANTS))
    return found
