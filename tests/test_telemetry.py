"""The reports of libraries are off in every entry point, before the libraries are imported."""

from __future__ import annotations

import os
import re
import subprocess
import sys

import pytest

from tests.tiny_corpus import PROJECT
from tracelate.telemetry import VARIABLES

MLFLOWS_MARKS = (*VARIABLES, "CI", "GITHUB_ACTIONS", "PYTEST_CURRENT_TEST", "HF_HUB_OFFLINE")
"""Variables by which the libraries switch their reports off themselves."""
REPORTERS = """
import mlflow.telemetry, huggingface_hub.constants as hub
print(mlflow.telemetry.get_telemetry_client() is None, hub.HF_HUB_DISABLE_TELEMETRY)
"""


def states(module: str, **environment: str) -> list[str]:
    """Returns if MLflow's and the hub's reports are off after the import of the module."""
    kept = {name: value for name, value in os.environ.items() if name not in MLFLOWS_MARKS}
    done = subprocess.run(
        [sys.executable, "-c", f"import {module}\n{REPORTERS}"],
        cwd=PROJECT,
        # an address that nothing listens at: the check of the test itself must not report
        env={**kept, "HTTPS_PROXY": "http://127.0.0.1:9", **environment},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.split()


def test_they_are_on_without_us() -> None:
    assert states("os") == ["False", "False"]


@pytest.mark.parametrize(
    "module",
    ["tracelate.cli.main", "pipeline.train", "pipeline.evaluate", "studies.attention.report"],
)
def test_they_are_off_in_each_entry_point(module: str) -> None:
    assert states(module) == ["True", "True"]


def test_a_user_may_switch_them_on() -> None:
    assert states("tracelate.cli.main", MLFLOW_DISABLE_TELEMETRY="false") == ["False", "True"]


def test_every_stage_imports_the_switch_first() -> None:
    for folder in ("pipeline", "studies"):
        for path in (PROJECT / folder).rglob("*.py"):
            text = path.read_text(encoding="utf-8")
            own = re.findall(r"(?m)^from (pipeline|studies|tracelate)[.\w]* import", text)
            if "run_stage(" in text and path.name != "stage.py":
                assert own[0] == "pipeline", path


def test_make_and_the_commands_of_ci_switch_them_off() -> None:
    text = (PROJECT / "Makefile").read_text(encoding="utf-8")
    for name, value in VARIABLES.items():
        assert f"export {name} := {value}\n" in text
