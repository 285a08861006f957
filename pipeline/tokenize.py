"""Learns byte-pair encoding on the training split, both languages together, and encodes train and
valid. The test split is encoded where it is translated, so that another one trains nothing again.

reads   data/prepared/{train,valid}.parquet
writes  data/tokenized/{train,valid}.parquet (ids and lengths), data/tokenized/tokenizer.json
params  tokenize
"""

from __future__ import annotations

from pipeline.stage import run_stage, say, warn
from tracelate.config import load_params
from tracelate.corpus.pairs import read_pairs
from tracelate.corpus.tokenized import (
    count_differing,
    learn_tokenizer,
    tokenize_pairs,
    write_tokenized,
)
from tracelate.corpus.vocabulary import unreached_vocabulary_warning
from tracelate.layout import TOKENIZED_TRAIN, TOKENIZED_VALID, TOKENIZER, TRAIN, VALID
from tracelate.progress import spinner

OUTPUTS = {TRAIN: TOKENIZED_TRAIN, VALID: TOKENIZED_VALID}
"""From the file of each split to that of its ids."""


def main() -> None:
    config = load_params().tokenize
    splits = {path: read_pairs(path) for path in OUTPUTS}
    with spinner("learning pieces"):
        tokenizer = learn_tokenizer(splits[TRAIN], config)
        tokenized = {path: tokenize_pairs(tokenizer, pairs) for path, pairs in splits.items()}
    tokenizer.save(TOKENIZER)
    for split, path in OUTPUTS.items():
        write_tokenized(path, tokenized[split])
    warn(unreached_vocabulary_warning(tokenizer.size, config))
    pairs = [pair for part in tokenized.values() for pair in part]
    sides = [
        sum(map(len, ids)) / len(pairs)
        for ids in ([one.source_ids for one in pairs], [one.target_ids for one in pairs])
    ]
    say(
        f"tokenize: {tokenizer.size:,} pieces; a sentence has {sides[0]:.1f} source and "
        f"{sides[1]:.1f} target pieces on average"
    )
    if config.placeholders == "copy":
        say(
            f"tokenize: {sum(bool(pair.placeholders) for pair in tokenized[TRAIN]):,} training "
            f"pairs have placeholders that are copied; in {count_differing(splits[TRAIN]):,}, "
            "some differ between the sides and stay text"
        )


if __name__ == "__main__":
    run_stage(main, [*OUTPUTS.values(), TOKENIZER])
