"""Wheels that were made to harm their reader: each ends in one line, within bounded memory."""

from __future__ import annotations

import io
import json
import resource
import stat
import struct
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.corpus.sources.test_catalogs import config_for
from tests.tiny_corpus import PATH, put_into_cache
from tracelate.corpus.sources import archive
from tracelate.corpus.sources.archive import open_archive
from tracelate.corpus.sources.catalogs import CatalogSource
from tracelate.errors import InputError

EN, ES = (PATH.format(group="a", language=language) for language in ("en", "es"))
GOOD = json.dumps({"k": "text"}).encode()


def zipped(
    *members: tuple[str, bytes], change: Callable[[zipfile.ZipInfo], None] | None = None
) -> bytes:
    """A wheel with good catalogs and these members, which `change` may alter."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as made:
        for name, content in members:
            info = zipfile.ZipInfo(name)
            info.compress_type = zipfile.ZIP_DEFLATED
            if change is not None:
                change(info)
            made.writestr(info, content)
    return buffer.getvalue()


@pytest.fixture
def refusal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[bytes], str]:
    """Reads the wheel as the stage does, and returns its one line of refusal."""

    def read(wheel: bytes) -> str:
        monkeypatch.setenv("TRACELATE_CACHE", str(tmp_path))
        put_into_cache(wheel)
        with pytest.raises(InputError) as error:
            CatalogSource(config_for(wheel), "en", "es").read()
        [line] = str(error.value).splitlines()
        return line

    return read


@pytest.mark.filterwarnings("ignore:Duplicate name")
@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("/etc/x.json", "unsafe name"),
        ("../x.json", "unsafe name"),
        ("a/../../x.json", "unsafe name"),
        ("a\\..\\x.json", "unsafe name"),
        ("C:x.json", "unsafe name"),
        ("a\x1b[2J.json", "unsafe name"),
        ("n" * 1_001, "unsafe name"),
        (EN, "occurs 2 times"),
    ],
)
def test_a_member_with_an_unsafe_name_is_refused(
    refusal: Callable[[bytes], str], name: str, reason: str
) -> None:
    assert reason in refusal(zipped((EN, GOOD), (ES, GOOD), (name, GOOD)))


def _symlink(info: zipfile.ZipInfo) -> None:
    info.external_attr = (stat.S_IFLNK | 0o777) << 16


def _bzip2(info: zipfile.ZipInfo) -> None:
    info.compress_type = zipfile.ZIP_BZIP2


def test_a_link_and_another_method_are_refused(refusal: Callable[[bytes], str]) -> None:
    members = ((EN, b"/etc/passwd"), (ES, GOOD))
    assert "is no regular file" in refusal(zipped(*members, change=_symlink))
    assert "another method" in refusal(zipped((EN, GOOD), (ES, GOOD), change=_bzip2))


def test_an_encrypted_member_is_refused(refusal: Callable[[bytes], str]) -> None:
    wheel = bytearray(zipped((EN, GOOD), (ES, GOOD)))
    for signature, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        place = wheel.find(signature)
        while place >= 0:
            struct.pack_into("<H", wheel, place + offset, 1)
            place = wheel.find(signature, place + 4)
    assert "is encrypted" in refusal(bytes(wheel))


def test_a_bomb_is_refused(refusal: Callable[[bytes], str]) -> None:
    large = b'{"k": "' + b" " * (archive.MAX_MEMBER_BYTES + 1) + b'"}'
    assert "more than 4,194,304" in refusal(zipped((EN, large), (ES, GOOD)))
    dense = b'{"k": "' + b" " * 2**20 + b'"}'
    assert "packed more than 200 times smaller" in refusal(zipped((EN, dense), (ES, GOOD)))


def test_a_member_that_is_larger_than_it_says_is_refused(refusal: Callable[[bytes], str]) -> None:
    large = b'{"k": "' + b" " * 10_000_000 + b'"}'
    wheel = bytearray(zipped((EN, large), (ES, GOOD)))
    for signature, offset in ((b"PK\x03\x04", 22), (b"PK\x01\x02", 24)):
        struct.pack_into("<I", wheel, wheel.find(signature) + offset, 1_000)
    assert "is damaged" in refusal(bytes(wheel))


def test_too_many_members_and_too_many_bytes_are_refused(
    refusal: Callable[[bytes], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    wheel = zipped((EN, GOOD), (ES, GOOD), ("c", b""))
    with monkeypatch.context() as patch:
        patch.setattr(archive, "MAX_MEMBERS", 2)
        assert "it has 3 members, more than 2" in refusal(wheel)
    with monkeypatch.context() as patch:
        patch.setattr(archive, "MAX_TOTAL_BYTES", len(GOOD) + 1)
        assert "its catalogs have more than" in refusal(wheel)
    monkeypatch.setattr(archive, "MAX_ARCHIVE_BYTES", 10)
    assert "more than the 10 that are read" in refusal(wheel)


@pytest.mark.parametrize("at", [0.1, 0.3, 0.5, 0.7, 0.9])
@pytest.mark.parametrize("width", [1, 40])
def test_a_damaged_wheel_ends_in_one_line(tmp_path: Path, at: float, width: int) -> None:
    wheel = bytearray(zipped(*((f"{n}{EN}", GOOD * 9) for n in range(5))))
    place = int(len(wheel) * at)
    wheel[place : place + width] = bytes(255 - byte for byte in wheel[place : place + width])
    path = tmp_path / "damaged.whl"
    path.write_bytes(wheel)
    try:
        with open_archive(path, "the wheel") as opened:
            for name in opened.names:
                opened.read(name)
    except InputError as error:
        assert len(str(error).splitlines()) == 1


@pytest.mark.parametrize(
    "text",
    [
        b'{"a":' * 100_000 + b"1" + b"}" * 100_000,
        b"[" * 500_000,
        b'{"k": ' + b"9" * 10_000 + b"}",
        b'{"k": "\\ud800"}',
        b'{"\\udfff": "text"}',
        b'{"k": "\xff"}',
        b"",
        b"\x00" * 100,
    ],
)
def test_json_that_cannot_be_read_is_refused(refusal: Callable[[bytes], str], text: bytes) -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as made:
        made.writestr(EN, text)
        made.writestr(ES, text)
    assert "is no valid JSON" in refusal(buffer.getvalue())


def test_a_bomb_takes_little_memory(tmp_path: Path) -> None:
    """2 MB that unpack to 2 GB; the process has an address space of 1 GB for all it does."""
    wheel = tmp_path / "bomb.whl"
    with zipfile.ZipFile(wheel, "w", zipfile.ZIP_DEFLATED) as made, made.open(EN, "w") as member:
        for _ in range(2_000):
            member.write(b" " * 2**20)
    assert wheel.stat().st_size < 3_000_000
    script = (
        "import sys\nfrom pathlib import Path\n"
        "from tracelate.corpus.sources.archive import open_archive\n"
        f"with open_archive(Path({str(wheel)!r}), 'x') as one:\n    one.read({EN!r})\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script],
        capture_output=True,
        text=True,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_AS, (2**30, 2**30)),
    )
    assert "InputError: x is no safe wheel" in done.stderr and "MemoryError" not in done.stderr
