"""Every form of naming a model, a run or an evaluation works in every command that takes one."""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import pytest
import typer

from tests.cli.conftest import Done
from tests.registry.test_alias_history import event
from tests.tiny_corpus import PROJECT
from tests.tracking.stored_runs import mlflow_client
from tracelate import layout
from tracelate.cli.main import main
from tracelate.config import load_params
from tracelate.errors import InputError
from tracelate.evaluation.lineage import read_lineage
from tracelate.lineage.checks import LineageCheck
from tracelate.registry.alias_history import append_event
from tracelate.registry.versions import Alias, register_version
from tracelate.serving.servable import load_servable
from tracelate.tracking.references.references import FORMS, LocalReference, Reference, resolve
from tracelate.tracking.references.trained_models import DEFAULT_SETTINGS
from tracelate.tracking.runs.log_model import pack_model
from tracelate.tracking.runs.sync import sync_project
from tracelate.tracking.store.store import connect

CHAMPION = "models:/en-es@champion"
FORMS_OF_A_MODEL = (
    ".",
    "models",
    "reports",
    "reports/lineage.json",
    "reports/translations.jsonl",
    "models/weights.safetensors",
    "models/run.json",
    "data/prepared/test.parquet",
    "{project}",
    "{project}/models/../models",
    "{packed}",
    "{packed}/MLmodel",
    "{packed}/artifacts",
    "{packed}/artifacts/config.json",
    CHAMPION,
    "models:/en-es/1",
    "models:/{model_id}",
    "runs:/{run_id}",
    "runs:/{run_id:.8}",
    "{run_id}",
    "{run_id:.6}",
    "{run_name}",
)
COMMANDS = ("translate", "serve", "compare", "promote", "lineage", "replay", "seeds")
WRONG = (
    "",
    "nothing",
    "abcdef",
    "reports/nothing.json",
    "params.yaml",
    "empty",
    "models:/en-es",
    "models:/en-es/7",
    "models:/en-es@nobody",
    "models:/nothing/1",
    "models:/m-0123",
    "runs:/0123456789",
    "s3://bucket/model",
)


class World(NamedTuple):
    """A finished project with a registered version, in which the commands run."""

    project: Path
    packed: Path
    run_id: str
    run_name: str
    model_id: str

    def name(self, form: str) -> str:
        return form.format(**self._asdict())


@pytest.fixture(scope="module")
def world(finished_project: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    project = tmp_path_factory.mktemp("named")
    for room in ("models", "reports", "data"):
        shutil.copytree(finished_project / room, project / room)
    shutil.copyfile(finished_project / "params.yaml", project / "params.yaml")
    (project / "empty").mkdir()
    (project / "in.en").write_text("Always the door opens.\n", encoding="utf-8")
    packed = tmp_path_factory.mktemp("elsewhere") / "packed"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{project}/mlflow.db")
        patch.setenv("DVC_ROOT", str(project))
        patch.setenv("NO_COLOR", "1")
        patch.chdir(project)
        run = sync_project().run
        pack_model(packed, read_lineage(layout.LINEAGE))
        store = connect()
        stored = store.runs.get(run.run_id)
        [model_id] = stored.model_ids
        version = register_version(store, "en-es", model_id, run.run_id)
        store.registry.set_alias("en-es", "champion", version)
        champion = Alias("en-es", "champion")
        append_event(store, champion, event("promoted", version, None))
        yield World(project, packed, run.run_id, stored.name, model_id)


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> Done:
    with pytest.MonkeyPatch.context() as patch, pytest.raises(SystemExit) as ended:
        patch.setattr(sys, "argv", ["tracelate", *arguments])
        main()
    return Done(int(str(ended.value.code or 0)), *capsys.readouterr())


def arguments_of(command: str, reference: str) -> Sequence[str]:
    match command:
        case "translate":
            return (command, "in.en", "--model", reference)
        case "compare":
            return (command, reference, "reports", "--sentences", "0")
        case "promote":
            return (command, reference, "--name", "en-es", "--dry-run")
        case "lineage":
            return (command, reference, "--json")
        case "replay":
            return (command, reference, "--yes")
        case _:
            return (command, reference)


@pytest.fixture
def light(monkeypatch: pytest.MonkeyPatch) -> None:
    """Serving loads the model but starts no server, and a replay trains nothing."""

    def serve(reference: Reference, *_: object, **__: object) -> None:
        typer.echo(load_servable(reference).lineage.weights_sha256)

    def replay(*_: object, **__: object) -> list[LineageCheck]:
        return [LineageCheck("the replay", "models/weights.safetensors", "same")]

    monkeypatch.setattr("tracelate.serving.server.serve", serve)
    monkeypatch.setattr("tracelate.lineage.replay.replay", replay)


@pytest.fixture(scope="module")
def translation(world: World) -> str:
    rows = (json.loads(line) for line in layout.TRANSLATIONS.read_text("utf-8").splitlines())
    row = next(rows)
    Path("in.en").write_text(f"{row['source']}\n", encoding="utf-8")
    return str(row["translation"])


@pytest.mark.usefixtures("light")
@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize("form", FORMS_OF_A_MODEL)
def test_each_form_names_the_model_in_each_command(
    world: World,
    translation: str,
    capsys: pytest.CaptureFixture[str],
    form: str,
    command: str,
) -> None:
    reference = world.name(form)
    done = run(capsys, *arguments_of(command, reference))
    weights_sha256 = read_lineage(layout.LINEAGE).weights_sha256
    match command:
        case "translate":
            assert (done.status, done.stdout, done.stderr) == (0, f"{translation}\n", "")
        case "serve":
            assert (done.status, done.stdout, done.stderr) == (0, f"{weights_sha256}\n", "")
        case "compare":
            assert (done.status, done.stderr) == (0, "")
            assert "Both translations of all 20 sentences are the same." in done.stdout
            assert "No setting that changes a result differs." in done.stdout
        case "promote":
            assert (done.status, done.stderr) == (0, "")
            assert "champion of en-es is version 1 already: nothing to do" in done.stdout
        case "lineage":
            assert (done.status, done.stderr) == (0, "")
            document = json.loads(done.stdout)
            assert document["reference"] == reference
            assert document["weights_sha256"] == weights_sha256
            assert document["run"]["run_id"] == world.run_id
        case "replay":
            assert done.status == 0
            assert done.stderr.startswith("commit: ") and "settings: as in" in done.stderr
            assert "✓ same      models/weights.safetensors" in done.stdout
        case "seeds":
            assert (done.status, done.stdout) == (1, "")
            assert "only seed 1 was trained and scored" in done.stderr


def test_a_model_whose_alias_was_moved_in_mlflow_is_used_with_a_warning(
    world: World, translation: str, capsys: pytest.CaptureFixture[str]
) -> None:
    served: list[str | None] = []
    client = mlflow_client()
    client.set_registered_model_alias("en-es", "handmade", "1")
    try:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(
                "tracelate.serving.server.serve",
                lambda *_, warning, **__: served.append(warning),
            )
            for alias in ("handmade", "champion"):
                assert run(capsys, "serve", f"models:/en-es@{alias}").status == 0
        done = run(capsys, "translate", "in.en", "--model", "models:/en-es@handmade")
    finally:
        client.delete_registered_model_alias("en-es", "handmade")
    assert (done.status, done.stdout) == (0, f"{translation}\n")
    [line] = done.stderr.splitlines()
    assert line == (
        "warning: handmade of en-es was set to version 1, and no promotion or rollback has "
        "recorded it: promote version 1 (`tracelate promote models:/en-es/1 --name en-es --alias "
        "handmade`)"
    )
    assert served == [line, None]


@pytest.mark.usefixtures("light")
@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize("wrong", WRONG)
def test_each_command_gives_the_same_error_for_an_unknown_reference(
    world: World, capsys: pytest.CaptureFixture[str], wrong: str, command: str
) -> None:
    done = run(capsys, *arguments_of(command, wrong))
    assert (done.status, done.stdout) == (1, "")
    [line] = done.stderr.splitlines()
    assert line.startswith(f"error: {wrong!r} names no model or run (it ")
    assert line.endswith(f"): name {FORMS}; `tracelate runs` lists the runs")


@pytest.mark.parametrize(
    "odd",
    [
        "models:/",
        "models:/a@",
        "models:/@a",
        "models:/a/0",
        "models:/a/" + "9" * 5_000,
        "models:/..@a",
        "models:/a'b@c",
        "models:/a\0@b",
        "models:/m-" + "0" * 32,
        "runs:/",
        "runs:/' OR '1'='1",
        "runs:/" + "a" * 32,
        "/dev/null",
        "../" * 3_000,
        " ",
        "%",
        "a\nb",
        "a\0b",
        "\x1b[31m",
        "\ud800",
        "x" * 10_000,
        "/" * 10_000,
    ],
)
def test_an_odd_reference_is_refused_in_one_short_line(world: World, odd: str) -> None:
    with pytest.raises(InputError, match="names no model or run") as error:
        resolve(odd)
    assert str(error.value).isprintable() and len(str(error.value)) < 1_500


@pytest.mark.parametrize("reference", [CHAMPION, "models:/{model_id}", "runs:/{run_id}"])
def test_no_folder_shadows_an_address_of_mlflow(world: World, reference: str) -> None:
    address = world.name(reference)
    first, _, _ = address.partition("/")
    shutil.copytree("models", address)
    try:
        assert not isinstance(resolve(address), LocalReference)
        assert isinstance(resolve(f"./{address}"), LocalReference)
    finally:
        shutil.rmtree(first)


@pytest.mark.usefixtures("light")
@pytest.mark.parametrize("command", COMMANDS)
def test_the_address_of_a_served_model_is_for_lineage_and_replay_alone(
    world: World, capsys: pytest.CaptureFixture[str], command: str
) -> None:
    address = "http://127.0.0.1:9"
    done = run(capsys, *arguments_of(command, address))
    assert (done.status, done.stdout) == (1, "")
    [line] = done.stderr.splitlines()
    if command in ("lineage", "replay"):
        assert line.startswith(f"error: {address}/model does not answer with a model (")
    else:
        assert line.startswith(f"error: '{address}' names no model or run (only `tracelate line")
        assert FORMS in line


@pytest.mark.parametrize("command", COMMANDS)
def test_the_help_of_each_command_lists_all_forms(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, command: str
) -> None:
    monkeypatch.setenv("COLUMNS", "1000")
    done = run(capsys, command, "--help")
    assert done.status == 0
    assert FORMS in " ".join(done.stdout.split())


def test_a_path_comes_before_a_run_of_the_same_name(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    client = mlflow_client()
    other = client.create_run(client.get_run(world.run_id).info.experiment_id, run_name="models")
    try:
        assert run(capsys, "compare", "models", "reports").status == 0
        done = run(capsys, "compare", "runs:/models", "reports")
    finally:
        client.delete_run(other.info.run_id)
    assert done.status == 1
    assert done.stderr.startswith(f"error: models ({other.info.run_id[:8]}) has no evaluation/")


def test_a_model_that_was_not_evaluated_has_no_evaluation_but_reports_has_the_earlier_one(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    weights = layout.MODELS / "weights.safetensors"
    content = weights.read_bytes()
    weights.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    try:
        for reference in (".", "models", "models/config.json"):
            done = run(capsys, "compare", reference, CHAMPION)
            assert done.status == 1
            assert done.stderr.startswith(f"error: the model of {reference} was not evaluated: ")
        assert run(capsys, "compare", "reports", CHAMPION).status == 0
    finally:
        weights.write_bytes(content)


def test_a_training_that_was_not_evaluated_names_its_own_run(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    document = json.loads(layout.RUN.read_text("utf-8"))
    kept = layout.RUN.read_bytes()
    client = mlflow_client()
    new = client.create_run(client.get_run(world.run_id).info.experiment_id, run_name="new")
    layout.RUN.write_text(json.dumps({**document, "run_id": new.info.run_id}), encoding="utf-8")
    try:
        for reference in (".", "models"):
            done = run(capsys, *arguments_of("promote", reference))
            assert done.status == 1
            assert done.stderr.startswith(f"error: new ({new.info.run_id[:8]}) has no sha256 of ")
        done = run(capsys, *arguments_of("promote", "reports"))
        assert (done.status, done.stderr) == (0, "")
    finally:
        layout.RUN.write_bytes(kept)
        client.delete_run(new.info.run_id)


@pytest.mark.usefixtures("light")
@pytest.mark.parametrize("command", ["translate", "serve", "compare", "lineage"])
@pytest.mark.parametrize("form", ["{project}", "{project}/models", "{packed}", "models:/en-es/1"])
def test_a_model_works_in_a_folder_that_is_no_project(
    world: World,
    translation: str,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    command: str,
    form: str,
) -> None:
    monkeypatch.delenv("DVC_ROOT")
    shutil.copyfile(world.project / "in.en", tmp_path / "in.en")
    shutil.copytree(world.project / "reports", tmp_path / "reports")
    monkeypatch.chdir(tmp_path)
    done = run(capsys, *arguments_of(command, world.name(form)))
    assert (done.status, done.stderr) == (0, "")
    assert not (tmp_path / "mlflow.db").exists()


@pytest.mark.parametrize("reference", ["nothing", "0123456789", CHAMPION, "runs:/0123456789"])
def test_looking_for_a_model_where_there_is_no_store_creates_none(
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    reference: str,
) -> None:
    for name in ("MLFLOW_TRACKING_URI", "DVC_ROOT"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)
    done = run(capsys, "lineage", reference)
    assert done.status == 1
    assert f"there is no MLflow store at sqlite:///{tmp_path}/mlflow.db): name" in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_the_help_states_the_settings_of_a_model_without_lineage_and_project(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "1000")
    beam, penalty, batch = DEFAULT_SETTINGS
    done = run(capsys, "translate", "--help")
    stated = f"without that they are {beam}, {penalty} and {batch} sentences"
    assert stated in " ".join(done.stdout.split())


def test_the_settings_of_a_model_without_lineage_and_project_are_those_of_params_yaml() -> None:
    section = load_params(PROJECT / "params.yaml").evaluate
    assert DEFAULT_SETTINGS._asdict().items() <= section.model_dump().items()
