"""References with plus signs, such as models:/a@champion+models:/b, which name an ensemble."""

from __future__ import annotations

from pathlib import Path

from tracelate.errors import InputError
from tracelate.inference.combining import combine
from tracelate.signing.trust import Trust
from tracelate.tracking.references.references import Reference, resolve
from tracelate.tracking.references.trained_models import LoadedModel, load_trained

PLUS = "+"
MAX_MEMBERS = 64


def resolve_members(text: str) -> list[Reference]:
    """Finds the one model that `text` names, or the members of an ensemble.

    A path that exists is one model, whatever is in its name. Raises InputError as `resolve` does.
    """
    names = text.split(PLUS)
    if len(names) == 1 or _is_path(text):
        return [resolve(text)]
    if len(names) > MAX_MEMBERS:
        raise InputError(
            f"{text[:100]}… has {len(names):,} members: an ensemble has up to {MAX_MEMBERS}, each "
            "of which takes its time and memory"
        )
    if not all(names):
        raise InputError(f"{text!r} has a plus sign without a model beside it: remove it")
    return [resolve(name) for name in names]


def load_members(references: list[Reference], trust: Trust) -> LoadedModel:
    """Loads the model, or several as an ensemble, which has the settings of the first.

    An ensemble has no lineage of its own, and gives no receipt. Raises InputError as `load_trained`
    and `combine` do.
    """
    loaded = [load_trained(reference, trust) for reference in references]
    if len(loaded) == 1:
        return loaded[0]
    members = {
        f"member {number}, {reference.text},": one.trained
        for number, (reference, one) in enumerate(zip(references, loaded, strict=True), start=1)
    }
    hashes = {
        f"{number}/{name}": sha256
        for number, one in enumerate(loaded, start=1)
        for name, sha256 in one.sha256_by_name.items()
    }
    return LoadedModel(combine(members), loaded[0].settings, hashes, None)


def _is_path(text: str) -> bool:
    try:
        return Path(text).exists()
    except (OSError, ValueError):  # too long for a path, or in a folder that may not be read
        return False
