"""Splitting of long lines: no text is lost, and the time is linear."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tracelate.inference.long_lines import PART_BYTES, Part, join_parts, split_line
from tracelate.text.placeholders import copied_spans

HOSTILE = {
    "no blank": "abcdefgh" * 12_500,
    "sentences": "The door opens. " * 10_000,
    "combining marks": "e" + "\u0301" * 100_000,
    "marks without end": "." * 100_000,
    "marks and quotes": '."' * 50_000,
    "blanks": " " * 100_000,
    "emoji": "👩‍👩‍👧" * 20_000,
    "chinese": "门今天开了。" * 20_000,
}


SPANS_AND_TEXT = ("{a}", "<b>", "a. ", "x", " ", "{" + "n" * 350 + "}")


def is_long(text: str) -> bool:
    return len(text) > 500


def without_blanks(text: str) -> str:
    return "".join(text.split())


@pytest.mark.parametrize("line", HOSTILE.values(), ids=HOSTILE)
def test_a_hostile_line_is_split_completely_and_in_little_time(line: str) -> None:
    started = time.process_time()
    parts = split_line(line, is_long)
    assert time.process_time() - started < 5
    assert "".join(without_blanks(part.text) for part in parts) == without_blanks(line)
    assert all(len(part.text) <= 500 for part in parts)


@given(st.text(alphabet="ab .!?。\"'”,\u0301\t語", max_size=2000), st.integers(0, 400))
def test_no_character_is_lost_and_parts_are_short(line: str, longest: int) -> None:
    parts = split_line(line, lambda text: len(text) > longest)
    assert "".join(without_blanks(part.text) for part in parts) == without_blanks(line)
    assert all(part.text == part.text.strip() != "" for part in parts)
    for part in parts:
        assert len(part.text) <= longest or len(part.text.encode()) <= PART_BYTES
    assert without_blanks(join_parts(parts, [part.text for part in parts])) == without_blanks(line)


def test_a_line_is_split_at_the_ends_of_its_sentences() -> None:
    parts = split_line('He said "no!" Then 3.5 min... passed.  End', lambda _: False)
    assert [part.text for part in parts] == ['He said "no!"', "Then 3.5 min...", "passed.", "End"]
    assert join_parts(parts, ["A", "B", "C", "D"]) == "A B C D"


def test_chinese_sentences_are_joined_without_blanks() -> None:
    parts = split_line("门开了。“是吗？”好", lambda _: False)
    assert parts == [Part("门开了。", False), Part("“是吗？”", False), Part("好", False)]
    assert join_parts(parts, ["A", "B", "C"]) == "ABC"


def test_a_sentence_is_cut_at_a_clause_or_else_at_a_blank() -> None:
    clauses = "one two three, " * 40
    assert {part.text for part in split_line(clauses, is_long)} == {
        ", ".join(["one two three"] * 20) + ","
    }
    words = "word " * 120
    assert {part.text for part in split_line(words, is_long)} == {"word " * 59 + "word"}


def test_a_character_is_not_parted_from_its_marks() -> None:
    line = "ae\u0301" * 400
    for part in split_line(line, is_long):
        assert not part.text.startswith("\u0301")


def test_nothing_is_cut_inside_a_span() -> None:
    link = '<a title="x. y">'
    line = f"One {link}. Two {{{{ v, w }}}}. " + "z" * 290 + " {" + "n" * 400 + "} end, " * 90
    parts = split_line(line, lambda text: len(text) > 50, copied_spans)
    assert "".join(without_blanks(part.text) for part in parts) == without_blanks(line)
    assert [part.text for part in parts[:2]] == [f"One {link}.", "Two {{ v, w }}."]
    whole = [line[start:stop] for start, stop in copied_spans(line)]
    found = [part.text[start:stop] for part in parts for start, stop in copied_spans(part.text)]
    assert found == whole


@given(st.lists(st.sampled_from(SPANS_AND_TEXT)).map("".join))
def test_spans_stay_whole_and_no_character_is_lost(line: str) -> None:
    parts = split_line(line, lambda text: len(text) > 20, copied_spans)
    assert "".join(without_blanks(part.text) for part in parts) == without_blanks(line)
    count = sum(len(copied_spans(part.text)) for part in parts)
    assert count == len(copied_spans(line))
