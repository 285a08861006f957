"""The hashes of a run's files: a tag `sha256.PATH` each in Tracelate, one tag `sha256` in MLflow.

MLflow's page of a run shows every tag in a row of its own. The value of the one tag is a JSON
object from paths to hashes; each further test set has one of its own, such as
`sha256.test_sets/news`, as another process may evaluate it meanwhile. Runs of older versions have a
tag for each file.
"""

from __future__ import annotations

import json
from collections.abc import Mapping

TAG = "sha256"
FURTHER_SETS = "test_sets/"
"""Beginning of the paths whose third part names a file of the test set in the second part."""


def fold(tags: Mapping[str, str], stored: Mapping[str, str]) -> dict[str, str]:
    """Returns `tags` for MLflow: hashes in one tag, with those in the run's `stored` tags."""
    folded: dict[str, str] = {}
    hashes: dict[str, dict[str, str]] = {}
    for name, value in tags.items():
        path = name.removeprefix(f"{TAG}.")
        if path == name:
            folded[name] = value
        else:
            hashes.setdefault(_tag_of(path), {})[path] = value
    for name, added in hashes.items():
        files = _hashes(stored.get(name, "")) | added
        folded[name] = json.dumps(files, ensure_ascii=False, sort_keys=True, indent=1)
    return folded


def unfold(tags: Mapping[str, str]) -> dict[str, str]:
    """Returns MLflow's tags with a tag `sha256.PATH` for each hash."""
    unfolded: dict[str, str] = {}
    hashes: dict[str, str] = {}
    for name, value in tags.items():
        files = _hashes(value) if name == TAG or name.startswith(f"{TAG}.") else {}
        if files:
            hashes |= {f"{TAG}.{path}": sha256 for path, sha256 in files.items()}
        else:
            unfolded[name] = value
    return unfolded | hashes


def has_hashes(tags: Mapping[str, str]) -> bool:
    """Returns True if one of the tags is the hash of a file."""
    return any(name.startswith(f"{TAG}.") for name in tags)


def _tag_of(path: str) -> str:
    if not path.startswith(FURTHER_SETS):
        return TAG
    return f"{TAG}.{path.rpartition('/')[0]}"


def _hashes(value: str) -> dict[str, str]:
    try:
        files = json.loads(value)
    except ValueError:
        return {}
    if not isinstance(files, dict):
        return {}
    return {path: sha256 for path, sha256 in files.items() if isinstance(sha256, str)}
