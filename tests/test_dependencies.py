"""The dependencies that pyproject.toml declares, compared with what the code imports."""

from __future__ import annotations

import ast
import re
import sys
import tomllib
from collections.abc import Iterator
from importlib.metadata import packages_distributions
from typing import Any

import pytest

from tests.tiny_corpus import PROJECT

OWN_PACKAGES = {"tracelate", "pipeline", "studies", "benchmarks", "tests"}
COMMANDS = {"dvc"}
"""Distributions that are run as programs and never imported."""


def project_table() -> dict[str, Any]:
    table: dict[str, Any] = tomllib.loads((PROJECT / "pyproject.toml").read_text())["project"]
    return table


def normalized(distribution: str) -> str:
    """The name in the form in which package indexes compare names (PEP 503)."""
    return re.sub(r"[-_.]+", "-", distribution).lower()


def declared(*extras: str) -> set[str]:
    """Names of the declared dependencies, with those of the extras."""
    table = project_table()
    requirements = [*table["dependencies"]]
    for extra in extras:
        requirements += table["optional-dependencies"][extra]
    names = [re.match(r"[\w.-]+", requirement) for requirement in requirements]
    return {normalized(name[0]) for name in names if name} - OWN_PACKAGES


def imported_packages(folder: str) -> Iterator[tuple[str, str]]:
    """Each third-party top-level package that a file of the folder imports, with the place."""
    for path in sorted((PROJECT / folder).rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            for module in modules_of(node):
                package = module.partition(".")[0]
                if package not in OWN_PACKAGES and package not in sys.stdlib_module_names:
                    yield package, f"{path.relative_to(PROJECT)}"


def modules_of(node: ast.AST) -> list[str]:
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    if isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
        return [node.module]
    return []


IN_ANOTHER_ENVIRONMENT = {"comet in src/tracelate/evaluation/neural/comet_adapter.py"}
"""Imports of a file that the Python of another environment runs."""


@pytest.mark.parametrize(
    ("folder", "extras"),
    [
        ("src", ["langid"]),
        ("pipeline", []),
        ("studies", []),
        ("benchmarks", []),
        ("tests", ["dev", "fuzz"]),
    ],
)
def test_every_imported_package_is_declared(folder: str, extras: list[str]) -> None:
    known = declared(*extras)
    # a package that is not installed, such as one of an extra, has the name of its distribution
    providers = packages_distributions()
    undeclared = {
        f"{package} in {place}"
        for package, place in imported_packages(folder)
        if known.isdisjoint(map(normalized, providers.get(package, [package])))
    }
    assert undeclared - IN_ANOTHER_ENVIRONMENT == set()


def test_every_declared_package_is_imported_or_run() -> None:
    providers = packages_distributions()
    used = {
        normalized(provider)
        for folder in ("src", "pipeline")
        for package, _ in imported_packages(folder)
        for provider in providers.get(package, [])
    }
    assert declared() - used - COMMANDS == set()


def test_every_declared_package_has_an_exact_version_in_the_constraints() -> None:
    lines = (PROJECT / "constraints.txt").read_text().splitlines()
    pinned = {normalized(line.partition("==")[0]) for line in lines if "==" in line}
    extras = project_table()["optional-dependencies"]
    missing = {name for extra in extras for name in declared(extra)} - pinned
    assert missing == set()


def test_the_lock_has_the_versions_of_constraints_and_a_hash_of_each() -> None:
    locked: dict[str, str] = {}
    for entry in re.split(r"\n(?=\S)", (PROJECT / "requirements.lock").read_text()):
        name, version = re.match(r"([\w.-]+)==([^\s;]+)", entry).groups()  # type: ignore[union-attr]
        locked[normalized(name)] = version
        assert re.search(r"--hash=sha256:[0-9a-f]{64}", entry), f"{name} has no hash"
    for line in (PROJECT / "constraints.txt").read_text().split():
        name, _, version = line.partition("==")
        assert locked.get(normalized(name)) == version, "run `make lock`"
