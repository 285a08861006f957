"""All scores of the translations of a test set."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from tracelate.config import EvaluateConfig
from tracelate.corpus.pairs import Pair
from tracelate.evaluation.metrics import (
    LengthBucket,
    Score,
    bleu_by_source_length,
    corpus_scores,
    sentence_scores,
)
from tracelate.evaluation.report import TranslationRow
from tracelate.evaluation.sacrebleu_statistics import Reference
from tracelate.inference.translator import Translation
from tracelate.metric_table import scoring_metrics
from tracelate.text.words import count_words


class ScoredTranslations(NamedTuple):
    """Translations of a test set and their scores."""

    scores: list[Score]
    buckets: list[LengthBucket]
    rows: list[TranslationRow]
    """One per pair, in order."""


def score_translations(
    pairs: Sequence[Pair],
    translations: Sequence[Translation],
    config: EvaluateConfig,
    language: str,
    several: Sequence[tuple[str, ...]] | None = None,
) -> ScoredTranslations:
    """Scores the translations of `pairs`, which must have the same order.

    `language` is the code of the target language, which the metrics' options depend on. `several`
    has all references of each pair, the first of which is its target.
    """
    metrics = scoring_metrics(language, config)
    texts = [translation.text for translation in translations]
    references: Sequence[Reference] = [pair.target for pair in pairs]
    if several is not None:
        references = several
    samples, seed = config.bootstrap_samples, config.bootstrap_seed
    lengths = [count_words(pair.source) for pair in pairs]
    of_sentences = sentence_scores(texts, references, metrics)
    return ScoredTranslations(
        corpus_scores(texts, references, samples=samples, seed=seed, metrics=metrics),
        bleu_by_source_length(
            lengths,
            texts,
            references,
            samples=samples,
            seed=seed,
            edges=config.source_length_buckets,
            min_sentences=config.min_bucket_sentences,
            metrics=metrics,
        ),
        [
            TranslationRow(
                source=pair.source,
                reference=pair.target,
                translation=translation.text,
                sentence_bleu=score.bleu,
                sentence_chrf=score.chrf,
                group=pair.group,
                origin=pair.origin,
                log_probability=translation.log_probability,
                more_references=() if isinstance(reference, str) else reference[1:],
            )
            for pair, translation, score, reference in zip(
                pairs, translations, of_sentences, references, strict=True
            )
        ],
    )
