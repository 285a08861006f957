"""The parts of a replay that need no training; the whole is in tests/system/test_pipeline.py."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tracelate import layout
from tracelate.config import load_params
from tracelate.corpus.sources.line_files import FileProvenance, TextFile, TextFilePair
from tracelate.errors import InputError
from tracelate.evaluation.lineage import Lineage, read_lineage
from tracelate.evaluation.metrics_file import read_metrics
from tracelate.files import sha256_of
from tracelate.git import commit_subject, current_commit, worktree
from tracelate.lineage import replay as replaying
from tracelate.lineage.checks import failed_checks
from tracelate.lineage.replay import replay


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    folder = tmp_path / "repository"
    folder.mkdir()
    (folder / "params.yaml").write_text("of the commit\n")
    git(folder, "init", "-q")
    git(folder, "add", "-A")
    git(folder, "commit", "-qm", "Say something")
    return folder


def git(folder: Path, *arguments: str) -> str:
    identity = ("-c", "user.name=test", "-c", "user.email=test@example.org")
    return subprocess.run(
        ["git", *identity, *arguments], cwd=folder, capture_output=True, text=True, check=True
    ).stdout.strip()


def head(folder: Path) -> str:
    return git(folder, "rev-parse", "HEAD")


def trained_at(finished_project: Path, commit: str | None, **changes: Any) -> Lineage:
    lineage = read_lineage(finished_project / layout.LINEAGE)
    training = lineage.training.model_copy(update={"commit": commit, "dirty": False, **changes})
    return lineage.model_copy(update={"training": training})


def worktrees(repository: Path) -> list[str]:
    return git(repository, "worktree", "list", "--porcelain").split("\n\n")


def test_a_commit_is_known_by_its_subject(repository: Path) -> None:
    assert commit_subject(git(repository, "rev-parse", "HEAD"), repository) == "Say something"
    assert commit_subject("0" * 40, repository) is None


@pytest.mark.parametrize("failure", [ValueError, KeyboardInterrupt, SystemExit, None])
def test_a_worktree_is_gone_however_its_block_ends(
    repository: Path, failure: type[BaseException] | None
) -> None:
    try:
        with worktree(head(repository), None, repository) as folder:
            assert (folder / "params.yaml").read_text() == "of the commit\n"
            (folder / "untracked").write_text("text")
            if failure is not None:
                raise failure
    except (ValueError, KeyboardInterrupt, SystemExit):
        pass
    assert not folder.exists() and not folder.parent.exists()
    assert len(worktrees(repository)) == 1


def test_a_kept_worktree_stays_and_a_full_folder_is_refused(
    repository: Path, tmp_path: Path
) -> None:
    with worktree(head(repository), tmp_path / "kept", repository):
        pass
    assert (tmp_path / "kept/params.yaml").is_file() and len(worktrees(repository)) == 2
    with (
        pytest.raises(InputError, match="kept is not an empty folder"),
        worktree(head(repository), tmp_path / "kept", repository),
    ):
        pass


def test_an_unknown_commit_is_refused(finished_project: Path, repository: Path) -> None:
    with pytest.raises(InputError, match=r"commit 0{40} is not in the git repository"):
        replay(trained_at(finished_project, "0" * 40), None, root=repository)


@pytest.mark.parametrize("name", ["HEAD", "main", "--orphan", "{head}^", "{head}\n", "{short}"])
def test_only_the_full_name_of_a_commit_is_checked_out(repository: Path, name: str) -> None:
    commit = head(repository)
    asked = name.format(head=commit, short=commit[:12])
    with (
        pytest.raises(InputError, match="is not the full hexadecimal name of a commit"),
        worktree(asked, None, repository),
    ):
        pass
    assert len(worktrees(repository)) == 1


def test_a_checkout_runs_no_hook_of_the_repository(repository: Path, tmp_path: Path) -> None:
    ran = tmp_path / "ran"
    for place in (repository / ".git/hooks", tmp_path / "hooks"):
        place.mkdir(exist_ok=True)
        (place / "post-checkout").write_text(f"#!/bin/sh\ntouch {ran}\n")
        (place / "post-checkout").chmod(0o755)
    git(repository, "config", "core.hooksPath", str(tmp_path / "hooks"))
    git(repository, "checkout", "-q", "--detach")
    assert ran.exists()  # the hook works where it is not switched off
    ran.unlink()
    with worktree(head(repository), None, repository):
        pass
    assert not ran.exists()


def test_code_that_is_not_known_is_refused(finished_project: Path, repository: Path) -> None:
    head = git(repository, "rev-parse", "HEAD")
    with pytest.raises(InputError, match="not trained in a git repository"):
        replay(trained_at(finished_project, None), None, root=repository)
    with pytest.raises(InputError, match=rf"differed from commit {head}.*--allow-dirty"):
        replay(trained_at(finished_project, head, dirty=True), None, root=repository)


def test_the_settings_are_those_of_the_run_and_a_failing_stage_is_reported(
    finished_project: Path, repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lineage = trained_at(finished_project, git(repository, "rev-parse", "HEAD"), dirty=True)
    monkeypatch.setattr(replaying, "REPRODUCE", (sys.executable, "-c", "raise SystemExit(7)"))
    with pytest.raises(InputError, match=r"dvc repro ended with status 7 .*--keep"):
        replay(lineage, None, root=repository, kept=tmp_path / "kept", allow_dirty=True)
    assert load_params(tmp_path / "kept/params.yaml").model_dump() == lineage.params


def test_the_replay_does_not_write_to_the_projects_store(
    finished_project: Path, repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("MLFLOW_TRACKING_URI", "DVC_ROOT", "GIT_DIR_OF_OURS"):
        monkeypatch.setenv(name, "ours")
    look = "import os; open('seen', 'w').write(repr(dict(os.environ))); raise SystemExit(1)"
    monkeypatch.setattr(replaying, "REPRODUCE", (sys.executable, "-c", look))
    lineage = trained_at(finished_project, git(repository, "rev-parse", "HEAD"))
    with pytest.raises(InputError, match="status 1"):
        replay(lineage, None, root=repository, kept=tmp_path / "kept")
    seen = (tmp_path / "kept/seen").read_text()
    assert "'ours'" not in seen
    assert f"'PYTHONPATH': '{tmp_path / 'kept/src'}'" in seen


def test_text_files_must_be_those_that_were_trained_on(
    finished_project: Path, repository: Path
) -> None:
    lineage = trained_at(finished_project, git(repository, "rev-parse", "HEAD"))
    file = TextFile(name="train.en", sha256="0" * 64)
    provenance = FileProvenance(
        files={"all": TextFilePair(source=file, target=file)},
        licence="unknown",
        source_language="en",
        target_language="es",
        pairs={"all": 1},
    )
    lineage = lineage.model_copy(update={"provenance": provenance})
    with pytest.raises(InputError, match=r"corpora/train\.en is not the file .* sha256 is 0{64}"):
        replay(lineage, None, root=repository)
    assert len(worktrees(repository)) == 1


def of_text_files(lineage: Lineage, path: str, sha256: str) -> Lineage:
    """Returns the lineage with this one file as its corpus, in both languages."""
    file = TextFile(name=Path(path).name, sha256=sha256)
    provenance = FileProvenance(
        files={"all": TextFilePair(source=file, target=file)},
        licence="unknown",
        source_language="en",
        target_language="es",
        pairs={"all": 1},
    )
    files = {**lineage.params["download"]["files"], "train": {"source": path, "target": path}}
    download = {**lineage.params["download"], "corpus": "files", "files": files}
    params = {**lineage.params, "download": download}
    return lineage.model_copy(update={"provenance": provenance, "params": params})


def test_a_corpus_outside_the_project_is_neither_copied_nor_written(
    finished_project: Path, repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    outside = tmp_path / "outside.en"
    outside.write_text("text\n")
    before = sorted(tmp_path.rglob("*.en"))
    monkeypatch.setattr(replaying, "REPRODUCE", (sys.executable, "-c", "raise SystemExit(7)"))
    for path in (str(outside), "../outside.en"):
        lineage = trained_at(finished_project, head(repository))
        lineage = of_text_files(lineage, path, sha256_of(outside))
        with pytest.raises(InputError, match="status 7"):
            replay(lineage, None, root=repository)
        assert sorted(tmp_path.rglob("*.en")) == before


def test_a_file_of_the_commit_is_not_replaced_by_the_present_one(
    finished_project: Path, repository: Path
) -> None:
    (repository / "params.yaml").write_text("changed since\n")
    lineage = trained_at(finished_project, head(repository))
    lineage = of_text_files(lineage, "params.yaml", sha256_of(repository / "params.yaml"))
    with pytest.raises(InputError, match=r"params\.yaml is not the file that was trained on"):
        replay(lineage, None, root=repository)


@pytest.mark.parametrize(
    "name", [None, "data/prepared/train.parquet", "models/weights.safetensors"]
)
def test_a_different_result_is_named(
    finished_project: Path, repository: Path, monkeypatch: pytest.MonkeyPatch, name: str | None
) -> None:
    reproduce = f"""
import pathlib, shutil
for room in ("data", "models", "reports"):
    shutil.copytree(pathlib.Path({str(finished_project)!r}) / room, room)
if {name!r}:
    with open({name!r}, "ab") as file:
        file.write(b"more")
"""
    monkeypatch.setattr(replaying, "REPRODUCE", (sys.executable, "-c", reproduce))
    lineage = trained_at(finished_project, git(repository, "rev-parse", "HEAD"))
    metrics = read_metrics(finished_project / layout.METRICS)
    scores = [metrics.scores[0]._replace(value=99.0), *metrics.scores[1:]]
    checks = replay(lineage, metrics, root=repository)
    assert [one.what for one in failed_checks(checks)] == ([name] if name else [])
    assert {"data/raw/all.parquet", "models/weights.safetensors", "bleu", "ter"} <= {
        one.what for one in checks
    }
    checks = replay(lineage, metrics._replace(scores=scores), root=repository)
    [told] = [one for one in failed_checks(checks) if one.what != name]
    assert told.what == "bleu" and told.reason.startswith("99.0000, now ")


def test_a_replay_asks_dvc_for_no_file_of_the_corpora_that_is_not_copied(
    finished_project: Path, repository: Path
) -> None:
    (repository / "corpora/own").mkdir(parents=True)
    for name in ("corpora/train.en.dvc", "corpora/own/more.tsv.dvc", "corpora/README.md"):
        (repository / name).write_text("tracked\n")
    git(repository, "add", "-A")
    git(repository, "commit", "-qm", "Track text")
    lineage = trained_at(finished_project, head(repository))
    with worktree(head(repository), None, repository) as folder:
        replaying._copy_corpus(repository, folder, lineage)
        left = [path.name for path in (folder / "corpora").rglob("*") if path.is_file()]
    assert left == ["README.md"]


def test_hashes_of_own_text_are_no_change_of_the_code(repository: Path) -> None:
    (repository / "corpora").mkdir()
    for name in ("train.en.dvc", ".gitignore"):
        (repository / "corpora" / name).write_text("tracked\n")
    assert not current_commit(repository).dirty
    (repository / "corpora/train.py").write_text("code\n")
    assert current_commit(repository).dirty
