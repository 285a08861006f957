"""Writes the page of an inspection of the project's corpus, and nothing else."""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

from tracelate.config import PrepareConfig
from tracelate.corpus.raw import raw_splits
from tracelate.corpus.sources.choose import read_provenance
from tracelate.files import refuse_unwritable, temporary_folder, whole_file
from tracelate.inspection.document import comparison_document, counts_document
from tracelate.inspection.frequent import frequent_pairs
from tracelate.inspection.inspecting import Inspection, Inspector, inspect_corpus
from tracelate.inspection.outcomes import compare
from tracelate.inspection.page import Compared, inspection_page
from tracelate.layout import LOCAL, PROVENANCE, RAW
from tracelate.progress import bar_for_each_step

FREQUENT_PAIRS = 25


class OtherSettings(NamedTuple):
    """Settings that are compared with those of the project."""

    name: str
    """Name of their file."""
    config: PrepareConfig


def write_inspection(
    output: Path, config: PrepareConfig, other: OtherSettings | None, size: int, seed: int
) -> dict[str, Any]:
    """Writes the page, with samples of at most `size` pairs. Returns its counts as JSON values.

    Raises InputError where there is no corpus in data/raw, or prepare would refuse it.
    """
    raw, provenance = raw_splits(RAW), read_provenance(PROVENANCE)
    refuse_unwritable([output.parent, LOCAL])
    with temporary_folder(LOCAL / "inspection") as folder, bar_for_each_step() as on_progress:

        def inspected(settings: PrepareConfig, name: str) -> Inspection:
            (folder / name).mkdir()
            suffix = "" if other is None else f", {name} settings"
            return inspect_corpus(
                raw,
                settings,
                provenance,
                folder / name,
                Inspector(size, seed),
                lambda step, done, total: on_progress(f"{step}{suffix}", done, total),
            )

        inspection = inspected(config, "these")
        compared = None
        if other is not None:
            after = inspected(other.config, "other")
            outcomes = inspection.inspector.outcomes, after.inspector.outcomes
            comparison = compare(raw, *outcomes, size, seed, on_progress)
            compared = Compared(other.name, after, comparison)
        frequent = frequent_pairs(raw, FREQUENT_PAIRS, on_progress)
        document = inspection_page(inspection, provenance, frequent, folder, compared)
    with whole_file(output) as temporary:
        temporary.write_text(document, encoding="utf-8", newline="\n")
    counts = {"corpus": provenance.title, **counts_document(inspection, frequent)}
    if compared is not None:
        counts["against"] = comparison_document(
            inspection, compared.inspection, compared.comparison
        )
    return counts
