"""Translating test sentences in other spellings, which must give the same words."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

from tracelate.comparison.parity import Parity, compare_translations
from tracelate.text.variants import VARIANTS, Variant
from tracelate.training.model_files import SavedNormaliser

MAX_SENTENCES = 200
"""Number of test sentences that are translated in each spelling."""


class SpellingParity(NamedTuple):
    """Translations of one spelling compared with those of the plain sentences."""

    name: str
    """Name of the spelling, such as soft hyphens."""
    step: str
    """The step of a normaliser that undoes it."""
    parity: Parity
    """Of a sample of the sentences that this spelling changes."""


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
    """Translates test sentences in each spelling, and compares with the `translations` of the plain
    `sources`.

    Of the sentences that a spelling changes, at most MAX_SENTENCES are taken, spread evenly.
    `on_progress` is called with the number of sentences of each spelling and that of all.
    """
    samples = [(variant, _sample(variant, sources)) for variant in VARIANTS]
    total = sum(len(places) for _, places in samples)
    found = []
    for variant, places in samples:
        parity = compare_translations(
            [translations[place] for place in places],
            translate([variant.spell(sources[place]) for place in places]),
        )
        differences = [
            one._replace(number=places[one.number - 1] + 1) for one in parity.differences
        ]
        parity = parity._replace(differences=differences)
        found.append(SpellingParity(variant.name, variant.step, parity))
        on_progress(len(places), total)
    return found


def _sample(variant: Variant, sources: Sequence[str]) -> Sequence[int]:
    """Returns the places of at most MAX_SENTENCES sources that the variant changes."""
    changed = [place for place, source in enumerate(sources) if variant.spell(source) != source]
    return changed[:: max(1, -(-len(changed) // MAX_SENTENCES))]
