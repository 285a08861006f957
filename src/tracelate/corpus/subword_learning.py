"""Learning of subword pieces: byte-pair encoding or a unigram model, over bytes or characters.

Byte-pair encoding (Sennrich et al. 2016) is learnt with `tokenizers`. The unigram language model
(Kudo 2018) is learnt with `sentencepiece` on one thread: the trainer of `tokenizers` sums floats in
the order of a hash map, so that its scores differ from one process to the next.
"""

from __future__ import annotations

import io
import json
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain, repeat
from typing import Any, Literal, NamedTuple

import regex
from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers, trainers

ModelName = Literal["bpe", "unigram"]
PiecesName = Literal["bytes", "byte_fallback"]

BYTE_PIECES = tuple(f"<0x{byte:02X}>" for byte in range(256))
"""Pieces of the bytes of characters that have no piece, as Llama and SentencePiece name them."""
COVERAGE = 0.9995
"""Share of the training text's characters that have pieces, SentencePiece's default; the rarest
others are bytes."""
WORDS = r"'(?:[sdmt]|ll|ve|re)| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"
"""Parts of a text that no piece crosses: those of byte-level encoding (Radford et al. 2019)."""
_BLANK = "\ue000"
"""Replaces the blank while a unigram model is learnt: SentencePiece treats the blank itself apart
from other characters."""
_NOT_LEARNT = regex.compile(r"[^\S ]|\p{Cc}|[\u2581\u2585\ue000]")
"""Characters that are always bytes: white space, and what SentencePiece or `_BLANK` reserve."""


class Learning(NamedTuple):
    """Settings of what is learnt."""

    model: ModelName
    pieces: PiecesName
    vocabulary_size: int
    min_frequency: int
    special: Sequence[str]
    """Tokens at the first ids, which no text becomes."""
    symbols: Sequence[str]
    """Pieces at the ids after them, that no text given to `learn` contains."""


def learn(texts: Iterable[str], settings: Learning) -> Tokenizer:
    """Returns a tokenizer of up to `vocabulary_size` pieces. The same texts give the same bytes."""
    if settings.pieces == "bytes" and settings.model == "bpe":
        tokenizer = _byte_level(models.BPE())
        tokenizer.train_from_iterator(texts, _bpe_trainer(settings, _byte_letters()))
        return _rebuilt(tokenizer, settings) if settings.symbols else tokenizer
    if settings.pieces == "bytes":
        words = _count_words(texts, pre_tokenizers.ByteLevel(add_prefix_space=False))
        return _rebuilt(_byte_level(_unigram(words, settings, _byte_letters())), settings)
    words = _count_words(texts, _character_words())
    words = _covered(words, settings)
    if settings.model == "unigram":
        return _rebuilt(_with_fallback(_unigram(words, settings, [])), settings)
    tokenizer = _with_fallback(models.BPE(byte_fallback=True))
    repeated = chain.from_iterable(repeat(*one) for one in words.items())
    tokenizer.train_from_iterator(repeated, _bpe_trainer(settings, []))
    return _rebuilt(tokenizer, settings)


def pieces_of(tokenizer: Tokenizer) -> PiecesName | None:
    """Returns the kind of a tokenizer's pieces; None if no `learn` of ours made it."""
    if not isinstance(tokenizer.model, models.BPE | models.Unigram):
        return None
    if isinstance(tokenizer.decoder, decoders.ByteLevel):
        return "bytes"
    has_bytes = all(tokenizer.token_to_id(piece) is not None for piece in BYTE_PIECES)
    is_fallback = isinstance(tokenizer.decoder, decoders.Sequence) and has_bytes
    return "byte_fallback" if is_fallback else None


def _bpe_trainer(settings: Learning, alphabet: list[str]) -> trainers.BpeTrainer:
    return trainers.BpeTrainer(
        vocab_size=settings.vocabulary_size,
        min_frequency=settings.min_frequency,
        special_tokens=_first_pieces(settings),
        initial_alphabet=alphabet,
        show_progress=False,
    )


def _first_pieces(settings: Learning) -> list[str]:
    fallback = BYTE_PIECES if settings.pieces == "byte_fallback" else ()
    return [*settings.special, *settings.symbols, *fallback]


def _byte_level(model: models.Model) -> Tokenizer:
    tokenizer = Tokenizer(model)
    # it parts "</s>" into "</", "s" and ">", so no piece can spell a special token
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=True)
    tokenizer.decoder = decoders.ByteLevel()
    return tokenizer


def _with_fallback(model: models.Model) -> Tokenizer:
    tokenizer = Tokenizer(model)
    # it also parts "<0x41>", so no piece can spell that of a byte
    tokenizer.pre_tokenizer = _character_words()
    tokenizer.decoder = decoders.Sequence([decoders.ByteFallback(), decoders.Fuse()])
    return tokenizer


def _character_words() -> pre_tokenizers.PreTokenizer:
    return pre_tokenizers.Split(Regex(WORDS), behavior="isolated")


def _byte_letters() -> list[str]:
    return sorted(pre_tokenizers.ByteLevel.alphabet())


def _count_words(texts: Iterable[str], pre_tokenizer: pre_tokenizers.PreTokenizer) -> Counter[str]:
    """Memory is for the different words."""
    return Counter(word for text in texts for word, _ in pre_tokenizer.pre_tokenize_str(text))


def _covered(words: Counter[str], settings: Learning) -> Counter[str]:
    """Returns the parts of words between the characters that are bytes, in order.

    They have at most half of the places that the vocabulary leaves.
    """
    characters: Counter[str] = Counter()
    for word, count in words.items():
        for character in word:
            characters[character] += count
    kept: set[str] = set()
    left = COVERAGE * characters.total()
    places = (settings.vocabulary_size - len(_first_pieces(settings))) // 2
    for character, count in sorted(characters.items(), key=lambda one: (-one[1], one[0])):
        if left <= 0 or count < settings.min_frequency or len(kept) == places:
            break
        left -= count
        if not _NOT_LEARNT.match(character):
            kept.add(character)
    parts: Counter[str] = Counter()
    for word, count in words.items():
        spaced = "".join(one if one in kept else "\n" for one in word)
        for part in filter(None, spaced.split("\n")):
            parts[part] += count
    return Counter(dict(sorted(parts.items())))


def _unigram(words: Counter[str], settings: Learning, alphabet: list[str]) -> models.Unigram:
    """Learns the pieces and their log probabilities.

    Letters of the alphabet that the words lack have the smallest one.
    """
    first = _first_pieces(settings)
    seen = set(chain.from_iterable(words))
    missing = [letter for letter in alphabet if letter not in seen]
    places = settings.vocabulary_size - len(first) - len(missing)
    learnt = [one for one in _sentencepiece(words, places) if one[0] not in set(first)]
    least = min((score for _, score in learnt), default=0.0)
    scored = [*((piece, 0.0) for piece in first), *learnt, *((one, least) for one in missing)]
    unknown = list(settings.special).index("<unk>")
    return models.Unigram(scored, unknown, settings.pieces == "byte_fallback")


def _sentencepiece(words: Counter[str], places: int) -> list[tuple[str, float]]:
    """Returns up to so many pieces with their log probabilities, the most probable first."""
    if not words:
        return []
    import sentencepiece  # only where a model is learnt

    file = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=_tsv(words),
        input_format="tsv",
        model_writer=file,
        model_type="unigram",
        vocab_size=places + 1,  # its unknown piece
        hard_vocab_limit=False,
        character_coverage=1.0,
        normalization_rule_name="identity",
        add_dummy_prefix=False,
        remove_extra_whitespaces=False,
        split_by_unicode_script=False,
        split_by_number=False,
        bos_id=-1,
        eos_id=-1,
        num_threads=1,  # sums of floats depend on the number
        minloglevel=2,
    )
    model = sentencepiece.SentencePieceProcessor(model_proto=file.getvalue())
    return [
        (model.id_to_piece(number).replace(_BLANK, " "), model.get_score(number))
        for number in range(model.get_piece_size())
        if not model.is_unknown(number)
    ][:places]


def _tsv(words: Counter[str]) -> Iterator[str]:
    for word, count in sorted(words.items()):
        yield f"{word.replace(' ', _BLANK)}\t{count}"


def _rebuilt(tokenizer: Tokenizer, settings: Learning) -> Tokenizer:
    """Returns the tokenizer with special tokens and symbols marked as such, and nothing else."""
    document: dict[str, Any] = json.loads(tokenizer.to_str())
    rest = {"single_word": False, "lstrip": False, "rstrip": False, "normalized": False}
    document["added_tokens"] = [
        {"id": number, "content": content, **rest, "special": number < len(settings.special)}
        for number, content in enumerate([*settings.special, *settings.symbols])
    ]
    return Tokenizer.from_str(json.dumps(document))
