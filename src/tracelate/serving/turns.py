"""Sentences that wait to be translated, in which clients take turns."""

from __future__ import annotations

import math
import time
from collections import deque
from collections.abc import Callable, Collection, Hashable, Iterator
from concurrent.futures import Future, InvalidStateError
from contextlib import suppress
from typing import Any, Generic, NamedTuple, TypeVar

Settings = TypeVar("Settings", bound=Hashable)
HALF_LIFE_S = 10.0
"""Time after which a second of translating counts half in the share of its client."""
FORGOTTEN_S = 0.001
"""A client that has used less of late counts as new."""


class BatchSize(NamedTuple):
    """Limits of a batch. A sentence that exceeds them alone is a batch by itself."""

    hypotheses: int
    """Sentences by beams."""
    cells: int
    """Sentences by the `search_cells` of the longest."""
    shared_cells: int
    """Most `search_cells` of a sentence in a batch of several clients."""


class Job:
    """The request of one caller, who waits for its answers or the first error."""

    def __init__(self, client: str, count: int) -> None:
        self.client = client
        self.answers: list[Any] = [None] * count
        self.missing = count
        self.done: Future[list[Any]] = Future()

    def answer(self, place: int, value: Any) -> None:
        self.answers[place] = value
        self.missing -= 1
        if self.missing == 0:
            with suppress(InvalidStateError):
                self.done.set_result(self.answers)

    def fail(self, error: BaseException) -> None:
        with suppress(InvalidStateError):
            self.done.set_exception(error)


class Sentence(NamedTuple):
    number: int
    """In the order of arrival."""
    text: str
    cells: int
    job: Job
    place: int


class Batch(NamedTuple, Generic[Settings]):
    settings: Settings
    sentences: list[Sentence]


class Shares:
    """Time that was used to translate for each client, of which older time counts less."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._used_s: dict[str, float] = {}
        self._at_s = clock()

    def used_s(self, client: str) -> float:
        return self._used_s.get(client, 0.0)

    def add(self, clients: Collection[str], seconds: float) -> None:
        """Divides `seconds` among those clients, one for each sentence."""
        now_s = self._clock()
        rest = 0.5 ** ((now_s - self._at_s) / HALF_LIFE_S)
        self._at_s = now_s
        kept = {client: rest * used_s for client, used_s in self._used_s.items()}
        for client in clients:
            kept[client] = kept.get(client, 0.0) + seconds / len(clients)
        self._used_s = {one: used_s for one, used_s in kept.items() if used_s > FORGOTTEN_S}


class Turns(Generic[Settings]):
    """Takes batches from the clients that wait, from each in order of arrival.

    The next client is the one for which least time was used of late.
    """

    def __init__(self, beams: Callable[[Settings], int]) -> None:
        self._beams = beams
        self.shares = Shares()
        self._clients: dict[str, dict[Settings, deque[Sentence]]] = {}
        """In the order of their next turns."""

    def __bool__(self) -> bool:
        return bool(self._clients)

    def __iter__(self) -> Iterator[Sentence]:
        for queues in self._clients.values():
            for queue in queues.values():
                yield from queue

    def add(self, sentence: Sentence, settings: Settings) -> None:
        queues = self._clients.setdefault(sentence.job.client, {})
        queues.setdefault(settings, deque()).append(sentence)

    def clear(self) -> None:
        self._clients.clear()

    def take(
        self, size: BatchSize, *, besides: Collection[str] = (), used_below_s: float = math.inf
    ) -> Batch[Settings] | None:
        """The oldest sentence of the next client, and what fits beside it with the same settings.

        With `besides`, an interruption of a batch of those clients: only others, and only
        sentences that several clients may share. None if there is no such sentence, or the next
        client has used as much time as `used_below_s`.
        """
        self._forget_empty()
        for client in sorted(self._clients, key=self.shares.used_s):
            if self.shares.used_s(client) >= used_below_s:
                return None
            settings, queue = min(self._clients[client].items(), key=lambda one: one[1][0].number)
            is_short = queue[0].cells <= size.shared_cells
            if client not in besides and (is_short or not besides):
                break
        else:
            return None
        # the turn is over: the client goes to the end
        self._clients[client] = self._clients.pop(client)
        others = [one for one in self._clients if one != client and one not in besides]
        batch = self._fill(settings, [client, *others], size)
        self._forget_empty()
        return Batch(settings, batch)

    def _fill(self, settings: Settings, clients: list[str], size: BatchSize) -> list[Sentence]:
        """One sentence of each client after another, until the next of none fits.

        The batch ends with the sentences of the first client, who would wait for further ones.
        """
        beams = self._beams(settings)
        batch: list[Sentence] = []
        queues = [self._clients[one].get(settings, deque()) for one in clients]
        first = queues[0]
        while first and any(queue is first for queue in queues):
            fitting = []
            for queue in queues:
                _forget_unwanted(queue)
                if queue and _fits(queue[0], batch, beams, size):
                    batch.append(queue.popleft())
                    fitting.append(queue)
            queues = fitting
        return batch

    def _forget_empty(self) -> None:
        for client, queues in list(self._clients.items()):
            for settings, queue in list(queues.items()):
                _forget_unwanted(queue)
                if not queue:
                    del queues[settings]
            if not queues:
                del self._clients[client]


def _forget_unwanted(queue: deque[Sentence]) -> None:
    """Removes the next sentences if nobody waits for them."""
    while queue and queue[0].job.done.done():
        queue.popleft()


def _fits(sentence: Sentence, batch: list[Sentence], beams: int, size: BatchSize) -> bool:
    if not batch:
        return True
    count = len(batch) + 1
    most_cells = max(sentence.cells, *(one.cells for one in batch))
    is_shared = any(one.job.client != sentence.job.client for one in batch)
    return (
        count * beams <= size.hypotheses
        and count * most_cells <= size.cells
        and (not is_shared or most_cells <= size.shared_cells)
    )
