"""A model in memory that a server can translate with."""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

from tracelate.evaluation.lineage import Lineage, lineage_document
from tracelate.layout import LINEAGE
from tracelate.lineage.checks import refuse_changed_project
from tracelate.serving.receipts import Receipts
from tracelate.signing.keys import SigningKey
from tracelate.signing.receipt import describe_model
from tracelate.signing.trust import Trust
from tracelate.tracking.packages.packed_translator import PackedTranslator, load_packed_translator
from tracelate.tracking.references.packed_models import ModelSource, packed_model
from tracelate.tracking.references.references import Reference


class ServableModel(NamedTuple):
    """A model in memory, and where it comes from."""

    source: ModelSource
    lineage: Lineage
    loaded: PackedTranslator
    signature: str = "unsigned"
    """The result of checking the signature, for the user."""
    receipts: Receipts | None = None
    """None if the answers have no receipts."""

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


def load_servable(
    reference: Reference, trust: Trust | None = None, key: SigningKey | None = None
) -> ServableModel:
    """Loads a model. `trust` has the keys that must have signed it; by default, of params.yaml.

    With a `key`, answers get receipts that it signs.

    Raises InputError where there is no such model, a file is not the one of its lineage, or the
    model has to be signed and is not.
    """
    with packed_model(reference, trust) as packed:
        refuse_changed_project(Path(), packed.lineage)
        lineage_path = packed.artifacts / LINEAGE.name
        return ServableModel(
            packed.source,
            packed.lineage,
            load_packed_translator(packed.artifacts),
            packed.signature.text,
            Receipts(describe_model(packed.source.title, lineage_path), key) if key else None,
        )
