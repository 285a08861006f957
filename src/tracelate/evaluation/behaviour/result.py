"""The result of the checks, as reports/metrics.json has it."""

from __future__ import annotations

from typing import NamedTuple


class FaultExample(NamedTuple):
    """A sentence with a fault."""

    number: int
    """Number of the test sentence in the test set, from 1."""
    source: str
    translation: str


class FaultCount(NamedTuple):
    """The result of a check."""

    faults: int
    sentences: int
    """Number of sentences that the check applies to."""
    examples: list[FaultExample]
    """The first ones in the order of the test set."""
    chrf: float | None = None
    """Of made sentences: mean chrF of their translations, in percent. Case is ignored. None for the
    test set, and for made sentences without a reference."""
    plain_chrf: float | None = None
    """Mean chrF of the translations of the sentences that they were made from."""

    @property
    def percent(self) -> float:
        """Share of the sentences with the fault, in percent; 0 without sentences."""
        return 100 * self.faults / self.sentences if self.sentences else 0.0


class Behaviour(NamedTuple):
    """The results of all checks by key, and the invented words."""

    checks: dict[str, FaultCount]
    """Those of the test set and those of made sentences, in the order of their tables."""
    words: int | None = None
    """Number of the translations' words that may be invented; None without training text."""
    invented_words: int | None = None
    """Number of those that neither the training text nor the source has."""

    @property
    def invented_words_percent(self) -> float | None:
        """Share of the invented words in percent; None if it was not counted."""
        if self.words is None or self.invented_words is None:
            return None
        return 100 * self.invented_words / self.words if self.words else 0.0
