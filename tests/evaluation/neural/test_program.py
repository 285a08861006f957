"""Neural metrics as programs: their answers are checked, and a failure is one line."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pydantic import ValidationError

from tests.tiny_corpus import PROJECT
from tracelate.comparison.comparability import inconsistencies
from tracelate.config import load_params
from tracelate.config_evaluate import NeuralMetricConfig
from tracelate.errors import InputError
from tracelate.evaluation.metrics_file import read_metrics, write_metrics
from tracelate.evaluation.neural import comet_adapter
from tracelate.evaluation.neural.program import SentenceToScore, score_by_program
from tracelate.evaluation.neural.scores import is_neural, neural_scores
from tracelate.evaluation.results import read_evidence

STAND_IN = Path(__file__).with_name("stand_in.py")
SENTENCES = [
    SentenceToScore("a b", "x y", "x y"),
    SentenceToScore("señal\u2028 {name}", "x", "x y"),
    SentenceToScore("", "", "y"),
]


def metric(behaviour: str, timeout_s: float = 60, **changes: Any) -> NeuralMetricConfig:
    command = [sys.executable, str(STAND_IN), behaviour]
    return NeuralMetricConfig.model_validate(
        {"name": "words", "command": command, "timeout_s": timeout_s, **changes}
    )


def test_each_sentence_has_its_score_in_order() -> None:
    found = score_by_program(metric("works"), SENTENCES)
    assert found.scores == [100.0, 50.0, 0.0]
    assert (found.header.name, found.header.version) == ("words", "1.0")
    assert score_by_program(metric("works"), SENTENCES * 2000).scores == [100.0, 50.0, 0.0] * 2000


def test_the_programs_environment_is_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", "/nowhere")
    assert len(score_by_program(metric("environment"), SENTENCES).scores) == 3


@pytest.mark.parametrize(
    ("behaviour", "reason"),
    [
        ("crashes", r"ended with status 3: no such model:\\x1b\[2J words"),
        ("rubbish", "did not begin with name, version and signature"),
        ("bad header", r"did not begin with name, version and signature \(name"),
        ("nothing", "answered with nothing"),
        ("floods", r"wrote more than 5,000 bytes"),
        ("too few", "answered with 2 scores for 3 sentences"),
        ("too many", "answered with 4 scores for 3 sentences"),
        ("NaN", "gave sentence 2 the score nan, which is not finite"),
        ("huge", "gave sentence 2 the score inf, which is not finite"),
        ("text", "gave sentence 2 the score 'good', which is no number"),
        ("true", "gave sentence 2 the score True, which is no number"),
        ("no score", r"answered for sentence 2 with no score, but b'\[\]'"),
    ],
)
def test_a_program_that_fails_is_one_line_with_the_reason(behaviour: str, reason: str) -> None:
    with pytest.raises(InputError, match=reason) as refused:
        score_by_program(metric(behaviour), SENTENCES)
    assert str(refused.value).startswith("the neural metric words (`")
    assert str(refused.value).endswith("or set it to [] to do without")
    assert "\n" not in str(refused.value)


def test_a_program_that_hangs_is_ended() -> None:
    began_s = time.monotonic()
    with pytest.raises(InputError, match=r"took longer than its timeout_s, 0.5 s"):
        score_by_program(metric("hangs", timeout_s=0.5), SENTENCES)
    assert time.monotonic() - began_s < 20


@pytest.mark.parametrize("command", [["/nowhere/python"], ["/"], ["a\0b"]])
def test_a_command_that_cannot_be_run_is_named(command: list[str]) -> None:
    given = metric("works").model_copy(update={"command": command})
    with pytest.raises(InputError, match="cannot be run"):
        score_by_program(given, SENTENCES)


@pytest.mark.parametrize("name", ["bleu", "test", "attention", "a_low", "Comet", "", "a b"])
def test_a_name_with_another_meaning_is_refused(name: str) -> None:
    with pytest.raises(ValidationError, match="name"):
        metric("works", name=name)


def test_the_score_is_the_mean_with_a_bootstrap_interval_and_a_signature() -> None:
    config = load_params(PROJECT / "params.yaml").evaluate
    given = config.model_copy(
        update={"neural_metrics": [metric("works")], "bootstrap_samples": 200}
    )
    [score] = neural_scores(SENTENCES * 50, given)
    assert (score.name, score.value) == ("words", 50.0)
    draws = np.random.default_rng(given.bootstrap_seed).choice(150, size=(200, 150))
    means = sorted(np.asarray([100.0, 50.0, 0.0] * 50)[draws].mean(axis=1))
    assert (score.low, score.high) == pytest.approx((means[5], means[-6]))
    assert (
        score.signature
        == f"neural:words|version:1.0|shared:words|bs:200|seed:{given.bootstrap_seed}"
    )
    assert is_neural(score.signature)
    assert list(neural_scores(SENTENCES, config)) == []


def test_a_file_of_scores_with_a_neural_one_is_read_and_consistent(tmp_path: Path) -> None:
    reports = PROJECT / "tests/formats/0.1/reports"
    evidence = read_evidence(reports, "reports")
    config = load_params(PROJECT / "params.yaml").evaluate
    given = config.model_copy(update={"neural_metrics": [metric("works")]})
    [score] = neural_scores(SENTENCES, given)
    scored = evidence.metrics._replace(scores=[*evidence.metrics.scores, score])
    write_metrics(tmp_path / "metrics.json", scored)
    assert read_metrics(tmp_path / "metrics.json") == scored
    assert inconsistencies(evidence._replace(metrics=scored)) == []


def test_the_adapter_of_comet_says_in_one_line_that_comet_is_missing() -> None:
    given = metric("", command=[sys.executable, "{comet_adapter}"])
    with pytest.raises(InputError, match="status 3: unbabel-comet cannot be imported by"):
        score_by_program(given, SENTENCES)


FAKE_COMET = """
class Model:
    def predict(self, asked, batch_size, gpus):
        print("a progress bar")
        class Found:
            scores = [len(one["mt"]) / 10 for one in asked]
        return Found
def download_model(name):
    if name == "gone":
        raise KeyError("Model 'gone' not supported\\nby COMET.")
    return name
def load_from_checkpoint(path):
    return Model()
"""


@pytest.fixture
def comet(tmp_path: Path) -> list[str]:
    """The command of the adapter with a package that has COMET's interface."""
    (tmp_path / "comet.py").write_text(FAKE_COMET)
    info = tmp_path / "unbabel_comet-2.2.7.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: unbabel-comet\nVersion: 2.2.7\n")
    run = f"import sys, runpy; sys.path.insert(0, {str(tmp_path)!r}); sys.argv = sys.argv[1:]; "
    run += "runpy.run_path(sys.argv[0], run_name='__main__')"
    return [sys.executable, "-c", run, "{comet_adapter}"]


def test_the_adapter_of_comet_speaks_the_protocol(comet: list[str]) -> None:
    found = score_by_program(metric("", command=[*comet, "--model", "some/model"]), SENTENCES)
    assert found.scores == pytest.approx([30.0, 10.0, 0.0])
    assert found.header.signature == "some/model"
    assert (found.header.name, found.header.version) == ("comet", "2.2.7")
    with pytest.raises(
        InputError, match=r"the model gone cannot be fetched or loaded .*not supported"
    ):
        score_by_program(metric("", command=[*comet, "--model", "gone"]), SENTENCES)


def test_the_adapter_imports_nothing_of_tracelate() -> None:
    text = Path(comet_adapter.__file__).read_text(encoding="utf-8")
    assert "import tracelate" not in text and "from tracelate" not in text
