"""A warning about a vocabulary that the training text is too small for."""

from __future__ import annotations

from tracelate.config_tokenize import SMALLEST_VOCABULARY, TokenizeConfig


def unreached_vocabulary_warning(
    size: int, config: TokenizeConfig, text: str = "training text"
) -> str | None:
    """Returns a line with a value to set if fewer pieces were learnt than asked for, else None.

    Merges then ended because every frequent word had become one piece. Half as many pieces leave
    most words in parts, which rare words share.
    """
    if size >= config.vocabulary_size:
        return None
    effect = (
        f"every word that occurs tokenize.min_frequency ({config.min_frequency}) times is a piece "
        "by itself"
        if config.model == "bpe"
        else "there are no more parts of words that occur twice"
    )
    half = max(size // 2, SMALLEST_VOCABULARY + len(config.user_symbols))
    return (
        f"the {text} has only {size:,} pieces for tokenize.vocabulary_size "
        f"{config.vocabulary_size:,}, so that {effect}: set tokenize.vocabulary_size to {half}"
    )
