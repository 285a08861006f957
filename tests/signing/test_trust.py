"""The trusted keys of params.yaml and of options."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.signing.keys import new_key
from tests.tiny_corpus import SETTINGS, write_params
from tracelate.errors import InputError
from tracelate.signing.keys import PUBLIC_KEY
from tracelate.signing.trust import NO_TRUST, read_trust


def test_keys_are_those_of_the_nearest_params_whatever_the_folder(tmp_path: Path) -> None:
    key = new_key(tmp_path / "keys")
    write_params(tmp_path, {**SETTINGS, "registry.trusted_keys": [f"keys/{PUBLIC_KEY}"]})
    (tmp_path / "inner" / "folder").mkdir(parents=True)
    for folder in (tmp_path, tmp_path / "inner" / "folder"):
        trust = read_trust(folder=folder)
        assert [one.fingerprint for one in trust.keys] == [key.public.fingerprint]
        assert trust.project == tmp_path and trust.is_required


def test_keys_of_options_stand_in_place_of_those_of_params(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    new_key(tmp_path / "keys")
    other = new_key(tmp_path / "other")
    write_params(tmp_path, {**SETTINGS, "registry.trusted_keys": [f"keys/{PUBLIC_KEY}"]})
    monkeypatch.chdir(tmp_path)
    trust = read_trust([Path("other") / PUBLIC_KEY])
    assert [one.fingerprint for one in trust.keys] == [other.public.fingerprint]
    assert trust.project is None


@pytest.mark.parametrize(
    "text", ["registry: {}", "registry: {trusted_keys: []}", "other: 1", "[]", ""]
)
def test_without_keys_no_signature_is_needed(tmp_path: Path, text: str) -> None:
    (tmp_path / "params.yaml").write_text(text)
    assert not read_trust(folder=tmp_path).is_required


def test_without_params_no_signature_is_needed() -> None:
    assert read_trust(folder=Path("/")) == NO_TRUST


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("registry: {trusted_keys: keys/a.pub}", r"trusted_keys is 'keys/a\.pub': write a list"),
        ("registry: {trusted_keys: [1]}", "write a list"),
        ("registry: {trusted_keys: null}", "write a list"),
        ("registry: {trusted_keys: [gone.pub]}", r"gone\.pub cannot be read"),
        ("registry: {trusted_keys: [params.yaml]}", r"params\.yaml is no public key"),
        ("registry: {trusted_keys: [", "cannot be read, so that registry.trusted_keys is unknown"),
    ],
)
def test_a_setting_that_cannot_be_read_is_refused_and_not_taken_for_no_keys(
    tmp_path: Path, text: str, message: str
) -> None:
    (tmp_path / "params.yaml").write_text(text)
    with pytest.raises(InputError, match=message):
        read_trust(folder=tmp_path)
