"""Text that changes nothing on a terminal but what it shows."""

from __future__ import annotations

import io
import re
import sys

CONTROL = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f"  # C0 without tab and line feed, DEL, and C1
    "\u2028\u2029\u202a-\u202e\u2066-\u2069"  # line separators, and the bidirectional controls
    "\ufff9-\ufffb\U000e0000-\U000e007f\ud800-\udfff]"  # annotations, tags, and unpaired surrogates
)
"""Characters that can move the cursor, run a command of the terminal or reorder what is shown."""
SURROGATE = re.compile("[\ud800-\udfff]")


def printable(text: str) -> str:
    r"""Returns the text with escapes such as \x1b or \u202e in place of control characters."""
    return CONTROL.sub(lambda found: ascii(found[0])[1:-1], text)


def printable_line(text: str) -> str:
    r"""Returns `printable` text in one line: a line feed is shown as \n."""
    return printable(text).replace("\n", r"\n")


def escape_what_cannot_be_encoded() -> None:
    r"""Lets output show \u2717 and the like where its encoding lacks a sign, instead of failing."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
