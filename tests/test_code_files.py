from __future__ import annotations

import inspect
import subprocess
import sys
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import pytest

from tests.tiny_corpus import PROJECT
from tracelate import code_files
from tracelate.code_files import reached_files

SAMPLE = {
    "script": """
        import typing
        from typing import TYPE_CHECKING

        import json
        import sample.plain
        from sample import by_name, exempt
        from sample.room.module import function
        from .sibling import thing

        if TYPE_CHECKING:
            from sample import type_alone
        else:
            from sample import at_run_time
        if typing.TYPE_CHECKING:
            from sample import type_alone
        if not TYPE_CHECKING:
            from sample import also_at_run_time

        try:
            import sample.tried
        except ImportError:
            pass

        def late():
            from sample import in_a_function
    """,
    "plain": "import sample.through_plain",
    "through_plain": "import sample.plain",
    "exempt": "import sample.through_exempt",
    "room/module": "from ..above import one",
    "also_at_run_time": "",
    **dict.fromkeys(("by_name", "sibling", "type_alone", "at_run_time", "tried", "above"), ""),
    **dict.fromkeys(("in_a_function", "through_exempt", "unused"), ""),
}
NOT_REACHED = {"exempt", "through_exempt", "type_alone", "unused"}


@pytest.fixture
def sample(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A package of the modules in SAMPLE."""
    for name, text in SAMPLE.items():
        path = tmp_path / "sample" / f"{name}.py"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(inspect.cleandoc(text))
        (path.parent / "__init__.py").touch()
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(code_files, "OWN_PACKAGES", ("sample",))
    monkeypatch.setattr(code_files, "WITHOUT_EFFECT", ("sample.exempt",))
    yield tmp_path / "sample"
    sys.modules.pop("sample", None)


def test_every_form_of_import_is_followed_but_those_for_types_and_of_exempt_modules(
    sample: Path,
) -> None:
    expected = {f"sample.{name.replace('/', '.')}" for name in SAMPLE if name not in NOT_REACHED}
    reached = reached_files(sample / "script.py", "sample")
    assert set(reached) == expected
    for module, path in reached.items():
        assert path == sample.parent.joinpath(*module.split(".")).with_suffix(".py")


def test_a_template_belongs_to_the_module_of_its_name_and_a_backup_copy_does_not(
    sample: Path,
) -> None:
    for name in ("plain.css", "plain.html", "plain.py.orig", "unused.html"):
        (sample / name).touch()
    reached = reached_files(sample / "script.py", "sample")
    templates = [path.name for path in reached.values() if path.suffix != ".py"]
    assert templates == ["plain.css", "plain.html"]


def test_every_module_that_the_stages_load_is_reached(monkeypatch: pytest.MonkeyPatch) -> None:
    stages = ("train", "evaluate")
    code = f"import sys; {'; '.join(f'import pipeline.{stage}' for stage in stages)}; "
    loaded = subprocess.run(
        [sys.executable, "-c", code + "print(*sys.modules)"],
        cwd=PROJECT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout.split()
    own = {name for name in loaded if name.startswith(("tracelate.", "pipeline."))}
    modules = {name for name in own if not any(other.startswith(f"{name}.") for other in own)}
    monkeypatch.setattr(code_files, "WITHOUT_EFFECT", ())
    reached = [reached_files(PROJECT / f"pipeline/{stage}.py", "pipeline") for stage in stages]
    assert modules <= {*set().union(*reached), "tracelate.openmp"}


def test_no_package_has_code_of_its_own_which_no_import_would_reach() -> None:
    # changes no result, and has to be done before torch is loaded
    openmp = {
        "src/tracelate": "from tracelate.openmp import set_up_openmp\n\nset_up_openmp()\n",
        **dict.fromkeys(
            ("pipeline", "studies"),
            "import tracelate  # noqa: F401  before torch: it sets what OpenMP reads\n",
        ),
    }
    for package in ("src", "pipeline", "studies"):
        for path in (PROJECT / package).rglob("__init__.py"):
            code = openmp.get(path.parent.relative_to(PROJECT).as_posix(), "")
            assert path.read_text(encoding="utf-8") == code, (
                f"{path} has code: move it into a module"
            )


def test_every_exempt_module_exists() -> None:
    assert [name for name in code_files.WITHOUT_EFFECT if find_spec(name) is None] == []
