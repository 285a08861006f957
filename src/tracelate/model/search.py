"""Search: from an encoded source to the best target words.

The translation of a sentence does not depend on the others in its batch: each sentence has its own
length limit and slots, and leaves the batch when it is done. Only the rounding of matrix products
may differ between batches of different sizes.

Shapes: B sentences in the batch, K beams, N = B·K rows, C candidates, M chosen ones, T target so
far, S source, V vocabulary.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple, Protocol

import torch
from torch import Tensor, nn

from tracelate.model.decoder import DecoderStart, Selectable
from tracelate.model.seq2seq import Attending, DecoderStep
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


class TranslationModel(Protocol):
    """A model, or several as one, as search and the translator use it."""

    @property
    def decoder(self) -> nn.Module: ...

    def __call__(self, source_BS: Tensor, mask_BS: Tensor, target_BT: Tensor) -> Any: ...

    def encode(self, source_BS: Tensor, mask_BS: Tensor) -> DecoderStart[Any, Any]: ...

    def step(self, previous_B: Tensor, state: Any, memory: Any) -> DecoderStep: ...

    def attend(self, target_BT: Tensor, state: Any, memory: Any) -> Attending: ...

    def max_target_pieces(self, source_pieces: int) -> int: ...


def length_limits(model: TranslationModel, mask_BS: Tensor) -> list[int]:
    """Returns the most tokens of each sentence's translation, the end token included."""
    return [model.max_target_pieces(pieces) for pieces in mask_BS.sum(dim=1).tolist()]


def length_penalty(length: int, alpha: float) -> float:
    """Lp = ((5 + length) / 6)^alpha. Wu et al. 2016, eq. 14; the end token counts."""
    return float(((5 + length) / 6) ** alpha)


@torch.no_grad()
def greedy_search(
    model: TranslationModel, source_BS: Tensor, mask_BS: Tensor, special: SpecialIds
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
        logits_BV.index_fill_(-1, ruled_out, -torch.inf)
        slots.rule_out(logits_BV, len(steps))
        previous_B = logits_BV.argmax(dim=-1)
        slots = slots.after(previous_B)
        steps.append(previous_B.masked_fill(ended_B, special.end))
        ended_B = ended_B | (previous_B == special.end) | (limit_B <= len(steps))
    ids_BT = torch.stack([*steps, torch.full_like(previous_B, special.end)], dim=1).tolist()
    return [ids[: ids.index(special.end)] for ids in ids_BT]


@torch.no_grad()
def beam_search(
    model: TranslationModel,
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
    beam = _first_beam(model, source_BS, mask_BS, special, beam_size)
    ruled_out = _ruled_out(special, source_BS.device)
    found: list[list[Hypothesis]] = [[] for _ in beam.sentences]
    while beam.sentences:
        logits_NV, state = model.step(beam.ids_NT[:, -1], beam.state, beam.memory)
        best = _best_candidates(beam, logits_NV.index_fill_(-1, ruled_out, -torch.inf))
        length = beam.ids_NT.shape[1]
        is_end_BC = best.words_BC == special.end
        live = best.select(is_end_BC.int().argsort(dim=1, stable=True)[:, :beam_size])
        ended_BC = is_end_BC & (best.scores_BC > -torch.inf)
        ended_BC[:, beam_size:] = False
        found_B = beam.found_B + ended_BC.sum(dim=1)
        goes_on_B = (found_B < beam_size) & (live.scores_BC[:, 0] != -torch.inf)
        open_B = goes_on_B & (length < beam.limit_B)
        cut_off_B = goes_on_B & (length >= beam.limit_B)
        cut_off_BC = cut_off_B.unsqueeze(1) & (live.scores_BC > -torch.inf)
        # read together, because each reading waits for an accelerator
        any_ended, any_cut_off, all_open = torch.stack(
            [ended_BC.any(), cut_off_BC.any(), open_B.all()]
        ).tolist()
        penalty = length_penalty(length, alpha)
        if any_ended:
            for sentence, ids, _, score in beam.chosen(best, ended_BC):
                found[sentence].append(Hypothesis(ids, score / penalty))
        if any_cut_off:
            for sentence, ids, word, score in beam.chosen(live, cut_off_BC):
                found[sentence].append(Hypothesis([*ids, word], score / penalty))
        places_B = None if all_open else open_B.nonzero().squeeze(1)
        beam = beam._replace(found_B=found_B, state=state).extended(live, places_B)
    return [sorted(hypotheses, key=lambda one: -one.score)[:beam_size] for hypotheses in found]


class Candidates(NamedTuple):
    """Hypotheses of each sentence with one more word, best first."""

    scores_BC: Tensor
    """Natural log probabilities; minus infinity where a candidate is ruled out."""
    rows_BC: Tensor
    """Rows of the beam that they continue."""
    words_BC: Tensor

    def select(self, places_BC: Tensor) -> Candidates:
        """Returns those at the given places of each sentence."""
        return Candidates(*(part.gather(1, places_BC) for part in self))


class Beam(NamedTuple):
    """The live hypotheses of the sentences that are still searched, K rows for each of them."""

    sentences: list[int]
    """Positions of the sentences in the batch."""
    limit_B: Tensor
    """Most tokens of a translation, the end token included."""
    found_B: Tensor
    """Numbers of hypotheses that have ended."""
    ids_NT: Tensor
    """The words so far, from the start token on."""
    scores_BK: Tensor
    """Natural log probabilities."""
    state: Selectable
    memory: Selectable
    """Equal in all rows of a sentence."""
    slots: SlotsLeft

    def chosen(
        self, candidates: Candidates, mask_BC: Tensor
    ) -> Iterator[tuple[int, list[int], int, float]]:
        """Yields the candidates where the mask is True: the sentence's position in the batch, the
        words before the last one, the last one, and the natural log probability.
        """
        rows_M = candidates.rows_BC[mask_BC]
        before_MT = self.ids_NT[:, 1:].index_select(0, rows_M)
        places, _ = mask_BC.nonzero(as_tuple=True)
        for place, ids, word, score in zip(
            places.tolist(),
            before_MT.tolist(),
            candidates.words_BC[mask_BC].tolist(),
            candidates.scores_BC[mask_BC].tolist(),
            strict=True,
        ):
            yield self.sentences[place], ids, word, score

    def extended(self, live: Candidates, places_B: Tensor | None) -> Beam:
        """Returns the beam of the K live candidates of each sentence.

        The state of this one is the decoder's after its last words. `places_B` are the places of
        the sentences to search on, None for all; only without some of them is the memory copied.
        """
        beam = self
        if places_B is not None:
            live = Candidates(*(part.index_select(0, places_B) for part in live))
            beam = self._replace(
                sentences=[self.sentences[place] for place in places_B.tolist()],
                limit_B=self.limit_B.index_select(0, places_B),
                found_B=self.found_B.index_select(0, places_B),
                memory=self.memory.select(live.rows_BC.flatten()),
            )
        rows_N, words_N = live.rows_BC.flatten(), live.words_BC.flatten()
        return beam._replace(
            ids_NT=torch.cat([self.ids_NT.index_select(0, rows_N), words_N.unsqueeze(1)], dim=1),
            scores_BK=live.scores_BC,
            state=self.state.select(rows_N),
            slots=self.slots.select(rows_N).after(words_N),
        )


def _first_beam(
    model: TranslationModel, source_BS: Tensor, mask_BS: Tensor, special: SpecialIds, beam_size: int
) -> Beam:
    """Returns the beam before the first word: of each sentence only the first row is alive."""
    memory, state = model.encode(source_BS, mask_BS)
    count, device = len(source_BS), source_BS.device
    rows_N = torch.arange(count, device=device).repeat_interleave(beam_size)
    scores_BK = torch.full((count, beam_size), -torch.inf, device=device)
    scores_BK[:, 0] = 0.0
    slots = _slots_of(model, source_BS, mask_BS, special)
    return Beam(
        sentences=list(range(count)),
        limit_B=slots.limit_N,
        found_B=torch.zeros_like(slots.limit_N),
        ids_NT=torch.full((len(rows_N), 1), special.start, device=device),
        scores_BK=scores_BK,
        state=state.select(rows_N),
        memory=memory.select(rows_N),
        slots=slots.select(rows_N),
    )


def _slots_of(
    model: TranslationModel, source_BS: Tensor, mask_BS: Tensor, special: SpecialIds
) -> SlotsLeft:
    limit_B = torch.tensor(length_limits(model, mask_BS), device=source_BS.device)
    return SlotsLeft.of(source_BS, limit_B, special.slots, special.end)


def _best_candidates(beam: Beam, logits_NV: Tensor) -> Candidates:
    """Returns the 2K best candidates of each sentence.

    Each row of the beam can end only once, so at least K of them go on.
    """
    count, beam_size = beam.scores_BK.shape
    log_p_NV = logits_NV.float().log_softmax(dim=-1)
    beam.slots.rule_out(log_p_NV, beam.ids_NT.shape[1] - 1)
    total_BKV = log_p_NV.view(count, beam_size, -1).add_(beam.scores_BK.unsqueeze(-1))
    vocabulary_size = total_BKV.shape[-1]
    scores_BC, indices_BC = total_BKV.flatten(1).topk(2 * beam_size, dim=1)
    first_row_B = torch.arange(0, count * beam_size, beam_size, device=logits_NV.device)
    return Candidates(
        scores_BC,
        first_row_B.unsqueeze(1) + indices_BC // vocabulary_size,
        indices_BC % vocabulary_size,
    )


def _ruled_out(special: SpecialIds, device: torch.device) -> Tensor:
    """Returns the ids of the tokens that no translation contains."""
    return torch.tensor([special.padding, special.start], device=device)
