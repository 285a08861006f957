"""Cleaning: normalises pairs, then drops those that a rule matches; each rule counts its own.

Pairs pass in batches. Of those that the rules for one pair keep, a file and 8 bytes of hashes for
each rule of repeats are kept until all pairs are known.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from tracelate.config import PrepareConfig, RuleName
from tracelate.corpus.exclusion import selection
from tracelate.corpus.language_identification import refuse_without_identification
from tracelate.corpus.length_ratio import typical_ratio
from tracelate.corpus.observer import Observer
from tracelate.corpus.pairs import SCHEMA, Pair, pairs_of, table_of
from tracelate.corpus.repeats import REPEAT_KEYS, Keys, is_repeated
from tracelate.corpus.rules import ROW_RULES, Context
from tracelate.text.languages import script_of
from tracelate.text.normaliser import Normaliser

PLAIN = (
    r"!-~\x{a1}-\x{ac}\x{ae}-\x{17f}"  # Latin
    r"\x{400}-\x{482}\x{48a}-\x{4ff}"  # Cyrillic
    r"\x{2010}-\x{2027}\x{4e00}-\x{9fff}"  # punctuation, Chinese
)
"""Class of characters that no step of the normaliser but mojibake changes, in any order, with
single blanks between them: most texts need no look in Python."""
SHIFTED = "shifted"
"""Name in counts of the pairs that prepare.shifted drops."""
TEXTS = "texts"
"""Key of the number of texts that any step of the normaliser changed."""


@dataclass(frozen=True)
class CleaningCounts:
    """Numbers of pairs and texts, which cleaning adds to."""

    dropped: Counter[str] = field(default_factory=Counter)
    """Pairs by the rule that dropped them."""
    changed_sources: Counter[str] = field(default_factory=Counter)
    """Sources by the step of the normaliser that changed them, and those that any step changed."""
    changed_targets: Counter[str] = field(default_factory=Counter)


class Cleaner:
    """Cleans pairs that belong together: `keep_rows` all their batches, then `find_repeats`."""

    def __init__(
        self, context: Context, counts: CleaningCounts, observer: Observer | None = None
    ) -> None:
        self._context = context
        self._counts = counts
        self.observer = observer or Observer()
        self._normaliser = Normaliser(context.config.normalise)
        rules = context.config.rules
        self._row_rules = {name: ROW_RULES[name] for name in rules if name in ROW_RULES}
        self._keys: dict[RuleName, list[Keys]] = {name: [] for name in rules if name in REPEAT_KEYS}

    def drop_shifted(self, batch: pa.RecordBatch) -> None:
        """Counts pairs that prepare.shifted drops."""
        if batch.num_rows:
            self._counts.dropped[SHIFTED] += batch.num_rows
            self._tell(SHIFTED, batch)

    def keep_rows(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        """Returns the normalised pairs that no rule for one pair matches."""
        batch = normalise_batch(batch, self._normaliser, self._counts)
        for name, matches in self._row_rules.items():
            dropped = matches(batch, self._context)
            if dropped.any():
                self._counts.dropped[name] += int(dropped.sum())
                self._tell(name, batch.filter(pa.array(dropped)))
                batch = batch.filter(pa.array(~dropped))
        for name, keys in self._keys.items():
            keys.append(REPEAT_KEYS[name](batch))
        return batch

    @property
    def repeat_rules(self) -> list[RuleName]:
        """The rules of repeats, in their order."""
        return list(self._keys)

    def find_repeats(self, rows: int, order: NDArray[np.int64] | None = None) -> NDArray[np.uint8]:
        """Returns for each of the `rows` that `keep_rows` kept 0 if the rules of repeats keep it,
        and otherwise the number of the rule that drops it, from 1 in their order.

        Of repeated pairs, the first is kept, in the corpus or in the `order` of the rows.
        """
        found = np.zeros(rows, np.uint8)
        for number, (name, parts) in enumerate(self._keys.items(), start=1):
            keys = np.concatenate([np.zeros(0, np.uint64), *parts])
            parts.clear()
            most = self._context.config.max_targets if name == "many_targets" else 1
            kept = np.flatnonzero(found == 0) if order is None else order[found[order] == 0]
            repeated = is_repeated(keys[kept], most)
            if repeated.any():
                self._counts.dropped[name] += int(repeated.sum())
                found[kept[repeated]] = number
        return found

    def _tell(self, rule: str, batch: pa.RecordBatch) -> None:
        self.observer.dropped(rule, batch.select(SCHEMA.names))


def context_of(
    config: PrepareConfig, sample: Iterable[pa.RecordBatch], languages: Sequence[str] = ()
) -> Context:
    """Returns the rules' context; `sample` has the corpus's pairs, or many of them.

    `languages` are those of the source and the target, if they are known. Raises InputError if a
    rule needs a library that is not installed.
    """
    if "wrong_language" in config.rules:
        refuse_without_identification(languages)
    normaliser = Normaliser(config.normalise)
    normalised = (normalise_batch(batch, normaliser, CleaningCounts()) for batch in sample)
    wants_ratio = "unbalanced" in config.rules
    return Context(
        config,
        selection(config.excluded.texts, config.excluded.origins).normalised(normaliser),
        typical_ratio(normalised, config) if wants_ratio else 1.0,
        (script_of(languages[0]), script_of(languages[1])) if languages else ("Zyyy", "Zyyy"),
        languages,
    )


def normalise_batch(
    batch: pa.RecordBatch, normaliser: Normaliser, counts: CleaningCounts
) -> pa.RecordBatch:
    """Returns the normalised pairs, and counts the texts that each step changed."""
    source = _normalise(batch["source"], normaliser, counts.changed_sources)
    target = _normalise(batch["target"], normaliser, counts.changed_targets)
    rest = [batch[name] for name in batch.schema.names[2:]]
    return pa.RecordBatch.from_arrays([source, target, *rest], names=batch.schema.names)


def normalise_pairs(
    pairs: Iterable[Pair], normaliser: Normaliser, counts: CleaningCounts
) -> Iterator[Pair]:
    """Yields the normalised pairs, and counts the texts that each step changed."""
    for batch in table_of(pairs).to_batches():
        yield from pairs_of(pa.Table.from_batches([normalise_batch(batch, normaliser, counts)]))


def clean(
    pairs: Iterable[Pair],
    config: PrepareConfig,
    counts: CleaningCounts,
    context: Context | None = None,
) -> Iterator[Pair]:
    """Yields the normalised pairs that no rule matches, and counts in `counts` the first rule that
    matches each of the others. For few pairs, such as those of a test set.

    Without a `context`, it is that of these pairs.
    """
    batches = table_of(pairs).to_batches()
    cleaner = Cleaner(context or context_of(config, batches), counts)
    kept = [cleaner.keep_rows(batch) for batch in batches]
    table = pa.Table.from_batches(kept, table_of([]).schema)
    yield from pairs_of(table.filter(pa.array(cleaner.find_repeats(table.num_rows) == 0)))


def _normalise(
    texts: pa.StringArray, normaliser: Normaliser, counted: Counter[str]
) -> pa.StringArray:
    may_change = np.ones(len(texts), bool)
    if "mojibake" not in normaliser.steps:
        is_plain = pc.match_substring_regex(texts, rf"^(?:[{PLAIN}]+(?: [{PLAIN}]+)*)?$")
        may_change = ~is_plain.to_numpy(zero_copy_only=False)
    places = np.flatnonzero(may_change)
    changed = np.zeros(len(texts), bool)
    values: list[str] = []
    for place, text in zip(places, texts.filter(pa.array(may_change)).to_pylist(), strict=True):
        found = normaliser.trace(text)
        if found.changed_by:
            counted.update((TEXTS, *found.changed_by))
            values.append(found.text)
            changed[place] = True
    if not values:
        return texts
    return pc.replace_with_mask(texts, pa.array(changed), pa.array(values, pa.string()))
