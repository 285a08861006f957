"""A corpus of three sources for tests: an archive, catalogs in a wheel, and a table.

The archive and the wheel lie in the cache, so that nothing is fetched.
"""

from __future__ import annotations

import io
import random
import zipfile
from hashlib import sha256
from pathlib import Path
from typing import Any

from tests.tiny_corpus import (
    PATH,
    build_wheel,
    put_into_cache,
    sentence,
    tiny_settings,
    write_params,
)
from tracelate.corpus.sources.remote_archive import cached_archive

ADDRESS = "https://corpora.example/v1/moses/en-es.txt.zip"
LICENCES = {"web": "CC-BY-4.0", "app": "Apache-2.0", "own": "proprietary"}
WEB_PAIRS, OWN_PAIRS, MAX_OWN_PAIRS = 300, 60, 40


def three_sources() -> dict[str, Any]:
    """Puts the sources into the cache and corpora/ of this folder. Returns their settings."""
    draw = random.Random(2)
    web = [sentence(draw) for _ in range(WEB_PAIRS)]
    own = [(f"{source} Thanks!", f"{target} ¡Gracias!") for source, target in
           (sentence(draw) for _ in range(OWN_PAIRS))]  # fmt: skip
    archive = zipped({"Web.en-es.en": lines(one[0] for one in web),
                      "Web.en-es.es": lines(one[1] for one in web)})  # fmt: skip
    path = cached_archive(sha256(archive).hexdigest())
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(archive)
    wheel = build_wheel()
    put_into_cache(wheel)
    Path("corpora").mkdir(exist_ok=True)
    table = ["en\tes_MX", *map("\t".join, own)]
    Path("corpora/own.tsv").write_text(lines(table), encoding="utf-8")
    return {
        "web": {
            "archive": {
                "address": ADDRESS,
                "sha256": sha256(archive).hexdigest(),
                "max_megabytes": 10,
                "train": {"source": "*.en", "target": "*.es"},
                "licence": LICENCES["web"],
            },
            "weight": 0.5,
            "splits": ["train"],
        },
        "app": {
            "catalogs": {
                "package": "tinycatalogs",
                "version": "1.0",
                "sha256": sha256(wheel).hexdigest(),
                "python_version": "3.13.2",
                "path": PATH,
                "licence": LICENCES["app"],
            },
        },
        "own": {
            "documents": {"train": ["corpora/own.tsv"], "licence": LICENCES["own"]},
            "target_language": "es_MX",
            "weight": 2,
            "splits": ["train"],
            "max_pairs": MAX_OWN_PAIRS,
        },
    }


def write_three_sources() -> None:
    """Writes params.yaml and the sources into this folder and the cache."""
    settings = {
        **tiny_settings(build_wheel()),
        "download.corpus": "sources",
        "download.sources": three_sources(),
    }
    write_params(Path(), settings)


def zipped(files: dict[str, str]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as made:
        for name, text in files.items():
            made.writestr(zipfile.ZipInfo(name), text)
    return buffer.getvalue()


def lines(texts: Any) -> str:
    return "".join(f"{one}\n" for one in texts)
