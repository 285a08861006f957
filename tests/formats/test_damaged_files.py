"""Every damaged file of a project is read rightly or refused with one line, by all its readers.

Variants of a JSON file have a key deleted or a value replaced, at every level.
"""

from __future__ import annotations

import copy
import itertools
import json
import shutil
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from tests.tiny_corpus import PROJECT
from tracelate import layout
from tracelate.cli.lineage_tree import print_chain, print_checks
from tracelate.cli.summary_tables import print_summary
from tracelate.comparison.comparability import differences, inconsistencies
from tracelate.config import load_params
from tracelate.errors import InputError
from tracelate.evaluation.figures.scores import source_length_figure, training_figure
from tracelate.evaluation.lineage import read_lineage
from tracelate.evaluation.metrics_file import read_metrics
from tracelate.lineage.chain import chain_document
from tracelate.lineage.trace import trace
from tracelate.lineage.verify import verify
from tracelate.tracking.packages.model_card import write_card
from tracelate.tracking.packages.packed_translator import load_packed_translator
from tracelate.tracking.references.references import resolve
from tracelate.tracking.references.trained_models import load_trained
from tracelate.tracking.results import find_evidence
from tracelate.tracking.runs.evaluation_contents import evaluation_contents
from tracelate.tracking.runs.log_training import training_contents
from tracelate.training.curve_files import read_curve

HERE = Path(__file__).parent
LONGEST_MESSAGE = 2_000
DELETED = object()
VALUES: Sequence[object] = (
    DELETED,
    None,
    True,
    -1,
    "",
    [],
    {},
    1e308,
    "x" * 10_000,
    [[[{}]]],
    "a\nb\0",
    "../../..",
    10**30,
)


AT_EACH_PLACE = 2
"""Number of values that are tried at a place; the next place has the values after them.

`make fuzz` tries more.
"""


def variants(document: Any) -> Iterator[Any]:
    """The document with one value replaced or deleted, at each level."""
    yield from (value for value in VALUES if value is not DELETED)
    values = itertools.cycle(VALUES)
    for path in paths(document):
        for value in itertools.islice(values, AT_EACH_PLACE):
            changed = copy.deepcopy(document)
            within = changed
            for key in path[:-1]:
                within = within[key]
            if value is DELETED:
                del within[path[-1]]
            else:
                within[path[-1]] = value
            yield changed


def paths(document: Any, prefix: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The keys that lead to each value; of a list, to its first and last, since all are alike."""
    items = list(document.items() if isinstance(document, dict) else enumerate(document))
    if isinstance(document, list) and len(items) > 2:
        items = [items[0], items[-1]]
    for key, value in items:
        yield (*prefix, key)
        if isinstance(value, dict | list):
            yield from paths(value, (*prefix, key))


def summary() -> None:
    print_summary(load_params())


def lineage() -> None:
    found = trace(resolve("reports"))
    checks = verify(found)
    print_chain(Console(), found.chain)
    print_checks(Console(), checks)
    json.dumps(chain_document(found.chain, checks))


def compare() -> None:
    evidence = find_evidence(resolve("reports"))
    inconsistencies(evidence)
    differences(evidence, evidence)


def sync() -> None:
    training_contents(load_params().model_dump(), Path())
    evaluation_contents(read_lineage(layout.LINEAGE), Path())


def card() -> None:
    write_card(Path("card"))


def figures() -> None:
    training_figure(read_curve(layout.TRAIN_CURVE), read_curve(layout.VALID_CURVE))
    source_length_figure(read_metrics(layout.METRICS).buckets)


def translate() -> None:
    load_trained(resolve("models"))


def serve() -> None:
    for path in layout.MODELS.iterdir():
        shutil.copyfile(path, Path("packed") / path.name)
    shutil.copyfile(layout.LINEAGE, Path("packed") / layout.LINEAGE.name)
    packed = load_packed_translator(Path("packed"))
    packed.options({})
    assert packed.batch_sentences > 0


READERS: dict[Path, tuple[Callable[[], None], ...]] = {
    layout.MODELS / "config.json": (translate, lineage, serve),
    layout.RUN: (sync, lineage),
    layout.LINEAGE: (lineage, sync, card, translate, serve),
    layout.METRICS: (summary, compare, card, sync),
    layout.SPEED: (sync,),
    layout.TRAINING_REPORT: (summary, card, sync),
    layout.DATA_REPORT: (summary, card),
    layout.PROVENANCE: (summary, sync),
}


@pytest.fixture(params=["finished", "0.1"])
def project(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Path:
    source = HERE / "0.1"
    if request.param == "finished":
        source = request.getfixturevalue("finished_project")
    for room in (layout.DATA, layout.MODELS, layout.REPORTS):
        shutil.copytree(source / room, tmp_path / room)
    # params.yaml is of this version alone
    shutil.copyfile(PROJECT / "params.yaml", tmp_path / "params.yaml")
    (tmp_path / "packed").mkdir()
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    monkeypatch.setenv("DVC_ROOT", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def refusal(reader: Callable[[], None]) -> str | None:
    """The message of the reader's InputError, or None; any other error is a failure."""
    try:
        reader()
    except InputError as error:
        return str(error)
    return None


@pytest.mark.parametrize("name", READERS, ids=str)
def test_each_variant_of_a_file_is_read_or_refused_by_every_reader(
    project: Path, name: Path
) -> None:
    document = json.loads((project / name).read_text(encoding="utf-8"))
    for reader in READERS[name]:
        assert refusal(reader) is None
    refused = 0
    for changed in variants(document):
        text = json.dumps(changed)
        (project / name).write_text(text, encoding="utf-8")
        for reader in READERS[name]:
            try:
                message = refusal(reader)
            except Exception as error:
                error.add_note(f"{reader.__name__} of {name}: {text[:3000]}")
                raise
            assert message is None or len(message) < LONGEST_MESSAGE, message
            refused += message is not None
    assert refused > len(VALUES)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"\xff\xfe",
        b"nul\0",
        b"[" * 100_000,
        b'{"a": ' * 100_000,
        b"9" * 5_000,
        b"NaN",
        b'{"sentences_per_s": Infinity}',
        b'"' + b"x" * 1_000_000,
    ],
    ids=lambda content: repr(content[:12]),
)
@pytest.mark.parametrize("name", [*READERS, layout.TRANSLATIONS, layout.TRAIN_CURVE], ids=str)
def test_what_is_no_json_is_refused_by_every_reader(
    project: Path, name: Path, content: bytes
) -> None:
    (project / name).write_bytes(content)
    readers = READERS.get(name, (compare,) if name == layout.TRANSLATIONS else (sync,))
    if name == layout.TRAIN_CURVE and b"," not in content:
        readers = (figures, sync)
    for reader in readers:
        message = refusal(reader)
        assert message is None or len(message) < LONGEST_MESSAGE


@pytest.mark.parametrize(
    "row",
    [
        "",
        "1",
        "x,y,z,1,2,3",
        "nan,1,1,1,1,1",
        "1,1,inf,1,1,1",
        "1e400,1",
        "1,1,1,1,1,1,1,1",
        '"1',
        "\0",
    ],
)
def test_a_damaged_curve_is_read_or_refused(project: Path, row: str) -> None:
    for path in (layout.TRAIN_CURVE, layout.VALID_CURVE):
        text = path.read_text(encoding="utf-8")
        path.write_text(f"{text}{row}\n", encoding="utf-8")
        for reader in (figures, sync):
            refusal(reader)
        path.write_text(text.partition("\n")[2], encoding="utf-8")
        for reader in (figures, sync):
            refusal(reader)
        path.write_text(text, encoding="utf-8")


def test_each_variant_of_a_line_of_translations_is_read_or_refused(project: Path) -> None:
    lines = layout.TRANSLATIONS.read_text(encoding="utf-8").splitlines()
    for changed in variants(json.loads(lines[0])):
        text = "\n".join([json.dumps(changed), *lines[1:]]) + "\n"
        layout.TRANSLATIONS.write_text(text, encoding="utf-8")
        for reader in (summary, compare, sync):
            message = refusal(reader)
            assert message is None or len(message) < LONGEST_MESSAGE
