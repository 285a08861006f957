"""A project with a small corpus in data/raw, made without the stage download."""

from __future__ import annotations

from pathlib import Path

from tests.corpus.shifts.made_text import made_pairs, with_shift
from tests.tiny_corpus import SETTINGS, write_params
from tracelate.corpus.pairs import Pair, write_pairs
from tracelate.corpus.sources.line_files import FileProvenance
from tracelate.files import write_json

HOSTILE = "</details><script>alert('ran')</script> <img src=x onerror=alert(1)> {{ 1 }}"


def raw_pairs() -> list[Pair]:
    """1,500 pairs with a shifted run, an empty side, repeats and markup."""
    pairs = with_shift(made_pairs(1_500), 600, 30, 1)
    pairs[0] = pairs[0]._replace(source=HOSTILE, target=HOSTILE.swapcase())
    pairs[1] = pairs[1]._replace(target="")
    pairs[200] = pairs[200]._replace(source=f"\x1b[31m {pairs[200].source}")
    for place in range(2, 12):
        pairs[place] = pairs[200]._replace(origin=f"made.en:{place + 1}")
    pairs[12] = pairs[12]._replace(source="x" * 5_000)
    return pairs


def write_project(folder: Path, **prepare: object) -> None:
    """Writes params.yaml and data/raw."""
    write_params(folder, {**SETTINGS, **{f"prepare.{name}": one for name, one in prepare.items()}})
    pairs = raw_pairs()
    write_pairs(folder / "data/raw/all.parquet", pairs)
    provenance = FileProvenance(
        files={}, licence="CC0-1.0", source_language="en", target_language="es",
        pairs={"all": len(pairs)},
    )  # fmt: skip
    write_json(folder / "data/raw/provenance.json", provenance.model_dump(mode="json"))
