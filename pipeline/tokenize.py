"""Learns subword pieces on the training split, of both languages together or of each, and encodes
train and valid. The test split is encoded where it is translated, so that another one trains
nothing again.

reads   data/prepared/{train,valid}.parquet
writes  data/tokenized/{train,valid}.arrow (ids), data/tokenized/tokenizer.json,
        reports/tokenize.json (pieces per word and character of each language and split)
params  tokenize
"""

from __future__ import annotations

import os

from pipeline.stage import run_stage, say, warn
from tracelate.config import load_params
from tracelate.corpus.pairs import count_pairs
from tracelate.corpus.tokenizing import learn_tokenizers, read_texts, tokenize_file
from tracelate.corpus.vocabulary import unreached_vocabulary_warning
from tracelate.files import write_json
from tracelate.layout import (
    TOKENIZED_TRAIN,
    TOKENIZED_VALID,
    TOKENIZER,
    TOKENIZER_REPORT,
    TRAIN,
    VALID,
)
from tracelate.progress import bar_for_each_step

OUTPUTS = {TRAIN: TOKENIZED_TRAIN, VALID: TOKENIZED_VALID}
"""From the file of each split to that of its ids."""


def main() -> None:
    os.environ["TOKENIZERS_PARALLELISM"] = "true"  # nothing is forked here
    config = load_params().tokenize
    sizes = {path: count_pairs(path) for path in OUTPUTS}
    with bar_for_each_step() as on_progress:
        passes = 1 if config.vocabulary == "joint" else 2
        tokenizers = learn_tokenizers(
            lambda: read_texts(
                TRAIN, lambda done: on_progress("learning pieces", done, passes * sizes[TRAIN])
            ),
            config,
        )
        counts = {
            path: tokenize_file(
                tokenizers,
                path,
                ids,
                lambda done: on_progress("encoding", done, sum(sizes.values())),
            )
            for path, ids in OUTPUTS.items()
        }
    tokenizers.save(TOKENIZER)
    splits = {path.stem: one.fertility.report() for path, one in counts.items()}
    vocabularies = {"training text": tokenizers.target.size}
    sizes_in_report = {"vocabulary": tokenizers.target.size}
    if not tokenizers.is_joint:
        vocabularies = {f"{side} text": one.size for side, one in tokenizers._asdict().items()}
        sizes_in_report["source_vocabulary"] = tokenizers.source.size
    write_json(TOKENIZER_REPORT, {**sizes_in_report, **splits})
    for text, size in vocabularies.items():
        warn(unreached_vocabulary_warning(size, config, text))
    pairs = sum(one.pairs for one in counts.values())
    source_pieces = sum(one.source_pieces for one in counts.values())
    target_pieces = sum(one.target_pieces for one in counts.values())
    say(
        f"tokenize: {' and '.join(f'{size:,}' for size in vocabularies.values())} pieces; "
        f"a sentence has {source_pieces / pairs:.1f} source "
        f"and {target_pieces / pairs:.1f} target pieces on average"
    )
    train = splits[TRAIN.stem]
    source, target = (train[side]["pieces_per_word"] for side in ("source", "target"))
    say(
        f"tokenize: a training word has {source} source and {target} target pieces on average; "
        f"{train['unused_pieces']:,} pieces do not occur in training, see {TOKENIZER_REPORT}"
    )
    if config.placeholders == "copy":
        say(
            f"tokenize: {counts[TRAIN].copied:,} training pairs have placeholders that are copied; "
            f"in {counts[TRAIN].differing:,}, some differ between the sides and stay text"
        )


if __name__ == "__main__":
    run_stage(main, [*OUTPUTS.values(), TOKENIZER, TOKENIZER_REPORT])
