"""Each variant of attention learns a task that cannot be learnt without attention.

A sentence consists of different symbols, so that the next target symbol can be found in the source
but not be predicted without it:

copy     the source itself: positions in source and target are equal, as local_m assumes
reverse  the source from its end: source positions decrease while target positions increase
sort     each second symbol, sorted by the keys before them: positions are found by content
"""

from __future__ import annotations

import random

import pytest
import torch
from torch.nn import functional as F

from tests.model.toy import SPECIAL, dropout_everywhere, toy_config
from tracelate.model.search import greedy_search
from tracelate.model.seq2seq import Seq2Seq

SYMBOLS = range(3, 33)
KEYS = range(33, 43)
VOCABULARY = 43
LENGTH, SORTED = 12, 4
BATCH, STEPS = 64, 500
LEARNT_LOSS = 0.01
HELD_OUT = 100
LOOKS_BACKWARDS: dict[str, dict[str, object]] = {
    "additive": {"attention": "additive"},
    "dot": {"attention": "dot"},
    "scaled_dot": {"attention": "scaled_dot"},
    "general": {"attention": "general"},
    "concat": {"attention": "concat"},
    "local_p": {"attention": "local_p", "window": 6},
    "multi_head": {"attention": "multi_head"},
    "two hops": {"hops": 2},
    "input feeding": {"input_feeding": True},
    "lstm": {"cell": "lstm"},
    "one direction": {"directions": "forward"},
}

Pairs = list[tuple[list[int], list[int]]]


def pairs(task: str, count: int, draw: random.Random, length: int = LENGTH) -> Pairs:
    made = []
    for _ in range(count):
        words = draw.sample(SYMBOLS, length)
        match task:
            case "copy":
                made.append((words, words))
            case "reverse":
                made.append((words, words[::-1]))
            case "sort":
                values = words[:SORTED]
                keyed = sorted(zip(draw.sample(KEYS, len(values)), values, strict=True))
                target = [value for _, value in keyed]
                draw.shuffle(keyed)
                made.append(([symbol for pair in keyed for symbol in pair], target))
    return made


def share_learnt(
    task: str,
    settings: dict[str, object],
    *,
    length: int = LENGTH,
    learning_rate: float = 0.01,
) -> float:
    """Trains a small model; returns the share of new sentences that it translates correctly."""
    draw = random.Random(1)
    torch.manual_seed(1)
    config = toy_config(
        embedding_size=32, hidden_size=64, dropout=dropout_everywhere(0.0), **settings
    )
    model = Seq2Seq(config, VOCABULARY, SPECIAL.padding)
    optimizer = torch.optim.Adam(model.parameters(), lr=learning_rate)
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimizer, lambda step: min((step + 1) / 20, (STEPS - step) / STEPS)
    )
    for _ in range(STEPS):
        source_BS, target_BT = tensors(pairs(task, BATCH, draw, length))
        start_B1 = torch.full((BATCH, 1), SPECIAL.start)
        given_BT = torch.cat([start_B1, target_BT[:, :-1]], dim=1)
        logits_BTV = model(source_BS, source_BS != SPECIAL.padding, given_BT).logits_BTV
        loss = F.cross_entropy(logits_BTV.flatten(0, 1), target_BT.flatten())
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        schedule.step()
        if float(loss.detach()) < LEARNT_LOSS:
            break
    held_out = pairs(task, HELD_OUT, draw, length)
    source_BS, _ = tensors(held_out)
    said = greedy_search(model.eval(), source_BS, source_BS != SPECIAL.padding, SPECIAL)
    right = sum(ids == target for ids, (_, target) in zip(said, held_out, strict=True))
    return right / HELD_OUT


def tensors(made: Pairs) -> tuple[torch.Tensor, torch.Tensor]:
    """Returns sources and targets with end tokens."""
    sources = [[*source, SPECIAL.end] for source, _ in made]
    targets = [[*target, SPECIAL.end] for _, target in made]
    return torch.tensor(sources), torch.tensor(targets)


@pytest.mark.parametrize("settings", LOOKS_BACKWARDS.values(), ids=LOOKS_BACKWARDS.keys())
def test_attention_learns_to_reverse(settings: dict[str, object]) -> None:
    assert share_learnt("reverse", settings) > 0.8


def test_attention_over_a_feed_forward_encoder_learns_to_reverse() -> None:
    # at 0.01 success depends on the machine's rounding
    assert share_learnt("reverse", {"encoder": "feed_forward"}, learning_rate=0.005) > 0.8


def test_the_transformer_learns_to_reverse() -> None:
    assert share_learnt("reverse", {"architecture": "transformer"}, learning_rate=0.003) > 0.8


def test_monotonic_local_attention_learns_to_copy() -> None:
    assert share_learnt("copy", {"attention": "local_m"}) > 0.8


def test_attention_learns_to_sort_by_a_key() -> None:
    assert share_learnt("sort", {"attention": "general"}) > 0.8


@pytest.mark.parametrize("task", ["copy", "reverse"])
def test_without_attention_long_sentences_are_not_learnt(task: str) -> None:
    assert share_learnt(task, {"attention": "none"}) < 0.1


def test_without_attention_short_sentences_are_learnt() -> None:
    assert share_learnt("reverse", {"attention": "none"}, length=3) > 0.8
