"""What a lock's entry may look like while another process makes or deletes it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import cast

import pytest
from mlflow import MlflowClient
from mlflow.entities.model_registry import RegisteredModel
from mlflow.exceptions import RestException

from tracelate.errors import InputError
from tracelate.tracking import alias_lock
from tracelate.tracking.alias_lock import find_lock


class Store:
    """Answers what it is told to, in turn, and the last one again and again."""

    def __init__(self, *entries: RegisteredModel | None) -> None:
        self.entries: Iterator[RegisteredModel | None] = iter(entries)
        self.entry: RegisteredModel | None = None

    def get_registered_model(self, name: str) -> RegisteredModel:
        self.entry = next(self.entries, self.entry)
        if self.entry is None:
            raise RestException({"error_code": "RESOURCE_DOES_NOT_EXIST"})
        return self.entry


@pytest.fixture(autouse=True)
def hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(alias_lock, "POLL_S", 0)


def found(store: Store) -> alias_lock.Lock | None:
    return find_lock(cast(MlflowClient, store), "en-es")


BARE = RegisteredModel("en-es--promotion-lock")


def test_an_entry_deleted_while_it_was_read_is_no_lock() -> None:
    assert found(Store(BARE, None)) is None


def test_an_entry_that_keeps_without_tags_is_named() -> None:
    with pytest.raises(InputError, match="en-es--promotion-lock is no lock that Tracelate made"):
        found(Store(BARE))
