"""The bill of materials of a model, as CycloneDX 1.6 (ECMA-424) defines it for machine learning.

The component is the model, with its card: architecture, data and scores. The components below it
are its files, its corpus and the libraries that translating needs.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from importlib.metadata import PackageNotFoundError, metadata
from typing import Any

from tracelate.corpus.provenance import CorpusPart
from tracelate.errors import InputError
from tracelate.evaluation.lineage import Lineage
from tracelate.evaluation.report import Metrics
from tracelate.metric_table import metric_title
from tracelate.model.architecture import architecture_name
from tracelate.saved_settings import model_config_of
from tracelate.version import VERSION

SPEC_VERSION = "1.6"
PROPERTY = "tracelate:"
"""Beginning of the names of properties that CycloneDX does not define."""
_NAMESPACE = uuid.UUID("5f0b6a4e-7c0d-4f0e-9d5f-0d6f3f6a7c11")

Component = dict[str, Any]


def bill_of_materials(
    lineage: Lineage,
    metrics: Metrics | None,
    libraries: Sequence[str],
    *,
    name: str,
    version: str | None,
) -> Component:
    """Returns the document as JSON values; the same model and libraries give the same document.

    `libraries` are pinned requirements, such as numpy==2.1.0.
    """
    model = _model(lineage, metrics, name, version)
    files, packages = _files(lineage.model), [_library(one) for one in libraries]
    parts = [_corpus(lineage), *files, *packages]
    identity = f"{name}/{version}/{lineage.weights_sha256}/{sorted(libraries)}"
    return {
        "bomFormat": "CycloneDX",
        "specVersion": SPEC_VERSION,
        "serialNumber": f"urn:uuid:{uuid.uuid5(_NAMESPACE, identity)}",
        "version": 1,
        "metadata": {
            "tools": {
                "components": [{"type": "application", "name": "tracelate", "version": VERSION}]
            },
            "component": model,
        },
        "components": parts,
        "dependencies": [
            {"ref": model["bom-ref"], "dependsOn": [part["bom-ref"] for part in parts]},
            *({"ref": part["bom-ref"]} for part in parts),
        ],
    }


def parse_requirements(text: str) -> list[str]:
    """Returns the pinned requirements of a requirements.txt.

    Raises InputError if a line is not a name with its version.
    """
    lines = [line.strip() for line in text.splitlines()]
    found = [line for line in lines if line and not line.startswith("#")]
    for line in found:
        if line.count("==") != 1 or any(character.isspace() for character in line):
            raise InputError(
                f"requirements.txt has {line!r}, not NAME==VERSION: restore the package"
            )
    return found


def _model(lineage: Lineage, metrics: Metrics | None, name: str, version: str | None) -> Component:
    training = lineage.training
    properties = {
        "run_id": training.run_id,
        "weights_sha256": lineage.weights_sha256,
        "tokenizer_sha256": lineage.tokenizer_sha256,
        "test_sha256": lineage.test_sha256,
        "uncommitted_changes": str(training.dirty).lower(),
        **{f"signature.{key}": signature for key, signature in lineage.signatures.items()},
    }
    model: Component = {
        "type": "machine-learning-model",
        "bom-ref": f"model:{lineage.weights_sha256}",
        "name": name,
        "description": f"translates {lineage.direction}",
        "hashes": [_sha256(lineage.weights_sha256)],
        "modelCard": _card(lineage, metrics),
        "properties": [
            {"name": PROPERTY + key, "value": value} for key, value in properties.items()
        ],
    }
    if version is not None:
        model["version"] = version
    if training.commit is not None:
        model["pedigree"] = {"commits": [{"uid": training.commit}]}
    return model


def _card(lineage: Lineage, metrics: Metrics | None) -> Component:
    config = model_config_of(lineage.params["model"])
    parameters = {
        "approach": {"type": "supervised"},
        "task": "translation",
        "architectureFamily": "encoder-decoder",
        "modelArchitecture": architecture_name(config),
        "datasets": [{"ref": _source_ref(part)} for part in lineage.corpus_parts],
        "inputs": [{"format": "text"}],
        "outputs": [{"format": "text"}],
    }
    card: Component = {"modelParameters": parameters}
    if metrics is not None:
        card["quantitativeAnalysis"] = {
            "performanceMetrics": [
                {
                    "type": metric_title(score.name),
                    "value": f"{score.value:.2f}",
                    "slice": f"test set of {metrics.test.sentences} sentences",
                    "confidenceInterval": {
                        "lowerBound": f"{score.low:.2f}",
                        "upperBound": f"{score.high:.2f}",
                    },
                }
                for score in metrics.scores
            ]
        }
    return card


def _corpus(lineage: Lineage) -> Component:
    """Returns the component of the corpus, which has several sources as components."""
    parts, files = lineage.corpus_parts, _files(lineage.raw)
    if len(parts) == 1:
        return {**_source(parts[0]), "components": files}
    licences = dict.fromkeys(part.provenance.licence for part in parts)
    return {
        "type": "data",
        "bom-ref": "corpus",
        "name": "corpus of several sources",
        "description": lineage.provenance.description,
        "licenses": [{"license": {"name": licence}} for licence in licences],
        "data": [{"type": "dataset", "name": part.provenance.title} for part in parts],
        "components": [*map(_source, parts), *files],
    }


def _source(part: CorpusPart) -> Component:
    provenance = part.provenance
    source: Component = {
        "type": "data",
        "bom-ref": _source_ref(part),
        "name": provenance.title,
        "description": provenance.description,
        "licenses": [{"license": {"name": provenance.licence}}],
        "data": [{"type": "dataset", "name": provenance.title}],
    }
    if provenance.archive_sha256 is not None:
        source["hashes"] = [_sha256(provenance.archive_sha256)]
    return source


def _source_ref(part: CorpusPart) -> str:
    return ":".join(filter(None, ("corpus", part.name, part.provenance.title)))


def _files(hashes: Mapping[str, str]) -> list[Component]:
    return [
        {"type": "file", "bom-ref": f"file:{name}", "name": name, "hashes": [_sha256(sha256)]}
        for name, sha256 in hashes.items()
    ]


def _library(requirement: str) -> Component:
    name, _, version = requirement.partition("==")
    purl = f"pkg:pypi/{name.lower().replace('_', '-')}@{version}"
    library: Component = {
        "type": "library",
        "bom-ref": purl,
        "name": name,
        "version": version,
        "purl": purl,
    }
    if licence := _licence_of(name):
        library["licenses"] = [{"license": {"name": licence}}]
    return library


def _licence_of(name: str) -> str | None:
    """Returns the licence that an installed package states, or None."""
    try:
        stated = metadata(name)
    except PackageNotFoundError:
        return None
    classifiers = stated.get_all("Classifier") or []
    texts = [
        *(stated.get_all("License-Expression") or []),
        *(one.rpartition(" :: ")[2] for one in classifiers if one.startswith("License ::")),
        *(stated.get_all("License") or []),
    ]
    return next((text.strip().splitlines()[0] for text in texts if text.strip()), None)


def _sha256(value: str) -> dict[str, str]:
    return {"alg": "SHA-256", "content": value}
