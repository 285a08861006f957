"""The chain behind a reference, and whether it holds, in a store of the project's own."""

from __future__ import annotations

import json
import shutil
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from mlflow import MlflowClient
from rich.console import Console

from tests.tracking.stored_runs import mlflow_client
from tracelate import layout
from tracelate.cli.lineage_tree import print_chain, print_checks
from tracelate.cli.main import main
from tracelate.corpus.provenance import LAST_FIELDS
from tracelate.errors import InputError
from tracelate.evaluation.lineage import read_lineage
from tracelate.files import read_json, sha256_of, write_json
from tracelate.lineage.chain import chain_document
from tracelate.lineage.checks import failed_checks, refuse_failures
from tracelate.lineage.trace import Trace
from tracelate.lineage.trace import trace as trace_reference
from tracelate.lineage.verify import verify
from tracelate.serving.servable import load_servable
from tracelate.tracking.references.packed_models import packed_model
from tracelate.tracking.references.references import resolve, resolve_with_servers
from tracelate.tracking.runs.log_model import pack_model
from tracelate.tracking.runs.sync import sync_project

CHAMPION = "models:/en-es@champion"


@pytest.fixture(scope="module")
def project(finished_project: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A copy of the project, in a store of its own, with a registered version; where we are."""
    folder = tmp_path_factory.mktemp("traced")
    for room in ("models", "reports", "data", "cache"):
        shutil.copytree(finished_project / room, folder / room)
    shutil.copyfile(finished_project / "params.yaml", folder / "params.yaml")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{folder}/mlflow.db")
        patch.setenv("DVC_ROOT", str(folder))
        patch.setenv("TRACELATE_CACHE", str(folder / "cache"))
        patch.chdir(folder)
        sync_project()
        register(mlflow_client())
        yield folder


def register(client: MlflowClient) -> None:
    experiment = client.get_experiment_by_name("tracelate")
    assert experiment is not None
    lineage = read_lineage(layout.LINEAGE)
    [model] = [
        one
        for one in client.search_logged_models([experiment.experiment_id])
        if one.tags["weights_sha256"] == lineage.weights_sha256
    ]
    client.create_registered_model("en-es")
    uri = f"models:/{model.model_id}"
    version = client.create_model_version(
        "en-es", uri, model.source_run_id, model_id=model.model_id
    )
    client.set_model_version_tag("en-es", version.version, "tracelate.verdict", "granted [first]")
    client.set_registered_model_alias("en-es", "champion", version.version)


def trace(text: str) -> Trace:
    return trace_reference(resolve_with_servers(text))


@pytest.fixture
def champion(project: Path) -> Trace:
    return trace(CHAMPION)


@contextmanager
def changed(path: Path, place: int | None = None) -> Iterator[None]:
    """One byte of the file is another while the block runs."""
    with restored(path):
        content = bytearray(path.read_bytes())
        content[len(content) // 2 if place is None else place] ^= 1
        path.write_bytes(content)
        yield


@contextmanager
def restored(path: Path) -> Iterator[None]:
    """The file is as it was when the block ends."""
    whole = path.read_bytes()
    try:
        yield
    finally:
        path.write_bytes(whole)


def wrong(traced: Trace) -> set[tuple[str, str]]:
    """Place and name of what differs."""
    return {(one.place, one.what) for one in failed_checks(verify(traced))}


def printed(traced: Trace) -> str:
    text = StringIO()
    print_chain(Console(file=text, width=250), traced.chain)
    return text.getvalue()


def test_each_form_of_reference_leads_to_the_same_lineage(project: Path, tmp_path: Path) -> None:
    lineage = read_lineage(project / layout.LINEAGE)
    client = mlflow_client()
    experiment = client.get_experiment_by_name("tracelate")
    assert experiment is not None
    [run] = client.search_runs([experiment.experiment_id])
    pack_model(tmp_path / "packed", lineage, project)
    for reference in (
        CHAMPION,
        "models:/en-es/1",
        run.info.run_id,
        run.info.run_id[:8],
        run.info.run_name,
        str(project),
        "models",
        "models/weights.safetensors",
        "reports",
        "data/prepared/test.parquet",
        str(tmp_path / "packed"),
        str(tmp_path / "packed/artifacts/weights.safetensors"),
    ):
        traced = trace(reference)
        assert traced.lineage == lineage, reference
        assert traced.run is not None and traced.run.run_id == run.info.run_id
        assert not wrong(traced), reference


def test_the_chain_says_weights_run_settings_data_corpus_scores_and_verdict(
    champion: Trace,
) -> None:
    said, lineage = printed(champion), champion.lineage
    assert lineage.weights_sha256 in said
    for sha256 in lineage.files.values():
        assert sha256[:12] in said
    for score in read_json(layout.METRICS)["bleu"], read_json(layout.METRICS)["ter"]:
        assert f"{score['value']:.2f}" in said and score["signature"] in said
    for expected in (
        lineage.training.run_id,
        "FINISHED",
        "experiment tracelate",
        "attention general",
        "epochs 2",
        "tinycatalogs 1.0",
        "licence Apache-2.0",
        lineage.test_sha256[:12],
        "version 1 of en-es @champion",
        "tracelate.verdict  granted [first]",
    ):
        assert expected in said


def test_the_chain_as_json_has_hashes_and_settings_in_full(champion: Trace) -> None:
    document = json.loads(json.dumps(chain_document(champion.chain, verify(champion))))
    assert document["lineage"] == champion.lineage.model_dump()
    assert document["version"]["aliases"] == ["champion"]
    assert document["run"]["status"] == "FINISHED"
    assert [score["name"] for score in document["scores"]] == ["bleu", "chrf", "chrfpp", "ter"]
    [unchecked] = [check for check in document["checks"] if check["verdict"] != "same"]
    assert (unchecked["what"], unchecked["reason"]) == ("signature", "unsigned")


@pytest.mark.parametrize(
    "name",
    [
        "models/weights.safetensors",
        "models/tokenizer.json",
        "data/tokenized/train.arrow",
        "data/prepared/train.parquet",
        "data/prepared/test.parquet",
        "data/raw/all.parquet",
        "reports/metrics.json",
        "reports/translations.jsonl",
    ],
)
def test_one_changed_byte_in_the_folder_is_named(project: Path, name: str) -> None:
    with changed(project / name):
        assert ("this folder", name) in wrong(trace("models"))
        checks = verify(trace(CHAMPION))
        with pytest.raises(InputError, match=f"this folder: {name} is "):
            refuse_failures(checks)


@pytest.mark.parametrize(
    ("pattern", "place", "name"),
    [
        ("artifacts/artifacts/weights.safetensors", "MLflow's model", "models/weights.safetensors"),
        ("artifacts/artifacts/tokenizer.json", "MLflow's model", "models/tokenizer.json"),
        ("artifacts/evaluation/translations.jsonl", "MLflow's run", "reports/translations.jsonl"),
        ("artifacts/evaluation/metrics.json", "MLflow's run", "reports/metrics.json"),
    ],
)
def test_one_changed_byte_in_the_store_is_named(
    project: Path, pattern: str, place: str, name: str
) -> None:
    [path] = (project / "mlartifacts").rglob(pattern)
    with changed(path):
        assert (place, name) in wrong(trace(CHAMPION))


def test_a_changed_lineage_in_the_store_is_reported(project: Path) -> None:
    [path] = (project / "mlartifacts").rglob("artifacts/artifacts/lineage.json")
    with restored(path):
        path.write_bytes(path.read_bytes().replace(b"Apache-2.0", b"Apache-1.0"))
        assert ("MLflow's model", "lineage.json") in wrong(trace(CHAMPION))


def test_weights_changed_together_with_their_lineage_are_reported(project: Path) -> None:
    """Whoever can write to the artifact store can make the two agree, but not the tags."""
    [weights] = (project / "mlartifacts").rglob("artifacts/artifacts/weights.safetensors")
    path = weights.with_name("lineage.json")
    with changed(weights), restored(path):
        forged = read_json(path)
        forged["model"]["models/weights.safetensors"] = sha256_of(weights)
        write_json(path, forged)
        found = wrong(trace(CHAMPION))
    assert ("MLflow's model", "tag weights_sha256") in found
    assert ("MLflow's model", "lineage.json") in found


def test_a_lineage_that_names_another_run_is_reported(project: Path) -> None:
    [path] = (project / "mlartifacts").rglob("artifacts/artifacts/lineage.json")
    with restored(path):
        forged = read_json(path)
        forged["training"]["run_id"] = "0" * 32
        write_json(path, forged)
        found = wrong(trace(CHAMPION))
    assert ("MLflow's model", "tag training_run_id") in found


@pytest.mark.parametrize("name", ["pyfunc_model.py", "MLmodel", "code/tracelate/config.py"])
def test_changed_code_of_a_packed_model_is_reported_and_not_loaded(
    project: Path, name: str
) -> None:
    [path] = (project / "mlartifacts").rglob(f"artifacts/{name}")
    with restored(path):
        path.write_bytes(path.read_bytes() + b"# more\n")
        assert wrong(trace(CHAMPION)) == {("MLflow's model", "its code")}
        with (
            pytest.raises(InputError, match=r"the code of models:/en-es/1 has changed"),
            packed_model(resolve(CHAMPION)),
        ):
            pass


@pytest.mark.parametrize(
    "name",
    [
        "__pycache__/pyfunc_model.cpython-311.pyc",
        "code/__pycache__/tracelate.cpython-311.pyc",
        "code/tracelate/model/__pycache__/search.cpython-311.pyc",
        "sitecustomize.py",
        "artifacts/plugin.so",
        "artifacts/more/weights.safetensors",
    ],
)
def test_a_planted_file_of_a_packed_model_is_reported_and_not_loaded(
    project: Path, name: str
) -> None:
    [root] = (path.parent for path in (project / "mlartifacts").rglob("artifacts/MLmodel"))
    planted = root / name
    outermost = next(path for path in [*reversed(planted.parents), planted] if not path.exists())
    planted.parent.mkdir(parents=True, exist_ok=True)
    planted.write_bytes(b"planted")
    try:
        assert wrong(trace(CHAMPION)) == {("MLflow's model", name)}
        with (
            pytest.raises(InputError, match=f"has a file that was not packed, {name}: remove it"),
            packed_model(resolve(CHAMPION)),
        ):
            pass
    finally:
        shutil.rmtree(outermost) if outermost.is_dir() else outermost.unlink()


@pytest.mark.parametrize(
    ("tag", "what"),
    [("code_sha256", "the code"), ("lineage_sha256", "artifacts/lineage.json")],
)
def test_a_model_whose_tag_was_deleted_is_reported_and_not_loaded(
    project: Path, champion: Trace, tag: str, what: str
) -> None:
    assert champion.model is not None
    client, value = mlflow_client(), champion.model.tags[tag]
    client.delete_logged_model_tag(champion.model.model_id, tag)
    try:
        assert {place for place, _ in wrong(trace(CHAMPION))} == {"MLflow's model"}
        with (
            pytest.raises(InputError, match=f"{what} of models:/en-es/1 cannot be checked"),
            packed_model(resolve(CHAMPION)),
        ):
            pass
    finally:
        client.set_logged_model_tags(champion.model.model_id, {tag: value})


@pytest.mark.parametrize("name", ["data/prepared/train.parquet", "data/prepared/test.parquet"])
def test_a_model_whose_files_in_this_folder_have_changed_is_not_served(
    project: Path, name: str
) -> None:
    assert load_servable(resolve(CHAMPION)).source.version == "1"
    with (
        changed(project / name),
        pytest.raises(InputError, match=f"this folder: {name} is "),
    ):
        load_servable(resolve(CHAMPION))


def test_a_changed_lineage_of_the_run_is_reported(project: Path) -> None:
    [path] = (project / "mlartifacts").rglob("artifacts/evaluation/lineage.json")
    with restored(path):
        path.write_bytes(path.read_bytes() + b" ")
        assert wrong(trace(CHAMPION)) == {("MLflow's run", "lineage.json")}


def test_a_changed_wheel_is_reported_and_a_missing_one_is_not_here(project: Path) -> None:
    [wheel] = (project / "cache/wheels").iterdir()
    with changed(wheel):
        assert wrong(trace("models")) == {("the cache", "tinycatalogs 1.0 (wheel)")}
    moved = wheel.rename(project / "elsewhere")
    try:
        checks = verify(trace("models"))
    finally:
        moved.rename(wheel)
    absent = [one.what for one in checks if one.verdict == "not here" and one.what != "signature"]
    assert absent == ["tinycatalogs 1.0 (wheel)"]
    assert not failed_checks(checks)


def test_a_score_that_its_translations_do_not_have_is_reported(project: Path) -> None:
    """Also where someone has written the lineage anew for it."""
    metrics, lineage = project / layout.METRICS, project / layout.LINEAGE
    kept = [path.read_bytes() for path in (metrics, lineage)]
    document = read_json(metrics)
    document["bleu"]["value"] += 1
    write_json(metrics, document)
    forged = read_json(lineage)
    forged["evaluation"][layout.METRICS.as_posix()] = sha256_of(metrics)
    write_json(lineage, forged)
    try:
        found = wrong(trace("reports"))
    finally:
        for path, content in zip((metrics, lineage), kept, strict=True):
            path.write_bytes(content)
    assert ("this folder", "translations.jsonl has the scores of metrics.json") in found
    assert ("MLflow's run", "reports/metrics.json") in found


def test_tags_and_params_of_another_training_are_reported(project: Path, champion: Trace) -> None:
    assert champion.run is not None and champion.store is not None
    run_id, tag = champion.run.run_id, "sha256.data/tokenized/train.arrow"
    right = champion.run.tags[tag]
    champion.store.runs.set_tags(run_id, {tag: "0" * 64})
    try:
        assert wrong(trace(CHAMPION)) == {("MLflow's run", f"tag {tag}")}
    finally:
        champion.store.runs.set_tags(run_id, {tag: right})


def test_the_folder_of_another_training_is_no_difference(project: Path, tmp_path: Path) -> None:
    lineage = read_lineage(project / layout.LINEAGE)
    pack_model(tmp_path / "packed", lineage, project)
    path = project / layout.LINEAGE
    kept = path.read_bytes()
    document = read_json(path)
    document["model"]["models/weights.safetensors"] = "0" * 64
    write_json(path, document)
    try:
        checks = verify(trace(str(tmp_path / "packed")))
    finally:
        path.write_bytes(kept)
    assert not failed_checks(checks)
    [other] = [one for one in checks if one.verdict == "not here" and one.what != "signature"]
    assert (other.place, other.what) == ("this folder", "models/weights.safetensors")
    assert "another training" in other.reason


def test_a_file_that_is_in_no_lineage_is_refused(project: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"'params\.yaml' names no model or run"):
        trace("params.yaml")
    (tmp_path / "some").write_text("text")
    with pytest.raises(InputError, match="it belongs to no project and no packed model"):
        trace(str(tmp_path / "some"))
    shutil.copyfile("params.yaml", "reports/notes.txt")
    with pytest.raises(InputError, match=r"notes\.txt is not a file that its lineage names"):
        trace("reports/notes.txt")
    Path("reports/notes.txt").unlink()


@pytest.mark.parametrize(
    ("reference", "message"),
    [
        ("models:/en-es@nobody", "is not in sqlite"),
        ("models:/en-es/7", "is not in sqlite"),
        ("models:/en-es", "names no model or run .it has no alias, version or id"),
        (
            "nothing of that name",
            "names no model or run .it is no file or folder, and no run in sqlite",
        ),
        ("http://127.0.0.1:9", r"http://127\.0\.0\.1:9/model does not answer with a model"),
    ],
)
def test_a_missing_model_or_lineage_is_one_line(
    project: Path, reference: str, message: str
) -> None:
    with pytest.raises(InputError, match=message):
        trace(reference)


def test_asking_about_files_makes_no_store(
    project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pack_model(tmp_path / "packed", read_lineage(project / layout.LINEAGE), project)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path}/mlflow.db")
    monkeypatch.chdir(tmp_path)
    traced = trace("packed")
    assert "not found in MLflow here" in printed(traced)
    assert not wrong(traced)
    assert not (tmp_path / "mlflow.db").exists()


@contextmanager
def served(document: dict[str, Any]) -> Iterator[str]:
    """A server that answers /model as `tracelate serve` does."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200 if self.path == "/model" else 404)
            self.send_header("Content-Type", "application/json")
            self.end_headers()
            if self.path == "/model":
                self.wfile.write(json.dumps(document).encode())

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def test_a_served_model_says_where_it_comes_from(champion: Trace) -> None:
    document = {
        "name": "en-es",
        "version": "1",
        "weights_sha256": champion.lineage.weights_sha256,
        "lineage": champion.lineage.model_dump(),
    }
    with served(document) as address:
        traced = trace(address)
        assert traced.lineage == champion.lineage
        assert "version 1 of en-es @champion" in printed(traced)
        assert not wrong(traced)
    with served({**document, "weights_sha256": "0" * 64}) as address:
        assert wrong(trace(address)) == {("the served model", "weights_sha256")}
    with (
        served({"name": "something else"}) as address,
        pytest.raises(InputError, match=r"the lineage of http://.* is missing"),
    ):
        trace(address)


@pytest.mark.parametrize("path", ["/etc/passwd", "{outside}", "../outside.en"])
def test_a_served_lineage_makes_no_file_outside_the_project_be_read(
    project: Path, champion: Trace, path: str
) -> None:
    outside = project.parent / "outside.en"
    outside.write_text("text")
    lineage = json.loads(json.dumps(champion.lineage.model_dump()))
    named = {"name": "x", "sha256": sha256_of(outside)}
    kept = {name: lineage["provenance"][name] for name in LAST_FIELDS}
    lineage["provenance"] = {
        "corpus": "files",
        "files": {"all": {"source": named, "target": named}},
        **kept,
    }
    name = path.format(outside=outside)
    lineage["params"]["download"]["files"]["train"] = {"source": name, "target": name}
    document = {"weights_sha256": champion.lineage.weights_sha256, "lineage": lineage}
    with served(document) as address:
        checks = verify(trace(address))
    of_corpus = [check for check in checks if check.place == "the corpus"]
    assert [(one.verdict, one.reason) for one in of_corpus] == [
        ("not here", "it lies outside the project")
    ] * 2


def test_checks_are_printed_with_their_reasons(project: Path) -> None:
    with changed(project / "models/tokenizer.json"):
        checks = verify(trace("models"))
    text = StringIO()
    print_checks(Console(file=text, width=60), checks)
    lines = text.getvalue().splitlines()
    assert any("✓ same      models/weights.safetensors" in line for line in lines)
    [told] = [line for line in lines if "✗ differs   models/tokenizer.json" in line]
    assert "the lineage has" in told


def test_a_server_is_traced_and_verified_too(
    project: Path, mlflow_server: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", mlflow_server)
    run = sync_project().run
    client = mlflow_client()
    register(client)
    try:
        for reference in (run.run_id, CHAMPION):
            traced = trace(reference)
            assert traced.chain.metrics is not None and traced.model is not None
            checks = verify(traced)
            assert {one.verdict for one in checks if one.what != "signature"} == {"same"}
            assert {"MLflow's run", "MLflow's model"} < {one.place for one in checks}
    finally:
        assert traced.model is not None
        client.delete_registered_model("en-es")
        client.delete_logged_model(traced.model.model_id)
        client.delete_run(run.run_id)


def command(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> int:
    """Runs `tracelate` with these arguments in this process, and gives its status."""
    monkeypatch.setattr(sys, "argv", ["tracelate", *arguments])
    with pytest.raises(SystemExit) as ended:
        main()
    return int(str(ended.value.code or 0))


def test_the_command_ends_with_status_1_where_something_differs(
    project: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert command(monkeypatch, "lineage", CHAMPION, "--verify") == 0
    said = capsys.readouterr()
    assert "✓ same      models/weights.safetensors" in said.out and said.err == ""
    with changed(project / layout.TEST):
        assert command(monkeypatch, "lineage", CHAMPION, "--verify", "--json") == 1
    said = capsys.readouterr()
    assert said.err.startswith("error: this folder: data/prepared/test.parquet is ")
    assert len(said.err.splitlines()) == 1
    assert "differs" in {check["verdict"] for check in json.loads(said.out)["checks"]}
