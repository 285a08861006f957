"""Preloaded commands do what the commands of the virtual environment do."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.preloaded import commands, python

SHOW = "import os, sys; print(os.getcwd(), sys.argv, os.environ['SHOWN'], sys.stdin.read())"


def run(*arguments: str, folder: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        arguments,
        cwd=folder,
        env={**os.environ, "SHOWN": "1", **environment},
        input="text",
        capture_output=True,
        encoding="utf-8",
        timeout=60,
    )


def both(*arguments: str, folder: Path) -> tuple[tuple[int, str, str], ...]:
    """Status and output of the preloaded command and of the real one."""
    done = [run(command, *arguments, folder=folder) for command in (python(), sys.executable)]
    return tuple((one.returncode, one.stdout, one.stderr) for one in done)


@pytest.mark.parametrize(
    "code",
    [
        SHOW,
        "import sys; sys.exit(3)",
        "import sys; sys.exit('why')",
        "1 / 0",
        "import atexit; atexit.register(print, 'last'); print('first')",
        "import os; os.kill(os.getpid(), 9)",
        "import os; os.kill(os.getpid(), 15)",
        "raise KeyboardInterrupt",
        "import threading; threading.Timer(0.2, print, ['late']).start()",
    ],
)
def test_code_does_the_same(code: str, tmp_path: Path) -> None:
    preloaded, real = both("-c", code, "argument", folder=tmp_path)
    assert preloaded == real


def test_a_module_of_the_folder_is_run(tmp_path: Path) -> None:
    (tmp_path / "tests").mkdir()
    (tmp_path / "tests/__init__.py").touch()
    (tmp_path / "tests/shown.py").write_text(f"{SHOW}\nprint(__name__)\n", encoding="utf-8")
    preloaded, real = both("-m", "tests.shown", "argument", folder=tmp_path)
    assert preloaded == real and preloaded[0] == 0


def test_libraries_are_there_and_the_project_is_not(tmp_path: Path) -> None:
    code = "import sys; print('torch' in sys.modules, 'tracelate' in sys.modules)"
    assert run(python(), "-c", code, folder=tmp_path).stdout == "True False\n"


def test_variables_that_this_process_has_set_since_are_passed_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    commands()
    from tracelate.tracking.store.mlflow_settings import VARIABLES

    # those of torch and Lightning, too, which set them when they are used
    for name in (*VARIABLES, "KMP_INIT_AT_FORK", "PL_GLOBAL_SEED"):
        monkeypatch.setenv(name, "1")
    code = (
        "import os, sys; print('torch' in sys.modules, os.environ['MLFLOW_HTTP_REQUEST_TIMEOUT'])"
    )
    assert run(python(), "-c", code, folder=tmp_path).stdout == "True 1\n"


def test_variables_that_are_read_at_the_start_get_a_process_of_their_own(tmp_path: Path) -> None:
    code = "import sys; print('torch' in sys.modules, sys.stdout.encoding)"
    done = run(python(), "-c", code, folder=tmp_path, PYTHONIOENCODING="ascii")
    assert done.stdout == "False ascii\n"


def test_a_signal_reaches_the_process_and_its_end_the_caller(tmp_path: Path) -> None:
    code = (
        "import signal, sys, time\n"
        "signal.signal(signal.SIGTERM, lambda *_: sys.exit(7))\n"
        "print('ready', flush=True)\ntime.sleep(60)"
    )
    with subprocess.Popen([python(), "-c", code], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None and process.stdout.readline() == b"ready\n"
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) == 7


def test_a_killed_caller_takes_its_process_along(tmp_path: Path) -> None:
    code = "import os, time; print(os.getpid(), flush=True); time.sleep(60)"
    with subprocess.Popen([python(), "-c", code], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        pid = int(process.stdout.readline())
        process.kill()
        assert process.stdout.read() == b""  # which ends when the process does
    assert not Path(f"/proc/{pid}/cwd").exists()


def test_the_commands_of_scripts_are_there(tmp_path: Path) -> None:
    done = run(str(commands() / "tracelate"), "--version", folder=tmp_path)
    assert done.returncode == 0 and done.stdout.startswith("tracelate ")
