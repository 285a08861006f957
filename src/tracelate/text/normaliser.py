"""Normalisation of text: the same words in the same characters, wherever a text comes from.

A normaliser is a sequence of named steps. The stage prepare applies it to the corpus, and the model
that is trained on the result carries it, so that a sentence to translate is treated in the same
way.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Literal, NamedTuple, get_args

from tracelate.text.composition import compose
from tracelate.text.invisible import remove_invisible

VERSION = 1
"""Of the steps. It is raised when a step treats any text differently, and the steps of the earlier
versions remain. Version 0 is that of models which were trained before they carried a normaliser."""
StepName = Literal["mojibake", "line_breaks", "control", "invisible", "nfc", "white_space"]
STEP_NAMES: tuple[StepName, ...] = get_args(StepName)
STEPS_BEFORE: tuple[StepName, ...] = ("nfc", "line_breaks", "white_space")
"""Steps of the stage prepare before they were a setting."""

CONTROL = re.compile(r"[\x00-\x08\x0e-\x1b\x7f-\x84\x86-\x9f]")
"""Control characters that are not white space."""
SURPLUS = re.compile(r"[^\S\n ]|  | \n|\n |\A\s|\s\Z")
"""White space that `collapse_white_space` changes."""
BLANKS = re.compile(r"[^\S\n]+")

Step = Callable[[str], str]


class Normalised(NamedTuple):
    """A normalised text."""

    text: str
    changed_by: frozenset[str]
    """The steps that changed it."""


class Normaliser:
    """Applies steps in their order until none of them changes the text any more.

    A second call therefore changes nothing. Each step only removes, replaces or composes
    characters, so this ends; a text that needs no change is read once.
    """

    def __init__(self, steps: Sequence[str]) -> None:
        """Raises ValueError if a step is unknown."""
        self.steps = tuple(steps)
        self._functions = [(name, _function_of(name)) for name in self.steps]

    def __call__(self, text: str) -> str:
        """Returns the normalised text."""
        return self.trace(text).text

    def trace(self, text: str) -> Normalised:
        """Returns the normalised text and the steps that changed it."""
        changed_by: set[str] = set()
        while True:
            before = text
            for name, step in self._functions:
                after = step(text)
                if after != text:
                    changed_by.add(name)
                    text = after
            if text == before:
                return Normalised(text, frozenset(changed_by))


def join_line_breaks(text: str) -> str:
    """Returns the text with a line feed for each CR LF and each CR."""
    return text.replace("\r\n", "\n").replace("\r", "\n")


def remove_control(text: str) -> str:
    """Returns the text without control characters that are not white space."""
    return CONTROL.sub("", text)


def collapse_white_space(text: str) -> str:
    """Returns the text with one blank for each run of white space within a line, and none at the
    ends of lines and of the text.

    White space is each character for which `str.isspace` is true: tabs, no-break, thin and
    ideographic blanks, form feeds, and also the line and paragraph separators of Unicode, so that
    a line of a file stays one line. Line feeds remain.
    """
    if not SURPLUS.search(text):
        return text
    lines = BLANKS.sub(" ", text).split("\n")
    return "\n".join(line.strip(" ") for line in lines).strip("\n")


def _repair_mojibake() -> Step:
    """Returns the step that repairs UTF-8 which was decoded in another encoding, with ftfy."""
    import ftfy  # only where it is used, because it takes a tenth of a second

    return ftfy.fix_encoding


def _function_of(name: str) -> Step:
    match name:
        case "mojibake":
            return _repair_mojibake()
        case "line_breaks":
            return join_line_breaks
        case "control":
            return remove_control
        case "invisible":
            return remove_invisible
        case "nfc":
            return compose
        case "white_space":
            return collapse_white_space
        case _:
            raise ValueError(f"the step {name!r} is unknown: known are {', '.join(STEP_NAMES)}")
