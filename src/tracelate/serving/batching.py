"""Many callers, one translator: what they ask for at the same time is translated together."""

from __future__ import annotations

import itertools
import math
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from typing import Any, Generic

from tracelate.serving.turns import Batch, BatchSize, Job, Sentence, Settings, Turns

THREAD_NAME = "translator"
TURN_S = 0.5
"""Seconds after which a batch can be interrupted for short sentences of other clients."""
LEAD_S = 0.1
"""A client that has used so much less time than those of the present batch interrupts it at
once."""
MOST_AT_ONCE = 3
"""Batches that are begun and not ended: the first, and those that interrupt one another."""


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


class Batcher(Generic[Settings]):
    """Translates in a thread of its own the sentences of all callers. Clients take turns.

    `translate` is always called with sentences of the same settings; `beams` says how many
    hypotheses of a sentence those settings keep, and `max_steps` how long a translation of so many
    source pieces may become. `translate` calls `between_steps` often, so that a batch which nobody
    waits for ends, and a long one makes way for a short one of another client, for which
    `translate` is called again within that call.
    """

    def __init__(
        self,
        translate: Callable[[list[str], Settings], Sequence[Any]],
        beams: Callable[[Settings], int],
        size: BatchSize,
        max_steps: Callable[[int], int],
        *,
        gather_s: float = 0.002,
        turn_s: float = TURN_S,
    ) -> None:
        self._translate = translate
        self._beams = beams
        self._size = size
        self._max_steps = max_steps
        self._gather_s = gather_s
        self._turn_s = turn_s
        self._waiting = Turns[Settings](beams)
        self._running: list[Batch[Settings]] = []
        """The batches that interrupt one another, the present one last."""
        self._turn_ends_s = 0.0
        self._charged_s = 0.0
        self._arrived = 0
        self._changed = threading.Condition()
        self._closed = False
        self._thread = threading.Thread(target=self._work, name=THREAD_NAME, daemon=True)
        self._thread.start()

    @property
    def is_alive(self) -> bool:
        return self._thread.is_alive() and not self._closed

    def submit(
        self, sentences: Sequence[str], settings: Settings, client: str = ""
    ) -> Future[list[Any]]:
        """The answers to come, in order, or what translating one of the sentences raised.

        Who cancels them is forgotten, with what is not translated yet. Raises ClosedError, as do
        the answers.
        """
        job = Job(client, len(sentences))
        if not sentences:
            job.done.set_result([])
            return job.done
        beams = self._beams(settings)
        cells = [search_cells(text, beams, self._max_steps) for text in sentences]
        with self._changed:
            if self._closed:
                raise ClosedError("the server is stopping")
            for place, text in enumerate(sentences):
                self._waiting.add(Sentence(self._arrived, text, cells[place], job, place), settings)
                self._arrived += 1
            self._changed.notify()
        return job.done

    def between_steps(self) -> None:
        """Raises UnwantedError if no caller waits for the present batch; may interrupt it."""
        if not self._running:
            return
        sentences = self._running[-1].sentences
        if all(sentence.job.done.done() for sentence in sentences):
            raise UnwantedError("nobody waits for these sentences")
        if len(self._running) < MOST_AT_ONCE:
            self._interrupt()

    def _interrupt(self) -> None:
        """Translates a batch of other clients, and gives the present one as much time after.

        Until the turn of the present batch ends, only clients that have used less time may.
        """
        if not self._waiting:
            return
        began_s = self._charge()
        present = {sentence.job.client for sentence in self._running[-1].sentences}
        size = self._size._replace(cells=self._size.cells // 4 ** len(self._running))
        used_below_s = math.inf
        if len(self._running) > 1 or began_s < self._turn_ends_s:
            used_below_s = min(map(self._waiting.shares.used_s, present)) - LEAD_S
        clients = {one.job.client for batch in self._running for one in batch.sentences}
        with self._changed:
            batch = None
            if not self._closed:
                batch = self._waiting.take(size, besides=clients, used_below_s=used_below_s)
        if batch is None:
            return
        self._run(batch)
        now_s = time.monotonic()
        self._turn_ends_s = now_s + max(self._turn_s, now_s - began_s)

    def _charge(self) -> float:
        """Counts the time since the last call for the clients of the present batch. The time."""
        now_s = time.monotonic()
        if self._running:
            clients = [sentence.job.client for sentence in self._running[-1].sentences]
            self._waiting.shares.add(clients, now_s - self._charged_s)
        self._charged_s = now_s
        return now_s

    def close(self, timeout_s: float) -> None:
        """Stops the thread. Callers that still wait get ClosedError.

        Waits `timeout_s` seconds for the thread, which does not keep the process from ending.
        """
        with self._changed:
            self._closed = True
            running = (batch.sentences for batch in self._running)
            for sentence in itertools.chain(*running, self._waiting):
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
                batch = self._waiting.take(self._size)
            if batch:
                self._turn_ends_s = time.monotonic() + self._turn_s
                self._run(batch)

    def _run(self, batch: Batch[Settings]) -> None:
        self._charge()
        self._running.append(batch)
        self._answer(batch.settings, batch.sentences)
        self._charge()
        self._running.pop()

    def _answer(self, settings: Settings, batch: list[Sentence]) -> None:
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
