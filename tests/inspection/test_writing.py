"""The page and the counts of an inspection, from data/raw to the file."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from lxml import html

from tests.inspection.project import HOSTILE, raw_pairs, write_project
from tracelate.config import load_params
from tracelate.errors import InputError
from tracelate.inspection.writing import OtherSettings, write_inspection

PAGE = Path("out/page.html")


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    write_project(tmp_path)
    return tmp_path


@pytest.fixture(scope="module")
def counts(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Any]]:
    """Counts of an inspection whose samples have all pairs, in whose folder the tests run."""
    folder = tmp_path_factory.mktemp("inspected")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        write_project(folder)
        yield inspected(size=2_000)


def inspected(size: int = 20, seed: int = 1, other: OtherSettings | None = None) -> dict[str, Any]:
    return write_inspection(PAGE, load_params().prepare, other, size, seed)


def files_in(folder: Path) -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def section(name: str) -> Any:
    [found] = html.parse(str(PAGE)).xpath(f'//section[@id="{name}"]')
    return found


def test_the_counts_are_those_of_prepare_and_every_pair_is_in_one(
    counts: dict[str, Any],
) -> None:
    dropped = counts["dropped"]
    assert counts["read"] == counts["kept"] + sum(dropped.values()) == len(raw_pairs())
    assert (dropped["empty"], dropped["too_long"], dropped["duplicate"]) == (1, 1, 10)
    assert counts["shifted"]["runs"] == 1
    assert counts["frequent_pairs"][0]["times"] == 11
    assert counts["characters"]["source"]["scripts"] == {"Latin": 100.0}
    json.dumps(counts, allow_nan=False)
    rows = section("rules").xpath(".//tbody/tr")
    shown = {row.xpath("string(.//code)"): row.xpath("string(./td[1])") for row in rows}
    assert shown == {rule: f"{count:,}" for rule, count in dropped.items()}


def test_nothing_but_the_page_is_written(project: Path) -> None:
    before = files_in(project)
    inspected()
    after = files_in(project)
    assert after.pop(str(project / PAGE))
    assert after == before


def test_the_same_seed_gives_the_same_page_and_another_other_samples(project: Path) -> None:
    inspected(size=3)
    first = PAGE.read_bytes()
    inspected(size=3)
    assert PAGE.read_bytes() == first
    inspected(size=3, seed=2)
    assert PAGE.read_bytes() != first


def test_text_of_the_corpus_is_shown_and_never_part_of_the_page(
    counts: dict[str, Any],
) -> None:
    document = html.parse(str(PAGE))
    assert document.xpath("//script | //*[@onerror]") == []
    assert all(
        one.get("src").startswith("data:image/png;base64,") for one in document.xpath("//img")
    )
    texts = document.xpath("//dd/text()")
    assert HOSTILE in texts
    frequent = section("frequent").xpath(".//td/text()")
    assert frequent[0].startswith("\\x1b[31m ")
    assert any(text.endswith("(5,000 characters)") for text in texts)
    sources = {pair.source.removeprefix("\x1b") for pair in raw_pairs()}
    kept = section("samples").xpath(
        "./details[last()]//dt[text()='Source']/following-sibling::dd[1]"
    )
    assert len(kept) > 1_000
    assert {one.text_content() for one in kept} <= sources


def test_the_page_has_no_need_of_a_network(counts: dict[str, Any]) -> None:
    text = PAGE.read_text(encoding="utf-8")
    assert "http://" not in text and "https://" not in text
    assert "default-src 'none'" in text


def test_shifted_lines_and_leaks_are_shown(counts: dict[str, Any]) -> None:
    [summary] = section("shifted").xpath(".//summary")
    assert "made.en:" in summary.text_content() and "one line after" in summary.text_content()
    rows = section("leakage").xpath(".//tbody/tr/th/text()")
    assert rows == ["valid", "test"]


def test_two_settings_are_compared(project: Path) -> None:
    config = load_params().prepare
    other = config.model_copy(
        update={"rules": [*config.rules, "numbers"], "max_characters": 60, "shifted": "drop"}
    )
    counts = inspected(other=OtherSettings("other.yaml", other))
    changed = counts["against"]
    assert changed["dropped"]["too_long"]["after"] > changed["dropped"]["too_long"]["before"] == 1
    assert changed["dropped"]["numbers"]["before"] is None
    assert changed["dropped"]["shifted"]["after"] == counts["shifted"]["pairs"]
    assert changed["only_before"] - changed["only_after"] == (
        changed["kept"]["before"] - changed["kept"]["after"]
    )
    assert next(iter(changed["dropped"])) == "shifted"
    assert list(changed["dropped"])[-2:] == ["source_in_held_out", "near_held_out"]
    items = section("compared").xpath(".//details[1]//li")
    assert len(items) == 20
    values = [
        one.xpath("string(.//dt[text()='other.yaml']/following-sibling::dd[1])") for one in items
    ]
    assert set(values) <= set(changed["dropped"])


def test_settings_that_would_fail_are_inspected(project: Path) -> None:
    write_project(project, shifted="fail", near_leakage="fail")
    counts = inspected()
    assert counts["shifted"]["runs"] == 1
    assert any("shifted" in line for line in counts["warnings"])


def test_a_corpus_that_is_missing_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    write_project(tmp_path)
    (tmp_path / "data/raw/provenance.json").unlink()
    with pytest.raises(InputError, match=r"run python -m pipeline\.download"):
        inspected()
    assert not PAGE.exists()
