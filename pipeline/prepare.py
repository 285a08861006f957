"""Normalises, cleans and splits the corpus, and keeps near duplicates of test text out of training.

reads   data/raw/*
writes  data/prepared/{train,valid,test}.parquet,
        reports/data.json (texts changed by each step, pairs kept and dropped by each rule, splits,
        leakage with examples)
params  prepare
"""

from __future__ import annotations

from pipeline.stage import run_stage, say, warn
from tracelate.config import load_params
from tracelate.corpus.cleaning import TEXTS
from tracelate.corpus.leakage import NEAR_HELD_OUT
from tracelate.corpus.mixture import Mixture
from tracelate.corpus.preparing import prepare_corpus
from tracelate.corpus.raw import SPLITS, raw_splits
from tracelate.corpus.report import (
    data_report,
    few_held_out_warning,
    few_pairs_warning,
    many_held_out_warning,
)
from tracelate.corpus.sources.choose import read_provenance
from tracelate.files import temporary_folder, write_json
from tracelate.layout import DATA_REPORT, PREPARED, PROVENANCE, RAW
from tracelate.progress import bar_for_each_step
from tracelate.text.languages import shown_direction

SPLIT_FILES = {name: PREPARED / f"{name}.parquet" for name in SPLITS}


def main() -> None:
    config = load_params().prepare
    raw = raw_splits(RAW)
    provenance = read_provenance(PROVENANCE)
    languages = provenance.source_language, provenance.target_language
    with temporary_folder(PREPARED / "cleaned") as folder, bar_for_each_step() as on_progress:
        mixture = Mixture(provenance.shares)
        found = prepare_corpus(raw, SPLIT_FILES, config, languages, mixture, folder, on_progress)
    write_json(DATA_REPORT, data_report(found, config))

    for line in found.warnings:
        warn(line)
    sizes = {name: size.pairs for name, size in found.sizes.items()}
    warn(few_pairs_warning(sizes["train"], shown_direction(*languages)))
    percents = {"valid": config.valid_percent, "test": config.test_percent}
    for name, percent in percents.items():
        taken = None if name in raw else percent
        warn(few_held_out_warning(name, sizes[name], taken))
        warn(many_held_out_warning(name, sizes[name], taken))
    changed = found.counts.changed_sources[TEXTS], found.counts.changed_targets[TEXTS]
    near = found.counts.dropped[NEAR_HELD_OUT]
    leaked_percent = found.leakage["test"].near_source_percent
    shown = ", ".join(f"{name} {pairs:,}" for name, pairs in sizes.items())
    say(
        f"prepare: normalising changed {changed[0]:,} sources and {changed[1]:,} targets; kept "
        f"{found.kept:,} of {found.read:,} pairs ({shown}), dropped {near:,} near "
        f"duplicates of held-out text, near leakage {leaked_percent:.1f} %"
    )


if __name__ == "__main__":
    run_stage(main, [*SPLIT_FILES.values(), DATA_REPORT])
