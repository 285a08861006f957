"""From sentences to translations with a trained model.

Shapes: B batch, S source, T target.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import torch

from tracelate.corpus.tokenizer import Encoded
from tracelate.errors import InputError
from tracelate.inference.batch_search import BatchSearch, Found, SourceIds
from tracelate.inference.long_lines import MAX_LINE_PIECES, Part, join_parts, split_line
from tracelate.model.search import Hypothesis
from tracelate.model.seq2seq import TeacherForced
from tracelate.text.placeholders import copied_spans
from tracelate.training.batches import pad
from tracelate.training.cpu_ram import tune_cpu_ram
from tracelate.training.model_files import TrainedModel, special_ids

CHUNK_BATCHES = 8
"""Number of batches that are read at once from a stream; within them, sentences are sorted by
length."""
PART_PIECES = 64
"""Number of target pieces whose attention is computed at once. Additive and concat attention have a
vector for each target and source piece: 200 MB for 1,000 source pieces and hidden size 384."""


class Translation(NamedTuple):
    """A translation of one sentence."""

    text: str
    """Text without white space around it."""
    log_probability: float
    """Natural log probability, divided by the length penalty."""
    source_ids: list[int]
    target_ids: list[int]
    placeholders: tuple[str, ...] = ()
    """Text of the slots in both."""


class SearchPlan(NamedTuple):
    """Sentences as ids, in batches of similar length."""

    sources: Sequence[Encoded]
    batches: list[list[int]]
    """Places of the sentences of each batch; blank ones are in none."""

    @property
    def sentence_count(self) -> int:
        return sum(map(len, self.batches))


class LinePlace(NamedTuple):
    """Place of the translation of a line."""

    text: int
    line: int | None
    """None: the line is all of the text, in parts."""
    parts: Sequence[Part]


class Translator:
    """Translates with beam search, in full precision.

    Each text is normalised first as the text that the model was trained on, so that limits, blank
    texts and attention are those of the normalised text.
    """

    def __init__(
        self,
        trained: TrainedModel,
        *,
        beam_size: int,
        length_penalty: float,
        batch_sentences: int,
        max_line_pieces: int = MAX_LINE_PIECES,
    ) -> None:
        tune_cpu_ram()
        self.trained = trained
        self.beam_size = beam_size
        self.length_penalty = length_penalty
        self.batch_sentences = batch_sentences
        self.max_line_pieces = max_line_pieces
        self.special = special_ids(trained.tokenizer)
        self.normalise = trained.config.normaliser.build()
        self.search_batches: Callable[[Sequence[SourceIds]], Iterator[Found]] = self._search_alone
        self.processes = 1
        """Number of those that search; see `shared_search.py`."""

    def translate(
        self, sentences: Sequence[str], on_progress: Callable[[int], object] = lambda _: None
    ) -> list[Translation]:
        """Returns one translation for each sentence, in order; a blank sentence stays blank.

        `on_progress` is called with the number of sentences of each batch.
        """
        return [n_best[0] for n_best in self.translate_n_best(sentences, 1, on_progress)]

    def translate_n_best(
        self,
        sentences: Sequence[str],
        count: int,
        on_progress: Callable[[int], object] = lambda _: None,
    ) -> list[list[Translation]]:
        """Returns the `count` best translations of each sentence, best first.

        There are fewer if the search found fewer, and one blank one for a blank sentence.
        """
        return self._translate_texts([sentences], count, on_progress)[0]

    def _translate_texts(
        self,
        texts: Sequence[Sequence[str]],
        count: int = 1,
        on_progress: Callable[[int], object] = lambda _: None,
    ) -> list[list[list[Translation]]]:
        """Returns the best translations of each sentence of each text.

        A batch has sentences of one text, so that its translations do not depend on other texts.
        """
        plans = [self._plan(sentences) for sentences in texts]
        blank = Translation("", 0.0, [], [])
        translations = [[[blank]] * len(sentences) for sentences in texts]
        on_progress(sum(map(len, texts)) - sum(plan.sentence_count for plan in plans))
        batches = [(number, batch) for number, plan in enumerate(plans) for batch in plan.batches]
        found = self.search_batches(
            [[plans[number].sources[place].ids for place in batch] for number, batch in batches]
        )
        for (number, batch), of_batch in zip(batches, found, strict=True):
            for place, hypotheses in zip(batch, of_batch, strict=True):
                source = plans[number].sources[place]
                translations[number][place] = self._decoded(source, hypotheses[:count])
            on_progress(len(batch))
        return translations

    def _plan(self, sentences: Sequence[str]) -> SearchPlan:
        sentences = [self.normalise(sentence) for sentence in sentences]
        sources = self.trained.tokenizer.encode_sources(sentences)
        order = [place for place, sentence in enumerate(sentences) if sentence.strip()]
        order.sort(key=lambda place: len(sources[place].ids), reverse=True)
        starts = range(0, len(order), self.batch_sentences)
        return SearchPlan(sources, [order[at : at + self.batch_sentences] for at in starts])

    def _decoded(self, source: Encoded, best: Sequence[Hypothesis]) -> list[Translation]:
        source_ids, slots = source
        texts = self.trained.tokenizer.decode([one.ids for one in best], [slots] * len(best))
        return [
            Translation(text.strip(), one.score, source_ids, one.ids, slots)
            for text, one in zip(texts, best, strict=True)
        ]

    def translate_lines(self, lines: Iterator[str]) -> Iterator[str]:
        """Yields a line for each line, in order and in constant RAM; line breaks become spaces.

        A line with more than `max_line_pieces` is translated in parts, see `long_lines`.
        """
        while group := list(itertools.islice(lines, self.group_lines)):
            size = CHUNK_BATCHES * self.batch_sentences
            chunks = [group[start : start + size] for start in range(0, len(group), size)]
            yield from self._translate_chunks(chunks)

    @property
    def group_lines(self) -> int:
        """Number of lines that are read at once: a chunk for each process."""
        return self.processes * CHUNK_BATCHES * self.batch_sentences

    def _translate_chunks(self, chunks: Sequence[Sequence[str]]) -> Iterator[str]:
        """Yields a line for each line; a chunk's translations do not depend on other chunks."""
        texts: list[list[str]] = []
        places: list[LinePlace] = []
        for chunk in chunks:
            whole = len(texts)
            texts.append([])
            for line in map(self.normalise, chunk):
                if self.is_long(line):
                    parts = self._parts(line)
                    places.append(LinePlace(len(texts), None, parts))
                    texts.append([part.text for part in parts])
                else:
                    places.append(LinePlace(whole, len(texts[whole]), []))
                    texts[whole].append(line)
        translated = self._translate_texts(texts)
        for place in places:
            found = [n_best[0].text for n_best in translated[place.text]]
            text = join_parts(place.parts, found) if place.line is None else found[place.line]
            yield " ".join(text.splitlines())

    def is_long(self, line: str) -> bool:
        """True if the line has more than `max_line_pieces`."""
        return self._pieces_if_long(line) is not None

    def refuse_long(self, line: str) -> None:
        """Raises InputError if the line has more than `max_line_pieces`."""
        if (count := self._pieces_if_long(line)) is not None:
            raise InputError(
                f"{count:,} subword pieces, and the limit is {self.max_line_pieces:,}: split it at "
                "the ends of its sentences"
            )

    def _pieces_if_long(self, line: str) -> int | None:
        line = self.normalise(line)
        tokenizer = self.trained.tokenizer
        if tokenizer.most_pieces(line) <= self.max_line_pieces:
            return None
        count = len(tokenizer.encode_sources([line])[0].ids)
        return count if count > self.max_line_pieces else None

    def _parts(self, line: str) -> list[Part]:
        tokenizer = self.trained.tokenizer
        spans_of = self._whole_spans if tokenizer.slots or tokenizer.user_symbols else None
        return split_line(line, self.is_long, spans_of)

    def _whole_spans(self, text: str) -> list[tuple[int, int]]:
        """Returns the places of copied placeholders and user symbols, overlapping ones as one."""
        tokenizer = self.trained.tokenizer
        copied = copied_spans(text) if tokenizer.slots else []
        spans: list[tuple[int, int]] = []
        for start, stop in sorted([*copied, *tokenizer.symbol_spans(text)]):
            if spans and start < spans[-1][1]:
                spans[-1] = (spans[-1][0], max(stop, spans[-1][1]))
            else:
                spans.append((start, stop))
        return spans

    @torch.no_grad()
    def attentions(self, translations: Sequence[Translation]) -> Iterator[npt.NDArray[np.float32]]:
        """Yields the attention weights of each translation, an array of target by source pieces.

        The end tokens are included.
        """
        for start in range(0, len(translations), self.batch_sentences):
            batch = translations[start : start + self.batch_sentences]
            weights_BTS = self._forced(batch).weights_BTS
            for one, weights_TS in zip(batch, weights_BTS.float().numpy(), strict=True):
                yield weights_TS[: len(one.target_ids) + 1, : len(one.source_ids) + 1]

    @torch.no_grad()
    def attention_in_parts(self, translation: Translation) -> npt.NDArray[np.float32]:
        """Returns the same array as `attentions`, computed for PART_PIECES target pieces at once.

        The RAM does not grow with the length of the translation.
        """
        model = self.trained.model
        source_BS, target_BT = self._pieces([translation])
        memory, state = model.encode(source_BS, source_BS != self.special.padding)
        weights_TS = []
        for part_BT in torch.split(target_BT, PART_PIECES, dim=1):
            weights_BTS, state = model.attend(part_BT, state, memory)
            weights_TS.append(weights_BTS[0])
        attention_TS: npt.NDArray[np.float32] = torch.cat(weights_TS).float().numpy()
        return attention_TS

    @torch.no_grad()
    def attention_views(self, translation: Translation) -> dict[str, npt.NDArray[np.float32]]:
        """Returns the views of a translation's attention by name, arrays as those of `attentions`.

        They are the weights of each head or hop, or the window, with 1 inside.
        """
        views = self._forced([translation]).views
        return {name: view[0].float().numpy() for name, view in views.items()}

    def _forced(self, batch: Sequence[Translation]) -> TeacherForced:
        source_BS, target_BT = self._pieces(batch)
        forced: TeacherForced = self.trained.model(
            source_BS, source_BS != self.special.padding, target_BT
        )
        return forced

    def _pieces(self, batch: Sequence[Translation]) -> tuple[torch.Tensor, torch.Tensor]:
        """Returns the sources, and the target pieces with the start token, as padded ids."""
        special = self.special
        source_BS = pad([[*one.source_ids, special.end] for one in batch], special.padding)
        target_BT = pad([[special.start, *one.target_ids] for one in batch], special.padding)
        return source_BS, target_BT

    def search_batch(self, source_ids: SourceIds) -> Found:
        """Returns the hypotheses of each sentence."""
        model = self.trained.model
        return BatchSearch(model, self.special, self.beam_size, self.length_penalty)(source_ids)

    def _search_alone(self, batches: Sequence[SourceIds]) -> Iterator[Found]:
        return map(self.search_batch, batches)
