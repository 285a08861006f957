"""Errors of MLflow's store, and their translation from the exceptions that MLflow raises."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from mlflow import MlflowClient
from mlflow.exceptions import MlflowException
from sqlalchemy.exc import SQLAlchemyError

from tracelate.credentials import without_credentials
from tracelate.errors import InputError
from tracelate.tracking.store.address import shown_uri


class StoreError(InputError):
    """MLflow's store cannot be reached, or it failed."""

    def __init__(self, message: str, reason: str | None = None) -> None:
        super().__init__(message)
        self.reason = reason or message
        """The reason alone, as MLflow gives it."""


class UnreachableError(StoreError):
    """A server or database that may answer later."""


class NotFoundError(StoreError):
    """The store has no entry of that id or name."""


class InvalidValueError(StoreError):
    """The store refuses a value, such as a malformed id; so it also reports an absent alias."""


class AlreadyExistsError(StoreError):
    """The store has an entry of that name already."""


class ArtifactError(InputError):
    """A file or folder of MLflow's artifact store cannot be read."""

    def __init__(self, what: str, reason: str) -> None:
        super().__init__(f"{what} cannot be read ({reason}): restore it")
        self.reason = reason


_ERRORS: dict[str, tuple[type[StoreError], str]] = {
    "RESOURCE_DOES_NOT_EXIST": (NotFoundError, "correct the name"),
    "INVALID_PARAMETER_VALUE": (InvalidValueError, "correct the value"),
    "RESOURCE_ALREADY_EXISTS": (AlreadyExistsError, "choose another name"),
}
"""From an error code of MLflow's to our error and the remedy; other codes are StoreError."""


def reason_of(error: Exception) -> str:
    """Returns the first line of an error's message, without user and password."""
    text = str(error).strip() or type(error).__name__
    return without_credentials(text.splitlines()[0])


@contextmanager
def reporting_failures() -> Iterator[None]:
    """Turns an exception of MLflow's into StoreError, or the subclass for its error code."""
    try:
        yield
    except MlflowException as error:
        kind, remedy = _ERRORS.get(error.error_code, (StoreError, "try again"))
        reason = reason_of(error)
        raise kind(f"MLflow at {shown_uri()} failed ({reason}): {remedy}", reason) from error
    except SQLAlchemyError as error:
        reason = reason_of(error)
        raise StoreError(f"MLflow at {shown_uri()} failed ({reason}): try again", reason) from error


class ReportingClient:
    """MLflow's client, whose methods raise StoreError in place of MLflow's exceptions."""

    def __init__(self, client: MlflowClient) -> None:
        self._client = client

    def __getattr__(self, name: str) -> Any:
        return reporting_failures()(getattr(self._client, name))
