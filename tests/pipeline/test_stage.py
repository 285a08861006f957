from __future__ import annotations

import os
from pathlib import Path

import pytest

from pipeline.stage import run_stage
from tests.tiny_corpus import SETTINGS, write_params
from tracelate.errors import InputError


def test_an_input_error_is_one_line_and_status_1(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    output = tmp_path / "output"

    def main() -> None:
        assert not output.exists()
        output.write_text("half")
        raise InputError("first\n  second")

    output.write_text("stale")
    with pytest.raises(SystemExit) as ended:
        run_stage(main, [output])
    assert ended.value.code == 1
    assert capsys.readouterr().err == "error: first second\n"
    assert not output.exists()


def test_an_error_of_the_operating_system_is_one_harmless_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    output = tmp_path / "output"

    def main() -> None:
        output.write_text("half")
        raise OSError(28, "No space left on device", "a\x1b[2J\u202e")

    with pytest.raises(SystemExit) as ended:
        run_stage(main, [output])
    assert ended.value.code == 1
    assert capsys.readouterr().err == (
        "error: a\\x1b[2J\\u202e cannot be used (No space left on device): free space for it\n"
    )
    assert not output.exists()


def test_a_folder_that_cannot_be_written_is_found_before_the_work(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)  # relative paths: another user cannot enter the folders above
    tmp_path.chmod(0o755)
    write_params(tmp_path, SETTINGS)
    models = Path("models")
    models.mkdir(mode=0o555)
    (tmp_path / "file").touch()
    calls: list[str] = []
    is_root = os.geteuid() == 0
    try:
        if is_root:
            os.seteuid(65534)
        with pytest.raises(SystemExit):
            run_stage(lambda: calls.append("unwritable"), [models / "weights"])
    finally:
        if is_root:
            os.seteuid(0)
    with pytest.raises(SystemExit):
        run_stage(lambda: calls.append("a file"), [Path("file/weights")])
    first, second = capsys.readouterr().err.splitlines()
    assert first.startswith("error: models cannot be used (Permission denied)")
    assert second.startswith("error: file")
    assert calls == []
    run_stage(lambda: calls.append("made"), [Path("new/folder/weights")])
    assert calls == ["made"] and list(Path("new/folder").iterdir()) == []


def test_a_wrong_setting_removes_no_output(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    write_params(tmp_path, {**SETTINGS, "model.attention": "dott"})
    output = tmp_path / "output"
    output.write_text("whole")
    with pytest.raises(SystemExit) as ended:
        run_stage(output.unlink, [output])
    assert ended.value.code == 1
    assert "dott" in capsys.readouterr().err
    assert output.read_text() == "whole"


def test_an_interrupt_ends_with_status_130_and_no_outputs(tmp_path: Path) -> None:
    output = tmp_path / "output"

    def main() -> None:
        output.write_text("half")
        raise KeyboardInterrupt

    with pytest.raises(SystemExit) as ended:
        run_stage(main, [output])
    assert ended.value.code == 130
    assert not output.exists()


def test_a_defect_keeps_its_traceback_and_leaves_no_outputs(tmp_path: Path) -> None:
    output = tmp_path / "output"

    def main() -> None:
        output.write_text("half")
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        run_stage(main, [output])
    assert not output.exists()


def test_a_successful_stage_keeps_its_outputs(tmp_path: Path) -> None:
    output = tmp_path / "output"

    def main() -> None:
        output.write_text("whole")

    run_stage(main, [output])
    assert output.read_text() == "whole"
