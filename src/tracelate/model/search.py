"""Search: from an encoded source to the best target words.

A sentence's result depends on that sentence alone: its length limit is its own, and sentences
leave the batch as they finish. What remains is the rounding of matrix products of other sizes.

Shapes: B sentences in the batch, K beams, N = B·K rows, T target so far, S source, V vocabulary.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from tracelate.model.seq2seq import Seq2Seq


class SpecialIds(NamedTuple):
    padding: int
    start: int
    end: int


class Hypothesis(NamedTuple):
    ids: list[int]
    """Target ids without start and end."""
    score: float
    """Natural log probability, divided by the length penalty."""


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
    """The likeliest word at each step, until the end token or the length limit."""
    memory, state = model.encode(source_BS, mask_BS)
    limit_B = torch.tensor(length_limits(model, mask_BS), device=source_BS.device)
    previous_B = torch.full_like(limit_B, special.start)
    ended_B = torch.zeros_like(limit_B, dtype=torch.bool)
    steps: list[Tensor] = []
    while not bool(ended_B.all()):
        logits_BV, state = model.step(previous_B, state, memory)
        previous_B = _without(logits_BV, special).argmax(dim=-1)
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
    """The best translations of each sentence, best first, `beam_size` at most.

    A sentence is done when `beam_size` of its hypotheses have ended, or at its length limit,
    where the live ones are cut off. `alpha` is the length penalty's (see `length_penalty`).
    """
    memory, state = model.encode(source_BS, mask_BS)
    device, limits = source_BS.device, length_limits(model, mask_BS)
    finished: list[list[Hypothesis]] = [[] for _ in limits]
    open_sentences = list(range(len(limits)))
    rows_N = torch.arange(len(limits), device=device).repeat_interleave(beam_size)
    memory, state = memory.select(rows_N), state.select(rows_N)
    ids_NT = torch.full((len(rows_N), 1), special.start, device=device)
    # all beams of a sentence begin alike, so only the first may be continued
    scores_BK = torch.full((len(limits), beam_size), -torch.inf, device=device)
    scores_BK[:, 0] = 0.0
    while open_sentences:
        logits_NV, state = model.step(ids_NT[:, -1], state, memory)
        log_p_NV = _without(logits_NV, special).float().log_softmax(dim=-1)
        total_BKV = scores_BK.unsqueeze(-1) + log_p_NV.view(len(open_sentences), beam_size, -1)
        vocabulary_size = total_BKV.shape[-1]
        # each beam can end only once, so 2K candidates hold K that go on
        best = total_BKV.flatten(1).topk(2 * beam_size, dim=1)
        beam_B2K = best.indices // vocabulary_size
        word_B2K = best.indices % vocabulary_size
        length = ids_NT.shape[1]

        kept_rows: list[int] = []
        kept_words: list[int] = []
        kept_scores: list[list[float]] = []
        still_open: list[int] = []
        prefixes = ids_NT[:, 1:].tolist()
        candidates = zip(
            open_sentences, best.values.tolist(), beam_B2K.tolist(), word_B2K.tolist(), strict=True
        )
        for place, (sentence, totals, beams, words) in enumerate(candidates):
            live: list[tuple[int, int, float]] = []
            for rank, (total, beam, word) in enumerate(zip(totals, beams, words, strict=True)):
                row = place * beam_size + beam
                if word != special.end:
                    live.append((row, word, total))
                elif rank < beam_size:
                    score = total / length_penalty(length, alpha)
                    finished[sentence].append(Hypothesis(prefixes[row], score))
            live = live[:beam_size]
            if length >= limits[sentence] and len(finished[sentence]) < beam_size:
                finished[sentence] += [
                    Hypothesis([*prefixes[row], word], total / length_penalty(length, alpha))
                    for row, word, total in live
                ]
            elif len(finished[sentence]) < beam_size:
                still_open.append(sentence)
                kept_rows += [row for row, _, _ in live]
                kept_words += [word for _, word, _ in live]
                kept_scores.append([total for _, _, total in live])
        open_sentences = still_open
        if not open_sentences:
            break
        rows_N = torch.tensor(kept_rows, device=device)
        words_N1 = torch.tensor(kept_words, device=device).unsqueeze(1)
        ids_NT = torch.cat([ids_NT.index_select(0, rows_N), words_N1], dim=1)
        scores_BK = torch.tensor(kept_scores, device=device)
        state, memory = state.select(rows_N), memory.select(rows_N)
    return [sorted(hypotheses, key=lambda one: -one.score)[:beam_size] for hypotheses in finished]


def _without(logits_NV: Tensor, special: SpecialIds) -> Tensor:
    """The logits with the tokens that no translation holds ruled out."""
    ruled_out = torch.tensor([special.padding, special.start], device=logits_NV.device)
    return logits_NV.index_fill(-1, ruled_out, -torch.inf)
