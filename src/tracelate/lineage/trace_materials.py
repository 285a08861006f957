"""The bill of materials of whatever a trace has found."""

from __future__ import annotations

import tempfile
from pathlib import Path

from tracelate.lineage.bill_of_materials import Component, bill_of_materials, parse_requirements
from tracelate.lineage.found import download_packed
from tracelate.lineage.trace import Trace
from tracelate.tracking.packages.package_files import REQUIREMENTS_FILE


def materials_of(trace: Trace) -> Component:
    """Returns the bill of materials of a traced model.

    Libraries are those that its package requires; without a package there are none.
    """
    version = trace.chain.version
    return bill_of_materials(
        trace.lineage,
        trace.chain.metrics,
        _libraries(trace),
        name=version.name if version is not None else trace.lineage.pair,
        version=version.version if version is not None else None,
    )


def _libraries(trace: Trace) -> list[str]:
    packed = trace.found.packed
    if packed is not None and (path := packed.parent / REQUIREMENTS_FILE).is_file():
        return parse_requirements(path.read_text(encoding="utf-8"))
    location = trace.found.location or (trace.model.artifact_location if trace.model else None)
    if trace.store is None or location is None:
        return []
    with tempfile.TemporaryDirectory(prefix="tracelate-") as folder:
        copy = download_packed(trace.store, location, Path(folder), REQUIREMENTS_FILE)
        return [] if copy is None else parse_requirements(copy.read_text(encoding="utf-8"))
