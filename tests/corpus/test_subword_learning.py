"""All kinds of pieces, with and without user symbols and slots."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.tiny_corpus import NOUNS, SPECIAL_MESSAGES
from tracelate.corpus.subword_learning import BYTE_PIECES, ModelName, PiecesName
from tracelate.corpus.tokenizer import SPECIAL, SubwordTokenizer
from tracelate.errors import InputError
from tracelate.text.casing import CasingName

SENTENCES = [
    *NOUNS,
    *NOUNS.values(),
    *(side for pair in SPECIAL_MESSAGES.values() for side in pair),
    *["the door opens the door", "<0x41> </s> <pad>", "网络连接 kWh"] * 20,
]
SYMBOLS = ("<br>", "kWh", "<b", "día", "s>", "「x y」")
KINDS = [(model, pieces) for model in get_args(ModelName) for pieces in get_args(PiecesName)]


def learnt(
    model: ModelName,
    pieces: PiecesName,
    symbols: tuple[str, ...] = (),
    slots: int = 0,
    casing: CasingName = "cased",
) -> SubwordTokenizer:
    return SubwordTokenizer.train(
        *(SENTENCES, 500, 2, slots),
        model=model,
        pieces=pieces,
        user_symbols=symbols,
        casing=casing,
    )


TOKENIZERS = {
    (*kind, slots): learnt(*kind, symbols, slots)
    for kind in KINDS
    for symbols, slots in (((), 0), (SYMBOLS, 2))
}
MARKED = {
    (*kind, slots): learnt(*kind, symbols, slots, "case_markup")
    for kind in KINDS
    for symbols, slots in (((), 0), (SYMBOLS, 2))
}
FRAGMENTS = [
    *SYMBOLS,
    *SPECIAL,
    "<0x41>",
    "<slot1>",
    "{name}",
    "%s",
    "▁",
    "\ue000",
    "<br",
    "İß",
    " ",
    "THE Door",
    "ΟΔΟΣ",
    "Ǆ",
    "<uppercase>",
]
TEXTS = st.lists(
    st.one_of(st.sampled_from(FRAGMENTS), st.text(st.characters(codec="utf-8"), max_size=8))
).map("".join)
every_tokenizer = pytest.mark.parametrize(
    "tokenizer", TOKENIZERS.values(), ids=map(str, TOKENIZERS)
)


@pytest.mark.parametrize(
    "tokenizer",
    [*TOKENIZERS.values(), *MARKED.values()],
    ids=[*map(str, TOKENIZERS), *(f"{one} marked" for one in MARKED)],
)
@settings(max_examples=40)
@given(text=TEXTS)
def test_every_text_decodes_back_to_itself(tokenizer: SubwordTokenizer, text: str) -> None:
    [ids] = tokenizer.encode([text])
    assert tokenizer.decode([ids]) == [text]
    assert min(ids, default=tokenizer.slots.stop) >= tokenizer.slots.stop
    assert len(ids) <= tokenizer.most_pieces(text)
    [(copied, placeholders)] = tokenizer.encode_sources([text])
    assert tokenizer.decode([copied], [placeholders]) == [text]
    spelt = "".join(word.text for word in tokenizer.words(ids))
    assert "".join(spelt.split()) == "".join(text.split())


@every_tokenizer
@settings(max_examples=40)
@given(text=TEXTS)
def test_a_user_symbol_is_one_piece_and_no_other_piece_spells_it(
    tokenizer: SubwordTokenizer, text: str
) -> None:
    [ids] = tokenizer.encode([text])
    names = {at: symbol for symbol, at in tokenizer.user_symbols.items()}
    found = [names[piece] for piece in ids if piece in names]
    assert found == [text[start:stop] for start, stop in tokenizer.symbol_spans(text)]
    parts = "\0".join(
        "" if piece in names else tokenizer.decode([[piece]])[0] for piece in ids
    ).split("\0")
    assert not any(symbol in part for symbol in names.values() for part in parts)


@pytest.mark.parametrize("kind", KINDS)
def test_user_symbols_are_pieces_also_within_words(kind: tuple[ModelName, PiecesName]) -> None:
    tokenizer = learnt(*kind, SYMBOLS)
    assert list(tokenizer.user_symbols) == list(SYMBOLS)
    [ids] = tokenizer.encode(["3kWhs día<br>"])
    symbols = [tokenizer.user_symbols[one] for one in ("kWh", "día", "<br>")]
    assert [piece for piece in ids if piece in symbols] == symbols
    assert tokenizer.encode(["<b"]) == [[tokenizer.user_symbols["<b"]]]


@pytest.mark.parametrize("kind", KINDS)
def test_a_saved_tokenizer_comes_back_as_it_was(
    kind: tuple[ModelName, PiecesName], tmp_path: Path
) -> None:
    tokenizer = learnt(*kind, SYMBOLS, 2)
    tokenizer.save(tmp_path / "one.json")
    loaded = SubwordTokenizer.load(tmp_path / "one.json")
    loaded.save(tmp_path / "two.json")
    assert (tmp_path / "one.json").read_bytes() == (tmp_path / "two.json").read_bytes()
    assert loaded.user_symbols == tokenizer.user_symbols
    assert loaded.encode(SENTENCES) == tokenizer.encode(SENTENCES)
    assert loaded.slots == range(4, 6)


LEARNING = """
import sys
from pathlib import Path
from tests.corpus.test_subword_learning import KINDS, SYMBOLS, learnt
for number, kind in enumerate(KINDS):
    learnt(*kind, SYMBOLS, 2).save(Path(sys.argv[1]) / f"{number}.json")
"""


def test_other_processes_and_numbers_of_threads_learn_the_same_bytes(tmp_path: Path) -> None:
    files = []
    for threads in ("1", "2"):
        (folder := tmp_path / threads).mkdir()
        environment = {
            **os.environ,
            "RAYON_NUM_THREADS": threads,
            "TOKENIZERS_PARALLELISM": "true",
            "PYTHONHASHSEED": threads,
        }
        command = [sys.executable, "-c", LEARNING, str(folder)]
        subprocess.run(command, check=True, env=environment)
        files.append([path.read_bytes() for path in sorted(folder.iterdir())])
    assert files[0] == files[1]
    assert len(files[0]) == len(KINDS)


@pytest.mark.parametrize("model", get_args(ModelName))
def test_with_byte_fallback_rare_characters_are_bytes_and_frequent_ones_pieces(
    model: ModelName,
) -> None:
    tokenizer = SubwordTokenizer.train(
        ["网络"] * 50 + ["龙"], 400, 2, model=model, pieces="byte_fallback"
    )
    assert len(tokenizer.encode(["网"])[0]) == 1
    [ids] = tokenizer.encode(["龙"])
    assert [tokenizer.piece_bytes[piece] for piece in ids] == [
        bytes([one]) for one in "龙".encode()
    ]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("sentences", [[], ["a"], ["\t"], ["▁"]])
def test_hardly_any_text_gives_a_tokenizer_of_bytes(
    kind: tuple[ModelName, PiecesName], sentences: list[str]
) -> None:
    model, pieces = kind
    tokenizer = SubwordTokenizer.train(sentences, 300, 2, 16, model=model, pieces=pieces)
    assert tokenizer.size >= 20 + 256
    assert tokenizer.decode(tokenizer.encode(["día\n"])) == ["día\n"]


@pytest.mark.parametrize("kind", KINDS)
def test_the_vocabulary_keeps_its_size_also_with_many_characters(
    kind: tuple[ModelName, PiecesName],
) -> None:
    model, pieces = kind
    many = ["".join(map(chr, range(0x4E00 + at, 0x4E40 + at))) for at in range(0, 4000, 32)]
    tokenizer = SubwordTokenizer.train(many * 3, 300, 2, 16, model=model, pieces=pieces)
    assert tokenizer.size <= 300


@pytest.mark.parametrize(
    ("symbols", "message"),
    [
        (["a b", " "], "number 2, is empty"),
        (["x", "x"], "'x', number 2, occurs twice"),
        (["</s>"], "is a special token"),
        (["<slot1>"], "is a special token"),
        ([BYTE_PIECES[65]], "is a special token"),
        (["é"], "is byte_fallback"),
        (["Ã©"], "is byte_fallback"),
    ],
)
def test_user_symbols_with_another_meaning_are_refused(symbols: list[str], message: str) -> None:
    with pytest.raises(InputError, match=message):
        SubwordTokenizer.train([], 400, 2, 1, user_symbols=symbols)


def test_user_symbols_with_accents_are_pieces_over_bytes() -> None:
    tokenizer = SubwordTokenizer.train(SENTENCES, 400, 2, user_symbols=["«name»", "día"])
    texts = ["a«name»b", "día", "Ã©"]
    assert tokenizer.decode(tokenizer.encode(texts)) == texts


@pytest.mark.parametrize(
    "change",
    [
        {"model": {"type": "WordPiece", "unk_token": "<unk>", "vocab": {"<unk>": 3}}},
        {"decoder": {"type": "Fuse"}},
        {"decoder": None},
    ],
)
def test_a_file_with_another_kind_of_pieces_is_refused(
    change: dict[str, object], tmp_path: Path
) -> None:
    path = tmp_path / "tokenizer.json"
    learnt("bpe", "bytes").save(path)
    path.write_text(json.dumps(json.loads(path.read_text()) | change))
    with pytest.raises(InputError, match=r"tokenizer\.json is") as raised:
        SubwordTokenizer.load(path)
    assert "\n" not in str(raised.value)
