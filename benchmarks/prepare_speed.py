"""Measures the pairs per second and the peak memory of the stage prepare on a large corpus.

    python -m benchmarks.prepare_speed PAIRS SOURCE TARGET

makes so many pairs of the lines of two text files (plain or gzip), in which words are replaced by
others of the text, and prepares them with the settings of params.yaml.
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

PROJECT = Path(__file__).parent.parent
REPLACED = 0.3
"""Share of the words that are replaced in each copy of a line."""


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
    from tracelate.corpus.pairs import Pair, table_of, write_pair_table

    lines = zip(
        made_lines(read_texts(source), pairs, 1),
        made_lines(read_texts(target), pairs, 2),
        strict=True,
    )
    table = table_of(
        Pair(one, other, one, f"made:{place}") for place, (one, other) in enumerate(lines)
    )
    write_pair_table(path, table)


def measure(folder: Path) -> None:
    """Prepares the corpus of the folder. It runs in a process of its own, whose memory counts."""
    from tracelate.config import load_params
    from tracelate.corpus.mixture import Mixture
    from tracelate.corpus.preparing import prepare_corpus
    from tracelate.corpus.raw import SPLITS

    config = load_params(PROJECT / "params.yaml").prepare
    outputs = {name: folder / f"{name}.parquet" for name in SPLITS}
    began_s = time.perf_counter()
    steps: dict[str, float] = {}

    def note(step: str, done: int, total: int) -> None:
        steps[step] = time.perf_counter() - began_s

    raw = {"all": folder / "all.parquet"}
    found = prepare_corpus(raw, outputs, config, ("en", "de"), Mixture({}), folder, note)
    wall_s = time.perf_counter() - began_s
    used = resource.getrusage(resource.RUSAGE_SELF)
    ends = ", ".join(f"{step} until {end_s:.0f} s" for step, end_s in steps.items())
    sizes = {name: size.pairs for name, size in found.sizes.items()}
    sys.stdout.write(
        f"{found.read:,} pairs in {wall_s:.0f} s ({ends}; {used.ru_utime + used.ru_stime:.0f} s of "
        f"processor time; load {os.getloadavg()[0]:.1f}): {found.read / wall_s:,.0f} pairs/s, "
        f"peak memory {used.ru_maxrss / 1024:,.0f} MiB; {sizes}, dropped {+found.counts.dropped}\n"
    )


def main(pairs: int, source: Path, target: Path) -> None:
    with tempfile.TemporaryDirectory() as temporary:
        write_raw_corpus(Path(temporary) / "all.parquet", pairs, source, target)
        command = [sys.executable, "-m", "benchmarks.prepare_speed", temporary]
        subprocess.run(command, cwd=PROJECT, check=True)


if __name__ == "__main__":
    if len(sys.argv) == 2:
        measure(Path(sys.argv[1]))
    else:
        main(int(sys.argv[1]), Path(sys.argv[2]), Path(sys.argv[3]))
