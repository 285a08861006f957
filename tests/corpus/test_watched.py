from __future__ import annotations

from pathlib import Path

import pytest

from tracelate.corpus.provenance import CorpusFile
from tracelate.corpus.watched import refuse_unwatched
from tracelate.errors import InputError


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "corpora/set").mkdir(parents=True)
    (tmp_path / "corpora/set/train.tsv").write_text("en\tes\n")
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside/train.tsv").write_text("en\tes\n")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def check(path: str | Path) -> None:
    refuse_unwatched([CorpusFile("x", Path(path), "0" * 64)], "download.hub")


def test_files_in_the_folder_are_watched(folder: Path) -> None:
    check("corpora/set/train.tsv")
    check("./outside/../corpora/set/train.tsv")
    check(folder / "corpora/set/train.tsv")
    (folder / "corpora/link.tsv").symlink_to(folder / "outside/train.tsv")
    check("corpora/link.tsv")


@pytest.mark.parametrize("path", ["outside/train.tsv", "corpora/../outside/x", "/etc/hosts"])
def test_a_file_outside_is_refused(path: str) -> None:
    with pytest.raises(InputError, match=r"\(download\.hub\) lies outside corpora/"):
        check(path)


def test_a_link_to_a_folder_is_refused_and_the_folder_itself_may_be_one(folder: Path) -> None:
    (folder / "corpora/link").symlink_to(folder / "outside")
    with pytest.raises(InputError, match=r"corpora/link \(download\.hub\) is a link to a folder"):
        check("corpora/link/train.tsv")
    (folder / "corpora").rename(folder / "elsewhere")
    (folder / "corpora").symlink_to(folder / "elsewhere")
    check("corpora/set/train.tsv")
