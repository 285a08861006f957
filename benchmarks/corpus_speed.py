"""Measures pairs per second and peak memory of each step from a large corpus to training.

    python -m benchmarks.corpus_speed PAIRS SOURCE TARGET [STEP ...]

makes so many pairs of the lines of two text files (plain or gzip), in which words are replaced by
others of the text. They are prepared, tokenized and read for training with the settings of
params.yaml, but with HELD_OUT sentences for validation and as many for testing at most. Each step
is a process of its own; STEP names those to run, of prepare, tokenize and train.
"""

from __future__ import annotations

import gzip
import os
import random
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

PROJECT = Path(__file__).parent.parent
REPLACED = 0.3
"""Share of the words that are replaced in each copy of a line."""
HELD_OUT = 3000


def read_texts(path: Path) -> list[str]:
    data = path.read_bytes()
    return (gzip.decompress(data) if path.suffix == ".gz" else data).decode().splitlines()


def made_lines(texts: list[str], pairs: int, seed: int) -> Iterator[str]:
    """Yields lines in which words are replaced; one seed replaces at the same places."""
    draw = random.Random(seed)
    words = [word for text in texts for word in text.split()]
    for number in range(pairs):
        line = texts[number % len(texts)].split()
        if number >= len(texts):
            for place in range(len(line)):
                if draw.random() < REPLACED:
                    line[place] = words[int(draw.random() * len(words))]
        yield " ".join(line)


def write_raw_corpus(path: Path, pairs: int, source: Path, target: Path) -> None:
    from tracelate.corpus.pairs import BATCH_PAIRS, Pair, pair_writer, table_of

    lines = zip(
        made_lines(read_texts(source), pairs, 1),
        made_lines(read_texts(target), pairs, 2),
        strict=True,
    )
    made = (Pair(one, other, one, f"made:{place}") for place, (one, other) in enumerate(lines))
    with pair_writer(path) as add:
        for _ in range(0, pairs, BATCH_PAIRS):
            some = [pair for pair, _ in zip(made, range(BATCH_PAIRS), strict=False)]
            for batch in table_of(some).to_batches():
                add(batch)


def prepare(folder: Path) -> str:
    from tracelate.config import load_params
    from tracelate.corpus.mixture import Mixture
    from tracelate.corpus.pairs import count_pairs
    from tracelate.corpus.preparing import prepare_corpus
    from tracelate.corpus.raw import SPLITS

    config = load_params(PROJECT / "params.yaml").prepare
    raw = folder / "all.parquet"
    most = 100 * HELD_OUT / count_pairs(raw)
    percents: dict[str, Any] = {
        name: min(getattr(config, name), most) for name in ("valid_percent", "test_percent")
    }
    outputs = {name: folder / f"{name}.parquet" for name in SPLITS}
    began_s = time.perf_counter()
    steps: dict[str, float] = {}

    def note(step: str, done: int, total: int) -> None:
        steps[step] = time.perf_counter() - began_s

    found = prepare_corpus(
        {"all": raw},
        outputs,
        config.model_copy(update=percents),
        ("en", "de"),
        Mixture({}),
        folder,
        note,
    )
    ends = ", ".join(f"{step} until {end_s:.0f} s" for step, end_s in steps.items())
    sizes = ", ".join(f"{name} {size.pairs:,}" for name, size in found.sizes.items())
    return f"{ends}; {sizes}; dropped {dict(+found.counts.dropped)}"


def tokenize(folder: Path) -> str:
    from tracelate.config import load_params
    from tracelate.corpus.tokenizing import learn_tokenizers, read_texts, tokenize_file

    os.environ["TOKENIZERS_PARALLELISM"] = "true"
    began_s = time.perf_counter()
    config = load_params(PROJECT / "params.yaml").tokenize
    tokenizers = learn_tokenizers(
        lambda: read_texts(folder / "train.parquet", lambda done: None), config
    )
    learnt_s = time.perf_counter() - began_s
    counts = tokenize_file(tokenizers, folder / "train.parquet", folder / "train.arrow")
    size_mib = (folder / "train.arrow").stat().st_size / 2**20
    pieces = counts.source_pieces + counts.target_pieces
    return f"learning until {learnt_s:.0f} s; {pieces:,} pieces, {size_mib:,.0f} MiB"


def train(folder: Path) -> str:
    """Reads up to the hundredth batch of an epoch."""
    from itertools import islice

    from tracelate.config import load_params
    from tracelate.corpus.tokenized_file import read_tokenized
    from tracelate.files import sha256_of
    from tracelate.model.search import SpecialIds
    from tracelate.training.epochs import EpochBatches, count_batches

    config = load_params(PROJECT / "params.yaml").train
    began_s = time.perf_counter()
    sha256_of(folder / "train.arrow")
    hashed_s = time.perf_counter() - began_s
    pairs = read_tokenized(folder / "train.arrow")
    batches = count_batches(pairs, config)
    special = SpecialIds(padding=0, start=1, end=2)
    for _ in islice(EpochBatches(pairs, special, config, epoch=0), 100):
        pass
    return f"hashed until {hashed_s:.1f} s; {pairs.shard_count} shards, {batches:,} batches"


STEPS = {"prepare": prepare, "tokenize": tokenize, "train": train}


def measure(folder: Path, step: str) -> None:
    """Runs a step in a process of its own, whose memory counts."""
    began_s = time.perf_counter()
    found = STEPS[step](folder)
    wall_s = time.perf_counter() - began_s
    used = resource.getrusage(resource.RUSAGE_SELF)
    sys.stdout.write(
        f"{step}: {wall_s:.1f} s ({used.ru_utime + used.ru_stime:.0f} s of processor time, load "
        f"{os.getloadavg()[0]:.1f}), peak memory {used.ru_maxrss / 1024:,.0f} MiB; {found}\n"
    )


def main(pairs: int, source: Path, target: Path, steps: list[str]) -> None:
    with tempfile.TemporaryDirectory() as temporary:
        write_raw_corpus(Path(temporary) / "all.parquet", pairs, source, target)
        for step in steps or STEPS:
            command = [sys.executable, "-m", "benchmarks.corpus_speed", temporary, step]
            subprocess.run(command, cwd=PROJECT, check=True)


if __name__ == "__main__":
    if len(sys.argv) == 3:
        measure(Path(sys.argv[1]), sys.argv[2])
    else:
        main(int(sys.argv[1]), Path(sys.argv[2]), Path(sys.argv[3]), sys.argv[4:])
