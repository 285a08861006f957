"""Preparing of a further test set: dropped pairs, and leakage into the training text."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from tracelate.config import CatalogsTestConfig, FurtherTestConfig, PrepareConfig
from tracelate.corpus.cleaning import CleaningCounts, clean, context_of, normalise_pairs
from tracelate.corpus.further.sentences import FurtherSet, single_references
from tracelate.corpus.leakage import Leakage, measure_leakage
from tracelate.corpus.pairs import Pair, table_of
from tracelate.errors import InputError
from tracelate.text.normaliser import Normaliser

EMPTY, TRAINED = "empty", "source_in_train"
"""Rules that drop pairs, besides those of the corpus's cleaning."""


class PreparedSet(NamedTuple):
    """A test set whose sentences can be scored."""

    further: FurtherSet
    dropped: Mapping[str, int]
    """Number of pairs by the rule that dropped them."""
    leakage: Leakage
    """As the training text has it, which is normalised."""


def prepare_set(
    config: FurtherTestConfig,
    further: FurtherSet,
    train: Sequence[Pair],
    prepare: PrepareConfig,
    languages: tuple[str, str],
    advance: Callable[[int], object] = lambda count: None,
) -> PreparedSet:
    """Returns the set without pairs that cannot be scored.

    All but catalogs keep their sentences as they are, so that scores are those of the same set
    elsewhere; pairs with an empty side are dropped. Catalogs are cleaned by the rules of prepare,
    as the corpus's own test split is. `languages` are those of the source and the target. `advance`
    is called with the number of training pairs that were looked up.

    Raises InputError if nothing is left.
    """
    dropped: dict[str, int] = {}
    trained_batches = table_of(train).to_batches()
    match config.source:
        case CatalogsTestConfig(drop_trained=drop_trained):
            counts = CleaningCounts()
            context = context_of(prepare, trained_batches, languages)
            pairs = list(clean(further.pairs, prepare, counts, context))
            dropped = dict(counts.dropped)
            if drop_trained:
                trained = {pair.source for pair in train}
                kept = [pair for pair in pairs if pair.source not in trained]
                dropped[TRAINED] = len(pairs) - len(kept)
                pairs = kept
            kept_set = single_references(pairs)
        case _:
            kept_set = _without_empty(further)
            if empty := len(further.pairs) - len(kept_set.pairs):
                dropped[EMPTY] = empty
    if not kept_set.pairs:
        rules = ", ".join(f"{rule} {count:,}" for rule, count in dropped.items() if count)
        raise InputError(
            f"the test set {config.name!r} has no sentence left of {len(further.pairs):,}: dropped "
            f"were {rules or 'none'}; change it in evaluate.tests, or take it out"
        )
    normalised = list(
        normalise_pairs(kept_set.pairs, Normaliser(prepare.normalise), CleaningCounts())
    )
    leakage = measure_leakage(normalised, trained_batches, prepare.near_duplicate, advance=advance)
    return PreparedSet(kept_set, dropped, leakage)


def _without_empty(further: FurtherSet) -> FurtherSet:
    rows = [
        (pair, texts)
        for pair, texts in zip(further.pairs, further.references, strict=True)
        if pair.source.strip() and pair.target.strip()
    ]
    return FurtherSet([pair for pair, _ in rows], [texts for _, texts in rows])
