"""`tracelate score` and `tracelate evaluate` as people and machines run them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.conftest import Done, Run
from tests.evaluation.results import some_references, translate_badly
from tracelate.evaluation.evaluation_record import RECORD, read_record
from tracelate.evaluation.metrics import corpus_scores
from tracelate.evaluation.results import read_evidence
from tracelate.files import sha256_of

REFERENCES = some_references(20)
SECOND = translate_badly(REFERENCES, 0.4, 4)
TRANSLATIONS = translate_badly(REFERENCES, 0.3, 3)
SOURCES = ["Always the door opens the house.", "Never the light shows the year."] * 10


def write(path: Path, lines: list[str]) -> None:
    path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")


def error_of(done: Done) -> str:
    assert (done.status, done.stdout) == (1, "")
    assert done.stderr.startswith("error: ") and len(done.stderr.splitlines()) == 1
    return done.stderr.removeprefix("error: ").strip()


@pytest.fixture
def folder(folder: Path) -> Path:
    for name, lines in (
        ("source", SOURCES),
        ("reference", REFERENCES),
        ("second", SECOND),
        ("out", TRANSLATIONS),
    ):
        write(folder / name, lines)
    return folder


def test_score_prints_the_scores_with_intervals_and_signatures(folder: Path, run: Run) -> None:
    arguments = ("score", "--translations", "out", "--reference", "reference")
    said = run(*arguments).stdout
    found = json.loads(run(*arguments, "--json").stdout)
    for score in corpus_scores(TRANSLATIONS, REFERENCES, samples=1000, seed=12345):
        assert f"{score.value:.2f}" in said and score.signature in said
        assert found[score.name] == {
            "value": score.value,
            "low": score.low,
            "high": score.high,
            "signature": score.signature,
        }
    assert found["test"]["sentences"] == 20


def test_score_takes_several_references(folder: Path, run: Run) -> None:
    both = ("--reference", "reference", "--reference", "second")
    found = json.loads(run("score", "--translations", "out", *both, "--json").stdout)
    pairs = list(zip(REFERENCES, SECOND, strict=True))
    bleu = corpus_scores(TRANSLATIONS, pairs, samples=2, seed=1)[0]
    assert found["bleu"]["value"] == bleu.value
    assert "nrefs:2" in found["bleu"]["signature"]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"one\n", "out has 1 lines, reference has 20 lines: line n of each"),
        (b"one\n\xff\n", "out, line 2, is not UTF-8"),
        (None, "out is not a regular file"),
    ],
)
def test_translations_that_cannot_be_scored_are_one_line(
    folder: Path, run: Run, content: bytes | None, message: str
) -> None:
    (folder / "out").unlink()
    if content is not None:
        (folder / "out").write_bytes(content)
    assert message in error_of(run("score", "--translations", "out", "--reference", "reference"))


def test_a_sentence_without_any_reference_is_refused(folder: Path, run: Run) -> None:
    write(folder / "reference", ["", *REFERENCES[1:]])
    write(folder / "second", [" ", *SECOND[1:]])
    arguments = ("score", "--translations", "out", "--reference", "reference", "--reference")
    assert "line 1 of reference and second is empty" in error_of(run(*arguments, "second"))
    write(folder / "second", SECOND)
    assert "nrefs:var" in run(*arguments, "second").stdout


def hashes(root: Path) -> dict[str, str]:
    files = (path for path in root.rglob("*") if path.is_file() and path.suffix != ".pyc")
    return {str(path.relative_to(root)): sha256_of(path) for path in files}


def test_a_model_is_scored_on_a_later_test_set_and_nothing_of_it_changes(
    folder: Path, run: Run, finished_project: Path
) -> None:
    before = hashes(finished_project)
    named = ("--source", "source", "--reference", "reference", "--reference", "second")
    done = run("evaluate", "--model", str(finished_project), *named, "--output", "scores/new")
    assert done.status == 0, done.stderr
    assert done.stderr == "written: scores/new\n"
    assert hashes(finished_project) == before

    written = folder / "scores/new"
    assert {path.name for path in written.iterdir()} == {
        "metrics.json",
        "translations.jsonl",
        "translations.html",
        RECORD,
    }
    evidence, record = read_evidence(written, "new"), read_record(written)
    assert [row.references for row in evidence.rows] == list(zip(REFERENCES, SECOND, strict=True))
    assert evidence.signatures == record.signatures
    assert evidence.metrics.test.sha256 == record.test.sha256
    weights = finished_project / "models/weights.safetensors"
    assert record.model.files["weights.safetensors"] == sha256_of(weights)
    assert record.test.source.sha256 == sha256_of(folder / "source")
    assert [one.name for one in record.test.references] == ["reference", "second"]
    for name, sha256 in record.results.items():
        assert sha256_of(written / name) == sha256

    # the same again compares, and is written only on request
    assert "all 20 sentences are the same" in run("compare", "scores/new", "scores/new").stdout
    again = ("evaluate", "--model", str(finished_project), *named, "--output", "scores/new")
    assert "has an evaluation already" in error_of(run(*again))
    kept = hashes(written)
    assert run(*again, "--force").status == 0
    assert hashes(written) == kept


def test_evaluate_refuses_before_it_loads_a_model(folder: Path, run: Run) -> None:
    named = ("evaluate", "--model", "nothing", "--source", "source", "--reference")
    assert "source and source are the same file" in error_of(run(*named, "source"))
    assert "has an input file" in error_of(run(*named, "reference", "--output", "."))
    (folder / "mine").mkdir()
    (folder / "mine/notes.txt").write_text("mine")
    output = (*named, "reference", "--output", "mine", "--force")
    assert "mine has other files than an evaluation's" in error_of(run(*output))
    (folder / "taken").write_text("mine")
    assert "taken is a file" in error_of(run(*named, "reference", "--output", "taken"))
    write(folder / "source", ["", *SOURCES[1:]])
    assert "source, line 1, is empty" in error_of(run(*named, "reference"))


@pytest.mark.parametrize("name", ["test", "News", "a/b", ""])
def test_a_wrong_name_of_a_further_test_set_is_refused(folder: Path, run: Run, name: str) -> None:
    named = ("evaluate", "--source", "source", "--reference", "reference", "--log", name)
    assert "is no name of a further test set" in error_of(run(*named))


def test_scores_follow_the_language_and_its_options(folder: Path, run: Run) -> None:
    write(folder / "out", ["我们明天去北京看展览"])
    write(folder / "reference", ["我们明天去南京看展览"])
    command = ("score", "--translations", "out", "--reference", "reference")
    by_default = json.loads(run(*command, "--json").stdout)["bleu"]
    chinese = json.loads(run(*command, "--language", "zh_CN", "--json").stdout)["bleu"]
    assert by_default["value"] == 0 and chinese["value"] > 50 and "tok:zh" in chinese["signature"]
    options = ("--tokenizer", "none", "--lowercase", "--json")
    signature = json.loads(run(*command, *options).stdout)["bleu"]["signature"]
    assert "case:lc" in signature and "tok:none" in signature
    message = error_of(run(*command, "--language", "english"))
    assert message.startswith("--language 'english' should be the code of a language")
