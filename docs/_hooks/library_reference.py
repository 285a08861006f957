"""Writes a page for each package of the library, with all its modules, and adds them to the
navigation. The packages are read from the folders, so that a moved module needs no change here.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files

SOURCE = Path("src")
PACKAGE = "tracelate"
FOLDER = "reference/library"
TITLE = "Library"
"""The entry of the navigation that the pages are put under."""


def on_files(files: Files, *, config: MkDocsConfig) -> Files:
    """Adds the pages to the site and to its navigation."""
    source = Path(config.config_file_path).parent / SOURCE
    pages = [f"{FOLDER}/index.md"]
    contents = {pages[0]: index_page(source)}
    for package in packages(source):
        name = ".".join(package.relative_to(source).parts)
        page = f"{FOLDER}/{name.removeprefix(PACKAGE).strip('.') or PACKAGE}.md"
        contents[page] = package_page(source, package)
        pages.append(page)
    for page, content in contents.items():
        files.append(File.generated(config, page, content=content))
    _put_into(config.nav, pages)
    return files


def packages(source: Path) -> Iterator[Path]:
    """The package and those inside it that have modules, by name."""
    for folder in sorted([source / PACKAGE, *(source / PACKAGE).rglob("*/")]):
        if any(modules(folder)):
            yield folder


def modules(package: Path) -> Iterator[Path]:
    """The modules right in that package, without its `__init__.py`."""
    return (path for path in sorted(package.glob("*.py")) if not path.name.startswith("__"))


def index_page(source: Path) -> str:
    """All modules with the first line of their docstrings, as Markdown."""
    parts = [
        "# Library\n\nEvery module, with the first sentence of its docstring. The modules are no "
        "public interface: the command, params.yaml, the stages and the files are, see the "
        "[version policy](../../changelog.md#version-policy).\n"
    ]
    for package in packages(source):
        name = ".".join(package.relative_to(source).parts)
        page = f"{name.removeprefix(PACKAGE).strip('.') or PACKAGE}.md"
        parts.append(f"\n## {name}\n\n| module | content |\n| --- | --- |")
        parts += [
            f"| [`{path.stem}`]({page}#{name}.{path.stem}) | {_summary(path)} |"
            for path in modules(package)
        ]
    return "\n".join(parts) + "\n"


def package_page(source: Path, package: Path) -> str:
    """A package's modules for mkdocstrings, as Markdown."""
    name = ".".join(package.relative_to(source).parts)
    blocks = [f"::: {name}.{path.stem}\n" for path in modules(package)]
    return "\n".join([f"# {name}\n", *blocks])


def _summary(module: Path) -> str:
    """The first paragraph of its docstring, up to the first full stop."""
    text = ast.get_docstring(ast.parse(module.read_text(encoding="utf-8"))) or ""
    paragraph = " ".join(text.split("\n\n")[0].split())
    sentence = paragraph.split(". ")[0].rstrip(".")
    return sentence.replace("|", "\\|").replace("<", "&lt;")


def _put_into(nav: Any, pages: list[str]) -> None:
    """Puts the pages under the entry TITLE, however deep it lies."""
    for entry in nav or []:
        if not isinstance(entry, dict):
            continue
        for title, value in entry.items():
            if title == TITLE:
                entry[title] = list(pages)
            elif isinstance(value, list):
                _put_into(value, pages)
