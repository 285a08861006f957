"""The sentence that a check looks at, and what it knows of the whole test set."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Set
from typing import NamedTuple

from tracelate.evaluation.behaviour.lengths import LengthBounds, length_bounds


class Sentence(NamedTuple):
    """A translated sentence."""

    source: str
    reference: str | None
    """None for a made sentence, which has none."""
    translation: str


class Context(NamedTuple):
    """Values that are learnt from text before sentences are checked."""

    bounds: LengthBounds
    known_words: Set[str] | None
    """Case-folded words of the training text in the target language; None if it is not known."""


Fault = Callable[[Sentence, Context], bool | None]
"""Returns True if the sentence has the fault, and None if the check does not apply to it."""


def learn_context(pairs: Iterable[tuple[str, str]], known_words: Set[str] | None = None) -> Context:
    """Returns the context of a test set, from its sources and references."""
    return Context(length_bounds(pairs), known_words)
