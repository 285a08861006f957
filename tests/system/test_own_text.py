"""Own text with every form of `dvc exp run`, and in another clone, as the guides say it."""

from __future__ import annotations

import random
import re
import shutil
import subprocess
import time
from pathlib import Path

import pytest

from tests.system.clone import Clone, clone
from tests.system.further_sets import TESTS, write_further_sets
from tests.tiny_corpus import sentence
from tracelate.layout import DVC_CACHE

PAIRS = 300
LINES = ("corpora/train.en", "corpora/train.es")
DOCUMENTS = ("corpora/table.tsv", "corpora/memory.tmx")
HUB = "corpora/dataset"
TEST_SETS = ("corpora/news.en", "corpora/news.es", "corpora/more.es", "corpora/captions")
SETTINGS = {
    "download__corpus": "files",
    "download__documents__train": list(DOCUMENTS),
    "download__hub__name": HUB,
    "evaluate__tests": TESTS,
    "evaluate__beam_size": 1,
    "evaluate__heat_maps": 1,
    "train__epochs": 1,
}
UNIT = '<tu><tuv xml:lang="en"><seg>{}</seg></tuv><tuv xml:lang="es"><seg>{}</seg></tuv></tu>'


def write_text(root: Path) -> None:
    """Writes the same pairs as line files, as a table with a memory, and as a folder of the Hub."""
    draw = random.Random(3)
    pairs = [sentence(draw) for _ in range(PAIRS)]
    for name, side in zip(LINES, zip(*pairs, strict=True), strict=True):
        (root / name).write_text("".join(f"{line}\n" for line in side), encoding="utf-8")
    rows = ["en\tes", *("\t".join(pair) for pair in pairs[:200])]
    (root / DOCUMENTS[0]).write_text("\n".join(rows) + "\n", encoding="utf-8")
    units = "".join(UNIT.format(*pair) for pair in pairs[200:])
    memory = f'<tmx version="1.4"><header srclang="en"/><body>{units}</body></tmx>'
    (root / DOCUMENTS[1]).write_text(memory, encoding="utf-8")
    (root / HUB).mkdir()
    shutil.copyfile(root / DOCUMENTS[0], root / HUB / "train.tsv")


def commit(project: Clone, message: str) -> None:
    project.succeed("git", "add", "--all")
    project.succeed("git", "commit", "--quiet", "--message", message)


def wait_for_queue(project: Clone) -> list[str]:
    """Returns the end of each queued experiment."""
    for _ in range(300):
        said = project.succeed("dvc", "queue", "status")
        if re.search("Worker status: 0 active", said) and not re.search("Queued|Running", said):
            return re.findall("Success|Failed", said)
        time.sleep(2)
    raise AssertionError(said)


def test_own_text_reaches_every_experiment_and_every_clone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TRACELATE_CACHE", str(tmp_path / "cache"))
    project = clone(tmp_path / "project", **SETTINGS)
    write_text(project.folder)
    write_further_sets(project.folder)

    # one's own text is under version control, and git has its hashes alone
    project.succeed("dvc", "add", *LINES, *DOCUMENTS, HUB, *TEST_SETS)
    commit(project, "Add text")
    listed = set(project.succeed("git", "ls-files", "corpora").split())
    noted = {f"{name}.dvc" for name in (*LINES, *DOCUMENTS, HUB, *TEST_SETS)}
    assert listed == {"corpora/README.md", "corpora/.gitignore", *noted}

    # in the workspace
    said = project.run("dvc", "exp", "run")
    assert said.returncode == 0, said.stdout + said.stderr
    assert f"download: en-es pairs from files: all {PAIRS}" in said.stdout
    assert "warning: train.weight_average_decay 0.99 " in said.stdout + said.stderr
    assert project.json("models/run.json")["commit"] is not None
    assert project.json("models/run.json")["dirty"] is False
    commit(project, "First run")
    weights = project.hashes()["models/weights.safetensors"]
    assert project.succeed("dvc", "metrics", "diff") == ""

    # in a folder apart: all files of the text have the same hashes there
    said_apart = project.succeed(
        "dvc", "exp", "run", "--temp", "--name", "wider", "-S", "evaluate.beam_size=2"
    )
    for stage in ("download", "test_sets", "train"):
        assert f"Stage '{stage}' didn't change, skipping" in said_apart
    assert project.succeed("git", "status", "--porcelain") == ""

    # text that was changed since goes along, without another `dvc add`
    with (project.folder / LINES[0]).open("a", encoding="utf-8") as source:
        source.write("The door opens.\n")
    with (project.folder / LINES[1]).open("a", encoding="utf-8") as target:
        target.write("La puerta abre.\n")
    said_changed = project.succeed("dvc", "exp", "run", "--temp", "download")
    assert f"download: en-es pairs from files: all {PAIRS + 1}" in said_changed
    project.succeed("git", "restore", "--staged", "--worktree", ".")
    project.succeed("dvc", "checkout", "--force")

    # in the queue
    for corpus in ("documents", "hub"):
        queued = ("--name", corpus, "-S", f"download.corpus={corpus}", "download")
        project.succeed("dvc", "exp", "run", "--queue", *queued)
    # without pipes, which the worker would keep open until the queue is empty
    start = ["dvc", "queue", "start"]
    subprocess.run(
        start,
        cwd=project.folder,
        env=project.environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        check=True,
    )
    assert wait_for_queue(project) == ["Success", "Success"]
    logs = project.succeed("dvc", "queue", "logs", "documents")
    assert f"download: en-es pairs from documents: all {PAIRS}" in logs
    logs = project.succeed("dvc", "queue", "logs", "hub")
    assert "download: en-es pairs from hub: all 200" in logs

    # DVC's tables are few columns wide, BLEU first; they leave out other scores that are the
    # same in all
    project.environment["COLUMNS"] = "500"
    shown_columns = ("--only-changed", "--keep", "bleu")
    columns = (*shown_columns, "--drop", ".*/|corpora|Created|State|Executor")
    shown = project.succeed("dvc", "exp", "show", "--no-pager", *columns)
    [header] = [line for line in shown.splitlines() if "Experiment" in line]
    scores = list(project.json("reports/scores.json"))
    assert scores[0] == "bleu"
    found = [name for name in header.split() if name in scores]
    assert found == [name for name in scores if name in found] != []
    assert "evaluate.beam_size" in header
    assert len(header) <= 160

    # an experiment is kept, and compared with the commit before it
    project.succeed("dvc", "exp", "apply", "wider")
    assert "reports/scores.json" in project.succeed("dvc", "metrics", "diff", "--all")
    project.succeed("dvc", "exp", "branch", "wider", "wider-beam")
    commit(project, "Search with two beams")
    # before the next one, settings and results are those of the commit again
    (project.folder / "params.yaml").write_text("changed\n")
    project.succeed("git", "restore", "--staged", "--worktree", "params.yaml", "dvc.lock")
    project.succeed("dvc", "checkout")
    assert project.succeed("git", "status", "--porcelain") == ""

    # another clone trains nothing
    project.succeed("dvc", "remote", "add", "--default", "storage", str(tmp_path / "storage"))
    commit(project, "Name the storage")
    project.succeed("dvc", "push")
    other = Clone(tmp_path / "other")
    subprocess.run(["git", "clone", "--quiet", str(project.folder), str(other.folder)], check=True)
    cache = str(other.folder / DVC_CACHE)
    other.succeed("dvc", "config", "--local", "core.site_cache_dir", cache)
    other.succeed("dvc", "pull")
    assert (other.folder / LINES[0]).read_bytes().count(b"\n") == PAIRS
    again = other.succeed("dvc", "repro")
    assert "Running stage" not in again and "Data and pipelines are up to date." in again
    assert other.hashes()["models/weights.safetensors"] == weights
    assert other.succeed("git", "status", "--porcelain") == ""
