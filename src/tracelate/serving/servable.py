"""A model in memory that a server can translate with."""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

from tracelate.evaluation.lineage import Lineage, lineage_document
from tracelate.lineage.checks import refuse_changed_project
from tracelate.tracking.packages.packed_translator import PackedTranslator, load_packed_translator
from tracelate.tracking.references.packed_models import ModelSource, packed_model
from tracelate.tracking.references.references import Reference


class ServableModel(NamedTuple):
    """A model in memory, and where it comes from."""

    source: ModelSource
    lineage: Lineage
    loaded: PackedTranslator

    @property
    def document(self) -> dict[str, Any]:
        """The answer to GET /model."""
        return {
            "name": self.source.name,
            "version": self.source.version,
            "run_id": self.source.run_id,
            "model_id": self.source.model_id,
            "weights_sha256": self.lineage.weights_sha256,
            "lineage": lineage_document(self.lineage),
        }


def load_servable(reference: Reference) -> ServableModel:
    """Raises InputError where there is no such model, or a file is not the one of its lineage."""
    with packed_model(reference) as packed:
        refuse_changed_project(Path(), packed.lineage)
        loaded = load_packed_translator(packed.artifacts)
        return ServableModel(packed.source, packed.lineage, loaded)
