"""The store's address, and errors about the store in messages without a password."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from mlflow.exceptions import MlflowException

from tracelate.doctor.doctor import find_problems
from tracelate.tracking.runs.best_effort import best_effort
from tracelate.tracking.store.address import shown_uri, tracking_uri
from tracelate.tracking.store.failures import StoreError, reason_of, reporting_failures
from tracelate.tracking.store.store import connect


@pytest.mark.parametrize(
    ("address", "shown"),
    [
        ("http://bob:hunter2@mlflow.example:5000/team", "http://mlflow.example:5000/team"),
        ("https://hunter2@mlflow.example", "https://mlflow.example"),
        ("http://bob:hun/ter@2@mlflow.example", "http://mlflow.example"),
        ("postgresql+psycopg2://bob:hunter2@db/runs", "postgresql+psycopg2://db/runs"),
        ("postgresql://db/runs?user=bob&password=hunter2&a=b", "postgresql://db/runs?a=b"),
        ("bob:hunter2@mlflow.example:5000", "mlflow.example:5000"),
        ("http://127.0.0.1:5000", "http://127.0.0.1:5000"),
        ("http://mlflow.example/a@b", "http://mlflow.example/a@b"),
        ("sqlite:////home/a:b@c/mlflow.db", "sqlite:////home/a:b@c/mlflow.db"),
        ("databricks", "databricks"),
    ],
)
def test_an_address_is_shown_without_user_and_password(
    monkeypatch: pytest.MonkeyPatch, address: str, shown: str
) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", address)
    assert tracking_uri() == address
    assert shown_uri() == shown
    assert reason_of(MlflowException(f"{address} is away\nsecond")) == f"{shown} is away"


def test_an_error_without_a_message_is_named_by_its_class() -> None:
    assert reason_of(TimeoutError()) == "TimeoutError"


@pytest.mark.parametrize(
    "address", ["http://bob:hunter2@127.0.0.1:9", "ftp://bob:hunter2@x", "bob:hunter2@x"]
)
def test_no_message_about_a_failing_store_shows_its_password(
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    address: str,
) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", address)
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    monkeypatch.setenv("DVC_ROOT", str(tmp_path))
    with pytest.raises(StoreError, match="cannot be reached") as unreachable:
        connect()
    with best_effort():
        connect()
    with best_effort():
        raise MlflowException(f"no answer from {address}/api")
    with pytest.raises(StoreError, match="no answer from") as failed, reporting_failures():
        raise MlflowException(f"no answer from {address}/api")
    [problem, *_] = find_problems()
    warnings = capsys.readouterr().err
    assert warnings.count("warning: MLflow at ") == 2
    messages = " ".join([str(unreachable.value), str(failed.value), warnings, *map(str, problem)])
    assert "hunter2" not in messages
    assert "bob" not in messages


@pytest.mark.parametrize(
    ("address", "module", "package"),
    [
        ("postgresql+psycopg2://bob:hunter2@127.0.0.1/runs", "psycopg2", "psycopg2-binary"),
        ("mysql://bob:hunter2@127.0.0.1/runs", "MySQLdb", "mysqlclient"),
        ("mysql+pymysql://bob:hunter2@127.0.0.1/runs", "pymysql", "pymysql"),
    ],
)
def test_a_missing_driver_is_named_with_its_package(
    monkeypatch: pytest.MonkeyPatch, address: str, module: str, package: str
) -> None:
    monkeypatch.setitem(sys.modules, module, None)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", address)
    with pytest.raises(StoreError, match=f"needs a driver .*{module}.*install {package} with pip"):
        connect()


def test_a_file_that_is_not_a_database_is_reported_in_one_line(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "mlflow.db").write_text("something else, long enough to have a header's length")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path}/mlflow.db")
    with pytest.raises(StoreError, match=r"mlflow\.db cannot be opened \(.*not a database\): "):
        connect()


@pytest.mark.parametrize(
    "address", ["postgresql://bob:hunter2@127.0.0.1:port/runs", "postgresql+none://127.0.0.1/runs"]
)
def test_a_malformed_address_is_reported_in_one_line(
    monkeypatch: pytest.MonkeyPatch, address: str
) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", address)
    with pytest.raises(StoreError, match="cannot be reached") as error:
        connect()
    assert "hunter2" not in str(error.value)
