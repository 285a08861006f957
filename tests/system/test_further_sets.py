"""Further test sets of evaluate.tests, from params.yaml to MLflow, run with DVC as by a user."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator

import pytest

from tests.system.clone import Clone, clone
from tests.system.further_sets import CAPTIONS, NEWS, TESTS, write_further_sets
from tests.tiny_corpus import build_wheel, tiny_settings, write_params

STAGES_OF_TESTS = {"test_sets", "evaluate"}


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Clone]:
    """A project without further test sets, in which all stages have run."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TRACELATE_CACHE", str(tmp_path_factory.mktemp("cache")))
        made = clone(tmp_path_factory.mktemp("project"))
        made.succeed("dvc", "repro")
        yield made


@pytest.fixture(scope="module")
def before(plain: Clone) -> dict[str, str]:
    """Hashes of the outputs without further test sets."""
    return plain.hashes()


@pytest.fixture(scope="module")
def reproduced(plain: Clone, before: dict[str, str]) -> Clone:
    """The same project after two further test sets were named and evaluated."""
    write_further_sets(plain.folder)
    set_tests(plain, TESTS)
    planned = plain.succeed("dvc", "repro", "--dry")
    running = [line for line in planned.splitlines() if line.startswith("Running stage ")]
    # download looks at corpora/ again; its output stays, so that nothing after it runs
    assert not [line for line in running if "'train'" in line or "'tokenize'" in line]
    said = plain.succeed("dvc", "repro")
    assert "Stage 'train' didn't change, skipping" in said
    return plain


def set_tests(project: Clone, tests: object) -> None:
    write_params(project.folder, tiny_settings(build_wheel(), **{"evaluate.tests": tests}))


def datasets(project: Clone) -> dict[str, str]:
    """Digests of MLflow's datasets by their names."""
    with sqlite3.connect(project.folder / "mlflow.db") as store:
        return dict(store.execute("select name, digest from datasets").fetchall())


def test_the_model_and_its_own_scores_stay_as_they_were(
    reproduced: Clone, before: dict[str, str]
) -> None:
    after = reproduced.hashes()
    changed = {name for name in after if after[name] != before.get(name)}
    assert changed == {
        "data/test_sets",
        "reports/evaluate.json",  # speed
        "reports/lineage.json",
        "reports/scores.json",
        "reports/test_sets.json",
        "reports/tests",
    }


def test_each_set_has_scores_translations_and_a_page(reproduced: Clone) -> None:
    scores = reproduced.json("reports/tests/scores.json")
    assert list(scores) == [NEWS, CAPTIONS]
    for name, sentences in ((NEWS, 30), (CAPTIONS, 12)):
        folder = reproduced.folder / "reports/tests" / name
        metrics = reproduced.json(f"reports/tests/{name}/metrics.json")
        assert metrics["test"]["sentences"] == sentences
        for key in ("bleu", "chrf", "chrfpp", "ter"):
            assert scores[name][key]["value"] == metrics[key]["value"]
        assert "repetition" in metrics["behaviour"]["checks"]
        rows = (folder / "translations.jsonl").read_text(encoding="utf-8").splitlines()
        assert len(rows) == sentences
        page = (folder / "translations.html").read_text(encoding="utf-8")
        assert json.loads(rows[0])["source"] in page
    assert "nrefs:var" in reproduced.json("reports/tests/news/metrics.json")["bleu"]["signature"]


def test_the_run_has_the_scores_and_each_set_as_a_dataset(reproduced: Clone) -> None:
    [run_id] = reproduced.runs()  # also after the sets were added
    metrics, tags = reproduced.logged("metrics", run_id), reproduced.logged("tags", run_id)
    scores = reproduced.json("reports/tests/scores.json")
    lineage = reproduced.json("reports/lineage.json")["test_sets"]
    for name in (NEWS, CAPTIONS):
        for end, key in (("", "value"), ("_low", "low"), ("_high", "high")):
            assert metrics[f"{name}/bleu{end}"] == pytest.approx(scores[name]["bleu"][key])
        assert tags[f"test_sets.{name}"] == lineage[name]["sha256"]
        assert datasets(reproduced)[name] == lineage[name]["sha256"][:36]
    assert not [key for key in reproduced.logged("params", run_id) if "evaluate.tests" in key]


def test_compare_finds_a_set_by_its_name_also_one_that_was_evaluated_later(
    reproduced: Clone,
) -> None:
    [run_id] = reproduced.runs()
    said = reproduced.succeed("tracelate", "compare", ".", run_id, "--test", NEWS, "--json")
    assert json.loads(said)["test"]["sentences"] == 30
    later = ("tracelate", "evaluate", "--source", "corpora/news.en", "--reference")
    named = ("corpora/news.es", "--reference", "corpora/more.es", "--log", NEWS)
    refused = reproduced.run(*later, *named)
    assert refused.returncode == 1
    assert "was evaluated on 'news' by its stage evaluate (evaluate.tests)" in refused.stderr


def test_the_lineage_names_the_sets_and_verifies(reproduced: Clone) -> None:
    said = reproduced.succeed("tracelate", "lineage", ".", "--verify")
    for expected in (
        "test set news",
        "✓ same      data/test_sets/captions.parquet",
        "✓ same      reports/tests/news/translations.jsonl",
        "✓ same      corpora/more.es",
        "✓ same      corpora/captions/test.jsonl",
        "MLflow's run, test set captions",
        "✓ same      translations.jsonl has the sentences of the test set",
        "✓ same      tag of its text",
    ):
        assert expected in said
    assert reproduced.succeed("dvc", "status") == "Data and pipelines are up to date.\n"
    assert "no problems found" in reproduced.succeed("tracelate", "doctor")
    assert "has all results already" in reproduced.succeed("tracelate", "sync")
    assert "Test set captions" in reproduced.succeed("tracelate", "summary")


@pytest.mark.parametrize(
    "name",
    [
        "corpora/captions/test.jsonl",
        "data/test_sets/news.parquet",
        "reports/tests/captions/metrics.json",
        "reports/tests/news/evaluation.json",
    ],
)
def test_a_changed_file_is_named(reproduced: Clone, name: str) -> None:
    path = reproduced.folder / name
    content = path.read_bytes()
    path.unlink()  # DVC may have linked it to its cache
    path.write_bytes(content.replace(b"a", b"e", 1))
    try:
        done = reproduced.run("tracelate", "lineage", ".", "--verify")
        assert done.returncode == 1
        assert name in done.stderr
        if not name.startswith("reports"):
            assert reproduced.run("dvc", "status", "-q").returncode == 1
    finally:
        path.write_bytes(content)


def test_a_replay_leaves_them_out(reproduced: Clone) -> None:
    done = reproduced.run("tracelate", "replay", "reports")
    assert done.returncode == 0, done.stderr
    assert 'not run:  the test set "news"' in done.stdout + done.stderr
    assert "✓ same      models/weights.safetensors" in done.stdout


def test_a_signed_model_keeps_its_lineage_when_a_set_is_added(reproduced: Clone) -> None:
    reproduced.succeed("tracelate", "keys", "new")
    reproduced.succeed("tracelate", "promote", ".", "--sign-with", "keys/tracelate.key")
    [run_id] = reproduced.runs()
    before = reproduced.logged("tags", run_id)["sha256.reports/lineage.json"]
    set_tests(reproduced, [*TESTS, {**TESTS[0], "name": "again"}])
    reproduced.succeed("dvc", "repro")
    assert reproduced.runs() == [run_id]
    assert reproduced.logged("tags", run_id)["sha256.reports/lineage.json"] == before
    champion = "models:/tracelate@champion"
    reproduced.succeed("tracelate", "compare", champion, run_id, "--test", "again")
    verify = ("--verify", "--trusted-key", "keys/tracelate.pub")
    for reference in (champion, "."):
        reproduced.succeed("tracelate", "lineage", reference, *verify)
    set_tests(reproduced, TESTS)
    reproduced.succeed("dvc", "repro")


def test_another_text_under_the_same_name_is_another_run(reproduced: Clone) -> None:
    path = reproduced.folder / "corpora/news.es"
    before = reproduced.runs()
    path.write_text(path.read_text("utf-8").replace("casa", "cosa"), encoding="utf-8")
    assert set(json.loads(reproduced.succeed("dvc", "status", "--json"))) >= {"test_sets"}
    reproduced.succeed("dvc", "repro")
    [run_id] = set(reproduced.runs()) - set(before)
    assert reproduced.logged("tags", run_id)["tracelate.restored_from"] == before[0]
    reproduced.succeed("tracelate", "lineage", ".", "--verify")
    compared = reproduced.run("tracelate", "compare", before[0], run_id, "--test", NEWS)
    assert compared.returncode == 1
    assert "sha256 differ" in compared.stderr


def test_a_file_that_dvc_does_not_see_is_noticed_by_evaluate_and_doctor(
    reproduced: Clone,
) -> None:
    outside = reproduced.folder / "elsewhere.es"
    outside.write_bytes((reproduced.folder / "corpora/news.es").read_bytes())
    files = {**TESTS[0]["files"], "references": ["elsewhere.es"]}
    set_tests(reproduced, [{"name": "outside", "files": files}])
    reproduced.succeed("dvc", "repro")
    assert not (reproduced.folder / "reports/tests/captions").exists()
    outside.write_text("x\n" * 30, encoding="utf-8")
    assert reproduced.run("dvc", "status", "-q").returncode == 0
    done = reproduced.run("python", "-m", "pipeline.evaluate")
    assert done.returncode == 1
    assert "elsewhere.es of the test set 'outside' has changed since it was read" in done.stderr
    reproduced.succeed("dvc", "checkout", "dvc.yaml")
    assert "elsewhere.es of the test set 'outside'" in reproduced.run("tracelate", "doctor").stdout
    reproduced.succeed("dvc", "repro", "--force", "--single-item", "test_sets")
    reproduced.succeed("dvc", "repro")
    reproduced.succeed("tracelate", "lineage", ".", "--verify")
