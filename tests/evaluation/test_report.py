"""Reports of the evaluation are read back, and damaged ones are refused."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from tracelate.errors import InputError
from tracelate.evaluation.attention_statistics import AttentionStatistics
from tracelate.evaluation.metrics import LengthBucket, Score
from tracelate.evaluation.metrics_file import metrics_document, read_metrics
from tracelate.evaluation.report import (
    Metrics,
    ScoredTest,
    TranslationRow,
    read_translations,
    write_translations,
)
from tracelate.files import read_json, write_json
from tracelate.version import VERSION

percents = st.floats(0, 100)
translations = st.builds(
    TranslationRow,
    source=st.text(),
    reference=st.text(),
    translation=st.text(),
    sentence_bleu=percents,
    sentence_chrf=percents,
    group=st.text(),
    origin=st.text(),
    log_probability=st.none() | st.floats(-1e6, 0),
)


def a_translation(text: str = "Añadir {name} 😀") -> TranslationRow:
    return TranslationRow(
        source="Add {name}",
        reference="Añadir {name}",
        translation=text,
        sentence_bleu=35.0,
        sentence_chrf=57.5,
        group="light",
        origin="light:title",
    )


@given(rows=st.lists(translations, max_size=3))
def test_rows_that_were_written_are_read_back(
    tmp_path_factory: pytest.TempPathFactory, rows: list[TranslationRow]
) -> None:
    path = tmp_path_factory.mktemp("report") / "translations.jsonl"
    write_translations(path, rows)
    assert list(read_translations(path)) == rows


def test_line_separators_inside_a_text_do_not_split_a_row(tmp_path: Path) -> None:
    row = a_translation("uno\u2028dos\r\ntres\x85")
    write_translations(tmp_path / "rows.jsonl", [row, row])
    assert list(read_translations(tmp_path / "rows.jsonl")) == [row, row]


def test_a_row_is_readable_json_without_empty_fields(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    write_translations(path, [a_translation()])
    text = path.read_text(encoding="utf-8")
    assert "Añadir {name} 😀" in text
    assert list(json.loads(text)) == [
        "source",
        "reference",
        "translation",
        "sentence_bleu",
        "sentence_chrf",
        "group",
        "origin",
    ]


def test_a_failure_while_writing_leaves_no_file(tmp_path: Path) -> None:
    def rows() -> list[TranslationRow]:
        raise RuntimeError("the third sentence fails")

    with pytest.raises(RuntimeError):
        write_translations(tmp_path / "rows.jsonl", (row for _ in range(1) for row in rows()))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("line", "place"),
    [
        ('{"source": "a"', "the line"),
        ('{"source": "a"}', "reference"),
        (a_translation().model_dump_json().replace("35.0", '"35"'), "sentence_bleu"),
        (a_translation().model_dump_json().replace('"group"', '"grup"'), "group"),
    ],
)
def test_a_wrong_line_is_named(tmp_path: Path, line: str, place: str) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_text(f"{a_translation().model_dump_json()}\n{line}\n", encoding="utf-8")
    with pytest.raises(InputError, match=rf"rows\.jsonl, line 2: {place}: "):
        list(read_translations(path))


def test_a_score_that_is_no_number_is_refused() -> None:
    with pytest.raises(ValidationError):
        TranslationRow.model_validate(
            {**a_translation().model_dump(), "sentence_bleu": float("nan")}
        )


def test_metrics_hold_every_score_with_its_signature_and_the_test_set(tmp_path: Path) -> None:
    bleu = Score("bleu", 35.0, 33.5, 36.5, "nrefs:1|eff:no")
    chrf = Score("chrf", 55.0, 53.5, 56.5, "nrefs:1|nc:6")
    ter = Score("ter", 51.0, 49.0, 53.0, "nrefs:1|case:lc")
    buckets = [
        LengthBucket(1, 2, 57, Score("bleu", 41.0, 37.0, 45.0, "nrefs:1|eff:yes")),
        LengthBucket(3, None, 7, None),
    ]
    attention = AttentionStatistics(0.5, 0.75, 0.875, 0.25, [0.75, 0.5])
    metrics = Metrics([bleu, chrf, ter], buckets, attention, ScoredTest(64, "ab" * 32))
    write_json(tmp_path / "metrics.json", metrics_document(metrics))
    assert read_metrics(tmp_path / "metrics.json") == metrics
    assert read_json(tmp_path / "metrics.json") == {
        "format_version": 2,
        "tracelate_version": VERSION,
        "bleu": {"value": 35.0, "low": 33.5, "high": 36.5, "signature": "nrefs:1|eff:no"},
        "chrf": {"value": 55.0, "low": 53.5, "high": 56.5, "signature": "nrefs:1|nc:6"},
        "ter": {"value": 51.0, "low": 49.0, "high": 53.0, "signature": "nrefs:1|case:lc"},
        "bleu_by_source_length": [
            {
                "shortest_words": 1,
                "longest_words": 2,
                "sentences": 57,
                "bleu": {
                    "value": 41.0,
                    "low": 37.0,
                    "high": 45.0,
                    "signature": "nrefs:1|eff:yes",
                },
            },
            {"shortest_words": 3, "longest_words": None, "sentences": 7, "bleu": None},
        ],
        "attention": {
            "entropy_nats": 0.5,
            "sharpness": 0.75,
            "monotonicity": 0.875,
            "uncovered": 0.25,
            "sharpness_by_position": [0.75, 0.5],
        },
        "test": {"sentences": 64, "sha256": "ab" * 32},
    }


@pytest.mark.parametrize("text", ["{", "{}", '{"attention": null, "bleu": 3}', "[]"])
def test_damaged_metrics_are_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "metrics.json"
    path.write_text(text)
    with pytest.raises(InputError, match=r"metrics\.json is damaged"):
        read_metrics(path)


def test_missing_metrics_are_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="is missing: evaluate"):
        read_metrics(tmp_path / "metrics.json")
