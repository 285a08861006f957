"""Each addition that docs/contributing.md describes touches at most three places, and works.

A section in config.py and its values in params.yaml are one place, the settings.
Each test makes the addition in a copy of the project and runs it there in a process of its own.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.preloaded import python
from tests.tiny_corpus import PROJECT, build_wheel, put_into_cache, tiny_settings, write_params

LIBRARY = "src/tracelate"


class Addition(NamedTuple):
    """An addition to the project, as docs/contributing.md describes it."""

    new: Mapping[str, str]
    """Contents of new files by path."""
    edits: Mapping[str, tuple[tuple[str, str], ...]]
    """Replaced texts and their replacements by path of the changed file."""
    check: str
    """A script that fails if the addition does not work."""


ATTENTION = Addition(
    new={
        f"{LIBRARY}/model/attention/negated.py": '''
from torch import Tensor

from tracelate.model.attention.scores import DotAttention


class NegatedDotAttention(DotAttention):
    """score(h_t, h̄_s) = -h_tᵀ h̄_s."""

    def score(self, query_BTQ: Tensor, keys_BSA: Tensor) -> Tensor:
        return -super().score(query_BTQ, keys_BSA)
'''
    },
    edits={
        f"{LIBRARY}/model/attention/variants.py": (
            (
                "from tracelate.model.attention.none import",
                "from tracelate.model.attention.negated import NegatedDotAttention\n"
                "from tracelate.model.attention.none import",
            ),
            (
                '    "dot": lambda',
                '    "negated": lambda size, config: NegatedDotAttention(size, size),\n'
                '    "dot": lambda',
            ),
        ),
        f"{LIBRARY}/config_model.py": (
            ('    "scaled_dot",\n', '    "scaled_dot",\n    "negated",\n'),
        ),
    },
    check="""
from tests.contributing.checks import train_tiny
train_tiny(**{"model.attention": "negated"})
""",
)
CELL = Addition(
    new={},
    edits={
        f"{LIBRARY}/model/cells.py": (
            (
                '    "gru": nn.GRU,\n',
                '    "gru": nn.GRU,\n    "relu_rnn": partial(nn.RNN, nonlinearity="relu"),\n',
            ),
            (
                "from collections.abc import",
                "from functools import partial\n\nfrom collections.abc import",
            ),
        ),
        f"{LIBRARY}/config_model.py": (
            ('Literal["rnn", "gru", "lstm"]', 'Literal["rnn", "gru", "lstm", "relu_rnn"]'),
        ),
    },
    check="""
from tests.contributing.checks import train_tiny
train_tiny(**{"model.cell": "relu_rnn"})
""",
)
CLEANING_RULE = Addition(
    new={},
    edits={
        f"{LIBRARY}/config_prepare.py": (('    "empty",\n', '    "shouted",\n    "empty",\n'),),
        f"{LIBRARY}/corpus/rules.py": (
            (
                "ROW_RULES: Mapping",
                "def shouted(batch: pa.RecordBatch, context: Context) -> Matches:\n"
                '    """Pairs with a source in upper case."""\n'
                '    return _booleans(pc.utf8_is_upper(batch["source"]))\n\n\n'
                "ROW_RULES: Mapping",
            ),
            ('    "empty": empty,\n', '    "shouted": shouted,\n    "empty": empty,\n'),
        ),
        "params.yaml": (("  - empty\n", "  - shouted\n  - empty\n"),),
    },
    check="""
from tracelate.config import load_params
from tracelate.corpus.cleaning import CleaningCounts, clean
from tracelate.corpus.pairs import Pair
counts = CleaningCounts()
pairs = [Pair("STOP NOW", "Para ya", "a", "a:1"), Pair("Stop now", "Para ya", "a", "a:2")]
assert [pair.source for pair in clean(pairs, load_params().prepare, counts)] == ["Stop now"]
assert counts.dropped["shouted"] == 1
""",
)
METRIC = Addition(
    new={},
    edits={
        f"{LIBRARY}/metric_table.py": (
            (
                "\nMETRICS: dict",
                '\nCHRF_4 = Metric("chrf_4", "chrF4", "up to 4 characters", True, "CHRF", '
                '{"char_order": 4})\n\nMETRICS: dict',
            ),
            ("in (BLEU, CHRF, CHRFPP, TER)}", "in (BLEU, CHRF, CHRFPP, TER, CHRF_4)}"),
        )
    },
    check="""
from tests.contributing.checks import run_stages
run_stages("download", "prepare", "tokenize", "train", "evaluate")
import json
metrics = json.load(open("reports/metrics.json"))
assert metrics["chrf_4"]["value"] > 0 and "nc:4" in metrics["chrf_4"]["signature"]
from tests.contributing.checks import tracelate
assert "chrF4" in tracelate("summary")
assert "chrF4" in tracelate("compare", "reports", "reports")
assert "chrF4" in tracelate("runs")
tracelate("lineage", "reports", "--verify")
""",
)
COMMAND = Addition(
    new={
        f"{LIBRARY}/cli/pieces.py": '''
import typer

app = typer.Typer()


@app.command(epilog="Example: `tracelate pieces`")
def pieces() -> None:
    """Print the number of pieces that a vocabulary may have."""
    from tracelate.config import load_params

    typer.echo(str(load_params().tokenize.vocabulary_size))
'''
    },
    edits={
        f"{LIBRARY}/cli/main.py": (
            (
                "    lineage,\n    promote,\n    recall,",
                "    lineage,\n    pieces,\n    promote,\n    recall,",
            ),
            ("    doctor,\n):", "    doctor,\n    pieces,\n):"),
        )
    },
    check="""
from tests.contributing.checks import tracelate
assert tracelate("pieces") == "400\\n"
assert "pieces" in tracelate("--help")
""",
)
LOGGED_FILE = Addition(
    new={},
    edits={
        f"{LIBRARY}/layout.py": (
            (
                "EVALUATION_FILES = (",
                'SUMMARY = REPORTS / "summary.txt"\nEVALUATION_FILES = (SUMMARY, ',
            ),
        ),
        "pipeline/evaluate.py": (
            (
                "    with best_effort():",
                '    Path("reports/summary.txt").write_text("summary", encoding="utf-8")\n'
                "    with best_effort():",
            ),
            (
                "import time\n",
                "import time\nfrom pathlib import Path\n",
            ),
        ),
        "dvc.yaml": (
            (
                "      - reports/lineage.json:\n",
                "      - reports/summary.txt\n      - reports/lineage.json:\n",
            ),
        ),
    },
    check="""
from tests.contributing.checks import run_stages, tracelate
run_stages("download", "prepare", "tokenize", "train", "evaluate")
import json
run_id = json.load(open("models/run.json"))["run_id"]
from mlflow import MlflowClient
from tracelate.tracking.store.address import tracking_uri
logged = MlflowClient(tracking_uri()).list_artifacts(run_id, "evaluation")
assert "evaluation/summary.txt" in [one.path for one in logged]
assert run_id in tracelate("sync")
tracelate("doctor")
""",
)
SETTING = Addition(
    new={},
    edits={
        f"{LIBRARY}/config_model.py": (
            (
                "    layers: Depth\n",
                "    output_scale: Annotated[float, Field(gt=0), Before(1.0)]\n"
                '    """Factor of the scores over the vocabulary."""\n    layers: Depth\n',
            ),
        ),
        "params.yaml": (("  layers: 1\n", "  layers: 1\n  output_scale: 0.5\n"),),
        f"{LIBRARY}/model/seq2seq.py": (
            (
                "        self.output_bias_V =",
                "        self.output_scale = config.output_scale\n        self.output_bias_V =",
            ),
            (
                "        return nn.functional.linear(",
                "        return self.output_scale * nn.functional.linear(",
            ),
        ),
    },
    check="""
from tests.contributing.checks import train_tiny
train_tiny(**{"model.output_scale": 0.25})
from tracelate.training.model_files import load_model
from pathlib import Path
assert load_model(Path("models")).model.output_scale == 0.25
older = Path("tests/formats/0.1/models")
assert load_model(older).model.output_scale == 1.0
""",
)
CORPUS_SOURCE = Addition(
    new={
        f"{LIBRARY}/corpus/sources/table.py": '''
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

from tracelate.config import TableConfig
from tracelate.corpus.pairs import Pair, table_of
from tracelate.corpus.provenance import CorpusFile, Provenance
from tracelate.file_format import Sha256
from tracelate.corpus.raw import ALL
from tracelate.corpus.sources.source import Corpus, count_pairs
from tracelate.files import sha256_of


class TableProvenance(Provenance):
    """The table that was read."""

    corpus: Literal["table"] = "table"
    name: str
    sha256: Sha256

    @property
    def title(self) -> str:
        return self.name

    @property
    def hashes(self) -> Sequence[str]:
        return [self.sha256]

    def files_on_disk(self, settings: Mapping[str, Any], root: Path) -> Sequence[CorpusFile]:
        return [CorpusFile(settings["path"], root / settings["path"], self.sha256)]


class TableSource:
    """A file with a pair on each line, divided by a tab."""

    def __init__(self, config: TableConfig, source_language: str, target_language: str) -> None:
        self.config, self.languages = config, (source_language, target_language)

    def read(self) -> Corpus:
        path = Path(self.config.path)
        rows = [line.split("\\t") for line in path.read_text(encoding="utf-8").splitlines()]
        pairs = [Pair(one, other, one, f"{path.name}:{number}")
                 for number, (one, other) in enumerate(rows, start=1)]
        splits = {ALL: table_of(pairs)}
        provenance = TableProvenance(
            name=path.name,
            sha256=sha256_of(path),
            licence=self.config.licence,
            source_language=self.languages[0],
            target_language=self.languages[1],
            pairs=count_pairs(splits),
        )
        return Corpus(splits, provenance)
'''
    },
    edits={
        f"{LIBRARY}/corpus/sources/kinds.py": (
            (
                "import CorpusSource\n",
                "import CorpusSource\n"
                "from tracelate.corpus.sources.table import TableProvenance, TableSource\n",
            ),
            (
                '    "hub": SourceKind(',
                '    "table": SourceKind(TableSource, TableProvenance),\n    "hub": SourceKind(',
            ),
        ),
        f"{LIBRARY}/config.py": (
            ("    Section,\n)\n", "    Section,\n    Text,\n)\n"),
            (
                "class DownloadConfig(",
                "class TableConfig(Section):\n"
                '    """A file with a pair on each line."""\n\n'
                "    path: Text\n"
                '    """Path of the file, from the root."""\n'
                "    licence: Text\n"
                '    """Licence of the texts."""\n\n\n'
                "class DownloadConfig(",
            ),
            (
                "    files: FilesConfig\n",
                '    table: TableConfig\n    """A table."""\n    files: FilesConfig\n',
            ),
        ),
        "params.yaml": (
            (
                "\nprepare:\n",
                "  table:\n    path: corpora/pairs.tsv\n    licence: CC0-1.0\n\nprepare:\n",
            ),
        ),
    },
    check="""
from pathlib import Path
from tests.contributing.checks import read_table, run_stages, tracelate
read_table("corpora/pairs.tsv")
from tracelate.files import read_json
provenance = read_json(Path("data/raw/provenance.json"))
assert list(provenance) == ["corpus", "name", "sha256", "licence", "source_language",
                            "target_language", "pairs"]
run_stages("prepare", "tokenize", "train", "evaluate")
assert read_json(Path("reports/lineage.json"))["provenance"] == provenance
assert "from pairs.tsv (CC0-1.0): train" in tracelate("summary")
lineage = tracelate("lineage", "reports", "--verify")
assert f"pairs.tsv (table), sha256 {provenance['sha256'][:12]}, licence CC0-1.0" in lineage
assert "same      corpora/pairs.tsv" in lineage
assert "tag corpus" in lineage
""",
)
ADDITIONS = {
    "a corpus source": CORPUS_SOURCE,
    "a logged file": LOGGED_FILE,
    "a setting": SETTING,
    "an attention variant": ATTENTION,
    "a cell": CELL,
    "a cleaning rule": CLEANING_RULE,
    "a metric": METRIC,
    "a command": COMMAND,
}


@pytest.mark.parametrize("name", ADDITIONS)
def test_an_addition_touches_at_most_three_places_and_works(name: str, tmp_path: Path) -> None:
    addition = ADDITIONS[name]
    assert len(_places(addition)) <= 3
    copy = _copy_project(tmp_path / "project")
    for path, text in addition.new.items():
        assert not (copy / path).exists()
        (copy / path).write_text(text, encoding="utf-8")
    for path, replacements in addition.edits.items():
        text = (copy / path).read_text(encoding="utf-8")
        for old, new in replacements:
            assert old in text, f"{old!r} is not in {path}"
            text = text.replace(old, new, 1)
        (copy / path).write_text(text, encoding="utf-8")
    done = subprocess.run(
        [python(), "-c", addition.check],
        cwd=copy,
        env=_environment(copy),
        capture_output=True,
        encoding="utf-8",
        timeout=240,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def _places(addition: Addition) -> set[str]:
    files = {*addition.new, *addition.edits}
    settings = {f"{LIBRARY}/config.py", f"{LIBRARY}/config_model.py", "params.yaml"}
    return {"the settings" if path in settings else path for path in files}


def _copy_project(folder: Path) -> Path:
    """A copy of the code, with the settings of the tiny corpus."""
    for name in ("src", "pipeline", "tests", "dvc.yaml", "params.yaml"):
        source = PROJECT / name
        if source.is_dir():
            skipped = shutil.ignore_patterns("__pycache__", "*.egg-info")
            shutil.copytree(source, folder / name, ignore=skipped)
        else:
            shutil.copyfile(source, folder / name)
    wheel = build_wheel()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TRACELATE_CACHE", str(folder / "cache"))
        put_into_cache(wheel)
    write_params(folder, tiny_settings(wheel))
    return folder


def _environment(folder: Path) -> dict[str, str]:
    without = ("MLFLOW_TRACKING_URI", "DVC_ROOT")
    return {
        **{name: value for name, value in os.environ.items() if name not in without},
        "PYTHONPATH": os.pathsep.join([str(folder), str(folder / "src")]),
        "TRACELATE_CACHE": str(folder / "cache"),
        "NO_COLOR": "1",
    }
