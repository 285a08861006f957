"""Archives from which a corpus is unpacked, some of which were made to harm their reader."""

from __future__ import annotations

import gzip
import io
import lzma
import stat
import tarfile
import zipfile
from collections.abc import Callable, Iterable
from pathlib import Path

import pytest

from tracelate.corpus.sources import members
from tracelate.corpus.sources.members import PackedFile, find_members, unpack_members
from tracelate.errors import InputError

TEXT = {"README": b"read me\n", "a.en": b"a dog\n", "a.es": b"un perro\n", "sub/b.en": b"b\n"}
Make = Callable[[dict[str, bytes]], bytes]
LIMIT = 10 * 2**20


def zip_of(files: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as made:
        for name, content in files.items():
            made.writestr(name, content)
    return buffer.getvalue()


def tar_of(
    files: dict[str, bytes], infos: Iterable[tarfile.TarInfo] = (), form: int = tarfile.PAX_FORMAT
) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=form) as made:
        for name, content in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            made.addfile(info, io.BytesIO(content))
        for info in infos:
            made.addfile(info)
    return buffer.getvalue()


def unpack(
    folder: Path, content: bytes, *patterns: str, name: str = "packed", limit: int = LIMIT
) -> dict[str, bytes]:
    """Returns what was unpacked, by its path in the folder."""
    path, out = folder / "file", folder / "out"
    path.write_bytes(content)
    out.mkdir(exist_ok=True)
    names = unpack_members(PackedFile(path, name, "the file", limit), patterns, out)
    found = {str(one.relative_to(out)): one.read_bytes() for one in out.rglob("*") if one.is_file()}
    assert names == sorted(found)
    return found


def refusal(folder: Path, content: bytes, *patterns: str, limit: int = LIMIT) -> str:
    with pytest.raises(InputError) as caught:
        unpack(folder, content, *patterns, limit=limit)
    [line] = str(caught.value).splitlines()
    assert set(folder.iterdir()) <= {folder / "file", folder / "out"}
    return line


@pytest.mark.parametrize(
    "content",
    [
        zip_of(TEXT),
        tar_of(TEXT),
        tar_of(TEXT, form=tarfile.GNU_FORMAT),
        gzip.compress(tar_of(TEXT)),
        lzma.compress(tar_of(TEXT)),
        tar_of({f"./{name}": content for name, content in TEXT.items()}),
    ],
    ids=["zip", "tar", "gnu", "gz", "xz", "dot"],
)
def test_members_that_a_pattern_fits_are_unpacked_and_no_others(
    tmp_path: Path, content: bytes
) -> None:
    found = unpack(tmp_path, content, "*.en", "a.e*")
    assert found == {"a.en": b"a dog\n", "a.es": b"un perro\n"}


def test_two_stars_fit_any_folders(tmp_path: Path) -> None:
    assert unpack(tmp_path, zip_of(TEXT), "**/*.en").keys() == {"a.en", "sub/b.en"}


def test_a_file_that_is_no_archive_is_its_own_member(tmp_path: Path) -> None:
    packed = gzip.compress(b"en\tes\na\tb\n")
    assert unpack(tmp_path, packed, "*", name="table.tsv.gz") == {"table.tsv.gz": packed}


def test_a_pattern_without_a_member_is_named_with_the_members_that_are_there(
    tmp_path: Path,
) -> None:
    for content in (zip_of(TEXT), tar_of(TEXT)):
        line = refusal(tmp_path, content, "*.en", "*.de")
        assert line.startswith(
            "the file has no member like '*.de'; it has 'README', 'a.en', 'a.es'"
        )


def test_a_star_stays_within_a_folder() -> None:
    names = ["a.en", "x/a.en", "x/y/a.en", "x/y/b.en", "x/a[1].en"]
    assert find_members(names, "*.en") == ["a.en"]
    assert find_members(names, "*/*.en") == ["x/a.en", "x/a[1].en"]
    assert find_members(names, "**/a.en") == ["a.en", "x/a.en", "x/y/a.en"]
    assert find_members(names, "x/a[1].en") == ["x/a[1].en"]


@pytest.mark.parametrize("name", ["/etc/x", "../x", "a/../../x", "a\\..\\x", "C:x", "a\x1b[2Jb"])
@pytest.mark.parametrize("make", [zip_of, tar_of])
def test_a_name_that_leads_out_of_the_folder_is_refused(
    tmp_path: Path, name: str, make: Make
) -> None:
    line = refusal(tmp_path, make({**TEXT, name: b"text"}), "**/*")
    assert "is no safe archive" in line and "unsafe name" in line


def _of_type(kind: bytes, name: str = "a.en", target: str = "/etc/passwd") -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.type, info.linkname = kind, target
    return info


@pytest.mark.parametrize(
    "kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.FIFOTYPE, tarfile.CHRTYPE]
)
def test_links_and_devices_are_refused(tmp_path: Path, kind: bytes) -> None:
    line = refusal(tmp_path, tar_of({}, [_of_type(kind)]), "*.en")
    assert "its member 'a.en' is no regular file" in line
    assert list((tmp_path / "out").iterdir()) == []


def test_a_link_in_a_zip_is_refused(tmp_path: Path) -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as made:
        info = zipfile.ZipInfo("a.en")
        info.external_attr = (stat.S_IFLNK | 0o777) << 16
        made.writestr(info, "/etc/passwd")
    assert "is no regular file" in refusal(tmp_path, buffer.getvalue(), "*.en")


def test_a_name_that_occurs_twice_is_refused(tmp_path: Path) -> None:
    twice = tar_of({}, [tarfile.TarInfo("a.en"), tarfile.TarInfo("./a.en")])
    assert "its member 'a.en' occurs twice" in refusal(tmp_path, twice, "*.en")


def test_a_member_that_is_a_file_and_a_folder_is_refused(tmp_path: Path) -> None:
    for make in (zip_of, tar_of):
        for names in (["a", "a/b"], ["a/b", "a"]):
            line = refusal(tmp_path, make(dict.fromkeys(names, b"x")), "**/*")
            assert "is a file and a folder" in line
            for path in sorted((tmp_path / "out").rglob("*"), reverse=True):
                path.rmdir() if path.is_dir() else path.unlink()


@pytest.mark.parametrize("make", [zip_of, tar_of])
def test_more_bytes_than_the_limit_are_refused(tmp_path: Path, make: Make) -> None:
    line = refusal(tmp_path, make({"a": bytes(range(256)) * 600}), "*", limit=100_000)
    assert "more than" in line


def test_a_bomb_is_refused(tmp_path: Path) -> None:
    large = b" " * (2**24 + 2**22)
    assert "packed more than 200 times smaller" in refusal(
        tmp_path, zip_of({"a": large}), "*", limit=2**40
    )
    assert "packed more than 200 times smaller" in refusal(
        tmp_path, gzip.compress(tar_of({"a": large})), "*", limit=2**40
    )


def test_a_header_that_is_read_whole_has_a_limit(tmp_path: Path) -> None:
    for kind in (tarfile.XHDTYPE, tarfile.GNUTYPE_LONGNAME):
        info = _of_type(kind, target="")
        info.size = 2**33
        header = info.tobuf(tarfile.GNU_FORMAT)
        assert "it has a header of 8,589,934,592 bytes" in refusal(
            tmp_path, tar_of(TEXT)[:2048] + header + b" " * 4096, "*"
        )


def test_a_sparse_file_is_refused(tmp_path: Path) -> None:
    info = _of_type(tarfile.GNUTYPE_SPARSE, target="")
    assert "sparse" in refusal(tmp_path, info.tobuf(tarfile.GNU_FORMAT) + bytes(1024), "*")
    info = tarfile.TarInfo("a")
    info.pax_headers = {"GNU.sparse.map": "0,0", "GNU.sparse.size": str(2**40)}
    assert "no regular file" in refusal(tmp_path, tar_of({}, [info]), "*")


def test_too_many_members_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(members, "MAX_MEMBERS", 2)
    assert "more than 2 members" in refusal(tmp_path, tar_of(TEXT), "*")


@pytest.mark.parametrize("at", [0.0, 0.2, 0.4, 0.6, 0.8])
@pytest.mark.parametrize("cut", [False, True])
@pytest.mark.parametrize(
    "content",
    [
        zip_of({f"{n}.en": b"text\n" * 99 for n in range(9)}),
        tar_of({f"{n}.en": b"text\n" * 99 for n in range(9)}),
        gzip.compress(tar_of({f"{n}.en": b"text\n" * 99 for n in range(9)})),
    ],
    ids=["zip", "tar", "tar.gz"],
)
def test_a_damaged_archive_ends_in_one_line(
    tmp_path: Path, content: bytes, cut: bool, at: float
) -> None:
    place = int(len(content) * at)
    flipped = bytes(255 - byte for byte in content[place : place + 40])
    damaged = content[:place] if cut else content[:place] + flipped + content[place + 40 :]
    try:
        unpack(tmp_path, damaged, "*.en")
    except InputError as error:
        assert len(str(error).splitlines()) == 1


def test_bzip2_is_named(tmp_path: Path) -> None:
    assert "is bzip2, which is not read" in refusal(tmp_path, b"BZh91AY&SY" + bytes(50), "*")
