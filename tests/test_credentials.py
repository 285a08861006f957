"""Users and passwords in addresses, texts and tracebacks."""

from __future__ import annotations

import os
import subprocess
import sys
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tracelate.credentials import address_without_credentials, without_credentials

SECRETS = st.text(
    st.characters(min_codepoint=32, max_codepoint=0x2FF, exclude_characters="\x7f"),
    min_size=5,
    max_size=30,
).map(lambda text: f"S3{text}cret")


@pytest.mark.parametrize(
    ("address", "shown"),
    [
        ("http://bob:two words/and@more@host/path", "http://host/path"),
        ("http://bob:?a=b&c#d@host", "http://host"),
        ("postgresql://db/runs?PassWord=x y/z&a=b", "postgresql://db/runs?a=b"),
        ("postgresql://db/runs?a=b&sslpassword=x", "postgresql://db/runs?a=b&"),
        ("https://host/path?token=abc", "https://host/path?"),
        ("mssql://host/db?api_key=abc;user=d;e=f", "mssql://host/db?e=f"),
    ],
)
def test_an_address_is_shown_without_blank_slash_and_query_passwords(
    address: str, shown: str
) -> None:
    assert address_without_credentials(address) == shown


@given(secret=SECRETS)
def test_no_form_of_a_password_of_the_environment_is_shown(secret: str) -> None:
    for written in (secret, quote(secret, safe=""), quote_plus(secret)):
        for address in (
            f"http://bob:{written}@host:5000/path",
            f"postgresql://host/db?user=bob&password={quote_plus(secret)}",
        ):
            with pytest.MonkeyPatch.context() as patch:
                patch.setenv("MLFLOW_TRACKING_URI", address)
                for form in (secret, quote(secret, safe=""), quote_plus(secret), written):
                    shown = without_credentials(f"cannot reach {address} as bob with {form}: no")
                    assert form not in shown
                    assert shown.startswith("cannot reach ") and shown.endswith(": no")


@pytest.mark.parametrize("name", ["MLFLOW_TRACKING_PASSWORD", "MLFLOW_TRACKING_TOKEN", "HF_TOKEN"])
def test_a_secret_variable_is_not_shown(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setenv(name, "hunter two")
    assert without_credentials("no: Bearer hunter two") == "no: Bearer ***"


def test_an_ordinary_text_is_not_changed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://bob:a@host")
    text = "params.yaml: train.seed is -1: a number from 0 on; see https://example.org/a@b?x=1"
    assert without_credentials(text) == text


@pytest.mark.parametrize("entry", ["command", "stage"])
def test_the_traceback_of_a_programming_error_has_no_password(entry: str) -> None:
    fault = "def fail(*_): raise RuntimeError('http://bob:hunter two/2@host failed')\n"
    scripts = {
        "command": "from tracelate.cli import main, summary\nmain.app = fail\nmain.main()",
        "stage": "from pipeline.stage import run_stage\nrun_stage(fail)",
    }
    done = subprocess.run(
        [sys.executable, "-c", fault + scripts[entry]],
        env={**os.environ, "MLFLOW_TRACKING_URI": "http://bob:hunter two/2@host"},
        capture_output=True,
        encoding="utf-8",
    )
    assert done.returncode == 1
    assert "RuntimeError: http://host failed" in done.stderr
    assert "hunter" not in done.stderr
