"""Two further test sets for the tiny corpus: text files with two references, and a dataset."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

from tests.tiny_corpus import sentence

NEWS, CAPTIONS = "news", "captions"
TESTS: list[dict[str, Any]] = [
    {
        "name": NEWS,
        "files": {
            "source": "corpora/news.en",
            "references": ["corpora/news.es", "corpora/more.es"],
            "licence": "CC0-1.0",
        },
    },
    {
        "name": CAPTIONS,
        "hub": {
            "name": "corpora/captions",
            "revision": "main",
            "licence": "CC0-1.0",
            "split": "test",
        },
    },
]
"""Value of evaluate.tests."""


def write_further_sets(root: Path, trained: str = "Always the dog sees the house.") -> None:
    """Writes the files of both sets to corpora/; `trained` is the first source of the news."""
    draw = random.Random(7)
    rows = [(trained, "Siempre la puerta ve la casa."), *(sentence(draw) for _ in range(29))]
    folder = root / "corpora"
    folder.mkdir(exist_ok=True)
    columns = {
        "news.en": [source for source, _ in rows],
        "news.es": [target for _, target in rows],
        "more.es": [target.upper() if n % 2 else "" for n, (_, target) in enumerate(rows)],
    }
    for name, lines in columns.items():
        (folder / name).write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    dataset = folder / "captions"
    dataset.mkdir()
    pairs = [*(sentence(draw) for _ in range(12)), ("A sentence without a translation.", None)]
    rows_json = [json.dumps({"en": source, "es": target}) for source, target in pairs]
    (dataset / "test.jsonl").write_text("\n".join(rows_json) + "\n", encoding="utf-8")
