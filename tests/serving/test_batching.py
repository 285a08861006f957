"""Sentences of many callers, translated together by one thread."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from concurrent.futures import Future
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from tests.model.toy import toy_model
from tracelate.model.search import length_limits
from tracelate.serving.batching import (
    MOST_AT_ONCE,
    Batcher,
    ClosedError,
    UnwantedError,
    search_cells,
)
from tracelate.serving.turns import HALF_LIFE_S, BatchSize, Shares

SIZE = BatchSize(hypotheses=8, cells=1500, shared_cells=300)
"""Whose cells are those of 4 sentences of 6 bytes with 2 beams and some more."""


def max_steps(source_pieces: int) -> int:
    return 2 * source_pieces + 10


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
    made = Batcher[int](recorder, lambda beams: beams, SIZE, max_steps)
    yield made
    recorder.may_go_on.set()
    made.close(timeout_s=10)
    assert not made.is_alive


@pytest.fixture
def first(batcher: Batcher[int], recorder: Recorder) -> Future[list[Any]]:
    """Answers that the batcher is busy with until `recorder.may_go_on`."""
    recorder.may_go_on.clear()
    answers = batcher.submit(["first"], 1)
    wait_until(lambda: bool(recorder.batches))
    return answers


def wait_until(true: object) -> None:
    assert callable(true)
    for _ in range(1000):
        if true():
            return
        time.sleep(0.005)
    raise AssertionError("waited in vain")


@given(
    callers=st.lists(
        st.tuples(st.lists(st.text(max_size=12), max_size=6), st.integers(1, 3)), max_size=6
    )
)
def test_each_caller_gets_the_answers_to_its_own_sentences_in_order(
    callers: list[tuple[list[str], int]],
) -> None:
    recorder = Recorder()
    batcher = Batcher[int](recorder, lambda beams: beams, SIZE, max_steps, gather_s=0)
    asked = [batcher.submit(*one) for one in callers]
    for (sentences, beams), answers in zip(callers, asked, strict=True):
        assert answers.result(10) == [(sentence, beams) for sentence in sentences]
    batcher.close(timeout_s=10)
    for sentences, beams in recorder.batches:
        most_cells = max(search_cells(sentence, beams, max_steps) for sentence in sentences)
        if len(sentences) > 1:
            assert len(sentences) * beams <= SIZE.hypotheses
            assert len(sentences) * most_cells <= SIZE.cells


@pytest.mark.parametrize("sentence", ["", "abc", "ñ😀"])
def test_cells_are_beams_by_places_by_the_steps_of_the_search_if_each_byte_is_a_piece(
    sentence: str,
) -> None:
    model = toy_model(max_length_ratio=3, max_length_extra=4)
    mask_BS = torch.ones(1, len(sentence.encode()) + 1, dtype=torch.bool)
    [steps] = length_limits(model, mask_BS)
    cells = 3 * mask_BS.shape[1] * steps
    assert search_cells(sentence, 3, model.max_target_pieces) == cells


def test_callers_who_wait_at_the_same_time_share_a_batch(
    batcher: Batcher[int], recorder: Recorder, first: Future[list[Any]]
) -> None:
    asked = [batcher.submit([name], 2) for name in ("a", "b", "c")]
    recorder.may_go_on.set()
    assert [one.result(10) for one in asked] == [[("a", 2)], [("b", 2)], [("c", 2)]]
    assert [sentences for sentences, _ in recorder.batches] == [["first"], ["a", "b", "c"]]


def test_sentences_of_twice_the_length_do_not_share_the_batch_that_short_ones_share(
    batcher: Batcher[int], recorder: Recorder, first: Future[list[Any]]
) -> None:
    short, long = "a" * 6, "a" * 12
    asked = [batcher.submit([short] * 4, 2), batcher.submit([long] * 4, 2)]
    recorder.may_go_on.set()
    for answers in asked:
        answers.result(10)
    assert [len(sentences) for sentences, _ in recorder.batches] == [1, 4, 1, 1, 1, 1]


def test_other_settings_are_another_batch_and_callers_are_served_in_order(
    batcher: Batcher[int], recorder: Recorder, first: Future[list[Any]]
) -> None:
    asked = [batcher.submit([name], beams) for name, beams in [("a", 2), ("b", 3), ("c", 2)]]
    recorder.may_go_on.set()
    for answers in asked:
        answers.result(10)
    assert recorder.batches[1:] == [(["a", "c"], 2), (["b"], 3)]


def test_clients_take_turns_however_many_sentences_one_of_them_sends(
    batcher: Batcher[int], recorder: Recorder, first: Future[list[Any]]
) -> None:
    long = "a" * 12
    asked = [batcher.submit([long] * 3, 2, "greedy") for _ in range(2)]
    asked += [batcher.submit([name], 2, name) for name in ("b", "c")]
    asked.append(batcher.submit(["d"], 2, "greedy"))
    recorder.may_go_on.set()
    for answers in asked:
        answers.result(10)
    taken = [sentences for sentences, _ in recorder.batches[1:]]
    assert taken == [[long], ["b", "c"], *[[long]] * 5, ["d"]]


def test_short_sentences_of_several_clients_share_a_batch_in_equal_parts(
    batcher: Batcher[int], recorder: Recorder, first: Future[list[Any]]
) -> None:
    asked = [batcher.submit(["a"] * 9, 2, "greedy"), batcher.submit(["b"] * 2, 2, "other")]
    recorder.may_go_on.set()
    for answers in asked:
        answers.result(10)
    taken = ["".join(sentences) for sentences, _ in recorder.batches[1:]]
    assert taken == ["abab", "aaaa", "aaa"]


class Stepwise:
    """Translates long sentences in steps, until `may_end` and at least three."""

    def __init__(self) -> None:
        self.batcher = Batcher[int](self, lambda beams: beams, SIZE, max_steps, turn_s=0)
        self.begun = threading.Event()
        self.may_end = threading.Event()
        self.events: list[str] = []

    def __call__(self, sentences: list[str], beams: int) -> list[str]:
        name = "".join(sentences)[:3]
        self.events.append(f"{name} begins")
        if name == "bad":
            raise ValueError(name)
        if len(name) == 3:
            self.begun.set()
            while not self.may_end.wait(0.001):
                self.batcher.between_steps()
        self.events.append(f"{name} ends")
        return sentences


LONG, OTHER_LONG = "abc" * 4, "xyz" * 4


def test_a_long_batch_is_interrupted_for_short_sentences_of_other_clients_alone() -> None:
    translator = Stepwise()
    submit = translator.batcher.submit
    long = submit([LONG], 2, "greedy")
    assert translator.begun.wait(10)
    own, other_long = submit(["d"], 2, "greedy"), submit([OTHER_LONG], 2, "third")
    assert submit(["b"], 2, "other").result(10) == ["b"]
    assert submit(["c"], 3, "other").result(10) == ["c"]
    with pytest.raises(TimeoutError):
        own.result(0.05)
    assert not other_long.done()
    translator.may_end.set()
    assert long.result(10) == [LONG]
    assert other_long.result(10) == [OTHER_LONG]
    assert own.result(10) == ["d"]
    translator.batcher.close(timeout_s=10)
    inner = ["b begins", "b ends", "c begins", "c ends"]
    assert translator.events[:6] == ["abc begins", *inner, "abc ends"]


@pytest.fixture
def long_turns() -> Iterator[Stepwise]:
    """Batches whose turns do not end during a test."""
    translator = Stepwise()
    translator.batcher._turn_s = 1000
    yield translator
    translator.may_end.set()
    translator.batcher.close(timeout_s=10)


def test_a_client_that_has_used_less_time_interrupts_before_the_turn_ends(
    long_turns: Stepwise,
) -> None:
    long = long_turns.batcher.submit([LONG], 2, "greedy")
    assert long_turns.begun.wait(10)
    assert long_turns.batcher.submit(["b"], 2, "other").result(10) == ["b"]
    assert not long.done()


def test_a_client_that_has_used_more_time_waits_until_the_turn_ends(long_turns: Stepwise) -> None:
    long_turns.batcher._waiting.shares.add(["greedy"], 5.0)
    long = long_turns.batcher.submit([LONG], 2, "modest")
    assert long_turns.begun.wait(10)
    with pytest.raises(TimeoutError):
        long_turns.batcher.submit(["b"], 2, "greedy").result(0.1)
    assert long_turns.batcher.submit(["c"], 2, "third").result(10) == ["c"]
    assert not long.done()


def test_interruptions_are_interrupted_in_turn_but_not_without_end(long_turns: Stepwise) -> None:
    names = ["abc", "def", "ghi", "jkl"]
    asked = []
    for name in names:
        asked.append(long_turns.batcher.submit([name], 1, name))
        time.sleep(0.3)  # longer than LEAD_S
    begun = [f"{name} begins" for name in names]
    assert long_turns.events == begun[:MOST_AT_ONCE]
    long_turns.may_end.set()
    assert [one.result(10) for one in asked] == [[name] for name in names]


def test_time_is_counted_for_the_client_whose_sentences_are_translated() -> None:
    now_s = 0.0
    shares = Shares(lambda: now_s)
    shares.add(["a", "a", "b"], 3.0)
    assert (shares.used_s("a"), shares.used_s("b"), shares.used_s("c")) == (2.0, 1.0, 0.0)
    now_s = HALF_LIFE_S
    shares.add(["c"], 4.0)
    assert (shares.used_s("a"), shares.used_s("b"), shares.used_s("c")) == (1.0, 0.5, 4.0)
    now_s = 1000 * HALF_LIFE_S
    shares.add(["d"], 1.0)
    assert shares._used_s == {"d": 1.0}


def test_a_batch_ends_with_the_sentences_of_the_client_whose_turn_it_is(
    batcher: Batcher[int], recorder: Recorder, first: Future[list[Any]]
) -> None:
    batcher._waiting.shares.add(["greedy"], 5.0)
    asked = [batcher.submit(["a"] * 3, 2, "greedy"), batcher.submit(["b"], 2, "modest")]
    recorder.may_go_on.set()
    for answers in asked:
        answers.result(10)
    taken = ["".join(sentences) for sentences, _ in recorder.batches[1:]]
    assert taken == ["ba", "aa"]


def test_an_error_in_an_interruption_fails_its_own_caller_alone() -> None:
    translator = Stepwise()
    long = translator.batcher.submit([LONG], 2, "greedy")
    assert translator.begun.wait(10)
    with pytest.raises(ValueError, match="bad"):
        translator.batcher.submit(["bad"], 2, "other").result(10)
    translator.may_end.set()
    assert long.result(10) == [LONG]
    translator.batcher.close(timeout_s=10)


def test_a_long_batch_has_as_much_time_as_those_that_interrupt_it() -> None:
    translator = Stepwise()
    steps = 0

    def work(sentences: list[str], beams: int) -> list[str]:
        nonlocal steps
        if sentences == [LONG]:
            translator.begun.set()
            while not translator.may_end.is_set():
                time.sleep(0.001)
                steps += 1
                translator.batcher.between_steps()
        else:
            time.sleep(0.05)
        return sentences

    translator.batcher._translate = work
    long = translator.batcher.submit([LONG], 2, "greedy")
    assert translator.begun.wait(10)
    began_s = time.monotonic()
    asked = [translator.batcher.submit(["b"], beams, "other") for beams in range(1, 6)]
    for answers in asked:
        answers.result(10)
    assert time.monotonic() - began_s > 9 * 0.05
    translator.may_end.set()
    assert long.result(10) == [LONG]
    translator.batcher.close(timeout_s=10)


def test_a_sentence_that_fails_fails_its_own_caller_alone(
    batcher: Batcher[int], recorder: Recorder, first: Future[list[Any]]
) -> None:
    good = batcher.submit(["a", "b"], 1)
    bad = batcher.submit(["broken"], 1)
    recorder.may_go_on.set()
    assert good.result(10) == [("a", 1), ("b", 1)]
    with pytest.raises(ValueError, match="broken"):
        bad.result(10)
    assert batcher.submit(["c"], 1).result(10) == [("c", 1)]


def test_a_caller_that_no_longer_waits_is_dropped(
    batcher: Batcher[int], recorder: Recorder, first: Future[list[Any]]
) -> None:
    assert batcher.submit(["late", "later"], 1).cancel()
    answers = batcher.submit(["next"], 1)
    recorder.may_go_on.set()
    assert answers.result(10) == [("next", 1)]
    assert [sentences for sentences, _ in recorder.batches] == [["first"], ["next"]]


def test_a_caller_that_leaves_during_translation_does_not_affect_others(
    batcher: Batcher[int], recorder: Recorder, first: Future[list[Any]]
) -> None:
    assert first.cancel()
    recorder.may_go_on.set()
    assert batcher.submit(["next"], 1).result(10) == [("next", 1)]


class Endless:
    """Translates until nobody waits for it any more."""

    def __init__(self) -> None:
        self.batcher = Batcher[int](self, lambda beams: beams, SIZE, max_steps)
        self.begun = threading.Event()
        self.ended: list[list[str]] = []

    def __call__(self, sentences: list[str], beams: int) -> list[str]:
        self.begun.set()
        try:
            while "endless" in sentences:
                time.sleep(0.001)
                self.batcher.between_steps()
        except UnwantedError:
            self.ended.append(sentences)
            raise
        return sentences


def test_a_batch_that_nobody_waits_for_any_more_ends_and_the_next_is_served() -> None:
    translator = Endless()
    answers = translator.batcher.submit(["endless", "b"], 1)
    assert translator.begun.wait(10)
    with pytest.raises(TimeoutError):
        answers.result(0.05)
    answers.cancel()
    assert translator.batcher.submit(["next"], 1).result(10) == ["next"]
    assert translator.ended == [["endless", "b"]]
    translator.batcher.close(timeout_s=10)


def test_closing_ends_all_waiting_and_what_is_being_translated() -> None:
    translator = Endless()
    begun = translator.batcher.submit(["endless"], 1)
    assert translator.begun.wait(10)
    waits = translator.batcher.submit(["a"], 2)
    translator.batcher.close(timeout_s=10)
    assert not translator.batcher._thread.is_alive()
    for answers in (begun, waits):
        with pytest.raises(ClosedError):
            answers.result(0)
    with pytest.raises(ClosedError):
        translator.batcher.submit(["a"], 1)


def test_closing_does_not_exceed_its_time_limit(
    batcher: Batcher[int], recorder: Recorder, first: Future[list[Any]]
) -> None:
    batcher.close(timeout_s=0.01)
    assert batcher._thread.is_alive()
    with pytest.raises(ClosedError):
        first.result(0)


def test_an_empty_list_is_answered_at_once(batcher: Batcher[int], first: Future[list[Any]]) -> None:
    assert batcher.submit([], 1).result(0) == []


class Panic(BaseException):
    """As a Rust library's, which is no Exception."""


@pytest.mark.parametrize("fault", [Panic, ValueError, "one answer too few"])
def test_an_unexpected_error_fails_the_waiting_callers_and_the_next_are_served(fault: Any) -> None:
    tried: list[list[str]] = []

    def translate(sentences: list[str], beams: int) -> list[str]:
        tried.append(sentences)
        if "good" in sentences:
            return sentences
        if isinstance(fault, str):
            return sentences[1:]
        raise fault

    batcher = Batcher[int](translate, lambda beams: beams, SIZE, max_steps)
    with pytest.raises(ValueError if isinstance(fault, str) else fault):
        batcher.submit(["a", "b", "c"], 1).result(10)
    assert batcher.submit(["good"], 1).result(10) == ["good"]
    batcher.close(timeout_s=10)
    assert tried == [["a", "b", "c"], ["a"], ["good"]]


def test_a_text_that_is_not_valid_unicode_fails_its_own_caller_alone(batcher: Batcher[int]) -> None:
    with pytest.raises(UnicodeEncodeError):
        batcher.submit(["\ud800"], 1)
    assert batcher.submit(["next"], 1).result(10) == [("next", 1)]
