"""Imports the libraries of all stages, and runs each command in a forked process.

Arguments: the address to listen at, and the path of the command `python`, by which such a process
starts others. It ends when its standard input does.
"""

from __future__ import annotations

import atexit
import gc
import importlib
import marshal
import os
import runpy
import select
import signal
import socket
import sys
import threading
from collections.abc import Sequence
from contextlib import suppress
from types import TracebackType
from typing import NamedTuple

OFF = {
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "HF_HUB_DISABLE_TELEMETRY": "1",
    "DVC_NO_ANALYTICS": "1",
}
"""As `tracelate.telemetry` sets them before these libraries are imported."""
LIBRARIES = (
    "alembic.command",
    "cryptography.hazmat.primitives.asymmetric.ec",
    "datasets",
    "dvc.cli",
    "dvc.repo",
    "ftfy",
    "langcodes",
    "lxml.etree",
    "matplotlib.backends.backend_agg",
    "matplotlib.figure",
    "mlflow.pyfunc",
    "mlflow.store.tracking.sqlalchemy_store",
    "optuna",
    "polib",
    "pyarrow.parquet",
    "pydantic",
    "pytorch_lightning",
    "rich.progress",
    "ruamel.yaml",
    "sacrebleu",
    "safetensors.torch",
    "scipy.stats",
    "sentencepiece",
    "tokenizers",
    "torch",
    "typer",
    "uvicorn",
)
READ_LATE = {"PYTHONPATH", "PYTHONUNBUFFERED", *OFF}
READ_AT_IMPORT = (
    "CUDA", "GOMP", "HF_", "HOME", "LANG", "LC_", "LD_", "MALLOC", "MKL_", "MPL",
    "OMP_", "OPENBLAS", "PYTHON", "RAYON", "SLURM", "TMPDIR", "TORCH", "TZ", "XDG_",
)  # fmt: skip
"""Beginnings of the names of variables that Python or a library may read once."""
MODULES = ("dvc", "pipeline.", "studies.", "tests.", "tracelate.")


class Command(NamedTuple):
    """What a client asks for: Python's arguments, and the state of its process."""

    arguments: list[str]
    folder: str
    environment: dict[str, str]
    umask: int


def serve(address: str, at_import: dict[str, str]) -> Command:
    """Listens at the address; returns only in a forked process, with what it is to run."""
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(f"{address}.new")
    listener.listen(64)
    os.rename(f"{address}.new", address)  # noqa: PTH104
    while True:
        ready, _, _ = select.select([listener.fileno(), 0], [], [])
        if 0 in ready:
            os._exit(0)
        connection, _ = listener.accept()
        if os.fork() == 0:
            listener.close()
            return _answer(connection, at_import)
        connection.close()
        _reap()


def _answer(connection: socket.socket, at_import: dict[str, str]) -> Command:
    """Starts a process for a client and waits for it; returns in that process alone."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    size, streams, _, _ = socket.recv_fds(connection, 4, 3)
    with connection.makefile("rb") as file:
        command = Command(*marshal.loads(file.read(int.from_bytes(size, "big"))))
    if not _can_run(command.arguments) or _read_at_import(command.environment) != at_import:
        os._exit(0)
    child = os.fork()
    if child == 0:
        connection.close()
        os.setsid()
        for number, stream in enumerate(streams):
            os.dup2(stream, number)
            os.close(stream)
        return command
    for stream in (0, 1, 2, *streams):
        os.close(stream)
    connection.send(b"y")
    pidfd = os.pidfd_open(child)
    while True:
        ready, _, _ = select.select([connection.fileno(), pidfd], [], [])
        if pidfd in ready:
            _, status = os.waitpid(child, 0)
            connection.sendall(os.waitstatus_to_exitcode(status).to_bytes(4, "big", signed=True))
            os._exit(0)
        sent = connection.recv(1)
        if sent:
            os.kill(child, sent[0])
        else:  # the client was killed
            os.killpg(child, signal.SIGKILL)


def _can_run(arguments: Sequence[str]) -> bool:
    match arguments:
        case ["-m", module, *_]:
            return module.startswith(MODULES)
        case ["-c", _, *_]:
            return True
        case [script, *_]:
            return not script.startswith("-")
    return False


def _read_at_import(environment: os._Environ[str] | dict[str, str]) -> dict[str, str]:
    return {
        name: text
        for name, text in environment.items()
        if name.startswith(READ_AT_IMPORT) and name not in READ_LATE
    }


def _reap() -> None:
    try:
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass
    except ChildProcessError:
        pass


def run(command: Command, python: str, libraries: list[str]) -> None:
    """Does what `python` does with the arguments, once the process is as the client's."""
    os.chdir(command.folder)
    os.umask(command.umask)
    os.environ.clear()
    os.environ.update(command.environment)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    for name, number, mode in (("stdin", 0, "r"), ("stdout", 1, "w"), ("stderr", 2, "w")):
        errors = "backslashreplace" if name == "stderr" else None
        buffering = 1 if name == "stderr" or os.isatty(number) else -1
        stream = open(number, mode, buffering, errors=errors, closefd=False)  # noqa: SIM115
        setattr(sys, name, stream)
        setattr(sys, f"__{name}__", stream)
    sys.executable = python
    places = [place for place in os.environ.get("PYTHONPATH", "").split(os.pathsep) if place]
    first, *rest = command.arguments
    if first == "-m":
        sys.path[:] = [command.folder, *places, *libraries]
        sys.argv = rest
        runpy.run_module(rest[0], run_name="__main__", alter_sys=True)
    elif first == "-c":
        sys.path[:] = ["", *places, *libraries]
        sys.argv = ["-c", *rest[1:]]
        exec(compile(rest[0], "<string>", "exec"), {"__name__": "__main__"})
    else:
        sys.path[:] = [os.path.dirname(first), *places, *libraries]  # noqa: PTH120
        sys.argv = command.arguments
        runpy.run_path(first, run_name="__main__")


def main() -> None:
    address, python = sys.argv[1:]
    at_import = _read_at_import(os.environ)
    os.environ.update(OFF)
    for name in LIBRARIES:
        importlib.import_module(name)
    libraries = list(sys.path)
    gc.collect()
    gc.freeze()
    command = serve(address, at_import)
    os._exit(_status_of(command, python, libraries))


def _status_of(command: Command, python: str, libraries: list[str]) -> int:
    """Runs the command as the interpreter does, without its taking the libraries apart."""
    status = 0
    try:
        run(command, python, libraries)
    except SystemExit as exit_:
        status = exit_.code if isinstance(exit_.code, int) else int(exit_.code is not None)
        if isinstance(exit_.code, str):
            print(exit_.code, file=sys.stderr)  # noqa: T201
    except BaseException as error:
        error = error.with_traceback(_own_part(error.__traceback__))
        sys.excepthook(type(error), error, error.__traceback__)
        status = 1
        if isinstance(error, KeyboardInterrupt):
            signal.signal(signal.SIGINT, signal.SIG_DFL)
            os.kill(os.getpid(), signal.SIGINT)
    threading._shutdown()  # type: ignore[attr-defined]
    atexit._run_exitfuncs()
    with suppress(OSError, ValueError):
        sys.stdout.flush()
    return status


def _own_part(traceback: TracebackType | None) -> TracebackType | None:
    """Leaves out the frames of this file and of runpy."""
    while traceback and traceback.tb_frame.f_code.co_filename in (__file__, runpy.__file__):
        traceback = traceback.tb_next
    return traceback


if __name__ == "__main__":
    main()
