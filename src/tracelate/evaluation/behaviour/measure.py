"""Counts of faults in a model's translations of a test set and of sentences made from it."""

from __future__ import annotations

import random
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence, Set
from dataclasses import replace
from typing import NamedTuple

from tracelate.behaviour_table import TEST_CHECKS, VARIANT_CHECKS
from tracelate.config import BehaviourConfig
from tracelate.evaluation.behaviour.faults import faults_of, words_that_count
from tracelate.evaluation.behaviour.result import Behaviour, FaultCount, FaultExample
from tracelate.evaluation.behaviour.sentence import Context, Sentence, learn_context
from tracelate.evaluation.behaviour.variants import VARIANTS
from tracelate.evaluation.behaviour.words import words
from tracelate.metric_table import METRICS
from tracelate.sacrebleu_metric import sacrebleu_metric
from tracelate.text.placeholders import without_placeholders

MAX_VARIANT_CHARACTERS = 100
"""Of a test sentence that others are made from: longer ones would take most of the time."""


class TestFaults(NamedTuple):
    """The faults of each test sentence."""

    applied: list[dict[str, bool]]
    """For each sentence, the checks that apply to it, and True for a fault."""

    def names(self) -> list[list[str]]:
        """Returns the keys of each sentence's faults."""
        return [[key for key, fault in one.items() if fault] for one in self.applied]


Translate = Callable[[Sequence[str]], Sequence[str]]


def find_faults(sentences: Sequence[Sentence], context: Context) -> TestFaults:
    """Applies all checks of the test set to each sentence."""
    return TestFaults([faults_of(sentence, context) for sentence in sentences])


def context_of(sentences: Iterable[Sentence], known_words: Set[str] | None = None) -> Context:
    """Returns what checks learn from the sources and references of a test set."""
    pairs = ((one.source, one.reference) for one in sentences if one.reference is not None)
    return learn_context(pairs, known_words)


def count_faults(
    sentences: Sequence[Sentence], found: TestFaults, examples: int
) -> dict[str, FaultCount]:
    """Returns the result of each check of the test set that applies to a sentence."""
    faults, applied = Counter[str](), Counter[str]()
    shown: dict[str, list[FaultExample]] = defaultdict(list)
    for number, (sentence, results) in enumerate(
        zip(sentences, found.applied, strict=True), start=1
    ):
        applied.update(results.keys())
        for key, fault in results.items():
            faults[key] += fault
            if fault and len(shown[key]) < examples:
                shown[key].append(FaultExample(number, sentence.source, sentence.translation))
    return {
        key: FaultCount(faults[key], applied[key], shown[key])
        for key in TEST_CHECKS
        if applied[key]
    }


def measure_behaviour(
    sentences: Sequence[Sentence],
    found: TestFaults,
    context: Context,
    translate: Translate,
    config: BehaviourConfig,
) -> Behaviour:
    """Counts the faults of a test set, and those of made sentences, which `translate`
    translates.
    """
    checks = count_faults(sentences, found, config.examples)
    checks |= _measure_variants(sentences, context, translate, config)
    return Behaviour(checks, *_count_invented(sentences, context))


class _Made(NamedTuple):
    """A made sentence."""

    key: str
    place: int
    """Index of the test sentence that it was made from."""
    source: str


def _measure_variants(
    sentences: Sequence[Sentence],
    context: Context,
    translate: Translate,
    config: BehaviourConfig,
) -> dict[str, FaultCount]:
    made = [
        one
        for key in VARIANT_CHECKS
        for one in _sample(key, sentences, config.variant_sentences, config.seed)
    ]
    by_check: dict[str, list[tuple[_Made, str]]] = defaultdict(list)
    for one, translation in zip(made, translate([one.source for one in made]), strict=True):
        by_check[one.key].append((one, translation))
    return {
        key: _count_variant(key, translated, sentences, context, config.examples)
        for key, translated in by_check.items()
    }


def _sample(key: str, sentences: Sequence[Sentence], count: int, seed: int) -> list[_Made]:
    """Returns made sentences of `count` short test sentences, or of all that have this form."""
    draw = random.Random(f"{seed}:{key}")
    places = [
        place
        for place, sentence in enumerate(sentences)
        if len(sentence.source) <= MAX_VARIANT_CHARACTERS
    ]
    draw.shuffle(places)
    made: list[_Made] = []
    for place in places:
        if len(made) == count:
            break
        source = VARIANTS[key].make(sentences[place].source, draw)
        if source is not None:
            made.append(_Made(key, place, source))
    return sorted(made, key=lambda one: one.place)


def _count_variant(
    key: str,
    translated: Sequence[tuple[_Made, str]],
    sentences: Sequence[Sentence],
    context: Context,
    examples: int,
) -> FaultCount:
    variant = VARIANTS[key]
    faulty: list[FaultExample] = []
    chrfs: list[tuple[float, float]] = []
    for one, translation in translated:
        plain = sentences[one.place]
        found = _faults(Sentence(one.source, None, translation), context, variant.faults)
        if variant.keeps_meaning:
            found -= _faults(plain, context, variant.faults)
        is_faulty = bool(found)
        if variant.keeps_meaning and plain.reference is not None:
            made, before = (
                _chrf(text, plain.reference) for text in (translation, plain.translation)
            )
            chrfs.append((made, before))
            if variant.max_chrf_loss is not None:
                is_faulty |= before - made > variant.max_chrf_loss
        if is_faulty:
            faulty.append(FaultExample(one.place + 1, one.source, translation))
    means = [sum(values) / len(chrfs) for values in zip(*chrfs, strict=True)] or [None, None]
    return FaultCount(len(faulty), len(translated), faulty[:examples], *means)


def _faults(sentence: Sentence, context: Context, keys: Sequence[str]) -> set[str]:
    """Returns the faults among `keys` that a translation has, without its reference."""
    found = faults_of(sentence._replace(reference=None), context)
    return {key for key in keys if found.get(key, False)}


_CHRF = sacrebleu_metric(replace(METRICS["chrf"], options={"lowercase": True}))


def _chrf(translation: str, reference: str) -> float:
    """Returns the chrF of a sentence in percent, without regard to case and placeholders."""
    score = _CHRF.sentence_score(
        without_placeholders(translation), [without_placeholders(reference)]
    )
    return float(score.score)


def _count_invented(
    sentences: Sequence[Sentence], context: Context
) -> tuple[int | None, int | None]:
    """Returns the number of words and the number of those that are invented."""
    if context.known_words is None:
        return None, None
    counted = invented = 0
    for sentence in sentences:
        source = set(words(sentence.source))
        found = words_that_count(sentence.translation)
        counted += len(found)
        invented += sum(word not in source and word not in context.known_words for word in found)
    return counted, invented
