"""The signature of a package: other tools check it, and no forgery passes."""

from __future__ import annotations

import os
import random
import shutil
from collections.abc import Callable
from pathlib import Path

import model_signing
import pytest

from tests.signing.keys import new_key
from tracelate.errors import InputError
from tracelate.signing.envelope import SignatureError
from tracelate.signing.keys import PRIVATE_KEY, PUBLIC_KEY, SigningKey
from tracelate.signing.package_signature import (
    SIGNATURE,
    SignedModel,
    hash_package,
    open_signature,
    read_signature,
    sign_package,
)

FILES = {
    "MLmodel": b"flavors: {}\n",
    "README.md": b"# card\n",
    "artifacts/weights.safetensors": bytes(range(256)) * 4,
    "artifacts/lineage.json": b"{}\n",
    "code/tracelate/a.py": b"x = 1\n",
    "code/tracelate/a/b.py": b"",
    "figures/a.png": b"\x89PNG",
}


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of the key pair."""
    return tmp_path_factory.mktemp("keys")


@pytest.fixture(scope="module")
def key(keys: Path) -> SigningKey:
    return new_key(keys)


@pytest.fixture
def package(tmp_path: Path, key: SigningKey) -> Path:
    folder = tmp_path / "package"
    for name, content in FILES.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
    sign(folder, key)
    return folder


def sign(folder: Path, key: SigningKey, *registered: str) -> None:
    model = SignedModel(
        registered=list(registered) or ["en-es/3"],
        model_id="m-1",
        run_id="run",
        weights_sha256="0" * 64,
        corpus="catalogs 1.0",
        signed_at="2026-01-02T03:04:05+00:00",
        lineage={"any": "thing"},
    )
    (folder / SIGNATURE).write_bytes(sign_package(hash_package(folder), model, key))


def check(folder: Path, *keys: SigningKey, registered: str = "en-es/3") -> None:
    signature = open_signature(read_signature(folder), [key.public for key in keys], "package")
    signature.refuse_other_version(registered)
    signature.refuse_changed_files(hash_package(folder))


def test_a_signed_package_is_accepted_and_says_what_it_is(package: Path, key: SigningKey) -> None:
    check(package, key)
    signature = open_signature(read_signature(package), [key.public], "package")
    assert set(signature.files) == set(FILES)
    assert signature.model.lineage == {"any": "thing"}
    (package / "registered_model_meta").write_text("model_name: en-es\n")
    check(package, key)


def test_the_reference_implementation_accepts_the_signature(
    package: Path, key: SigningKey, keys: Path
) -> None:
    verifier = model_signing.verifying.Config().use_elliptic_key_verifier(
        public_key=keys / PUBLIC_KEY
    )
    verifier.verify(package, package / SIGNATURE)
    (package / "registered_model_meta").write_text("model_name: en-es\n")
    verifier.verify(package, package / SIGNATURE)
    (package / "code" / "new.py").write_text("")
    with pytest.raises(ValueError, match=r"Extra files found in model 'package': code/new\.py"):
        verifier.verify(package, package / SIGNATURE)


def test_a_signature_of_another_tool_is_refused(package: Path, key: SigningKey, keys: Path) -> None:
    (package / SIGNATURE).unlink()
    model_signing.signing.Config().use_elliptic_key_signer(private_key=keys / PRIVATE_KEY).sign(
        package, package / SIGNATURE
    )
    with pytest.raises(SignatureError, match="or another tool made it"):
        check(package, key)


def test_every_changed_byte_is_refused(package: Path, key: SigningKey) -> None:
    draw = random.Random(1)
    for name, content in FILES.items():
        places = range(len(content))
        for place in draw.sample(places, min(len(places), 30)):
            forged = bytearray(content)
            forged[place] ^= 1 << draw.randrange(8)
            (package / name).write_bytes(forged)
            with pytest.raises(SignatureError, match=f"{name} was changed after the signing"):
                check(package, key)
        (package / name).write_bytes(content)
    check(package, key)


FORGERIES: dict[str, tuple[Callable[[Path], object], str]] = {
    "longer": (lambda folder: _append(folder / "MLmodel", b"\n"), "MLmodel was changed"),
    "removed": (lambda folder: (folder / "README.md").unlink(), "README.md is missing"),
    "planted": (lambda folder: _append(folder / "code/os.py", b"1"), "code/os.py was added"),
    "planted at the top": (lambda folder: _append(folder / "conda.yaml", b""), "conda.yaml was"),
    "hidden": (lambda folder: _append(folder / ".git/config", b"1"), r"\.git/config was added"),
    "compiled": (
        lambda folder: _append(folder / "code/tracelate/__pycache__/a.cpython-311.pyc", b"1"),
        "__pycache__/a.cpython-311.pyc was added",
    ),
    "renamed": (
        lambda folder: (folder / "figures/a.png").rename(folder / "figures/b.png"),
        r"figures/a\.png is missing",
    ),
    "exchanged": (
        lambda folder: _exchange(folder / "MLmodel", folder / "README.md"),
        "MLmodel was changed",
    ),
    "signature as a folder": (
        lambda folder: _as_folder(folder / SIGNATURE, "evil.py"),
        "is unsigned, and trusted keys are set",
    ),
    "note as a folder": (
        lambda folder: _append(folder / "registered_model_meta" / "evil.py", b"1"),
        "registered_model_meta/evil.py was added",
    ),
    "note in a folder": (
        lambda folder: _append(folder / "code" / "registered_model_meta", b"1"),
        "code/registered_model_meta was added",
    ),
    "link to a file": (
        lambda folder: (folder / "code/link.py").symlink_to(folder / "MLmodel"),
        r"code/link\.py is no regular file",
    ),
    "file replaced by a link to the same": (
        lambda folder: _as_link(folder / "MLmodel"),
        "MLmodel is no regular file",
    ),
    "link to a folder": (
        lambda folder: (folder / "more").symlink_to(folder / "code"),
        "more is no regular file",
    ),
    "note as a link": (
        lambda folder: (folder / "registered_model_meta").symlink_to("/etc/passwd"),
        "registered_model_meta is no regular file",
    ),
    "pipe": (lambda folder: os.mkfifo(folder / "pipe"), "pipe is no regular file"),
    "name that is no text": (
        lambda folder: _append(Path(os.fsdecode(bytes(folder) + b"/\xff.py")), b"1"),
        r"\\udcff\.py was added",
    ),
    "signature removed": (lambda folder: (folder / SIGNATURE).unlink(), "is unsigned"),
    "signature emptied": (lambda folder: (folder / SIGNATURE).write_text(""), "is no signature"),
    "signature as a link": (lambda folder: _as_link(folder / SIGNATURE), "is unsigned"),
}


@pytest.mark.parametrize("kind", FORGERIES)
def test_a_forgery_is_refused_with_its_place(package: Path, key: SigningKey, kind: str) -> None:
    forge, message = FORGERIES[kind]
    check(package, key)
    forge(package)
    with pytest.raises(InputError, match=message) as caught:
        check(package, key)
    str(caught.value).encode()


def test_a_package_and_its_signature_do_not_pass_for_another_version(
    package: Path, key: SigningKey
) -> None:
    for other in ("en-es/2", "en-es/33", "de-en/3", "en-es"):
        with pytest.raises(SignatureError, match=f"is signed as en-es/3, not as {other}"):
            check(package, key, registered=other)
    sign(package, key, "en-es/3", "staging/1")
    check(package, key, registered="staging/1")
    check(package, key, registered="en-es/3")
    signature = open_signature(read_signature(package), [key.public], "package")
    signature.refuse_other_model("m-1")
    with pytest.raises(SignatureError, match="is the logged model m-1, not m-2"):
        signature.refuse_other_model("m-2")


def test_the_signature_of_another_package_is_refused(
    package: Path, key: SigningKey, tmp_path: Path
) -> None:
    other = tmp_path / "other"
    shutil.copytree(package, other)
    (other / "artifacts/weights.safetensors").write_bytes(b"other weights")
    sign(other, key)
    shutil.copyfile(other / SIGNATURE, package / SIGNATURE)
    with pytest.raises(SignatureError, match=r"weights\.safetensors was changed"):
        check(package, key)


def test_a_package_that_was_signed_with_a_foreign_key_is_refused(
    package: Path, key: SigningKey, tmp_path: Path
) -> None:
    foreign = new_key(tmp_path / "foreign")
    (package / "artifacts/weights.safetensors").write_bytes(b"forged")
    sign(package, foreign)
    check(package, foreign)
    with pytest.raises(SignatureError, match=r"is signed with key .*, which is not trusted"):
        check(package, key)
    check(package, key, foreign)


def _append(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("ab") as file:
        file.write(content)


def _exchange(one: Path, other: Path) -> None:
    first, second = one.read_bytes(), other.read_bytes()
    one.write_bytes(second)
    other.write_bytes(first)


def _as_folder(path: Path, inner: str) -> None:
    path.unlink()
    _append(path / inner, b"1")


def _as_link(path: Path) -> None:
    elsewhere = path.parent.parent / f"outside-{path.name}"
    path.rename(elsewhere)
    path.symlink_to(elsewhere)
