"""Sentences of many callers, translated together by one thread."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tracelate.evaluation.batching import Batcher, BatchSize, ClosedError


class Recorder:
    """Answers a sentence by itself and its beams, and remembers the batches."""

    def __init__(self) -> None:
        self.batches: list[tuple[list[str], int]] = []
        self.may_go_on = threading.Event()
        self.may_go_on.set()

    def __call__(self, sentences: list[str], beams: int) -> list[tuple[str, int]]:
        self.batches.append((sentences, beams))
        assert self.may_go_on.wait(10)
        if "broken" in sentences:
            raise ValueError("broken")
        return [(sentence, beams) for sentence in sentences]


@pytest.fixture
def recorder() -> Recorder:
    return Recorder()


@pytest.fixture
def batcher(recorder: Recorder) -> Iterator[Batcher[int]]:
    made = Batcher[int](recorder, lambda beams: beams, BatchSize(sentences=4, cells=40))
    yield made
    recorder.may_go_on.set()
    made.close()


@pytest.fixture
def busy(batcher: Batcher[int], recorder: Recorder) -> Iterator[ThreadPoolExecutor]:
    """Callers in threads, while the batcher is busy until `recorder.may_go_on`."""
    with ThreadPoolExecutor(8) as callers:
        recorder.may_go_on.clear()
        callers.submit(batcher.translate, ["first"], 1)
        wait_until(lambda: bool(recorder.batches))
        yield callers
        recorder.may_go_on.set()


def wait_until(true: object) -> None:
    assert callable(true)
    for _ in range(1000):
        if true():
            return
        time.sleep(0.005)
    raise AssertionError("waited in vain")


def waiting(batcher: Batcher[int]) -> int:
    return sum(map(len, batcher._waiting.values()))


@given(
    callers=st.lists(
        st.tuples(st.lists(st.text(max_size=12), max_size=6), st.integers(1, 3)), max_size=6
    )
)
def test_each_caller_gets_the_answers_to_its_own_sentences_in_order(
    callers: list[tuple[list[str], int]],
) -> None:
    recorder = Recorder()
    batcher = Batcher[int](recorder, lambda beams: beams, BatchSize(4, 40), gather_s=0)
    with ThreadPoolExecutor(len(callers) or 1) as threads:
        answers = list(threads.map(lambda one: batcher.translate(*one), callers))
    batcher.close()
    for (sentences, beams), answer in zip(callers, answers, strict=True):
        assert answer == [(sentence, beams) for sentence in sentences]
    for sentences, beams in recorder.batches:
        longest = max(len(sentence.encode()) for sentence in sentences)
        assert len(sentences) <= 4
        assert len(sentences) == 1 or len(sentences) * beams * longest <= 40


def test_callers_who_wait_at_the_same_time_share_a_batch(
    batcher: Batcher[int], recorder: Recorder, busy: ThreadPoolExecutor
) -> None:
    asked = [busy.submit(batcher.translate, [name], 2) for name in ("a", "b", "c")]
    wait_until(lambda: waiting(batcher) == 3)
    recorder.may_go_on.set()
    assert sorted(one.result(10) for one in asked) == [[("a", 2)], [("b", 2)], [("c", 2)]]
    assert [sorted(sentences) for sentences, _ in recorder.batches] == [["first"], ["a", "b", "c"]]


def test_other_settings_are_another_batch_and_who_came_first_is_served_first(
    batcher: Batcher[int], recorder: Recorder, busy: ThreadPoolExecutor
) -> None:
    for number, (name, beams) in enumerate([("a", 2), ("b", 3), ("c", 2)], start=1):
        busy.submit(batcher.translate, [name], beams)
        wait_until(lambda number=number: waiting(batcher) == number)
    recorder.may_go_on.set()
    wait_until(lambda: len(recorder.batches) == 3)
    assert recorder.batches[1:] == [(["a", "c"], 2), (["b"], 3)]


def test_a_sentence_that_fails_fails_its_own_caller_alone(
    batcher: Batcher[int], recorder: Recorder, busy: ThreadPoolExecutor
) -> None:
    good = busy.submit(batcher.translate, ["a", "b"], 1)
    bad = busy.submit(batcher.translate, ["broken"], 1)
    wait_until(lambda: waiting(batcher) == 3)
    recorder.may_go_on.set()
    assert good.result(10) == [("a", 1), ("b", 1)]
    with pytest.raises(ValueError, match="broken"):
        bad.result(10)
    assert batcher.translate(["c"], 1) == [("c", 1)]


def test_who_does_not_wait_any_longer_is_forgotten(
    batcher: Batcher[int], recorder: Recorder, busy: ThreadPoolExecutor
) -> None:
    with pytest.raises(TimeoutError):
        batcher.translate(["late", "later"], 1, timeout_s=0.01)
    recorder.may_go_on.set()
    assert batcher.translate(["next"], 1) == [("next", 1)]
    assert [sentences for sentences, _ in recorder.batches] == [["first"], ["next"]]


def test_closing_ends_all_waiting(
    batcher: Batcher[int], recorder: Recorder, busy: ThreadPoolExecutor
) -> None:
    waits = busy.submit(batcher.translate, ["a"], 1)
    wait_until(lambda: waiting(batcher) == 1)
    closing = busy.submit(batcher.close)
    with pytest.raises(ClosedError):
        waits.result(10)
    recorder.may_go_on.set()
    closing.result(10)
    assert not batcher.is_alive
    with pytest.raises(ClosedError):
        batcher.translate(["a"], 1)


def test_nothing_is_answered_at_once(batcher: Batcher[int], busy: ThreadPoolExecutor) -> None:
    assert batcher.translate([], 1) == []
