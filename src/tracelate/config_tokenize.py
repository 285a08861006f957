"""The settings of the vocabulary."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, field_validator, model_validator

from tracelate.config_section import Count, Reason, Section, Text
from tracelate.text.casing import CasingName

SMALLEST_VOCABULARY = 300
"""Bytes, special tokens, slots, and some pieces to learn."""


class TokenizeConfig(Section):
    """The vocabulary."""

    vocabulary_size: Annotated[
        int,
        Field(ge=SMALLEST_VOCABULARY, le=5_000_000),
        Reason("more than a corpus has words; memory is reserved"),
    ]
    """Number of pieces that both languages share, with the 256 bytes, 4 special tokens, 16 slots if
    placeholders are copied, 2 tokens of case markup, and the user symbols; a small corpus may yield
    fewer."""
    min_frequency: Count
    """Minimum number of occurrences in the training text of two pieces that byte-pair encoding
    merges, and of a character that is a piece with byte_fallback."""
    placeholders: Literal["copy", "text"] = "text"
    """Treatment of placeholders such as `{name}`, `%s`, tags, entities, URLs and e-mail addresses.
    copy: each different one of a source is a token of its own, which the search uses as often as
    the source has it (placeholding: Crego et al. 2016, Post et al. 2019); text: pieces like other
    text, as in a params.yaml from before this setting."""
    model: Literal["bpe", "unigram"] = "bpe"
    """Kind of pieces: byte-pair encoding (Sennrich et al. 2016) merges the most frequent pairs; a
    unigram language model (Kudo 2018) keeps the pieces that make the text most probable. It may be
    absent, as in a params.yaml from before this setting, and so may the two below."""
    pieces: Literal["bytes", "byte_fallback"] = "bytes"
    """Smallest pieces: the 256 bytes (Radford et al. 2019), or the characters of the training text,
    of which rare ones are bytes (byte fallback)."""
    user_symbols: Annotated[list[Text], Field(max_length=1_000)] = Field(default_factory=list)
    """Texts that are always one piece wherever they occur, also within words, such as `<br>`. A
    placeholder that is copied is a slot, also one that is or has a user symbol."""

    casing: CasingName = "cased"
    """Case of letters in pieces. cased: pieces have capitals, as in a params.yaml from before this
    setting; case_markup: words are in lower case after a token that says that they begin with a
    capital or have capitals alone, so that `HOUSE`, `House` and `house` share pieces (case markup
    of the OpenNMT Tokenizer, Klein et al. 2017). Translations have their capitals back."""

    @model_validator(mode="after")
    def _refuse_small_vocabulary(self) -> Self:
        least = SMALLEST_VOCABULARY + len(self.user_symbols)
        if self.vocabulary_size < least:
            raise ValueError(
                f"vocabulary_size is {self.vocabulary_size}, and {len(self.user_symbols)} "
                f"user_symbols need {least}: set it to {least} or more"
            )
        return self

    @field_validator("user_symbols")
    @classmethod
    def _refuse_equal_symbols(cls, symbols: list[str]) -> list[str]:
        for place, symbol in enumerate(symbols):
            if symbol in symbols[:place]:
                raise ValueError(f"{symbol} occurs twice: remove one")
            if symbol != symbol.strip():
                raise ValueError(f"{symbol!r} begins or ends with white space: remove that")
        return symbols
