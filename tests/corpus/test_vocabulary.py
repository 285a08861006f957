"""The warning about a vocabulary that the training text does not reach."""

from __future__ import annotations

from tests.tiny_corpus import PROJECT
from tracelate.config import load_params
from tracelate.config_tokenize import SMALLEST_VOCABULARY
from tracelate.corpus.vocabulary import unreached_vocabulary_warning

CONFIG = load_params(PROJECT / "params.yaml").tokenize


def test_a_vocabulary_that_is_reached_is_not_remarked() -> None:
    assert unreached_vocabulary_warning(CONFIG.vocabulary_size, CONFIG) is None


def test_the_half_of_the_pieces_is_advised() -> None:
    line = unreached_vocabulary_warning(1500, CONFIG)
    assert line is not None and line.startswith("the training text has only 1,500 pieces for ")
    assert line.endswith("set tokenize.vocabulary_size to 750")


def test_the_advice_is_a_valid_setting() -> None:
    line = unreached_vocabulary_warning(310, CONFIG)
    assert line is not None and line.endswith(f"to {SMALLEST_VOCABULARY}")
    type(CONFIG).model_validate({**CONFIG.model_dump(), "vocabulary_size": SMALLEST_VOCABULARY})
