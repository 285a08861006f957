"""Faults are counted over a test set and over sentences made from it, and kept in metrics.json."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.evaluation.results import evidence, some_references
from tracelate.behaviour_table import CHECKS, VARIANT_CHECKS, check_title
from tracelate.config import BehaviourConfig
from tracelate.evaluation.behaviour.measure import context_of, find_faults, measure_behaviour
from tracelate.evaluation.behaviour.result import Behaviour, FaultCount, FaultExample
from tracelate.evaluation.behaviour.sentence import Sentence
from tracelate.evaluation.behaviour.training_words import words_in_training
from tracelate.evaluation.metrics_file import METRICS_FORMAT, read_metrics, write_metrics
from tracelate.tracking.runs.evaluation_contents import evaluation_metrics

CONFIG = BehaviourConfig(variant_sentences=20, seed=1, examples=2)
SENTENCES = [
    Sentence(f"Open the window {{name}} {number}.", f"Ouvre {{name}} {number}.", translation)
    for number, translation in enumerate(
        [f"Ouvre {{name}} {number}." for number in range(37)]
        + ["Ouvre {nom} 37.", "Ouvre {nom} 38.", "Ouvre {nom} 39."]
    )
] + [Sentence("Go now.", "Va maintenant.", "")]


def measure(
    translations: dict[str, str] | None = None, known: frozenset[str] | None = None, **changes: Any
) -> Behaviour:
    """A model that repeats its source, except for the given translations."""

    def translate(sources: Sequence[str]) -> list[str]:
        return [(translations or {}).get(source, source) for source in sources]

    context = context_of(SENTENCES, known)
    return measure_behaviour(
        SENTENCES,
        find_faults(SENTENCES, context),
        context,
        translate,
        CONFIG.model_copy(update=changes),
    )


def test_each_check_counts_its_sentences_and_quotes_the_first() -> None:
    checks = measure().checks
    assert (checks["placeholders"].faults, checks["placeholders"].sentences) == (3, 40)
    assert checks["placeholders"].percent == 7.5
    assert checks["placeholders"].examples == [
        FaultExample(38, "Open the window {name} 37.", "Ouvre {nom} 37."),
        FaultExample(39, "Open the window {name} 38.", "Ouvre {nom} 38."),
    ]
    assert (checks["empty"].faults, checks["empty"].sentences) == (1, 41)
    assert checks["empty"].examples == [FaultExample(41, "Go now.", "")]
    assert "invented" not in checks


def test_invented_words_are_counted_with_the_training_text() -> None:
    behaviour = measure(known=frozenset({"maintenant"}))
    assert behaviour.checks["invented"].faults == 0  # the reference has the word
    assert behaviour.words == behaviour.invented_words == 40
    assert behaviour.invented_words_percent == 100
    assert measure(known=frozenset({"ouvre"})).invented_words == 0
    assert measure().invented_words_percent is None


def test_made_sentences_are_counted_against_their_test_sentences() -> None:
    checks = measure().checks
    assert set(VARIANT_CHECKS) & set(checks) == {
        "upper_case", "typos", "no_final_mark", "added_placeholder"}  # fmt: skip
    upper = checks["upper_case"]
    assert upper.sentences == 20
    assert upper.plain_chrf is not None
    assert upper.chrf is not None
    assert upper.plain_chrf > 90 > upper.chrf
    assert upper.percent > 90  # the source's words score far below the plain translations
    assert upper.examples[0].source.startswith("OPEN THE WINDOW {name}")
    added = checks["added_placeholder"]
    assert (added.faults, added.sentences) == (0, 1)
    assert len(measure(variant_sentences=0).checks) == len(checks) - 4


def test_a_placeholder_that_is_put_in_and_lost_is_a_fault() -> None:
    [example] = measure(examples=9).checks["upper_case"].examples[:1]
    lost = {example.source: example.source.replace("{name}", "")}
    assert measure(lost).checks["upper_case"].faults >= measure().checks["upper_case"].faults
    sources: list[str] = []

    def drop(texts: Sequence[str]) -> list[str]:
        sources.extend(texts)
        return ["Va" for _ in texts]

    context = context_of(SENTENCES)
    found = find_faults(SENTENCES, context)
    checks = measure_behaviour(SENTENCES, found, context, drop, CONFIG).checks
    assert checks["added_placeholder"].faults == 1
    assert any(source.startswith("Go ") and source != "Go now." for source in sources)


def test_the_same_seed_makes_the_same_sentences() -> None:
    assert measure() == measure()
    assert measure(variant_sentences=5) != measure(variant_sentences=5, seed=2)


def test_words_of_the_training_text_are_read_in_parts(tmp_path: Path) -> None:
    path = tmp_path / "train.parquet"
    targets = [f"palabra{number} común" for number in range(25_000)]
    pq.write_table(pa.table({"source": ["x"] * 25_000, "target": targets}), path)
    wanted = ["Palabra24999, común", "palabra7 inventada x"]
    assert words_in_training(path, wanted) == {"palabra24999", "común", "palabra7"}


def test_metrics_json_has_the_counts_and_is_read_without_them(tmp_path: Path) -> None:
    metrics = evidence("a", some_references(), some_references()).metrics
    measured = measure(known=frozenset({"ouvre"}))
    path = tmp_path / "metrics.json"
    write_metrics(path, metrics._replace(behaviour=measured))
    assert read_metrics(path).behaviour == measured
    document = json.loads(path.read_text())
    assert document["behaviour"]["checks"]["placeholders"]["faults"] == 3
    assert document["behaviour"]["invented_words"] == {"percent": 0.0, "invented": 0, "words": 40}
    write_metrics(path, metrics._replace(behaviour=Behaviour({})))
    assert read_metrics(path).behaviour == Behaviour({})
    del document["behaviour"]
    path.write_text(json.dumps(document))
    assert read_metrics(path).behaviour is None


def test_mlflow_has_the_shares_as_metrics() -> None:
    metrics = evidence("a", some_references(), some_references()).metrics
    assert not any("behaviour" in name for name in evaluation_metrics(metrics))
    measured = measure(known=frozenset({"maintenant"}))
    values = evaluation_metrics(metrics._replace(behaviour=measured))
    assert values["behaviour/placeholders"] == 7.5
    assert values["behaviour/invented_words"] == 100
    assert values["behaviour/upper_case_chrf"] == measured.checks["upper_case"].chrf


def test_a_check_of_a_newer_version_is_kept(tmp_path: Path) -> None:
    metrics = evidence("a", some_references(), some_references()).metrics
    newer = Behaviour({"empty": FaultCount(0, 1, []), "rudeness": FaultCount(1, 2, [])})
    write_metrics(tmp_path / "metrics.json", metrics._replace(behaviour=newer))
    assert read_metrics(tmp_path / "metrics.json").behaviour == newer
    assert check_title("rudeness") == "rudeness"
    assert METRICS_FORMAT.version == 2


@pytest.mark.parametrize("key", CHECKS)
def test_keys_are_names_of_metrics_in_mlflow(key: str) -> None:
    assert key.replace("_", "a").isalpha()
    assert key.islower()
