"""Counts planted leaks of test text into training text that the stage prepare finds, by kind.

    python -m benchmarks.planted_leaks SOURCE TARGET [SEED]

Of the pairs of two text files (plain or gzip), some are test text. Changed copies of PLANTED test
sentences of each kind are put into the training text, and the corpus is prepared with the settings
of params.yaml. Prints the copies that prepare drops, and training pairs that it drops besides.
"""

from __future__ import annotations

import random
import sys
import tempfile
from collections import Counter
from collections.abc import Callable
from pathlib import Path

from benchmarks.corpus_speed import PROJECT, read_texts
from tracelate.config import load_params
from tracelate.corpus.mixture import Mixture
from tracelate.corpus.pairs import Pair, read_pairs, write_pairs
from tracelate.corpus.preparing import prepare_corpus
from tracelate.corpus.raw import SPLITS

TEST, PLANTED, SHOWN = 3000, 300, 100


def replace_word(words: list[str], draw: random.Random, vocabulary: list[str]) -> list[str]:
    place = draw.randrange(len(words))
    return [*words[:place], draw.choice(vocabulary), *words[place + 1 :]]


def swap_words(words: list[str], draw: random.Random, vocabulary: list[str]) -> list[str]:
    place = draw.randrange(len(words) - 1)
    return [*words[:place], words[place + 1], words[place], *words[place + 2 :]]


def shuffle_words(words: list[str], draw: random.Random, vocabulary: list[str]) -> list[str]:
    return draw.sample(words, len(words))


KINDS: dict[str, Callable[[list[str], random.Random, list[str]], list[str]]] = {
    "exact": lambda words, draw, vocabulary: words,
    "upper case": lambda words, draw, vocabulary: [word.upper() for word in words],
    "punctuation": lambda words, draw, vocabulary: [f"{word.strip('.,')}," for word in words],
    "invisible": lambda words, draw, vocabulary: [f"{word[:1]}\xad{word[1:]}" for word in words],
    "one word": replace_word,
    "two words": lambda words, draw, vocabulary: replace_word(
        replace_word(words, draw, vocabulary), draw, vocabulary
    ),
    "neighbours swapped": swap_words,
    "any word order": shuffle_words,
}


def main(source: Path, target: Path, seed: int = 1) -> None:
    draw = random.Random(seed)
    lines = list(zip(read_texts(source), read_texts(target), strict=True))
    draw.shuffle(lines)
    vocabulary = [word for line, _ in lines for word in line.split()]
    pairs = [Pair(*line, line[0], f"line:{place}") for place, line in enumerate(lines)]
    test, train = pairs[:TEST], pairs[TEST:]
    for kind, change in KINDS.items():
        long = [pair for pair in test if len(pair.source.split()) > 2]
        for number, pair in enumerate(draw.sample(long, PLANTED)):
            changed = " ".join(change(pair.source.split(), draw, vocabulary))
            # another target, so that the source alone gives it away
            train.append(Pair(changed, draw.choice(train).target, changed, f"{kind}:{number}"))
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        raw = {name: folder / f"raw-{name}.parquet" for name in ("train", "valid", "test")}
        write_pairs(raw["train"], train)
        write_pairs(raw["valid"], test[: TEST // 2])
        write_pairs(raw["test"], test[TEST // 2 :])
        outputs = {name: folder / f"{name}.parquet" for name in SPLITS}
        config = load_params(PROJECT / "params.yaml").prepare
        prepare_corpus(raw, outputs, config, ("en", "de"), Mixture({}), folder)
        kept = {pair.origin for pair in read_pairs(outputs["train"])}
    found = Counter(pair.origin.partition(":")[0] for pair in train if pair.origin not in kept)
    for kind in KINDS:
        sys.stdout.write(f"{kind}: {found[kind]} of {PLANTED} found\n")
    dropped = [pair for pair in train if pair.origin not in kept and pair.origin[:5] == "line:"]
    sys.stdout.write(f"{len(dropped):,} of {len(lines) - TEST:,} other training pairs dropped\n")
    for pair in draw.sample(dropped, min(SHOWN, len(dropped))):
        sys.stdout.write(f"  {pair.origin}\t{pair.source}\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), *map(int, sys.argv[3:]))
