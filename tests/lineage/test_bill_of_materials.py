"""The bill of materials: it follows CycloneDX's schema and names what the model is made of."""

from __future__ import annotations

import json
from typing import Any

import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

from tests.tiny_corpus import PROJECT
from tracelate.errors import InputError
from tracelate.evaluation.lineage import Lineage, read_lineage
from tracelate.evaluation.metrics_file import read_metrics
from tracelate.evaluation.report import Metrics
from tracelate.files import sha256_of
from tracelate.layout import LINEAGE, METRICS
from tracelate.lineage.bill_of_materials import bill_of_materials, parse_requirements

FILES = PROJECT / "tests/formats/0.1"
LIBRARIES = ["torch==2.13.0", "ruamel.yaml==0.18.10", "not_installed==1.0"]


@pytest.fixture(scope="module")
def lineage() -> Lineage:
    return read_lineage(FILES / LINEAGE)


@pytest.fixture(scope="module")
def metrics() -> Metrics:
    return read_metrics(FILES / METRICS)


def made(lineage: Lineage, metrics: Metrics | None, **changes: Any) -> dict[str, Any]:
    return bill_of_materials(
        lineage, metrics, **{"libraries": LIBRARIES, "name": "en-es", "version": "3", **changes}
    )


@pytest.mark.parametrize("version", ["3", None])
@pytest.mark.parametrize("with_metrics", [True, False])
def test_it_follows_the_schema(
    lineage: Lineage, metrics: Metrics, version: str | None, with_metrics: bool
) -> None:
    document = made(lineage, metrics if with_metrics else None, version=version)
    validator = JsonStrictValidator(SchemaVersion.V1_6)
    assert validator.validate_str(json.dumps(document)) is None


def test_it_names_weights_corpus_licence_scores_and_libraries(
    lineage: Lineage, metrics: Metrics
) -> None:
    document = made(lineage, metrics)
    model = document["metadata"]["component"]
    assert (model["name"], model["version"]) == ("en-es", "3")
    assert model["hashes"][0]["content"] == sha256_of(FILES / "models/weights.safetensors")
    scores = model["modelCard"]["quantitativeAnalysis"]["performanceMetrics"]
    assert [score["type"] for score in scores] == ["BLEU", "chrF", "TER"]
    assert float(scores[0]["value"]) == round(metrics.scores[0].value, 2)
    parts = {part["bom-ref"]: part for part in document["components"]}
    [dataset] = model["modelCard"]["modelParameters"]["datasets"]
    corpus = parts[dataset["ref"]]
    assert corpus["licenses"] == [{"license": {"name": lineage.provenance.licence}}]
    raw = {part["name"]: part["hashes"][0]["content"] for part in corpus["components"]}
    assert raw == lineage.raw
    assert parts["pkg:pypi/torch@2.13.0"]["licenses"]
    assert "licenses" not in parts["pkg:pypi/not-installed@1.0"]
    assert set(document["dependencies"][0]["dependsOn"]) == set(parts)


def test_the_same_model_gives_the_same_document_and_another_version_another_number(
    lineage: Lineage, metrics: Metrics
) -> None:
    assert made(lineage, metrics) == made(lineage, metrics)
    numbers = {
        made(lineage, metrics, **changes)["serialNumber"]
        for changes in ({}, {"version": "4"}, {"name": "other"}, {"libraries": LIBRARIES[:1]})
    }
    assert len(numbers) == 4


def test_requirements_are_pinned_names() -> None:
    assert parse_requirements("# made by MLflow\ntorch==2.13.0\n\nnumpy==2.1.0\n") == [
        "torch==2.13.0",
        "numpy==2.1.0",
    ]
    for line in ("torch", "torch>=2", "-r other.txt", "torch==2 --hash=x", "a==1==2"):
        with pytest.raises(InputError, match="not NAME==VERSION"):
            parse_requirements(line)
