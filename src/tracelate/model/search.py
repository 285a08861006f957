"""Search: from an encoded source to the best target words.

The translation of a sentence does not depend on the others in its batch: each sentence has its own
length limit and slots, and leaves the batch when it is done. Only the rounding of matrix products
may differ between batches of different sizes.

Shapes: B sentences in the batch, K beams, N = B·K rows, T target so far, S source, V vocabulary.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import torch
from torch import Tensor

from tracelate.model.decoder import Selectable
from tracelate.model.seq2seq import Seq2Seq
from tracelate.model.slots import SlotsLeft


class SpecialIds(NamedTuple):
    """Ids of the special tokens."""

    padding: int
    start: int
    end: int
    slots: range = range(0)
    """Those of slots: a translation has each of them exactly as often as its source."""


class Hypothesis(NamedTuple):
    """A translation as ids, with its score."""

    ids: list[int]
    """Target ids without start and end."""
    score: float
    """Natural log probability, divided by the length penalty."""


Candidate = tuple[float, int, int]
"""A hypothesis with one more word: its natural log probability, the row of the beam that it
continues, and the word."""


def length_limits(model: Seq2Seq, mask_BS: Tensor) -> list[int]:
    """Returns the most tokens of each sentence's translation, the end token included."""
    return [model.max_target_pieces(pieces) for pieces in mask_BS.sum(dim=1).tolist()]


def length_penalty(length: int, alpha: float) -> float:
    """Lp = ((5 + length) / 6)^alpha. Wu et al. 2016, eq. 14; the end token counts."""
    return float(((5 + length) / 6) ** alpha)


@torch.no_grad()
def greedy_search(
    model: Seq2Seq, source_BS: Tensor, mask_BS: Tensor, special: SpecialIds
) -> list[list[int]]:
    """Returns the most probable word at each step, until the end token or the length limit."""
    memory, state = model.encode(source_BS, mask_BS)
    slots = _slots_of(model, source_BS, mask_BS, special)
    limit_B = slots.limit_N
    previous_B = torch.full_like(limit_B, special.start)
    ended_B = torch.zeros_like(limit_B, dtype=torch.bool)
    ruled_out = _ruled_out(special, source_BS.device)
    steps: list[Tensor] = []
    while not bool(ended_B.all()):
        logits_BV, state = model.step(previous_B, state, memory)
        logits_BV = logits_BV.index_fill(-1, ruled_out, -torch.inf)
        previous_B = slots.allowed(logits_BV, len(steps)).argmax(dim=-1)
        slots = slots.after(previous_B)
        steps.append(previous_B.masked_fill(ended_B, special.end))
        ended_B = ended_B | (previous_B == special.end) | (limit_B <= len(steps))
    ids_BT = torch.stack([*steps, torch.full_like(previous_B, special.end)], dim=1).tolist()
    return [ids[: ids.index(special.end)] for ids in ids_BT]


@torch.no_grad()
def beam_search(
    model: Seq2Seq,
    source_BS: Tensor,
    mask_BS: Tensor,
    special: SpecialIds,
    *,
    beam_size: int,
    alpha: float,
) -> list[list[Hypothesis]]:
    """Returns the best translations of each sentence, best first, `beam_size` at most.

    A sentence is done when `beam_size` of its hypotheses have ended, or at its length limit,
    where the live ones are cut off. `alpha` is the exponent of the length penalty (see
    `length_penalty`).
    """
    limits = length_limits(model, mask_BS)
    ruled_out = _ruled_out(special, source_BS.device)
    found: list[list[Hypothesis]] = [[] for _ in limits]
    beam = _first_beam(model, source_BS, mask_BS, special, beam_size)
    while beam.sentences:
        logits_NV, state = model.step(beam.ids_NT[:, -1], beam.state, beam.memory)
        candidates = _best_candidates(beam, logits_NV.index_fill(-1, ruled_out, -torch.inf))
        length = beam.ids_NT.shape[1]
        penalty = length_penalty(length, alpha)
        open_sentences: list[int] = []
        kept: list[Candidate] = []
        for sentence, best in zip(beam.sentences, candidates, strict=True):
            found[sentence] += [
                Hypothesis(beam.words(row), score / penalty)
                for score, row, word in best[:beam_size]
                if word == special.end and score > -math.inf
            ]
            live = [one for one in best if one[-1] != special.end][:beam_size]
            if len(found[sentence]) >= beam_size or live[0][0] == -math.inf:
                continue
            if length < limits[sentence]:
                open_sentences.append(sentence)
                kept += live
            else:
                found[sentence] += [
                    Hypothesis([*beam.words(row), word], score / penalty)
                    for score, row, word in live
                    if score > -math.inf
                ]
        beam = beam.extended(open_sentences, kept, state)
    return [sorted(hypotheses, key=lambda one: -one.score)[:beam_size] for hypotheses in found]


class Beam(NamedTuple):
    """The live hypotheses of the sentences that are still searched, K rows for each of them."""

    sentences: list[int]
    """Positions of the sentences in the batch."""
    ids_NT: Tensor
    """The words so far, from the start token on."""
    scores_BK: Tensor
    """Natural log probabilities."""
    state: Selectable
    memory: Selectable
    slots: SlotsLeft

    def words(self, row: int) -> list[int]:
        ids: list[int] = self.ids_NT[row, 1:].tolist()
        return ids

    def extended(self, sentences: list[int], kept: list[Candidate], state: Selectable) -> Beam:
        """Returns the beam of `sentences` with the candidates that are kept, K for each of them.

        `state` is the decoder's after the last words of this beam.
        """
        device = self.ids_NT.device
        scores, rows, words = zip(*kept, strict=True) if kept else ((), (), ())
        rows_N = torch.tensor(rows, dtype=torch.long, device=device)
        words_N = torch.tensor(words, dtype=torch.long, device=device)
        scores_N = torch.tensor(scores, device=device)
        return Beam(
            sentences,
            torch.cat([self.ids_NT.index_select(0, rows_N), words_N.unsqueeze(1)], dim=1),
            scores_N.view(len(sentences), self.scores_BK.shape[1]),
            state.select(rows_N),
            self.memory.select(rows_N),
            self.slots.select(rows_N).after(words_N),
        )


def _first_beam(
    model: Seq2Seq, source_BS: Tensor, mask_BS: Tensor, special: SpecialIds, beam_size: int
) -> Beam:
    """Returns the beam before the first word: of each sentence only the first row is alive."""
    memory, state = model.encode(source_BS, mask_BS)
    count, device = len(source_BS), source_BS.device
    rows_N = torch.arange(count, device=device).repeat_interleave(beam_size)
    scores_BK = torch.full((count, beam_size), -torch.inf, device=device)
    scores_BK[:, 0] = 0.0
    ids_NT = torch.full((len(rows_N), 1), special.start, device=device)
    slots = _slots_of(model, source_BS, mask_BS, special)
    return Beam(
        list(range(count)),
        ids_NT,
        scores_BK,
        state.select(rows_N),
        memory.select(rows_N),
        slots.select(rows_N),
    )


def _slots_of(model: Seq2Seq, source_BS: Tensor, mask_BS: Tensor, special: SpecialIds) -> SlotsLeft:
    limit_B = torch.tensor(length_limits(model, mask_BS), device=source_BS.device)
    return SlotsLeft.of(source_BS, limit_B, special.slots, special.end)


def _best_candidates(beam: Beam, logits_NV: Tensor) -> list[list[Candidate]]:
    """Returns the 2K best candidates of each sentence, best first.

    Each row of the beam can end only once, so at least K of them go on. A candidate whose score is
    minus infinity is ruled out.
    """
    count, beam_size = beam.scores_BK.shape
    log_p_NV = logits_NV.float().log_softmax(dim=-1)
    log_p_NV = beam.slots.allowed(log_p_NV, beam.ids_NT.shape[1] - 1)
    total_BKV = beam.scores_BK.unsqueeze(-1) + log_p_NV.view(count, beam_size, -1)
    vocabulary_size = total_BKV.shape[-1]
    scores, indices = total_BKV.flatten(1).topk(2 * beam_size, dim=1)
    return [
        [
            (score, first_row + index // vocabulary_size, index % vocabulary_size)
            for score, index in zip(*best, strict=True)
        ]
        for first_row, best in zip(
            range(0, count * beam_size, beam_size),
            zip(scores.tolist(), indices.tolist(), strict=True),
            strict=True,
        )
    ]


def _ruled_out(special: SpecialIds, device: torch.device) -> Tensor:
    """Returns the ids of the tokens that no translation contains."""
    return torch.tensor([special.padding, special.start], device=device)
