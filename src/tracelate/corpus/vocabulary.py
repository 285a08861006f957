"""A warning about a vocabulary that the training text is too small for."""

from __future__ import annotations

from tracelate.config import TokenizeConfig

SMALLEST = 300
"""Least value of tokenize.vocabulary_size."""


def unreached_vocabulary_warning(size: int, config: TokenizeConfig) -> str | None:
    """Returns a line with a value to set if fewer pieces were learnt than asked for, else None.

    Merges then ended because every frequent word had become one piece. Half as many pieces leave
    most words in parts, which rare words share.
    """
    if size >= config.vocabulary_size:
        return None
    return (
        f"the training text has only {size:,} pieces for tokenize.vocabulary_size "
        f"{config.vocabulary_size:,}, so that every word that occurs tokenize.min_frequency "
        f"({config.min_frequency}) times is a piece by itself: set tokenize.vocabulary_size to "
        f"{max(size // 2, SMALLEST)}"
    )
