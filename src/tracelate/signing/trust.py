"""The public keys whose signatures are trusted: those of params.yaml, or of a command's option."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from tracelate import layout
from tracelate.errors import InputError
from tracelate.signing.keys import PublicKey, load_public_key

SETTING = "registry.trusted_keys"


class Trust(NamedTuple):
    """The trusted keys. Where there are some, models without their signature are refused."""

    keys: tuple[PublicKey, ...]
    project: Path | None = None
    """Folder of the params.yaml that names the keys.

    The model files of that project are as trustworthy as its params.yaml, and need no signature.
    """

    @property
    def is_required(self) -> bool:
        """True if a model needs a signature."""
        return bool(self.keys)


NO_TRUST = Trust(())
"""No signature is needed."""


def read_trust(paths: Sequence[Path] = (), folder: Path | None = None) -> Trust:
    """Returns the keys at `paths`, or without any those that the nearest params.yaml names.

    It is searched in `folder`, by default the current one, and above it. The paths in it are
    relative to its folder.

    Raises InputError if a key cannot be read, or the setting is damaged.
    """
    if paths:
        return Trust(tuple(load_public_key(path) for path in paths))
    here = (folder or Path()).absolute()
    found = (above / layout.PARAMS for above in (here, *here.parents))
    params = next((path for path in found if path.is_file()), None)
    if params is None:
        return NO_TRUST
    names = _names(params)
    return Trust(tuple(load_public_key(params.parent / name) for name in names), params.parent)


def _names(params: Path) -> list[str]:
    """Returns the setting alone, so that a params.yaml of another version is no hindrance."""
    try:
        values = YAML(typ="safe", pure=True).load(params.read_text(encoding="utf-8"))
    except (YAMLError, UnicodeDecodeError) as error:
        raise InputError(
            f"{params} cannot be read, so that {SETTING} is unknown: correct the file"
        ) from error
    section = values.get("registry") if isinstance(values, dict) else None
    names = section.get("trusted_keys", []) if isinstance(section, dict) else []
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise InputError(
            f"{params}: {SETTING} is {names!r}: write a list of paths of public keys, such as "
            "[keys/tracelate.pub], or []"
        )
    return names
