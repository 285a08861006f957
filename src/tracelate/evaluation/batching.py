"""Many callers, one translator: what they ask for at the same time is translated together."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Hashable, Sequence
from concurrent.futures import Future
from typing import Any, Generic, NamedTuple, TypeVar

Settings = TypeVar("Settings", bound=Hashable)


class BatchSize(NamedTuple):
    """What a batch may hold; a sentence that is more by itself is a batch of its own."""

    sentences: int
    cells: int
    """Sentences by beams by UTF-8 bytes of the longest, of which it has no more pieces."""


class ClosedError(RuntimeError):
    """The batcher has been closed."""


class _Job:
    """What one caller waits for."""

    def __init__(self, count: int) -> None:
        self.answers: list[Any] = [None] * count
        self.missing = count
        self.done: Future[list[Any]] = Future()

    def answer(self, place: int, value: Any) -> None:
        self.answers[place] = value
        self.missing -= 1
        if self.missing == 0 and not self.done.done():
            self.done.set_result(self.answers)

    def fail(self, error: BaseException) -> None:
        if not self.done.done():
            self.done.set_exception(error)


class _Sentence(NamedTuple):
    number: int
    """In the order of arrival."""
    text: str
    job: _Job
    place: int


class Batcher(Generic[Settings]):
    """Translates in a thread of its own, the sentences of all callers in order of arrival.

    `translate` is never called twice at once, and always with sentences of the same settings;
    `beams` says how many hypotheses of a sentence those settings keep.
    """

    def __init__(
        self,
        translate: Callable[[list[str], Settings], Sequence[Any]],
        beams: Callable[[Settings], int],
        size: BatchSize,
        *,
        gather_s: float = 0.002,
    ) -> None:
        self._translate = translate
        self._beams = beams
        self._size = size
        self._gather_s = gather_s
        self._waiting: dict[Settings, deque[_Sentence]] = {}
        self._arrived = 0
        self._changed = threading.Condition()
        self._closed = False
        self._thread = threading.Thread(target=self._work, name="translator", daemon=True)
        self._thread.start()

    @property
    def is_alive(self) -> bool:
        return self._thread.is_alive() and not self._closed

    def translate(
        self, sentences: Sequence[str], settings: Settings, timeout_s: float | None = None
    ) -> list[Any]:
        """Waits for the answers, in order.

        Raises TimeoutError, and forgets what is not translated yet; ClosedError; or what
        translating one of the sentences raised.
        """
        job = _Job(len(sentences))
        if not sentences:
            return []
        with self._changed:
            if self._closed:
                raise ClosedError("the server is stopping")
            queue = self._waiting.setdefault(settings, deque())
            for place, text in enumerate(sentences):
                queue.append(_Sentence(self._arrived, text, job, place))
                self._arrived += 1
            self._changed.notify()
        try:
            return job.done.result(timeout_s)
        except TimeoutError as error:
            job.fail(error)
            raise

    def close(self) -> None:
        """Ends after the batch that is being translated; whoever still waits gets ClosedError."""
        with self._changed:
            self._closed = True
            for queue in self._waiting.values():
                for sentence in queue:
                    sentence.job.fail(ClosedError("the server is stopping"))
            self._waiting.clear()
            self._changed.notify()
        self._thread.join()

    def _work(self) -> None:
        while True:
            with self._changed:
                idle = not self._waiting
                self._changed.wait_for(lambda: self._waiting or self._closed)
            if idle:
                # callers who come together need not wait for each other's batch
                time.sleep(self._gather_s)
            with self._changed:
                if self._closed:
                    return
                settings, batch = self._take()
            if batch:
                self._answer(settings, batch)

    def _take(self) -> tuple[Settings, list[_Sentence]]:
        """The oldest sentence and those of its settings that came next, as many as fit."""
        settings = min(self._waiting, key=lambda one: self._waiting[one][0].number)
        queue, beams = self._waiting[settings], self._beams(settings)
        batch: list[_Sentence] = []
        longest = 0
        while queue and len(batch) < self._size.sentences:
            if queue[0].job.done.done():
                queue.popleft()
                continue
            longest = max(longest, len(queue[0].text.encode()))
            if batch and (len(batch) + 1) * beams * longest > self._size.cells:
                break
            batch.append(queue.popleft())
        if not queue:
            del self._waiting[settings]
        return settings, batch

    def _answer(self, settings: Settings, batch: list[_Sentence]) -> None:
        try:
            answers = self._translate([sentence.text for sentence in batch], settings)
        except Exception as error:
            if len(batch) == 1:
                batch[0].job.fail(error)
                return
            # one caller's sentence is no reason to fail the others
            for sentence in batch:
                self._answer(settings, [sentence])
            return
        for sentence, answer in zip(batch, answers, strict=True):
            sentence.job.answer(sentence.place, answer)
