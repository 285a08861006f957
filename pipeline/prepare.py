"""Normalises, cleans and splits the corpus, and refuses a test split that training has nearly seen.

reads   data/raw/*
writes  data/prepared/{train,valid,test}.parquet,
        reports/data.json (texts changed by each step, pairs kept and dropped by each rule, splits,
        leakage with examples)
params  prepare
"""

from __future__ import annotations

from pipeline.stage import run_stage, say, warn
from tracelate.config import load_params
from tracelate.corpus.cleaning import TEXTS, CleaningCounts, clean
from tracelate.corpus.leakage import Leakage, measure_leakage, refuse_leakage
from tracelate.corpus.mixture import weigh_sources
from tracelate.corpus.pairs import write_pairs
from tracelate.corpus.raw import SPLITS, read_raw
from tracelate.corpus.report import data_report, few_held_out_warning, few_pairs_warning
from tracelate.corpus.sources.choose import read_provenance
from tracelate.corpus.splitting import drop_held_out, refuse_empty, split
from tracelate.files import write_json
from tracelate.layout import DATA_REPORT, PREPARED, PROVENANCE, RAW
from tracelate.progress import bar, spinner
from tracelate.text.languages import shown_direction

SPLIT_FILES = {name: PREPARED / f"{name}.parquet" for name in SPLITS}


def main() -> None:
    config = load_params().prepare
    raw = read_raw(RAW)
    read = sum(len(pairs) for pairs in raw.values())
    counts = CleaningCounts()
    leakage: dict[str, Leakage] = {}
    with spinner("cleaning"):
        cleaned = {name: list(clean(pairs, config, counts)) for name, pairs in raw.items()}
        splits = drop_held_out(split(cleaned, config), counts.dropped)
        refuse_empty(splits, read, counts.dropped)
        provenance = read_provenance(PROVENANCE)
        splits, sources = weigh_sources(splits, provenance.shares)
    for name in ("valid", "test"):
        with bar(f"leakage of {name}", len(splits[name])) as advance:
            leakage[name] = measure_leakage(
                splits[name], splits["train"], config.near_duplicate, advance=advance
            )
    refuse_leakage(leakage["test"], config.max_near_leakage_percent)

    for name, path in SPLIT_FILES.items():
        write_pairs(path, splits[name])
    report = data_report(read, counts, splits, leakage, config, sources)
    write_json(DATA_REPORT, report)
    languages = shown_direction(provenance.source_language, provenance.target_language)
    warn(few_pairs_warning(len(splits["train"]), languages))
    percents = {"valid": config.valid_percent, "test": config.test_percent}
    for name, percent in percents.items():
        warn(few_held_out_warning(name, len(splits[name]), None if name in raw else percent))
    sizes = ", ".join(f"{name} {len(pairs):,}" for name, pairs in splits.items())
    changed = counts.changed_sources[TEXTS], counts.changed_targets[TEXTS]
    say(
        f"prepare: normalising changed {changed[0]:,} sources and {changed[1]:,} targets; kept "
        f"{report['kept']:,} of {read:,} pairs ({sizes}), "
        f"near leakage {leakage['test'].near_source_percent:.1f} %"
    )


if __name__ == "__main__":
    run_stage(main, [*SPLIT_FILES.values(), DATA_REPORT])
