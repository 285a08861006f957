"""Many callers, one translator: what they ask for at the same time is translated together."""

from __future__ import annotations

import itertools
import threading
import time
from collections import deque
from collections.abc import Callable, Hashable, Sequence
from concurrent.futures import Future, InvalidStateError
from contextlib import suppress
from typing import Any, Generic, NamedTuple, TypeVar

THREAD_NAME = "translator"
Settings = TypeVar("Settings", bound=Hashable)


class BatchSize(NamedTuple):
    """Limits of a batch. A sentence that exceeds them alone is a batch by itself."""

    hypotheses: int
    """Sentences by beams."""
    cells: int
    """Sentences by the `search_cells` of the longest."""


class ClosedError(RuntimeError):
    """The batcher has been closed."""


class UnwantedError(RuntimeError):
    """Nobody waits any longer for what is being translated."""


def search_cells(sentence: str, beams: int, max_steps: Callable[[int], int]) -> int:
    """Returns an upper bound of a search's cost: beams x source pieces x steps of the search.

    Each step reads all source pieces, of which there are at most as many as UTF-8 bytes and the end
    token. `max_steps` is the model's length limit, `Seq2Seq.max_target_pieces`.
    """
    pieces = len(sentence.encode()) + 1
    return beams * pieces * max_steps(pieces)


class _Job:
    """The request of one caller, who waits for its answers or the first error."""

    def __init__(self, count: int) -> None:
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


class _Sentence(NamedTuple):
    number: int
    """In the order of arrival."""
    text: str
    cells: int
    job: _Job
    place: int


class Batcher(Generic[Settings]):
    """Translates in a thread of its own, the sentences of all callers in order of arrival.

    `translate` is never called twice at once, and always with sentences of the same settings;
    `beams` says how many hypotheses of a sentence those settings keep, and `max_steps` how long a
    translation of so many source pieces may become.
    """

    def __init__(
        self,
        translate: Callable[[list[str], Settings], Sequence[Any]],
        beams: Callable[[Settings], int],
        size: BatchSize,
        max_steps: Callable[[int], int],
        *,
        gather_s: float = 0.002,
    ) -> None:
        self._translate = translate
        self._beams = beams
        self._size = size
        self._max_steps = max_steps
        self._gather_s = gather_s
        self._waiting: dict[Settings, deque[_Sentence]] = {}
        self._batch: list[_Sentence] = []
        self._arrived = 0
        self._changed = threading.Condition()
        self._closed = False
        self._thread = threading.Thread(target=self._work, name=THREAD_NAME, daemon=True)
        self._thread.start()

    @property
    def is_alive(self) -> bool:
        return self._thread.is_alive() and not self._closed

    def submit(self, sentences: Sequence[str], settings: Settings) -> Future[list[Any]]:
        """The answers to come, in order, or what translating one of the sentences raised.

        Who cancels them is forgotten, with what is not translated yet. Raises ClosedError, as do
        the answers.
        """
        job = _Job(len(sentences))
        if not sentences:
            job.done.set_result([])
            return job.done
        beams = self._beams(settings)
        cells = [search_cells(text, beams, self._max_steps) for text in sentences]
        with self._changed:
            if self._closed:
                raise ClosedError("the server is stopping")
            queue = self._waiting.setdefault(settings, deque())
            for place, text in enumerate(sentences):
                queue.append(_Sentence(self._arrived, text, cells[place], job, place))
                self._arrived += 1
            self._changed.notify()
        return job.done

    def raise_if_unwanted(self) -> None:
        """Raises UnwantedError if no caller waits for the present batch; `translate` calls it."""
        if self._batch and all(sentence.job.done.done() for sentence in self._batch):
            raise UnwantedError("nobody waits for these sentences")

    def close(self, timeout_s: float) -> None:
        """Stops the thread. Callers that still wait get ClosedError.

        Waits `timeout_s` seconds for the thread, which does not keep the process from ending.
        """
        with self._changed:
            self._closed = True
            for sentence in itertools.chain(self._batch, *self._waiting.values()):
                sentence.job.fail(ClosedError("the server is stopping"))
            self._waiting.clear()
            self._changed.notify()
        self._thread.join(timeout_s)

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
                settings, self._batch = self._take()
            if self._batch:
                self._answer(settings, self._batch)
                self._batch = []

    def _take(self) -> tuple[Settings, list[_Sentence]]:
        """The oldest sentence and those of its settings that came next, as many as fit."""
        settings = min(self._waiting, key=lambda one: self._waiting[one][0].number)
        queue, beams = self._waiting[settings], self._beams(settings)
        batch: list[_Sentence] = []
        most_cells = 0
        while queue:
            if queue[0].job.done.done():
                queue.popleft()
                continue
            most_cells = max(most_cells, queue[0].cells)
            count = len(batch) + 1
            fits = count * beams <= self._size.hypotheses and count * most_cells <= self._size.cells
            if batch and not fits:
                break
            batch.append(queue.popleft())
        if not queue:
            del self._waiting[settings]
        return settings, batch

    def _answer(self, settings: Settings, batch: list[_Sentence]) -> None:
        try:
            answers = self._translate([sentence.text for sentence in batch], settings)
            answered = list(zip(batch, answers, strict=True))
        except BaseException as error:  # a panic of Rust's in the tokenizer is no Exception
            if len(batch) == 1:
                batch[0].job.fail(error)
                return
            # one caller's sentence is no reason to fail the others
            for sentence in batch:
                if not sentence.job.done.done():
                    self._answer(settings, [sentence])
            return
        for sentence, answer in answered:
            sentence.job.answer(sentence.place, answer)
