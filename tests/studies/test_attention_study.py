"""The study of attention, whole, on a tiny corpus: two variants, two seeds."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
from mlflow import MlflowClient
from ruamel.yaml import YAML

from tests.preloaded import python
from tests.tiny_corpus import PROJECT
from tracelate.tracking.runs.run_writer import flatten
from tracelate.tracking.store.hash_tags import unfold

STUDY: dict[str, Any] = {
    "seeds": [1, 2],
    "names": ["none", "general", "none_longer", "general_longer"],
    "base": {"train": {"epochs": 1}, "evaluate": {"beam_size": 1}},
    "variants": {
        "none": {"model": {"attention": "none"}},
        "general": {},
        "none_longer": {"model": {"attention": "none"}, "train": {"epochs": 2}},
        "general_longer": {"train": {"epochs": 2}},
    },
}
SCORE = r"-?\d+\.\d \(-?\d+\.\d to -?\d+\.\d\)"
DIFFERENCE = r"(\*\*)?[+-]\d+\.\d \([+-]\d+\.\d to [+-]\d+\.\d\)(\*\*)?"
SCRIPT = """
from studies.attention import report, score, speed, train
from studies.attention.settings import load_run, load_study
study = load_study()
for seed in study.seeds:
    for variant in study.names:
        train.main(load_run(study, variant, seed))
        score.main(load_run(study, variant, seed))
speed.ROUNDS, speed.BATCHES, speed.SENTENCES = 1, 2, 10
speed.main()
report.main()
report.main()
"""


def run(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join([str(PROJECT), str(PROJECT / "src")]),
    }
    for name in ("MLFLOW_TRACKING_URI", "DVC_ROOT"):
        environment.pop(name, None)
    return subprocess.run(
        [python(), *arguments],
        cwd=folder,
        env=environment,
        capture_output=True,
        encoding="utf-8",
        timeout=300,
    )


@pytest.fixture(scope="module")
def studied(
    finished_project: Path, empty_database: Path, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    folder = tmp_path_factory.mktemp("study")
    shutil.copytree(finished_project / "data", folder / "data")
    shutil.copyfile(finished_project / "params.yaml", folder / "params.yaml")
    shutil.copyfile(empty_database, folder / "mlflow.db")
    (folder / "studies/attention").mkdir(parents=True)
    with (folder / "studies/attention/study.yaml").open("w", encoding="utf-8") as file:
        YAML().dump(STUDY, file)
    done = run(folder, "-c", SCRIPT)
    assert done.returncode == 0, done.stderr
    return folder


def test_the_document_names_every_variant_with_interval_and_pictures(studied: Path) -> None:
    text = (studied / "docs/attention.md").read_text(encoding="utf-8")
    for variant in ("none", "general"):
        assert re.search(rf"\| `{variant}` \| [^|]+ \| {SCORE} \| {SCORE} \|", text), variant
    assert "seeds 1, 2" in text
    for picture in re.findall(r"\]\((attention/\w+\.png)\)", text):
        assert (studied / "docs" / picture).read_bytes().startswith(b"\x89PNG")


def test_variants_with_more_epochs_are_compared_with_each_other(studied: Path) -> None:
    text = (studied / "docs/attention.md").read_text(encoding="utf-8")
    assert "_longer" not in text
    general = rf"\| `general` \| 2 \| {SCORE} \| {DIFFERENCE} \| {DIFFERENCE} \|  \|"
    none = rf"\| `none` \| 2 \| {SCORE} \| {DIFFERENCE} \|  \| {DIFFERENCE} \|"
    assert re.search(general, text)
    assert re.search(none, text)


def test_mlflow_has_a_parent_with_a_child_for_each_training_and_each_once(studied: Path) -> None:
    client = MlflowClient(f"sqlite:///{studied}/mlflow.db")
    experiments = [one.experiment_id for one in client.search_experiments()]
    runs = client.search_runs(experiments)
    [parent] = [one for one in runs if "tracelate.study" in one.data.tags]
    children = [one for one in runs if one is not parent]
    assert {one.data.tags["mlflow.parentRunId"] for one in children} == {parent.info.run_id}
    names = sorted(one.info.run_name for one in children)
    assert names == sorted(f"{name}, seed {seed}" for name in STUDY["names"] for seed in (1, 2))
    for child in children:
        assert child.info.status == "FINISHED"
        assert {"test_bleu", "best_valid_bleu", "target_tokens_per_s"} <= set(child.data.metrics)
        assert {"sha256.data/prepared/test.parquet", "signature.bleu"} <= set(
            unfold(child.data.tags)
        )
        attention = child.data.tags["study.variant"].removesuffix("_longer")
        settings = dict(flatten({"model": {"attention": attention}}))
        assert settings.items() <= child.data.params.items()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("dott", "1"), "error: dott is no variant of studies/attention/study.yaml: take one of"),
        (("general", "one"), "error: the seed is 'one': give a whole number"),
        (("general",), "error: 1 arguments: name a variant and a seed"),
    ],
)
def test_a_wrong_variant_or_seed_is_refused(
    studied: Path, arguments: tuple[str, ...], message: str
) -> None:
    done = run(studied, "-m", "studies.attention.train", *arguments)
    assert done.returncode == 1
    assert message in done.stderr
    assert "Traceback" not in done.stderr
