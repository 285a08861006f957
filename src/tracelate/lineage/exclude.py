"""Writing excluded pairs into params.yaml."""

from __future__ import annotations

from pathlib import Path

from ruamel.yaml import YAML

from tracelate.config import load_params
from tracelate.corpus.exclusion import PairSelection
from tracelate.files import whole_file
from tracelate.layout import PARAMS
from tracelate.text.normaliser import Normaliser

WIDTH = 1_000_000
"""Characters of a line that is not wrapped."""


def exclude_pairs(pairs: PairSelection, path: Path = PARAMS) -> None:
    """Adds the pairs to prepare.excluded of params.yaml, and keeps its comments.

    Texts are written as prepare.normalise treats them.

    Raises InputError if params.yaml is wrong.
    """
    pairs = pairs.normalised(Normaliser(load_params(path).prepare.normalise))
    yaml = YAML()
    yaml.preserve_quotes = True
    yaml.width = WIDTH
    document = yaml.load(path.read_text(encoding="utf-8"))
    excluded = document["prepare"]["excluded"]
    for name, values in (("texts", sorted(pairs.texts)), ("origins", pairs.origins)):
        known = excluded[name]
        known.extend(value for value in values if value not in known)
    with whole_file(path) as temporary, temporary.open("w", encoding="utf-8") as file:
        yaml.dump(document, file)
    load_params(path)
