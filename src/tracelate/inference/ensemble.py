"""Several models that translate as one: the mean of their probabilities of the next word.

Every word so far is the same for all of them, and each has its own memory and state. Source:
Sutskever et al. 2014, section 3.6; the arithmetic mean is that of fairseq (Ott et al. 2019).

Shapes: B batch, S source, T target, V vocabulary.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple, cast

import torch
from torch import Tensor, nn

from tracelate.model.decoder import DecoderStart, Selectable
from tracelate.model.seq2seq import Attending, DecoderStep, Seq2Seq, TeacherForced


class EachModels(NamedTuple):
    """Memories or states, one of each model."""

    parts: tuple[Selectable, ...]

    def select(self, rows: Tensor) -> EachModels:
        return EachModels(tuple(part.select(rows) for part in self.parts))


class Ensemble(nn.Module):
    """Models with one vocabulary, with what search and the translator use of one."""

    def __init__(self, models: Sequence[Seq2Seq]) -> None:
        super().__init__()
        self.models = nn.ModuleList(models)

    @property
    def _models(self) -> list[Seq2Seq]:
        return cast(list[Seq2Seq], list(self.models))

    @property
    def decoder(self) -> nn.Module:
        """The decoder of the first model, which each step begins with."""
        return self._models[0].decoder

    def encode(self, source_BS: Tensor, mask_BS: Tensor) -> DecoderStart[Any, Any]:
        """Reads source ids, as `Seq2Seq.encode` does."""
        starts = [model.encode(source_BS, mask_BS) for model in self._models]
        return DecoderStart(
            EachModels(tuple(start.memory for start in starts)),
            EachModels(tuple(start.state for start in starts)),
        )

    def forward(self, source_BS: Tensor, mask_BS: Tensor, target_BT: Tensor) -> TeacherForced:
        """Scores the next word at each word of `target_BT`; the attention is the models' mean."""
        forced = [model(source_BS, mask_BS, target_BT) for model in self._models]
        weights_BTS = _mean(one.weights_BTS for one in forced)
        return TeacherForced(_mean_log_p(one.logits_BTV for one in forced), weights_BTS, {})

    def step(self, previous_B: Tensor, state: EachModels, memory: EachModels) -> DecoderStep:
        """Scores the word after `previous_B`. The scores are log probabilities."""
        steps = [
            model.step(previous_B, *parts)
            for model, *parts in zip(self._models, state.parts, memory.parts, strict=True)
        ]
        return DecoderStep(
            _mean_log_p(step.logits_BV for step in steps),
            EachModels(tuple(step.state for step in steps)),
        )

    def attend(self, target_BT: Tensor, state: EachModels, memory: EachModels) -> Attending:
        """Returns the mean attention at words that follow `state`, as `Seq2Seq.attend` does."""
        read = [
            model.attend(target_BT, *parts)
            for model, *parts in zip(self._models, state.parts, memory.parts, strict=True)
        ]
        return Attending(
            _mean(one.weights_BTS for one in read), EachModels(tuple(one.state for one in read))
        )

    def max_target_pieces(self, source_pieces: int) -> int:
        """Returns the greatest length limit of the models."""
        return max(model.max_target_pieces(source_pieces) for model in self._models)


def _mean(tensors: Iterable[Tensor]) -> Tensor:
    return torch.stack(list(tensors)).mean(dim=0)


def _mean_log_p(logits: Iterable[Tensor]) -> Tensor:
    """Returns the log of the mean of the probabilities, of which each model has its logits."""
    log_p = torch.stack([one.float().log_softmax(dim=-1) for one in logits])
    return log_p.logsumexp(dim=0) - math.log(len(log_p))
