"""Times `tracelate recall` in a store with many runs: python -m benchmarks.recall [RUNS].

Makes an MLflow database in a temporary folder with RUNS runs (1,000) of 20 versions of the data,
which lie in DVC's cache, and a version of a registered model for each tenth run. Then it asks for a
sentence, a file of origin, a licence and a corpus.
"""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
import time
from pathlib import Path

DATA_VERSIONS = 20
PAIRS = 20_000


def main() -> None:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 1000
    with tempfile.TemporaryDirectory() as folder:
        os.environ["DVC_ROOT"] = folder
        os.environ.pop("MLFLOW_TRACKING_URI", None)
        os.chdir(folder)
        fill(Path(folder), count)
        ask()


def fill(root: Path, count: int) -> None:
    """Writes the runs, their lineages, and the data that the lineages name."""
    from mlflow import MlflowClient

    from tracelate.tracking.store.address import tracking_uri
    from tracelate.tracking.store.store import connect

    connect()
    client = MlflowClient(tracking_uri())
    experiment = client.create_experiment("many", artifact_location=(root / "files").as_uri())
    client.create_registered_model("many")
    lineages = [data_version(root, number) for number in range(DATA_VERSIONS)]
    for number in range(count):
        tag, lineage = lineages[number % DATA_VERSIONS]
        run = client.create_run(experiment, tags={"data": tag, "corpus": "made 1"})
        client.log_metric(run.info.run_id, "test_bleu", number / count * 100)
        folder = root / "files" / run.info.run_id / "artifacts" / "evaluation"
        folder.mkdir(parents=True)
        shutil.copyfile(lineage, folder / "lineage.json")
        if number % 10 == 0:
            client.create_model_version("many", run.info.artifact_uri, run.info.run_id)


def data_version(root: Path, number: int) -> tuple[str, Path]:
    """Returns the data's tag and the path of a lineage that names it."""
    from tests.tiny_corpus import PROJECT
    from tracelate.corpus.pairs import Pair, write_pairs
    from tracelate.evaluation.lineage import read_lineage, write_lineage
    from tracelate.files import sha256_of

    hashes = {}
    for split, share in (("train", PAIRS), ("valid", PAIRS // 20), ("test", PAIRS // 10)):
        path = root / ".dvc/cache/files/md5" / f"{number:02x}" / split
        write_pairs(
            path,
            (
                Pair(
                    f"sentence {place} of {number} in {split}",
                    f"frase {place}",
                    "group",
                    f"file{place % 100}.json:{place}",
                )
                for place in range(share)
            ),
        )
        hashes[f"data/prepared/{split}.parquet"] = sha256_of(path)
    lineage = read_lineage(PROJECT / "tests/formats/0.1/reports/lineage.json")
    path = root / f"lineage{number}.json"
    write_lineage(path, lineage.model_copy(update={"prepared": hashes}))
    return f"{number:012x}", path


def ask() -> None:
    from tracelate.corpus.exclusion import selection
    from tracelate.lineage.recall import RecallQuery, recall
    from tracelate.tracking.store.store import connect

    store = connect()
    for name, query in {
        "a sentence": RecallQuery(pairs=selection(["sentence 7 of 3 in train"], [])),
        "a file": RecallQuery(pairs=selection([], ["file7.json"])),
        "a licence": RecallQuery(licence="Apache-2.0"),
        "a corpus": RecallQuery(corpus="made"),
    }.items():
        began_s = time.perf_counter()
        found = recall(store, query)
        versions = sum(len(run.versions) for run in found.runs)
        sys.stdout.write(
            f"{name}: {time.perf_counter() - began_s:.2f} s, {len(found.runs):,} of "
            f"{found.searched_runs:,} runs, {versions} versions, "
            f"{len(found.unknown)} unknown\n"
        )


if __name__ == "__main__":
    main()
