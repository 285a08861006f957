"""Every YAML file that is no settings file is refused at once, in one short line."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from tests.tiny_corpus import PROJECT
from tracelate.config import load_params
from tracelate.errors import InputError
from tracelate.yaml_file import MAX_BYTES, MAX_DEPTH, MAX_VALUES, parse_yaml, read_yaml

TEXT = (PROJECT / "params.yaml").read_text(encoding="utf-8")
LONGEST_MESSAGE = 1_500
LEVELS = range(1, 9)
ALIAS_BOMB = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"a{level}: &a{level} [{', '.join([f'*a{level - 1}'] * 10)}]\n" for level in LEVELS
)
MERGE_BOMB = "a0: &a0 {x: 1}\n" + "".join(
    f"a{level}: &a{level} {{<<: [{', '.join([f'*a{level - 1}'] * 10)}]}}\n" for level in LEVELS
)


def with_seed(value: str) -> str:
    assert TEXT.count("\n  seed: 1\n") == 1
    return TEXT.replace("\n  seed: 1\n", f"\n  seed: {value}\n")


REFUSED = {
    "alias bomb": (TEXT + ALIAS_BOMB, "has more than 5,000 keys and values, those of aliases"),
    "alias bomb as a value": (ALIAS_BOMB + with_seed("*a8"), "has more than 5,000 keys and values"),
    "merge bomb": (TEXT + MERGE_BOMB, "has more than 5,000 keys and values"),
    "alias inside itself": (TEXT + "a: &a {b: [*a]}\n", "has the alias a inside itself"),
    "unknown alias": ("a: *b\n", "found undefined alias 'b'"),
    "too large": (b"#" * (MAX_BYTES + 1), "has more than 262,144 bytes, the limit: shorten it"),
    "many keys": ("".join(f"k{one}: 1\n" for one in range(10_000)), "has more than 5,000 keys"),
    "long list": (with_seed(f"[{'1, ' * 50_000}1]"), "has more than 5,000 keys and values"),
    "unknown keys": (TEXT + "".join(f"k{one}: 1\n" for one in range(2_000)), "; and 1990 more"),
    "deep lists": ("a: " + "[" * 10_000, "nests more than 20 mappings and lists: flatten it"),
    "deep mappings": ("a: " + "{a: " * 200 + "1" + "}" * 200, "nests more than 20 mappings"),
    "deep blocks": ("- " * 500, "nests more than 20 mappings and lists"),
    "python object": ("a: !!python/object/apply:os.system [x]", "is no valid YAML: could not"),
    "custom tag": ("a: !mine x", "could not determine a constructor for the tag '!mine'"),
    "wrong int tag": ("a: !!int x", "is no valid YAML: invalid literal for int()"),
    "wrong bool tag": ("a: !!bool x", "is no valid YAML: a tag is wrong ('x'); correct it"),
    "date": (with_seed("2026-02-03"), "train.seed is the date 2026-02-03: should be a valid int"),
    "no date": (with_seed("2026-99-99"), "is no valid YAML: month must be in 1..12; correct it"),
    "bytes": (with_seed("!!binary aGk="), "train.seed is of the type bytes: should be a valid in"),
    "set": (with_seed("!!set {x, y}"), "train.seed is of the type set: should be a valid integer"),
    "long number": (with_seed("9" * 5_000), "is no valid YAML: Exceeds the limit"),
    "long hexadecimal number": (with_seed("0x" + "f" * 50_000), "has a number of 200,000 bits"),
    "long text": (with_seed("x" * 100_000), "train.seed is 'xxx"),
    "long key": (f"? {'k' * 100_000}\n: 1\n", "k… is not a setting"),
    "key with escapes": (TEXT + '"a\\e[31m": 1\n', "'a\\x1b[31m' is not a setting"),
    "duplicate key": (TEXT + "train: {}\n", 'found duplicate key "train" with value'),
    "key of another type": (TEXT + "1: 2\n", "has the key 1, which is no text: quote it"),
    "list as a key": ("? [a, b]\n: c\n", "has the key ('a', 'b'), which is no text: quote it"),
    "several documents": (TEXT + "---\n" + TEXT, "has several documents: remove all from"),
    "empty file": ("", "sections with settings are missing, and there is null: add them"),
    "list": ("- a\n", "sections with settings are missing, and there is ['a']: add them"),
    "text": ("word", "sections with settings are missing, and there is 'word': add them"),
    "tab": ("a:\n\t- x", "found character '\\t' that cannot start any token"),
    "UTF-16": (
        TEXT.encode("utf-16"),
        "can't decode byte 0xff in position 0: invalid start byte; sa",
    ),
    "UTF-16 without a mark": (TEXT.encode("utf-16-be"), "unacceptable character #x0000"),
    "NUL": ("a: \0", "unacceptable character #x0000: special characters are not allowed"),
    "lone surrogate": (TEXT.replace("Apache-2.0", '"\\ud800"'), "licence is '\\ud800': should be"),
}


@pytest.mark.parametrize(("content", "message"), REFUSED.values(), ids=REFUSED)
def test_what_is_no_settings_file_is_refused_at_once_in_one_short_line(
    tmp_path: Path, content: str | bytes, message: str
) -> None:
    path = tmp_path / "params.yaml"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    began_s = time.perf_counter()
    with pytest.raises(InputError) as error:
        load_params(path)
    assert time.perf_counter() - began_s < 2
    said = str(error.value)
    assert said.startswith(str(path)) and message in said
    assert len(said) < LONGEST_MESSAGE and said.isprintable()


@pytest.mark.parametrize(
    "content",
    [
        b"\xef\xbb\xbf" + TEXT.encode(),
        TEXT.replace("\n", "\r\n").encode(),
        (TEXT + "# a long comment\n" * 5_000).encode(),
        TEXT.replace("[1, 3, 6, 11, 21]", "&edges [1, 3]").encode(),
        TEXT.replace("tokenize:\n", "tokenize:\n  <<: {min_frequency: 3}\n").encode(),
    ],
    ids=["byte order mark", "line ends of Windows", "comments", "anchor", "merge key"],
)
def test_what_yaml_allows_is_read(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "params.yaml").write_bytes(content)
    assert load_params(tmp_path / "params.yaml").download.source_language == "en"


def test_an_alias_counts_as_often_as_it_is_used() -> None:
    # the key, its list and the list's values; then a key, a list and each alias with its values
    own, aliases = 1 + 1 + 100, 48
    fits = "a: &a [{}]\nb: [{}]\n".format(", ".join("x" * 100), ", ".join(["*a"] * aliases))
    assert 1 + own + 1 + 1 + aliases * 101 == 4_953 < MAX_VALUES
    assert len(parse_yaml(fits, "here")["b"]) == aliases
    with pytest.raises(InputError, match="here has more than 5,000 keys and values"):
        parse_yaml(fits + "c: *a\n", "here")


def test_the_deepest_nesting_is_read() -> None:
    assert parse_yaml("[" * MAX_DEPTH + "]" * MAX_DEPTH, "here") is not None
    with pytest.raises(InputError, match="here nests more than 20"):
        parse_yaml("[" * (MAX_DEPTH + 1) + "]" * (MAX_DEPTH + 1), "here")


def test_a_folder_a_pipe_and_a_device_are_no_files(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path / "folder", tmp_path / "pipe", Path("/dev/zero")):
        with pytest.raises(InputError, match="is no regular file: put a YAML file in its place"):
            read_yaml(path, "restore it")


def test_a_missing_file_and_a_link_to_itself_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="is missing: restore it"):
        read_yaml(tmp_path / "nothing.yaml", "restore it")
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    with pytest.raises(InputError, match="cannot be read"):
        read_yaml(tmp_path / "loop", "restore it")


def test_an_anchor_that_is_used_twice_is_no_warning(
    recwarn: pytest.WarningsRecorder,
) -> None:
    assert parse_yaml("a: &x 1\nb: &x 2\nc: *x\n", "place") == {"a": 1, "b": 2, "c": 2}
    assert not recwarn.list
