"""Writing a file in parts: nothing that exists is lost, whatever happens and whenever."""

from __future__ import annotations

import os
import resource
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import partial
from pathlib import Path

import pytest

from tracelate.errors import InputError, describe_os_error
from tracelate.inference.part_file import is_complete, open_part, part_paths, refuse_output

LINES = [b"one\n", b"two\n", b"three\n", b"four\n"]


def write(output: Path, identity: str = "x") -> None:
    """Writes LINES, two for each part."""
    refuse_output(output, [])
    if is_complete(output, identity):
        return
    with open_part(output, identity) as part:
        for start in range(part.state.lines, len(LINES), 2):
            part.append(b"".join(LINES[start : start + 2]), 2)
        part.complete()


def cut_short(output: Path, identity: str = "x") -> None:
    with suppress(KeyboardInterrupt), open_part(output, identity) as part:
        part.append(b"".join(LINES[:2]), 2)
        raise KeyboardInterrupt


def killed_at(event: int, call: Callable[[], None]) -> bool:
    """Runs `call` in a child that is killed before its `event`-th use of a file.

    Returns False if it ended before.
    """
    child = os.fork()
    if child == 0:
        left = event

        def count(name: str, _: object) -> None:
            nonlocal left
            if name == "open" or name.startswith(("os.", "fcntl.")):
                left -= 1
                if left == 0:
                    os.kill(os.getpid(), signal.SIGKILL)

        sys.addaudithook(count)
        try:
            call()
        except BaseException:
            os._exit(1)
        os._exit(0)
    _, status = os.waitpid(child, 0)
    assert os.WIFSIGNALED(status) or os.WEXITSTATUS(status) == 0
    return os.WIFSIGNALED(status)


@pytest.mark.parametrize("has_hard_links", [True, False])
def test_a_writer_killed_at_any_moment_gives_the_same_bytes_when_it_runs_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, has_hard_links: bool
) -> None:
    if not has_hard_links:

        def refuse(*_: object) -> None:
            raise PermissionError(1, "Operation not permitted")

        monkeypatch.setattr(os, "link", refuse)
    event, output = 1, tmp_path / "0" / "out"
    while killed_at(event, partial(write, output)):
        write(output)
        assert output.read_bytes() == b"".join(LINES), f"killed before event {event}"
        assert list(output.parent.iterdir()) == [output], f"killed before event {event}"
        event, output = event + 1, tmp_path / str(event) / "out"
    assert event > 20


def test_a_writer_that_is_killed_again_and_again_comes_to_the_end(tmp_path: Path) -> None:
    output = tmp_path / "out"
    event = 1
    while killed_at(event, partial(write, output)):
        event += 1
    assert output.read_bytes() == b"".join(LINES)
    assert list(tmp_path.iterdir()) == [output]


HOLDER = """
import sys, time
from pathlib import Path
from tracelate.inference.part_file import open_part
with open_part(Path(sys.argv[1]), "x") as part:
    part.append(b"one\\ntwo\\n", 2)
    print("ready", flush=True)
    time.sleep(600)
"""


@pytest.fixture
def holder(tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    """Another process that writes out."""
    command = [sys.executable, "-c", HOLDER, str(tmp_path / "out")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, encoding="utf-8") as process:
        assert process.stdout is not None and process.stdout.readline() == "ready\n"
        yield process
        process.kill()


def test_a_second_process_is_refused_and_takes_over_when_the_first_is_killed(
    tmp_path: Path, holder: subprocess.Popen[str]
) -> None:
    output = tmp_path / "out"
    part, _ = part_paths(output)
    before = part.read_bytes()
    with pytest.raises(InputError, match=rf"^process {holder.pid} writes {part}: wait until"):
        write(output)
    assert part.read_bytes() == before
    holder.kill()
    holder.wait()
    write(output)
    assert output.read_bytes() == b"".join(LINES)


def test_a_file_of_somebody_elses_is_never_written(tmp_path: Path) -> None:
    output = tmp_path / "out"
    part, state = part_paths(output)
    part.write_text("mine")
    with pytest.raises(InputError, match=r"was not begun by `tracelate translate`.*move it away"):
        write(output)
    assert part.read_text() == "mine" and not output.exists() and not state.exists()
    part.unlink()
    state.write_text("{}")
    with pytest.raises(InputError, match="damaged or not Tracelate's: move it"):
        write(output)
    assert state.read_text() == "{}" and not output.exists() and not part.exists()


def test_a_link_in_place_of_the_part_is_not_followed(tmp_path: Path) -> None:
    output, other = tmp_path / "out", tmp_path / "other"
    part, _ = part_paths(output)
    for content in ("", "mine"):
        other.write_text(content)
        part.symlink_to(other)
        with pytest.raises(OSError) as raised:
            write(output)
        assert describe_os_error(raised.value).startswith(f"{part} cannot be used (")
        assert other.read_text() == content
        part.unlink()
        part.hardlink_to(other)
        with pytest.raises(InputError, match="has a second name"):
            write(output)
        assert other.read_text() == content
        part.unlink()


def test_a_part_with_a_second_name_is_not_continued(tmp_path: Path) -> None:
    output = tmp_path / "out"
    part, _ = part_paths(output)
    cut_short(output)
    (tmp_path / "copy").hardlink_to(part)
    before = part.read_bytes()
    with pytest.raises(InputError, match="has a second name"):
        write(output)
    assert (tmp_path / "copy").read_bytes() == before


def test_an_output_that_appears_meanwhile_is_kept(tmp_path: Path) -> None:
    output = tmp_path / "out"
    with pytest.raises(InputError, match="exists already"), open_part(output, "x") as part:
        part.append(b"".join(LINES), 4)
        output.write_text("mine")
        part.complete()
    assert output.read_text() == "mine"
    output.unlink()
    write(output)
    assert output.read_bytes() == b"".join(LINES)


def test_an_empty_part_of_another_input_is_begun_again(tmp_path: Path) -> None:
    output = tmp_path / "out"
    with suppress(KeyboardInterrupt), open_part(output, "y"):
        raise KeyboardInterrupt
    write(output, "x")
    assert output.read_bytes() == b"".join(LINES)


@pytest.mark.parametrize("limit", [4, 10, 150])
def test_a_full_disk_is_one_line_and_the_translation_continues_when_there_is_space(
    tmp_path: Path, limit: int
) -> None:
    output = tmp_path / "out"
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limits[1]))
    try:
        with pytest.raises(OSError) as raised:
            write(output)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    line = describe_os_error(raised.value)
    assert line.startswith(str(output)) and line.endswith("(File too large): free space for it")
    assert not output.exists()
    write(output)
    assert output.read_bytes() == b"".join(LINES)
    assert list(tmp_path.iterdir()) == [output]


@pytest.mark.parametrize("kind", ["same", "hard link", "part", "state"])
def test_an_input_is_never_the_output(tmp_path: Path, kind: str) -> None:
    output = tmp_path / "out"
    part, state = part_paths(output)
    path = {"same": output, "hard link": tmp_path / "in", "part": part, "state": state}[kind]
    path.write_text("mine")
    if kind == "hard link":
        output.hardlink_to(path)
    with pytest.raises(InputError, match=f"is the input {path}: name another --output"):
        refuse_output(output, [path])


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda path: path.mkdir(), "is a folder: name a file in it"),
        (os.mkfifo, "is not a regular file"),
        (lambda path: path.symlink_to("nowhere"), "is a symbolic link: name the file itself"),
        (lambda path: path.touch(), "exists already"),
    ],
    ids=["folder", "pipe", "link", "file"],
)
def test_an_output_that_is_not_a_new_file_is_refused(
    tmp_path: Path, make: Callable[[Path], object], message: str
) -> None:
    make(tmp_path / "out")
    with pytest.raises(InputError, match=message):
        refuse_output(tmp_path / "out", [])


@pytest.mark.parametrize("name", ["/dev/null", "/dev/stdout"])
def test_a_device_is_not_to_be_removed(name: str) -> None:
    with pytest.raises(InputError, match=r"leave out --output") as raised:
        refuse_output(Path(name), [])
    assert "remove" not in str(raised.value)


def test_a_new_output_has_the_mode_of_the_umask(tmp_path: Path) -> None:
    before = os.umask(0o027)
    try:
        write(tmp_path / "out")
    finally:
        os.umask(before)
    assert (tmp_path / "out").stat().st_mode & 0o777 == 0o640
