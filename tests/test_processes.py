"""Programs that are started and watched, and processes that torchrun starts."""

from __future__ import annotations

import os
import signal
import subprocess
from pathlib import Path

import pytest

from tracelate import processes
from tracelate.errors import InputError
from tracelate.processes import refuse_unsafe_restarts, run_to_end

RESTARTING = {"TORCHELASTIC_MAX_RESTARTS": "1", "TORCHELASTIC_USE_AGENT_STORE": "True"}


def test_restarts_with_the_store_of_the_processes_before_are_refused() -> None:
    with pytest.raises(InputError, match=r"--max-restarts 1 .*TORCH_DISABLE_SHARE_RDZV_TCP_STORE"):
        refuse_unsafe_restarts(RESTARTING)


@pytest.mark.parametrize(
    "environment",
    [
        {},
        {**RESTARTING, "TORCHELASTIC_MAX_RESTARTS": "0"},
        {**RESTARTING, "TORCHELASTIC_USE_AGENT_STORE": "False"},
    ],
)
def test_other_starts_are_not(environment: dict[str, str]) -> None:
    refuse_unsafe_restarts(environment)


def test_a_program_that_ends_by_itself_gives_its_status(tmp_path: Path) -> None:
    with (tmp_path / "errors").open("w") as errors:
        status = run_to_end(
            ("sh", "-c", "echo no >&2; exit 3"),
            tmp_path,
            dict(os.environ),
            errors=errors,
            has_to_stop=lambda: False,
        )
    assert status == 3 and (tmp_path / "errors").read_text() == "no\n"


def test_a_watched_program_is_stopped_with_all_that_it_started(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(processes, "POLL_S", 0.01)
    script = "sleep 60 & echo $! > new; mv new child; wait"
    status = run_to_end(
        ("sh", "-c", script),
        tmp_path,
        dict(os.environ),
        has_to_stop=(tmp_path / "child").is_file,
    )
    assert status == -signal.SIGTERM
    child = int((tmp_path / "child").read_text())
    listed = subprocess.run(["ps", "-o", "stat=", "-p", str(child)], capture_output=True, text=True)
    assert listed.stdout.strip()[:1] in ("", "Z")
