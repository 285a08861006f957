"""Learns byte-pair encoding on the training split, both languages together, and encodes train and
valid. The test split is encoded where it is translated, so that another one trains nothing again.

reads   data/prepared/{train,valid}.parquet
writes  data/tokenized/{train,valid}.parquet (ids and lengths), data/tokenized/tokenizer.json
params  tokenize
"""

from __future__ import annotations

from pipeline.stage import run_stage, say
from tracelate.config import load_params
from tracelate.corpus.pairs import read_pairs
from tracelate.corpus.tokenized import tokenize_pairs, write_tokenized
from tracelate.corpus.tokenizer import SubwordTokenizer
from tracelate.layout import TOKENIZED_TRAIN, TOKENIZED_VALID, TOKENIZER, TRAIN, VALID
from tracelate.progress import spinner

OUTPUTS = {TRAIN: TOKENIZED_TRAIN, VALID: TOKENIZED_VALID}
"""From the file of each split to that of its ids."""


def main() -> None:
    config = load_params().tokenize
    splits = {path: read_pairs(path) for path in OUTPUTS}
    with spinner("learning pieces"):
        sentences = (side for pair in splits[TRAIN] for side in (pair.source, pair.target))
        tokenizer = SubwordTokenizer.train(sentences, config.vocabulary_size, config.min_frequency)
        tokenized = {path: tokenize_pairs(tokenizer, pairs) for path, pairs in splits.items()}
    tokenizer.save(TOKENIZER)
    for split, path in OUTPUTS.items():
        write_tokenized(path, tokenized[split])
    pairs = [pair for part in tokenized.values() for pair in part]
    sides = [sum(map(len, ids)) / len(pairs) for ids in zip(*pairs, strict=True)]
    say(
        f"tokenize: {tokenizer.size:,} pieces; a sentence has {sides[0]:.1f} source and "
        f"{sides[1]:.1f} target pieces on average"
    )


if __name__ == "__main__":
    run_stage(main, [*OUTPUTS.values(), TOKENIZER])
