"""Docstrings and documentation are written in plain language, a rule of CONTRIBUTING.md."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from tests.tiny_corpus import PROJECT

CODE_FOLDERS = ("src", "pipeline", "studies", "benchmarks")
TEXT_FOLDERS = ("src", "pipeline")
TEXT_SUFFIXES = (".py", ".html", ".md")
DOCUMENTS = ("README.md", "params.yaml")

QUESTION_WORDS = ("What", "Whether", "Which", "Where", "Who", "How")
"""A docstring says what something is or does, so it does not begin like a question."""
QUESTION = re.compile(rf"\s*({'|'.join(QUESTION_WORDS)})\b")
USUAL_WORDS = {
    "ailment": "problem",
    "anew": "again",
    "begets": "creates",
    "championship": "champion",
    "dearest": "most expensive",
    "heard": "reported",
    "hears": "is called with",
    "held against": "compared with",
    "mend": "fix",
    "mends": "fixes",
    "stands for": "represents",
    "told": "reported",
    "whoever": "the person who",
    "wish": "request",
}
"""Usual words by the unusual ones that the project does not use."""
UNUSUAL = re.compile(rf"\b({'|'.join(USUAL_WORDS)})\b", re.IGNORECASE)


def code_files() -> Iterator[Path]:
    for folder in CODE_FOLDERS:
        yield from sorted((PROJECT / folder).rglob("*.py"))


def text_files() -> Iterator[Path]:
    for folder in TEXT_FOLDERS:
        for path in sorted((PROJECT / folder).rglob("*")):
            if path.suffix in TEXT_SUFFIXES:
                yield path
    yield from sorted((PROJECT / "docs").rglob("*.md"))
    yield from (PROJECT / name for name in DOCUMENTS)


def question_docstrings(path: Path) -> Iterator[str]:
    """Yields the docstrings that begin like a question, including those below attributes."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        match node:
            case ast.Expr(value=ast.Constant(value=str(text))) if QUESTION.match(text):
                yield f"{shown(path)}:{node.lineno}: {text.strip().splitlines()[0]}"


def unusual_words(path: Path) -> Iterator[str]:
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
        for word in UNUSUAL.findall(line):
            instead = USUAL_WORDS[word.lower()]
            yield f"{shown(path)}:{number}: {word}, better {instead!r}: {line.strip()}"


def shown(path: Path) -> Path:
    return path.relative_to(PROJECT) if path.is_relative_to(PROJECT) else path


def test_no_docstring_begins_like_a_question() -> None:
    found = [one for path in code_files() for one in question_docstrings(path)]
    assert not found, "\n".join(
        [f"{len(found)} docstrings begin with one of {', '.join(QUESTION_WORDS)}:", *found]
    )


def test_unusual_words_do_not_occur() -> None:
    found = [one for path in text_files() for one in unusual_words(path)]
    assert not found, "\n".join([f"{len(found)} unusual words:", *found])


def test_docstrings_of_modules_classes_functions_and_attributes_are_checked(
    tmp_path: Path,
) -> None:
    path = tmp_path / "code.py"
    path.write_text(
        '"""What this is."""\n'
        "limit = 1\n"
        '"""Whether it holds."""\n'
        "class Two:\n"
        '    """Whatever begins with a longer word is no question."""\n'
        "    def three(self):\n"
        '        """\n        How it works."""\n',
        encoding="utf-8",
    )
    lines = sorted(int(one.split(":")[1]) for one in question_docstrings(path))
    assert lines == [1, 3, 7]


def test_an_unusual_word_is_named_with_a_usual_one(tmp_path: Path) -> None:
    path = tmp_path / "page.md"
    path.write_text("A wish.\nMended with Mend, untold.\n", encoding="utf-8")
    first, second = unusual_words(path)
    assert first.endswith("page.md:1: wish, better 'request': A wish.")
    assert "page.md:2: Mend, better 'fix'" in second
