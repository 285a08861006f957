"""Small evaluations to compare, as files and in memory."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from pathlib import Path

from tracelate.evaluation.metrics import bleu_by_source_length, corpus_scores, sentence_scores
from tracelate.evaluation.metrics_file import metrics_document
from tracelate.evaluation.report import Metrics, ScoredTest, TranslationRow, write_translations
from tracelate.evaluation.results import METRICS, TRANSLATIONS, Evidence
from tracelate.files import write_json
from tracelate.metric_table import METRICS as METRIC_TABLE
from tracelate.metric_table import Metric
from tracelate.text.words import count_words

WORDS = ["la", "luz", "de", "sala", "no", "se", "pudo", "abrir", "puerta", "red", "casa", "tres"]
HASH = "5e" * 32
LENGTH_BUCKETS = (1, 3, 6, 11, 21)


def some_references(count: int = 60) -> list[str]:
    draw = random.Random(1)
    return [" ".join(draw.choices(WORDS, k=draw.randint(1, 14))) for _ in range(count)]


def translate_badly(references: Sequence[str], share: float, seed: int) -> list[str]:
    """Each word of the reference is replaced by another with probability `share`."""
    draw = random.Random(seed)
    return [
        " ".join(draw.choice(WORDS) if draw.random() < share else word for word in text.split())
        for text in references
    ]


def evidence(
    name: str,
    translations: Sequence[str],
    references: Sequence[str],
    *,
    test_sha256: str = HASH,
    samples: int = 20,
    metrics: Mapping[str, Metric] = METRIC_TABLE,
) -> Evidence:
    """As evaluate leaves it; each source is its reference in capitals."""
    sources = [text.upper() for text in references]
    buckets = bleu_by_source_length(
        [count_words(source) for source in sources],
        translations,
        references,
        samples=20,
        seed=1,
        edges=LENGTH_BUCKETS,
        min_sentences=20,
        metrics=metrics,
    )
    scores = corpus_scores(translations, references, samples=samples, seed=1, metrics=metrics)
    rows = [
        TranslationRow(
            source=source,
            reference=reference,
            translation=translation,
            sentence_bleu=score.bleu,
            sentence_chrf=score.chrf,
            group="group",
            origin=f"file:{number}",
        )
        for number, (source, reference, translation, score) in enumerate(
            zip(
                sources,
                references,
                translations,
                sentence_scores(translations, references, metrics),
                strict=True,
            )
        )
    ]
    test = ScoredTest(len(rows), test_sha256)
    return Evidence(name, None, Metrics(scores, buckets, None, test), rows)


def write_evidence(folder: Path, written: Evidence) -> Path:
    """Gives the folder."""
    write_json(folder / METRICS, metrics_document(written.metrics))
    write_translations(folder / TRANSLATIONS, written.rows)
    return folder
