"""A model that copies placeholders keeps them in every translation, whatever else it writes."""

from __future__ import annotations

import pytest
import torch

from tests.model.toy import toy_config
from tests.tiny_corpus import SPECIAL_MESSAGES
from tracelate.config import TokenizeConfig
from tracelate.corpus.pairs import Pair, table_of
from tracelate.corpus.tokenizing import learn_tokenizer
from tracelate.evaluation.word_attention import attention_over_words
from tracelate.inference.translator import Translator
from tracelate.model.seq2seq import Seq2Seq
from tracelate.text.placeholders import placeholders
from tracelate.training.model_files import load_model, save_model

SENTENCES = [
    "Open {device_name} now",
    "The <b>door</b> is {state}: {state} %s",
    "Write to a.b@example.org or see https://example.org/a?b=c.",
    "No placeholder here",
    "",
    "%(n)d&nbsp;{{ states('a.b') }}",
    " ".join(f"{{slot_{number}}}" for number in range(16)),
]


@pytest.fixture(scope="module", params=["cased", "case_markup"])
def translator(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Translator:
    """A model with random weights."""
    folder = tmp_path_factory.mktemp("model")
    pairs = table_of(Pair(*sides, "group", "origin") for sides in SPECIAL_MESSAGES.values())
    settings = {
        "vocabulary_size": 300,
        "min_frequency": 2,
        "placeholders": "copy",
        "casing": request.param,
    }
    tokenizer = learn_tokenizer(pairs.to_batches(), TokenizeConfig.model_validate(settings))
    tokenizer.save(folder / "learnt.json")
    torch.manual_seed(0)
    model = Seq2Seq(toy_config(), tokenizer.size, tokenizer.padding_id)
    save_model(
        folder / "models",
        model.state_dict(),
        toy_config(),
        folder / "learnt.json",
        source_language="en",
        target_language="es",
        normalise=["nfc", "white_space"],
    )
    trained = load_model(folder / "models")
    return Translator(trained, beam_size=3, length_penalty=1.0, batch_sentences=4)


def test_each_placeholder_is_kept_as_often_in_any_batch(translator: Translator) -> None:
    together = translator.translate_n_best(SENTENCES, 3)
    for sentence, n_best in zip(SENTENCES, together, strict=True):
        for one in n_best:
            for placeholder, times in placeholders(sentence).items():
                assert one.text.count(placeholder) == times
        [alone] = translator.translate_n_best([sentence], 3)
        assert [one.target_ids for one in alone] == [one.target_ids for one in n_best]


def test_words_and_attention_have_the_text_of_placeholders(translator: Translator) -> None:
    translations = translator.translate(SENTENCES[:4])
    for sentence, one, weights_TS in zip(
        SENTENCES, translations, translator.attentions(translations), strict=False
    ):
        seen = attention_over_words(translator.trained.tokenizer, one, weights_TS)
        assert seen.source_words[:-1] == sentence.split()
        assert "".join(seen.target_words[:-1]) == "".join(one.text.split())
        assert seen.weights_WV.shape == (len(seen.target_words), len(seen.source_words))


def test_a_long_line_keeps_its_placeholders(translator: Translator) -> None:
    sentence = 'See <a title="x. y">{name}</a> at https://example.org/' + "a" * 500 + ". "
    line = sentence * 4
    assert translator.is_long(line * 10)
    [found] = translator.translate_lines(iter([line * 10]))
    for placeholder, times in placeholders(line * 10).items():
        assert found.count(placeholder) == times


def test_placeholders_beyond_the_last_slot_are_text(translator: Translator) -> None:
    text = " ".join(f"{{p{number}}}" for number in range(20))
    [one] = translator.translate([text])
    assert one.placeholders == tuple(f"{{p{number}}}" for number in range(16))
    assert all(one.text.count(placeholder) == 1 for placeholder in one.placeholders)
