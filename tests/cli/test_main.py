"""How the command ends where a user, a file or MLflow is to blame: in one line, without secrets."""

from __future__ import annotations

import json
import os
import socket
import sys
import threading
import webbrowser
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from types import SimpleNamespace
from typing import NoReturn

import pytest

from tests.cli.conftest import Done, Run
from tests.evaluation.results import evidence, some_references, write_evidence
from tests.tracking.stored_runs import mlflow_client
from tracelate.cli.browser import open_when_ready
from tracelate.cli.ui import NO_JOBS
from tracelate.layout import DATABASE
from tracelate.tracking.store import store
from tracelate.tracking.store.runs_view import TAG
from tracelate.version import VERSION

PASSWORD = "hunter2"


@contextmanager
def mlflow_server(monkeypatch: pytest.MonkeyPatch, answers: int) -> Iterator[str]:
    """The project's store is a server that has nothing, asks for a password, and is gone after so
    many answers. Gives its address without the password.
    """
    left = answers

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            nonlocal left
            left -= 1
            if left < 0:
                return  # closes the connection
            self.rfile.read(int(self.headers.get("Content-Length", 0)))
            is_search = self.path.partition("?")[0].endswith("/search")
            text = b"{}" if is_search else b'{"error_code": "RESOURCE_DOES_NOT_EXIST"}'
            self.send_response(200 if is_search else 404)
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text)

        do_GET = do_POST

        def log_message(self, *_: object) -> None: ...

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    place = f"127.0.0.1:{server.server_port}"
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"http://bob:{PASSWORD}@{place}")
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    try:
        yield f"http://{place}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def error_of(done: Done) -> str:
    assert done.status == 1
    [line] = done.stderr.splitlines()
    assert line.startswith("error: ")
    return line.removeprefix("error: ")


@pytest.mark.parametrize(
    "command",
    [
        ("runs",),
        ("compare", "one", "other"),
        ("lineage", "one"),
        ("doctor",),
        ("history",),
        ("serve", "one", "--port", "0"),
        ("translate", "--model", "one", "params.yaml"),
    ],
    ids=" ".join,
)
@pytest.mark.parametrize("answers", [0, 1], ids=["away", "goes away"])
def test_a_server_that_is_away_is_one_line(
    run: Run, monkeypatch: pytest.MonkeyPatch, command: tuple[str, ...], answers: int
) -> None:
    with mlflow_server(monkeypatch, answers) as address:
        done = run(*command)
    assert "bob" not in done.stdout + done.stderr
    assert PASSWORD not in done.stdout + done.stderr
    if command == ("doctor",) and answers == 0:
        assert done.status == 1
        assert f"where: {address}\n" in done.stdout
    elif answers == 0:
        assert error_of(done).startswith(f"the MLflow store {address} cannot be reached (API ")
    else:
        assert error_of(done).startswith(f"MLflow at {address} failed (API request to {address}/")


@pytest.mark.parametrize(
    "command",
    [
        ("runs", "--all-experiments"),
        ("compare", "one", "other"),
        ("compare", "models:/one@champion", "other"),
        ("lineage", "models:/one/3"),
    ],
    ids=" ".join,
)
def test_a_missing_entry_of_a_server_is_reported_without_its_password(
    run: Run, monkeypatch: pytest.MonkeyPatch, command: tuple[str, ...]
) -> None:
    with mlflow_server(monkeypatch, answers=100) as address:
        done = run(*command)
    told = done.stdout + done.stderr
    assert f" {address}" in told
    assert "bob" not in told and PASSWORD not in told


def test_the_interface_of_a_server_is_its_own(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"https://bob:{PASSWORD}@mlflow.example/team")
    runs = SimpleNamespace(find_experiment=lambda name: "7", set_view=lambda experiment: None)
    monkeypatch.setattr(store, "connect_existing", lambda: SimpleNamespace(runs=runs))
    done = run("ui")
    assert (done.status, done.stderr) == (0, "")
    page = "https://mlflow.example/team/#/experiments/7/runs?workflowType=machine_learning"
    assert f"open {page}&viewStateShareKey=tracelate in a browser" in done.stdout
    assert PASSWORD not in done.stdout


def test_the_interface_gets_its_address_in_its_environment_and_not_as_an_argument(
    run: Run, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from mlflow.cli import server

    [option] = [one for one in server.params if one.name == "backend_store_uri"]
    address = f"sqlite:///{folder}/mlflow.db"
    monkeypatch.setenv("MLFLOW_TRACKING_URI", address)

    def execve(_: str, command: Sequence[str], environment: Mapping[str, str]) -> NoReturn:
        assert address not in " ".join(command)
        assert environment[str(option.envvar)] == address
        assert environment.items() >= NO_JOBS.items()
        raise SystemExit(0)

    monkeypatch.setattr(os, "execve", execve)
    experiment = mlflow_client().create_experiment("tracelate")
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    done = run("ui", "--port", str(port))
    assert done.status == 0
    page = f"/#/experiments/{experiment}/runs?workflowType=machine_learning"
    assert f"{page}&viewStateShareKey=tracelate" in done.stdout
    view = json.loads(mlflow_client().get_experiment(experiment).tags[TAG])
    assert view["selectedColumns"][0] == "metrics.`test_bleu`"
    assert view["compareRunCharts"][0]["metricKey"] == "test_bleu"


def test_a_port_that_another_program_has_is_named(run: Run) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        line = error_of(run("ui", "--port", str(port)))
    assert line.startswith(f"port {port} of 127.0.0.1 cannot be had")


@pytest.mark.parametrize(
    "command", [("runs",), ("ui",), ("history",), ("rollback",), ("recall", "--corpus", "any")]
)
def test_in_a_folder_without_runs_no_store_is_made(
    run: Run, folder: Path, command: tuple[str, ...]
) -> None:
    (folder / DATABASE).unlink()
    before = sorted(folder.iterdir())
    assert error_of(run(*command)).startswith("there is no MLflow store at sqlite:")
    assert sorted(folder.iterdir()) == before


def test_a_page_is_opened_when_its_server_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[str] = []

    def open_page(page: str) -> bool:
        opened.append(page)
        return True

    monkeypatch.setattr(webbrowser, "open", open_page)
    with socket.create_server(("127.0.0.1", 0)) as server:
        page = f"http://127.0.0.1:{server.getsockname()[1]}/#/runs"
        assert open_when_ready(page)
    assert opened == [page]
    assert not open_when_ready(page, wait_s=0.1)


@pytest.mark.parametrize("command", [("runs",), ("ui",)], ids=" ".join)
def test_a_missing_driver_is_named_with_its_package(
    run: Run, monkeypatch: pytest.MonkeyPatch, command: tuple[str, ...]
) -> None:
    monkeypatch.setitem(sys.modules, "psycopg2", None)
    monkeypatch.setenv(
        "MLFLOW_TRACKING_URI", f"postgresql+psycopg2://bob:{PASSWORD}@127.0.0.1/runs"
    )
    line = error_of(run(*command))
    assert line.startswith("the MLflow store postgresql+psycopg2://127.0.0.1/runs needs a driver (")
    assert "install psycopg2-binary with pip" in line


def test_a_file_in_the_place_of_a_folder_is_named(run: Run, folder: Path) -> None:
    references = some_references(20)
    for name in ("a", "b"):
        write_evidence(folder / name, evidence(name, references, references))
    done = run("compare", "a", "b", "--output", "params.yaml")
    assert error_of(done).startswith("params.yaml cannot be used (File exists): ")


class Echo:
    """A translator that leaves lines as they are."""

    batch_sentences = group_lines = beam_size = max_line_pieces = 1
    length_penalty = 0.0

    def translate_lines(self, lines: Iterator[str]) -> Iterator[str]:
        return lines


LOADED = SimpleNamespace(sha256_by_name={}, receipt=None)
"""What `translate` needs of a loaded model."""


def test_a_file_in_the_place_of_the_translations_folder_is_named(
    run: Run, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tracelate.cli.translate._translator", lambda *_: (Echo(), LOADED))
    (folder / "in.en").write_text("a door\n", encoding="utf-8")
    done = run("translate", "in.en", "--output", "in.en/out")
    assert error_of(done).startswith("in.en cannot be used (File exists): ")
    assert (folder / "in.en").read_text(encoding="utf-8") == "a door\n"


@pytest.fixture
def echo(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder with in.en, where `translate` leaves lines as they are."""
    monkeypatch.setattr("tracelate.cli.translate._translator", lambda *_: (Echo(), LOADED))
    (folder / "in.en").write_text("a door\n", encoding="utf-8")
    return folder


def test_an_input_called_as_the_output_with_part_is_translated_and_kept(
    run: Run, echo: Path
) -> None:
    (echo / "in.en").rename("out.part")
    assert run("translate", "out.part", "--output", "out").status == 0
    assert (echo / "out").read_text(encoding="utf-8") == "a door\n"
    assert (echo / "out.part").read_text(encoding="utf-8") == "a door\n"


@pytest.mark.parametrize("output", ["in.en", "link", ".", "/dev/null", "/dev/stdout", "pipe"])
def test_an_output_that_cannot_be_is_one_line_and_nothing_is_lost(
    run: Run, echo: Path, output: str
) -> None:
    (echo / "link").hardlink_to("in.en")
    os.mkfifo("pipe")
    before = sorted(echo.iterdir())
    error_of(run("translate", "in.en", "--output", output))
    assert (echo / "in.en").read_text(encoding="utf-8") == "a door\n"
    assert sorted(echo.iterdir()) == before


def test_several_processes_translate_files_alone(run: Run) -> None:
    assert error_of(run("translate", "--processes", "2")).startswith(
        "--processes needs input files"
    )


def test_an_input_that_is_a_pipe_is_refused(run: Run, echo: Path) -> None:
    os.mkfifo("pipe")
    assert error_of(run("translate", "pipe", "--output", "out")).startswith("pipe is not a regular")


@pytest.mark.parametrize(
    ("error", "line"),
    [
        (
            PermissionError(13, "Permission denied", "/a", None, "/b"),
            "/a or /b cannot be used (Permission denied): name another path, or correct this one",
        ),
        (OSError(28, "No space left on device"), "[Errno 28] No space left on device"),
        (ConnectionError(f"no answer from http://bob:{PASSWORD}@x"), "no answer from http://x"),
    ],
    ids=["two paths", "no path", "an address"],
)
def test_an_error_of_the_operating_system_is_one_line(
    run: Run, monkeypatch: pytest.MonkeyPatch, error: OSError, line: str
) -> None:
    def refuse() -> NoReturn:
        raise error

    monkeypatch.setattr("tracelate.cli.summary.load_params", refuse)
    assert error_of(run("summary")) == line


def test_a_programming_error_keeps_its_traceback(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail() -> NoReturn:
        raise KeyError("ours")

    monkeypatch.setattr("tracelate.cli.summary.load_params", fail)
    with pytest.raises(KeyError, match="ours"):
        run("summary")


def test_the_version_is_printed(run: Run) -> None:
    done = run("--version")
    assert (done.status, done.stdout, done.stderr) == (0, f"tracelate {VERSION}\n", "")


@pytest.mark.parametrize("arguments", [("-h",), ("promote", "-h")], ids=" ".join)
def test_the_short_option_prints_the_help(run: Run, arguments: tuple[str, ...]) -> None:
    done = run(*arguments)
    assert (done.status, done.stderr) == (0, "")
    assert done.stdout == run(*arguments[:-1], "--help").stdout
