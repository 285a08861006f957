"""Translation of texts by the tiny trained model."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import numpy as np
import pytest

from tracelate.errors import InputError
from tracelate.inference.translator import PART_PIECES, Translation, Translator
from tracelate.model.search import Hypothesis
from tracelate.model.seq2seq import Seq2Seq
from tracelate.text.normaliser import Normaliser
from tracelate.text.variants import VARIANTS
from tracelate.training.model_files import load_model

SENTENCES = ["Always the door opens the window.", "", "Never.", "  ", "Today the light stops."]


@pytest.fixture(scope="module")
def translator(finished_project: Path) -> Translator:
    trained = load_model(finished_project / "models")
    return Translator(trained, beam_size=4, length_penalty=1.0, batch_sentences=2)


def test_the_first_of_n_best_is_the_translation(translator: Translator) -> None:
    best = [n_best[0] for n_best in translator.translate_n_best(SENTENCES, 3)]
    assert best == translator.translate(SENTENCES)


def test_n_best_translations_differ_and_have_decreasing_scores(translator: Translator) -> None:
    for sentence, n_best in zip(SENTENCES, translator.translate_n_best(SENTENCES, 3), strict=True):
        scores = [one.log_probability for one in n_best]
        assert scores == sorted(scores, reverse=True)
        assert len({tuple(one.target_ids) for one in n_best}) == len(n_best)
        assert len(n_best) == (3 if sentence.strip() else 1)


def test_no_more_translations_are_returned_than_the_beam_found(translator: Translator) -> None:
    [n_best] = translator.translate_n_best(SENTENCES[:1], 99)
    assert len(n_best) == translator.beam_size


def test_a_blank_sentence_stays_blank(translator: Translator) -> None:
    n_best = translator.translate_n_best(SENTENCES, 2)
    assert [one.text for one in n_best[1]] == [""]
    assert [one.text for one in n_best[3]] == [""]


def test_no_white_space_is_left_around_a_translation(
    translator: Translator, monkeypatch: pytest.MonkeyPatch
) -> None:
    [ids] = translator.trained.tokenizers.target.encode([" La puerta "])
    found = [[Hypothesis(ids, -1.0)]]
    monkeypatch.setattr(translator, "search_batch", lambda _: found)
    [translation] = translator.translate(["The door"])
    assert (translation.text, translation.target_ids) == ("La puerta", ids)


def test_a_line_up_to_the_limit_is_translated_as_a_whole_beside_longer_ones(
    translator: Translator, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = [" ".join(one.text.splitlines()) for one in translator.translate(SENTENCES)]
    assert list(translator.translate_lines(iter(SENTENCES))) == whole
    longest = max(len(ids) for ids in translator.trained.tokenizers.target.encode(SENTENCES))
    monkeypatch.setattr(translator, "max_line_pieces", longest)
    long = f"{SENTENCES[0]} {SENTENCES[4]}"
    assert translator.is_long(long) and not any(map(translator.is_long, SENTENCES))
    lines = [*SENTENCES[:3], long, *SENTENCES[3:]]
    expected = [*whole[:3], f"{whole[0]} {whole[4]}", *whole[3:]]
    assert list(translator.translate_lines(iter(lines))) == expected


def test_a_line_of_100_000_characters_is_never_searched_as_a_whole(
    translator: Translator, monkeypatch: pytest.MonkeyPatch
) -> None:
    searched: list[int] = []

    def search(source_ids: list[list[int]]) -> list[list[Hypothesis]]:
        searched.extend(map(len, source_ids))
        return [[Hypothesis([], 0.0)]] * len(source_ids)

    monkeypatch.setattr(translator, "search_batch", search)
    for line in ("x" * 100_000, "e" + "\u0301" * 100_000, "The door opens. " * 6000):
        assert len(list(translator.translate_lines(iter([line, "Never."])))) == 2
    assert max(searched) <= translator.max_line_pieces
    assert sum(searched) > 200_000


def test_a_long_line_is_refused_with_its_pieces(translator: Translator) -> None:
    translator.refuse_long("x" * translator.max_line_pieces)
    with pytest.raises(InputError, match=r"100,000 subword pieces, and the limit is 500: split it"):
        translator.refuse_long("x" * 100_000)


@pytest.mark.parametrize("architecture", ["recurrent", "transformer"])
def test_attention_computed_in_parts_equals_that_computed_at_once(
    translator: Translator, architecture: Literal["recurrent", "transformer"]
) -> None:
    trained = translator.trained
    config = trained.config.settings.model_copy(
        update={"architecture": architecture, "input_feeding": True}
    )
    model = Seq2Seq(
        config, trained.tokenizers.target.size, trained.tokenizers.target.padding_id
    ).eval()
    looking = Translator(
        trained._replace(model=model), beam_size=1, length_penalty=1.0, batch_sentences=1
    )
    source, target = trained.tokenizers.target.encode([SENTENCES[0], " ".join(SENTENCES * 9)])
    assert len(target) > 2 * PART_PIECES
    translation = Translation("", 0.0, source, target)
    [whole_TS] = looking.attentions([translation])
    parts_TS = looking.attention_in_parts(translation)
    assert parts_TS.shape == whole_TS.shape
    np.testing.assert_allclose(parts_TS, whole_TS, atol=1e-5)


def test_every_spelling_of_a_sentence_gives_the_same_translation(translator: Translator) -> None:
    plain = ["The “door” is <b>open</b>", "Today the café stops.", *SENTENCES]
    wanted = translator.translate(plain)
    lines = list(translator.translate_lines(iter(plain)))
    for variant in VARIANTS:
        spelt = [variant.spell(sentence) for sentence in plain]
        assert translator.translate(spelt) == wanted, variant.name
        assert list(translator.translate_lines(iter(spelt))) == lines, variant.name


def test_without_its_steps_a_model_translates_spellings_otherwise(
    translator: Translator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(translator, "normalise", Normaliser([]))
    [plain], [spelt] = (
        translator.translate(SENTENCES[:1]),
        translator.translate([SENTENCES[0].replace(" ", "\u00a0")]),
    )
    assert spelt.source_ids != plain.source_ids


def test_a_sentence_that_is_blank_when_normalised_stays_blank(translator: Translator) -> None:
    assert [one.text for one in translator.translate(["\ufeff", " \u200b\x00 ", "\u2028"])] == [
        ""
    ] * 3


def test_the_length_is_that_of_the_normalised_line(translator: Translator) -> None:
    padded = f"{' ' * 5_000}Never.{chr(0xAD) * 5_000}"
    assert not translator.is_long(padded)
    translator.refuse_long(padded)
    assert list(translator.translate_lines(iter([padded]))) == list(
        translator.translate_lines(iter(["Never."]))
    )


def test_a_long_line_is_split_as_its_plain_form(translator: Translator) -> None:
    plain = "The door opens the window. " * 100
    assert translator.is_long(plain)
    spelt = plain.replace(" ", "\u00a0\t")
    assert list(translator.translate_lines(iter([spelt]))) == list(
        translator.translate_lines(iter([plain]))
    )
