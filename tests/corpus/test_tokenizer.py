from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.tiny_corpus import NOUNS, SPECIAL_MESSAGES
from tracelate.corpus.tokenizer import SPECIAL, SubwordTokenizer
from tracelate.errors import InputError
from tracelate.text.words import split_words

SENTENCES = [
    *NOUNS,
    *NOUNS.values(),
    *(side for pair in SPECIAL_MESSAGES.values() for side in pair),
    "the door opens the door",
    *["</s> <s> <pad> <unk>"] * 50,  # text that tempts merges to spell special tokens
]
TOKENIZER = SubwordTokenizer.train(SENTENCES, vocabulary_size=400, min_frequency=2)
TEXTS = st.text(st.characters(codec="utf-8"), max_size=60)
IDS = st.lists(st.integers(min_value=0, max_value=TOKENIZER.size - 1), max_size=30)
HARD = [
    "</s>",
    "a</s>b",
    "<pad><unk>",
    "día {n}\n“x”",
    "👩‍👩‍👧 ñ",
    " two  blanks ",
    "e\u0301",
    "\u00a0",
    "",
]


def test_two_pieces_are_merged_if_they_occur_together_often_enough() -> None:
    for min_frequency, merges in ((2, 1), (3, 0)):
        tokenizer = SubwordTokenizer.train(["qz", "qz"], 400, min_frequency)
        assert tokenizer.size == 256 + 4 + merges


@given(TEXTS)
def test_every_text_decodes_back_to_itself(text: str) -> None:
    assert TOKENIZER.decode(TOKENIZER.encode([text])) == [text]


@pytest.mark.parametrize("text", [*HARD, *SENTENCES])
def test_hard_texts_decode_back_to_themselves(text: str) -> None:
    assert TOKENIZER.decode(TOKENIZER.encode([text])) == [text]


@given(st.lists(st.one_of(st.sampled_from(SPECIAL), TEXTS)))
def test_no_text_becomes_a_special_token(parts: list[str]) -> None:
    [ids] = TOKENIZER.encode(["".join(parts)])
    assert min(ids, default=4) >= 4


def test_special_tokens_have_fixed_ids_and_are_skipped_when_decoding() -> None:
    special = [
        TOKENIZER.padding_id,
        TOKENIZER.start_id,
        TOKENIZER.end_id,
        TOKENIZER.unknown_id,
    ]
    assert special == [0, 1, 2, 3]
    [ids] = TOKENIZER.encode(["la puerta"])
    assert TOKENIZER.decode([[1, *ids, 2, 0, 0]]) == ["la puerta"]


def test_common_words_are_single_pieces_and_the_vocabulary_keeps_its_size() -> None:
    assert TOKENIZER.size <= 400
    [ids] = TOKENIZER.encode([" door"])
    assert len(ids) == 1


@given(IDS)
def test_words_cover_every_piece_once_and_in_order(ids: list[int]) -> None:
    words = TOKENIZER.words(ids)
    covered = [at for word in words for at in range(word.start, word.stop)]
    assert covered == list(range(len(ids)))
    assert all(word.start < word.stop for word in words)


@given(TEXTS.filter(lambda text: text.strip() != ""))
def test_words_of_a_text_spell_it(text: str) -> None:
    [ids] = TOKENIZER.encode([text])
    spelt = [word.text for word in TOKENIZER.words(ids)]
    assert "".join("".join(spelt).split()) == "".join(text.split())
    if split_words(text) == text.split():  # no script without blanks
        assert spelt == text.split()


@pytest.mark.parametrize("text", ["la cámara 👩‍👩‍👧 ve\nel {jardín}", "a  b", "¿qué?", "x \n y "])
def test_words_are_separated_by_white_space_even_if_pieces_split_characters(text: str) -> None:
    [ids] = TOKENIZER.encode([text])
    assert [word.text for word in TOKENIZER.words(ids)] == text.split()


def test_words_of_scripts_without_blanks_are_characters_where_the_pieces_allow_it() -> None:
    for text in ("打开 Home Assistant（例如）。", "ตั้งค่า 21 °C", "データ"):
        [ids] = TOKENIZER.encode([text])  # its pieces are bytes and Latin words
        assert [word.text for word in TOKENIZER.words(ids)] == split_words(text)
    merged = SubwordTokenizer.train(["网络连接"] * 50, vocabulary_size=300, min_frequency=2)
    [ids] = merged.encode(["网络连接"])
    assert len(ids) == 1
    assert [word.text for word in merged.words(ids)] == ["网络连接"]


def test_a_special_token_is_a_word_by_itself() -> None:
    [ids] = TOKENIZER.encode(["la puerta"])
    words = TOKENIZER.words([*ids, 2])
    assert [word.text for word in words] == ["la", "puerta", "</s>"]
    assert words[-1].start == len(ids)


def test_a_saved_tokenizer_loads_the_same_and_is_written_the_same(tmp_path: Path) -> None:
    first, again = tmp_path / "a.json", tmp_path / "b.json"
    TOKENIZER.save(first)
    SubwordTokenizer.train(SENTENCES, vocabulary_size=400, min_frequency=2).save(again)
    assert first.read_bytes() == again.read_bytes()
    loaded = SubwordTokenizer.load(first)
    assert loaded.encode(HARD) == TOKENIZER.encode(HARD)
    assert loaded.decode(loaded.encode(HARD)) == HARD


@pytest.mark.parametrize("content", ["", "{}", "[1]", "no json", '{"model": {"type": "BPE"}}'])
def test_a_file_that_is_no_tokenizer_is_refused(tmp_path: Path, content: str) -> None:
    path = tmp_path / "tokenizer.json"
    path.write_text(content)
    with pytest.raises(InputError, match=r"tokenizer\.json is"):
        SubwordTokenizer.load(path)


def test_a_tokenizer_of_another_kind_is_refused(tmp_path: Path) -> None:
    from tokenizers import Tokenizer, models

    path = tmp_path / "tokenizer.json"
    Tokenizer(models.WordLevel({"<pad>": 0}, unk_token="<pad>")).save(str(path))
    with pytest.raises(InputError, match="of another kind"):
        SubwordTokenizer.load(path)


def test_a_missing_tokenizer_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="is missing"):
        SubwordTokenizer.load(tmp_path / "tokenizer.json")


def test_forking_after_use_warns_of_nothing() -> None:
    program = (
        "import os\n"
        "from tracelate.corpus.tokenizer import SubwordTokenizer\n"
        "one = SubwordTokenizer.train(['a b'] * 9, 300, 2)\n"
        "one.encode(['a b'] * 999)\n"
        "if os.fork() == 0:\n"
        "    one.encode(['a'])\n"
        "    os._exit(0)\n"
        "os.wait()\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, check=True)
    assert done.stderr == b""


PLACEHOLDERS = ("{name}", "%s", "<b>", "</b>", "&nbsp;", "https://a.org/b?c", "a@b.org", "{{ v }}")
COPYING = SubwordTokenizer.train(SENTENCES, 400, 2, slot_count=3)
MIXED_TEXTS = st.lists(
    st.one_of(st.sampled_from([*PLACEHOLDERS, "<slot1>", " ", "%sfoo"]), st.text(max_size=5))
).map("".join)


@given(MIXED_TEXTS)
def test_every_text_with_placeholders_decodes_back_to_itself(text: str) -> None:
    [encoded] = COPYING.encode_sources([text])
    assert COPYING.decode([encoded.ids], [encoded.placeholders]) == [text]
    assert len(encoded.placeholders) <= 3
    used = dict.fromkeys(one for one in encoded.ids if one in COPYING.slots)
    assert list(used) == list(COPYING.slots[: len(encoded.placeholders)])


@given(MIXED_TEXTS)
def test_no_text_becomes_a_slot(text: str) -> None:
    [ids] = COPYING.encode([text])
    assert min(ids, default=COPYING.slots.stop) >= COPYING.slots.stop
    assert COPYING.decode([ids]) == [text]


def test_repeated_placeholders_have_one_slot_and_those_beyond_the_last_slot_are_text() -> None:
    [(ids, placeholders)] = COPYING.encode_sources(["{a}{b}{a}{c}{d}"])
    assert placeholders == ("{a}", "{b}", "{c}")
    one, two, three = COPYING.slots
    assert ids[:4] == [one, two, one, three]
    assert COPYING.decode([ids[4:]]) == ["{d}"]


def test_without_slots_placeholders_are_text() -> None:
    text = "día {n}\n“x” <b>"
    assert len(TOKENIZER.slots) == 0
    assert TOKENIZER.encode_sources([text]) == [(TOKENIZER.encode([text])[0], ())]


def test_words_have_the_text_of_placeholders_joined_to_what_is_beside_them() -> None:
    [(ids, placeholders)] = COPYING.encode_sources(["la {name}, <b>luz</b> ñ"])
    words = [word.text for word in COPYING.words(ids, placeholders)]
    assert words == ["la", "{name},", "<b>luz</b>", "ñ"]
    [(ids, placeholders)] = COPYING.encode_sources(["x {{ v }}"])
    assert [word.text for word in COPYING.words(ids, placeholders)] == ["x", "{{ v }}"]


@given(st.lists(st.integers(0, COPYING.size - 1), max_size=30), st.integers(0, 4))
def test_words_with_slots_cover_every_piece_once_and_in_order(ids: list[int], count: int) -> None:
    words = COPYING.words(ids, ("{a}", "&b;", "% c", "d")[:count])
    covered = [at for word in words for at in range(word.start, word.stop)]
    assert covered == list(range(len(ids)))


@given(MIXED_TEXTS)
def test_words_of_a_text_with_placeholders_spell_it(text: str) -> None:
    [(ids, placeholders)] = COPYING.encode_sources([text])
    spelt = "".join(word.text for word in COPYING.words(ids, placeholders))
    assert "".join(spelt.split()) == "".join(text.split())


def test_a_tokenizer_with_slots_comes_back_as_it_was_saved(tmp_path: Path) -> None:
    path = tmp_path / "tokenizer.json"
    COPYING.save(path)
    loaded = SubwordTokenizer.load(path)
    assert loaded.slots == COPYING.slots == range(4, 7)
    texts = ["la {name} <b>", "{a}"]
    assert loaded.encode_sources(texts) == COPYING.encode_sources(texts)
