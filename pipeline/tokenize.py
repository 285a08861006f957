"""Learns byte-pair encoding on the training split, both languages together, and encodes all splits.

reads   data/prepared/{train,valid,test}.parquet
writes  data/tokenized/{train,valid,test}.parquet (ids and lengths), data/tokenized/tokenizer.json
params  tokenize
"""

from __future__ import annotations

from pipeline.stage import run_stage, say
from tracelate.config import load_params
from tracelate.corpus.pairs import read_pairs
from tracelate.corpus.raw import SPLITS
from tracelate.corpus.tokenized import (
    count_differing,
    learn_tokenizer,
    tokenize_pairs,
    write_tokenized,
)
from tracelate.layout import PREPARED, TOKENIZED, TOKENIZER
from tracelate.progress import spinner

OUTPUTS = {name: TOKENIZED / f"{name}.parquet" for name in SPLITS}


def main() -> None:
    config = load_params().tokenize
    splits = {name: read_pairs(PREPARED / f"{name}.parquet") for name in SPLITS}
    with spinner("learning pieces"):
        tokenizer = learn_tokenizer(splits["train"], config)
        tokenized = {name: tokenize_pairs(tokenizer, pairs) for name, pairs in splits.items()}
    tokenizer.save(TOKENIZER)
    for name, path in OUTPUTS.items():
        write_tokenized(path, tokenized[name])
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
            f"tokenize: {sum(bool(pair.placeholders) for pair in tokenized['train']):,} training "
            f"pairs have placeholders that are copied; in {count_differing(splits['train']):,}, "
            "some differ between the sides and stay text"
        )


if __name__ == "__main__":
    run_stage(main, [*OUTPUTS.values(), TOKENIZER])
