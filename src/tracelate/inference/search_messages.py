"""Messages between the processes that search batches together: JSON documents in a store of torch.

The first process writes tasks. A task has the number of its batches, and the batches; processes
take them one by one, in order, and write what they found.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import timedelta
from typing import Any, NamedTuple

from torch.distributed import DistStoreError, Store  # type: ignore[attr-defined]

from tracelate.inference.batch_search import Found, SourceIds
from tracelate.model.search import Hypothesis

PIECE_BYTES = 4 << 20
"""Largest value; torch's store takes up to twice as much."""
SETUP, FAILURE = "setup", "failure"


class Messages:
    """Documents by their keys. Only the first process deletes one."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def put(self, key: str, document: Any) -> None:
        """Writes a document, which is seen when it is whole."""
        text = json.dumps(document, allow_nan=False)  # all of it is ASCII
        pieces = range(0, len(text), PIECE_BYTES)
        for start in pieces:
            self._store.set(f"{key}/piece{start}", text[start : start + PIECE_BYTES])
        self._store.set(key, str(len(text)))

    def get(self, key: str) -> Any:
        """Returns a document that is there."""
        size = int(self._store.get(key))
        starts = range(0, size, PIECE_BYTES)
        return json.loads(b"".join(self._store.get(f"{key}/piece{start}") for start in starts))

    def has(self, key: str) -> bool:
        return bool(self._store.check([key]))

    def wait(self, key: str, seconds: float) -> bool:
        """Returns True as soon as there is a document, and False if there is none by then."""
        try:
            self._store.wait([key], timedelta(seconds=seconds))
        except DistStoreError:
            return False
        return True

    def delete(self, key: str) -> None:
        size = int(self._store.get(key))
        for start in range(0, size, PIECE_BYTES):
            self._store.delete_key(f"{key}/piece{start}")
        self._store.delete_key(key)

    def next_number(self, key: str) -> int:
        """Returns 0 to the first process that asks for this key, then 1, and so on."""
        return self._store.add(key, 1) - 1


class Task(NamedTuple):
    """Batches that processes search together."""

    messages: Messages
    number: int

    @property
    def size_key(self) -> str:
        """Key of the number of batches, which is None if there is no task any more."""
        return f"task{self.number}"

    def found_key(self, batch: int) -> str:
        return f"task{self.number}/found{batch}"

    def begin(self, batches: Sequence[SourceIds]) -> None:
        for number, batch in enumerate(batches):
            self.messages.put(self._batch_key(number), batch)
        self.messages.put(self.size_key, len(batches))

    def take(self, size: int) -> int | None:
        """Returns a batch that no process has taken; None if there is none."""
        number = self.messages.next_number(f"task{self.number}/next")
        return number if number < size else None

    def batch(self, number: int) -> list[list[int]]:
        ids: list[list[int]] = self.messages.get(self._batch_key(number))
        return ids

    def put_found(self, batch: int, found: Found) -> None:
        self.messages.put(self.found_key(batch), found)

    def found(self, batch: int) -> Found:
        """Returns what another process found."""
        document = self.messages.get(self.found_key(batch))
        self.messages.delete(self.found_key(batch))
        return [[Hypothesis(*one) for one in hypotheses] for hypotheses in document]

    def delete_batch(self, number: int) -> None:
        self.messages.delete(self._batch_key(number))

    def _batch_key(self, number: int) -> str:
        return f"task{self.number}/batch{number}"
