"""Promotion, rollback and their history, with two trained models, in sqlite and in a server."""

from __future__ import annotations

import json
import os
import re
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from mlflow import MlflowClient
from typer.testing import CliRunner

from tests.preloaded import python
from tests.tiny_corpus import PROJECT, build_wheel, tiny_settings, write_params
from tests.tracking.stored_runs import mlflow_client
from tracelate import layout
from tracelate.cli.main import app
from tracelate.config import load_params
from tracelate.errors import InputError
from tracelate.registry.alias_history import read_history
from tracelate.registry.alias_lock import (
    Lock,
    find_lock,
    hold_lock,
    refuse_lost,
    release,
    stale_locks,
)
from tracelate.registry.gate import GatePolicy, gate_policy
from tracelate.registry.promotion import Promotion, PromotionRequest, promote
from tracelate.registry.rollback import roll_back
from tracelate.registry.unrecorded_moves import UnrecordedMove, with_moves
from tracelate.registry.versions import Alias, current_version, make_alias
from tracelate.tracking.references.references import resolve
from tracelate.tracking.runs.log_model import LINEAGE_TAG
from tracelate.tracking.runs.sync import sync_project
from tracelate.tracking.store.store import Store, connect

POLICY = gate_policy(load_params(PROJECT / "params.yaml"))._replace(
    metric="chrf", seed_deviation=0.0, max_fault_increase={}
)
LONGER = {
    "model.embedding_size": 32,
    "model.hidden_size": 64,
    "train.epochs": 8,
    "train.learning_rate": 0.01,
}
TRAIN = "from pipeline.train import main; main()\nfrom pipeline.evaluate import main; main()"
AT_ONCE = """
import sys, time
from pathlib import Path
from tracelate.errors import InputError
from tracelate.registry.alias_lock import hold_lock
from tracelate.config import load_params
from tracelate.registry.gate import gate_policy
from tracelate.registry.promotion import PromotionRequest, promote
from tracelate.registry.versions import Alias
from tracelate.tracking.references.references import resolve
from tracelate.tracking.store.store import connect

alias, store = Alias(sys.argv[1], "champion"), connect()
for _ in range(4):
    with hold_lock(store, "counted"):
        count = int(store.registry.find("counted").tags["count"])
        time.sleep(0.02)
        store.registry.set_tag("counted", "count", str(count + 1))
test = Path("data/prepared/test.parquet")
policy = gate_policy(load_params())._replace(metric="chrf", seed_deviation=0.0)
for run in sys.argv[2:]:
    request = PromotionRequest(resolve(run), alias, policy, test)
    print(promote(request).decision)
"""


class World(NamedTuple):
    """A store with the runs of a weak model and of one that was trained longer."""

    folder: Path
    client: MlflowClient
    store: Store
    weak: str
    """Id of the weak model's run."""
    better: str

    def promote(
        self, run: str, alias: Alias, policy: GatePolicy = POLICY, **changes: Any
    ) -> Promotion:
        request = PromotionRequest(resolve(run), alias, policy, self.folder / layout.TEST)
        return promote(request._replace(**changes))

    def state(self) -> Any:
        """Everything in the registry and the runs, with the names of their files."""
        models = self.client.search_registered_models()
        runs = [self.client.get_run(run_id) for run_id in (self.weak, self.better)]
        return json.loads(
            json.dumps(
                [
                    [dict(model) for model in models],
                    [
                        [
                            dict(one)
                            for one in self.client.search_model_versions(f"name = '{m.name}'")
                        ]
                        for m in models
                    ],
                    [run.to_dictionary() for run in runs],
                    [
                        [one.path for one in self.client.list_artifacts(run.info.run_id)]
                        for run in runs
                    ],
                ],
                default=str,
            )
        )


@pytest.fixture(scope="module")
def projects(
    finished_project: Path, empty_database: Path, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, Path]:
    """Folders of the weak and the better model, before any registration."""
    folder = tmp_path_factory.mktemp("better")
    for room in ("data", "reports"):
        shutil.copytree(finished_project / room, folder / room)
    write_params(folder, tiny_settings(build_wheel(), **LONGER))
    shutil.copyfile(empty_database, folder / "mlflow.db")
    environment = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join([str(PROJECT), str(PROJECT / "src")]),
    }
    for name in ("MLFLOW_TRACKING_URI", "DVC_ROOT"):
        environment.pop(name, None)
    done = subprocess.run(
        [python(), "-c", TRAIN],
        cwd=folder,
        env=environment,
        capture_output=True,
        encoding="utf-8",
        timeout=600,
    )
    assert done.returncode == 0, done.stderr
    return finished_project, folder


@pytest.fixture(scope="module", params=["sqlite", "server"])
def world(request: pytest.FixtureRequest, projects: tuple[Path, Path]) -> Iterator[World]:
    weak, better = projects
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DVC_ROOT", str(better))
        patch.delenv("MLFLOW_TRACKING_URI", raising=False)
        if request.param == "server":
            patch.setenv("MLFLOW_TRACKING_URI", request.getfixturevalue("mlflow_server"))
        runs = [sync_project(folder).run.run_id for folder in (weak, better)]
        yield World(better, mlflow_client(), connect(), *runs)


@pytest.fixture
def champion(request: pytest.FixtureRequest) -> Alias:
    """An alias of a registered model that only one test uses."""
    name = "".join(one if one.isalnum() else "-" for one in request.node.name)
    return make_alias(name, "champion")


def test_a_better_model_is_promoted_a_worse_one_refused_and_both_are_recorded(
    world: World, champion: Alias
) -> None:
    client = world.client
    first = world.promote(world.weak, champion)
    assert (first.decision, first.version, first.replaced) == ("promoted", "1", None)
    second = world.promote(world.better, champion)
    assert (second.decision, second.version, second.replaced) == ("promoted", "2", "1")
    assert current_version(world.store, champion) == "2"

    refused = world.promote(f"models:/{champion.model}/1", champion)
    assert (refused.decision, refused.version) == ("refused", "1")
    assert refused.verdict.failed == ["better"]
    assert current_version(world.store, champion) == "2"
    assert len(world.store.registry.versions(champion.model)) == 2

    tags = client.get_model_version(champion.model, "2").tags
    assert tags["tracelate.verdict"] == "promoted"
    assert tags["tracelate.against_version"] == "1"
    assert float(tags["tracelate.difference"]) > float(tags["tracelate.difference_low"]) > 0
    assert max(float(tags[f"tracelate.p_{one}"]) for one in ("bootstrap", "randomisation")) < 0.05
    assert tags["tracelate.sentences"] == "20"
    run_id, _, path = tags["tracelate.bill_of_materials"].removeprefix("runs:/").partition("/")
    materials = json.loads(Path(client.download_artifacts(run_id, path)).read_text("utf-8"))
    assert materials["metadata"]["component"]["version"] == "2"
    assert "pkg:pypi/torch" in json.dumps(materials)
    tags = client.get_model_version(champion.model, "1").tags
    assert (tags["tracelate.verdict"], tags["tracelate.failed_checks"]) == ("refused", "better")
    assert refused.record is not None and tags["tracelate.verdict_record"] == refused.record
    run_id, _, path = refused.record.removeprefix("runs:/").partition("/")
    assert run_id == world.weak
    document = json.loads(Path(client.download_artifacts(run_id, path)).read_text("utf-8"))
    assert (document["decision"], document["against_version"]) == ("refused", "2")
    assert document["differing_settings"]["train.epochs"]["champion"] == "8"
    assert refused.differing_settings == document["differing_settings"]
    assert document["significance"]["difference"] < 0

    history = read_history(world.store, champion)
    assert [(one.version, one.replaced) for one in history] == [("1", None), ("2", "1")]
    assert history[1].why.startswith("chrF ")
    assert world.promote(world.better, champion).decision == "unchanged"
    assert find_lock(world.store, champion.model) is None


def test_a_gain_within_the_variation_of_seeds_is_refused_and_recorded(
    world: World, champion: Alias
) -> None:
    world.promote(world.weak, champion)
    refused = world.promote(world.better, champion, POLICY._replace(seed_deviation=100.0))
    assert (refused.decision, refused.verdict.failed) == ("refused", ["better"])
    tags = world.client.get_model_version(champion.model, "2").tags
    assert float(tags["tracelate.seed_margin"]) == pytest.approx(277.18, abs=0.01)
    assert float(tags["tracelate.difference_low"]) > 0
    promoted = world.promote(world.better, champion, POLICY._replace(seed_deviation=0.1))
    assert promoted.decision == "promoted"
    tags = world.client.get_model_version(champion.model, "2").tags
    assert float(tags["tracelate.seed_margin"]) == pytest.approx(0.277, abs=0.001)


def test_a_dry_run_returns_the_outcome_and_changes_nothing(world: World, champion: Alias) -> None:
    before = world.state()
    done = world.promote(world.weak, champion, dry_run=True)
    assert (done.decision, done.version, done.record) == ("promoted", None, None)
    assert len(done.verdict.checks) == 8
    assert world.state() == before


def test_a_dry_run_has_the_decision_and_the_checks_of_the_real_run(
    world: World, champion: Alias
) -> None:
    for run in (world.weak, world.better, world.weak, world.better):
        dry = world.promote(run, champion, dry_run=True)
        real = world.promote(run, champion)
        assert (dry.decision, dry.replaced, dry.verdict) == (
            real.decision,
            real.replaced,
            real.verdict,
        )
        assert dry.record is None


def test_force_moves_the_alias_with_the_reason_and_rollback_undoes_it(
    world: World, champion: Alias
) -> None:
    world.promote(world.better, champion)
    forced = world.promote(world.weak, champion, forced_because="the customer asked")
    assert (forced.decision, forced.verdict.failed) == ("forced", ["better"])
    assert current_version(world.store, champion) == forced.version == "2"
    tags = world.client.get_model_version(champion.model, "2").tags
    assert tags["tracelate.verdict"] == "forced"
    assert tags["tracelate.verdict_reason"] == "the customer asked"

    event = roll_back(champion, "too short")
    assert (event.version, event.replaced) == ("1", "2")
    assert current_version(world.store, champion) == "1"
    tags = world.client.get_model_version(champion.model, "2").tags
    assert tags["tracelate.rolled_back"].endswith("too short")
    with pytest.raises(InputError, match=r"no version to roll champion of .* back to"):
        roll_back(champion, None)
    history = read_history(world.store, champion)
    assert [one.kind for one in history] == ["promoted", "forced", "rolled back"]
    assert history[1].failed == ["better"]
    assert history[1].why.startswith("the customer asked (chrF ")


def test_a_version_that_got_the_alias_in_mlflow_passes_the_gate_against_the_recorded_one(
    world: World, champion: Alias
) -> None:
    model, client = champion.model, world.client
    world.promote(world.weak, champion)
    refused = world.promote(world.better, champion, POLICY._replace(seed_deviation=100.0))
    assert (refused.decision, refused.version) == ("refused", "2")
    client.set_registered_model_alias(model, "champion", "2")
    for dry_run in (True, False):
        done = world.promote(f"models:/{model}/2", champion, dry_run=dry_run)
        assert (done.decision, done.version, done.replaced) == ("promoted", "2", "2")
        assert done.move is not None and done.move[:2] == ("2", "1")
    assert client.get_model_version(model, "2").tags["tracelate.against_version"] == "1"
    assert world.promote(world.better, champion).decision == "unchanged"
    history = read_history(world.store, champion)
    assert [(one.version, one.replaced) for one in history] == [("1", None), ("2", "2")]
    [found] = [one for one in with_moves(history, "2") if isinstance(one, UnrecordedMove)]
    assert (found.version, found.replaced, found.before) == ("2", "1", history[1].when)
    assert roll_back(champion, "undone").version == "1"


def test_a_move_to_a_weaker_version_opens_the_gate_for_nobody(
    world: World, champion: Alias
) -> None:
    model, client = champion.model, world.client
    world.promote(world.weak, champion)
    world.promote(world.better, champion)
    client.set_registered_model_alias(model, "champion", "1")
    weak = world.promote(world.weak, champion)
    assert (weak.decision, weak.verdict.failed) == ("refused", ["better"])
    assert "version 2 (champion" in weak.verdict.checks[1].reason
    better = world.promote(world.better, champion)
    assert (better.decision, better.verdict.failed) == ("refused", ["alias as recorded"])
    [reason] = [one.reason for one in better.verdict.checks if not one.passed]
    assert reason.startswith("it was moved from version 2 to version 1 (after 20")
    assert f"or go back to version 2 (`tracelate rollback --name {model}`)" in reason

    client.delete_registered_model_alias(model, "champion")
    deleted = world.promote(world.weak, champion)
    assert deleted.verdict.failed == ["better", "alias as recorded"]
    assert current_version(world.store, champion) is None
    assert roll_back(champion, "restored").version == "2"
    assert world.promote(world.better, champion).decision == "unchanged"


def test_an_alias_that_only_mlflow_has_set_is_named_and_compared_with(
    world: World, champion: Alias
) -> None:
    model, client = champion.model, world.client
    world.promote(world.weak, champion)
    client.set_registered_model_alias(model, "staging", "1")
    staging = make_alias(model, "staging")
    done = world.promote(world.better, staging)
    assert (done.decision, done.replaced) == ("promoted", "1")
    [check] = [one for one in done.verdict.checks if one.name == "alias as recorded"]
    assert check.passed and "it was set to version 1, and no promotion" in check.reason
    assert client.get_model_version(model, "2").tags["tracelate.against_version"] == "1"


def test_two_processes_at_once_leave_one_champion_and_its_complete_history(
    world: World, champion: Alias
) -> None:
    world.client.create_registered_model("counted", tags={"count": "0"})
    orders = [(world.weak, world.better), (world.better, world.weak)]
    processes = [
        subprocess.Popen(
            [python(), "-c", AT_ONCE, champion.model, *runs],
            cwd=world.folder,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            encoding="utf-8",
        )
        for runs in orders
    ]
    decisions: list[str] = []
    for process in processes:
        output, errors = process.communicate(timeout=300)
        assert process.returncode == 0, errors
        decisions += output.split()
    counted = world.client.get_registered_model("counted").tags["count"]
    world.client.delete_registered_model("counted")
    assert counted == "8"

    versions = world.store.registry.versions(champion.model)
    assert {version.run_id for version in versions} == {world.weak, world.better}
    assert len(versions) == 2
    current = current_version(world.store, champion)
    [of_better] = [one.version for one in versions if one.run_id == world.better]
    assert current == of_better
    history = read_history(world.store, champion)
    assert history[-1].version == current
    assert [one.replaced for one in history] == [None, *(one.version for one in history[:-1])]
    assert decisions.count("promoted") == len(history)
    assert set(decisions) <= {"promoted", "refused", "unchanged"}


def test_a_lock_names_its_holder_and_a_stale_lock_can_be_removed(
    world: World, champion: Alias
) -> None:
    store, model = world.store, champion.model
    with hold_lock(store, model) as lock:
        assert lock.pid == os.getpid() and not lock.is_stale
        assert find_lock(store, model) == lock
        with (
            pytest.raises(
                InputError,
                match=rf"another process promotes .* process {os.getpid()}, ",
            ),
            hold_lock(store, model, wait_s=0),
        ):
            pass
        assert model not in {one.model for one in stale_locks(store)}
    assert find_lock(store, model) is None

    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    tags = {
        "tracelate.lock.host": socket.gethostname(),
        "tracelate.lock.pid": str(gone.pid),
        "tracelate.lock.user": "someone",
        "tracelate.lock.since": datetime(2026, 1, 2, tzinfo=UTC).isoformat(),
        "tracelate.lock.token": "a token",
    }
    store.registry.create(lock.entry, tags)
    with pytest.raises(InputError, match=r"that is dead: .*someone.*tracelate doctor --fix"):
        world.promote(world.weak, champion)
    [stale] = [one for one in stale_locks(store) if one.model == model]
    release(store, stale._replace(token="another"))
    assert find_lock(store, model) == stale
    with pytest.raises(InputError, match="was removed while this process held it"):
        refuse_lost(store, stale._replace(token="another"))
    release(store, stale)
    assert find_lock(store, model) is None


def test_a_lock_of_another_machine_is_stale_after_an_hour() -> None:
    lock = Lock("m", "elsewhere", 1, "someone", datetime.now(UTC), "token")
    assert not lock.is_stale
    assert lock._replace(since=datetime(2026, 1, 2, tzinfo=UTC)).is_stale


ONLY_FILES = pytest.mark.parametrize("world", ["sqlite"], indirect=True)
"""The store whose files a test can change."""


def stored_file(world: World, run_id: str, place: str) -> Path:
    """Path of a file in the store: of a run (`evaluation/…`) or of its model (`artifacts/…`)."""
    run = world.client.get_run(run_id)
    uri = run.info.artifact_uri
    if place.startswith("artifacts/"):
        assert run.outputs is not None
        [linked] = run.outputs.model_outputs
        uri = world.client.get_logged_model(linked.model_id).artifact_location
    return Path(uri.removeprefix("file://")) / place


@contextmanager
def one_byte_changed(path: Path) -> Iterator[None]:
    whole = path.read_bytes()
    # a text stays readable if a digit is changed
    is_text = path.suffix != ".safetensors"
    changed = whole.replace(b"0", b"1", 1) if is_text else whole[:-1] + bytes([whole[-1] ^ 1])
    assert changed != whole
    path.write_bytes(changed)
    try:
        yield
    finally:
        path.write_bytes(whole)


@ONLY_FILES
@pytest.mark.parametrize(
    "place",
    [
        "evaluation/translations.jsonl",
        "evaluation/metrics.json",
        "evaluation/lineage.json",
        "artifacts/weights.safetensors",
        "artifacts/tokenizer.json",
        "artifacts/lineage.json",
    ],
)
def test_a_candidate_with_one_changed_byte_is_refused_by_the_name_of_the_file(
    world: World, champion: Alias, place: str
) -> None:
    with (
        one_byte_changed(stored_file(world, world.better, place)),
        pytest.raises(InputError, match=re.escape(Path(place).name)),
    ):
        world.promote(world.better, champion, forced_because="no reason is good enough")
    assert current_version(world.store, champion) is None


@ONLY_FILES
@pytest.mark.parametrize(
    "name", ["data/prepared/train.parquet", "data/tokenized/tokenizer.json", "models/config.json"]
)
def test_a_folder_with_one_changed_byte_is_refused_by_the_name_of_the_file(
    world: World, champion: Alias, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.chdir(world.folder)
    path = world.folder / name
    whole = path.read_bytes()
    path.write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
    try:
        with pytest.raises(InputError, match=f"this folder: {name} is "):
            world.promote(world.better, champion)
    finally:
        path.write_bytes(whole)
    assert all(one.name != champion.model for one in world.client.search_registered_models())


@contextmanager
def packed_with_another_evaluation(world: World, run_id: str) -> Iterator[None]:
    """As if the run replaced another run, with whose evaluation the model was packed."""
    outputs = world.client.get_run(run_id).outputs
    assert outputs is not None
    [linked] = outputs.model_outputs
    right = world.client.get_logged_model(linked.model_id).tags[LINEAGE_TAG]
    world.client.set_logged_model_tags(linked.model_id, {LINEAGE_TAG: "0" * 64})
    try:
        yield
    finally:
        world.client.set_logged_model_tags(linked.model_id, {LINEAGE_TAG: right})


@ONLY_FILES
def test_a_model_that_was_packed_with_another_evaluation_is_refused(
    world: World, champion: Alias
) -> None:
    world.promote(world.weak, champion)
    with (
        packed_with_another_evaluation(world, world.better),
        pytest.raises(InputError, match="the evaluation of another run: promote that run"),
    ):
        world.promote(world.better, champion)
    assert len(world.store.registry.versions(champion.model)) == 1
    with packed_with_another_evaluation(world, world.weak):
        done = world.promote(world.better, champion)
    assert (done.decision, done.verdict.failed) == ("refused", ["comparable", "better"])
    assert "packed with the evaluation of another run" in done.verdict.checks[0].reason


@ONLY_FILES
def test_a_champion_with_a_changed_file_cannot_be_compared(world: World, champion: Alias) -> None:
    world.promote(world.weak, champion)
    with one_byte_changed(stored_file(world, world.weak, "evaluation/translations.jsonl")):
        done = world.promote(world.better, champion)
    assert (done.decision, done.verdict.failed) == ("refused", ["comparable", "better"])
    assert "translations.jsonl" in done.verdict.checks[0].reason
    assert current_version(world.store, champion) == "1"


@ONLY_FILES
def test_another_test_set_and_a_missing_one_are_refused(
    world: World, champion: Alias, tmp_path: Path
) -> None:
    other = world.folder / layout.VALID
    with pytest.raises(InputError, match=r"valid\.parquet has sha256 .* was scored on"):
        world.promote(world.weak, champion, test=other)
    with pytest.raises(InputError, match=r"test\.parquet, on which .* is missing"):
        world.promote(world.weak, champion, test=tmp_path / "test.parquet")


@ONLY_FILES
def test_the_commands_print_the_checks_and_refuse_with_status_3(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(world.folder)
    named = ["--name", "en-es", "--alias", "live"]
    runner = CliRunner()
    world.promote(world.better, make_alias("en-es", "live"))
    done = runner.invoke(app, ["promote", world.weak, *named])
    assert done.exit_code == 3
    assert (done.stdout.count("✓"), done.stdout.count("✗")) == (7, 2)  # ✗ in the remedy, too
    assert "refused: live of en-es stays version 1. Fix what failed (✗)" in done.stdout
    [settings] = [line for line in done.stdout.splitlines() if line.startswith("settings that")]
    assert "hidden_size 64 → " in settings and "epochs 8 → " in settings
    done = runner.invoke(app, ["promote", world.weak, *named, "--json"])
    assert done.exit_code == 3
    document = json.loads(done.stdout)
    assert (document["decision"], document["replaced"]) == ("refused", "1")
    assert [one["name"] for one in document["checks"] if not one["passed"]]
    done = runner.invoke(app, ["history", *named])
    assert done.exit_code == 0 and "promoted" in done.stdout
    [event] = json.loads(runner.invoke(app, ["history", *named, "--json"]).stdout)
    assert (event["version"], event["replaced"], event["kind"]) == ("1", None, "promoted")
    registered = str(world.promote(world.weak, make_alias("en-es", "other")).version)
    world.client.set_registered_model_alias("en-es", "live", registered)
    done = runner.invoke(app, ["history", *named])
    assert "not recorded" in done.stdout
    assert f"live of en-es was moved from version 1 to version {registered} (after" in done.stdout
    event, move = json.loads(runner.invoke(app, ["history", *named, "--json"]).stdout)
    assert (move["kind"], move["version"], move["replaced"]) == ("not recorded", registered, "1")
    assert (move["after"], move["before"], move["when"]) == (event["when"], None, None)
    done = runner.invoke(app, ["promote", world.weak, *named, "--json"])
    assert json.loads(done.stdout)["unrecorded_move"]["version"] == registered
    world.client.delete_registered_model_alias("en-es", "live")
    done = runner.invoke(app, ["history", *named])
    assert "live of en-es was deleted; it was at version 1" in done.stdout
    world.client.set_registered_model_alias("en-es", "live", "1")
    for arguments, message in (
        (["promote", world.weak, "--force"], "--force and --reason belong together"),
        (["promote", world.weak, "--alias", "v1"], "the alias 'v1' is not allowed"),
        (["promote", "params.yaml"], "names no model or run"),
        (["rollback", *named], "no version to roll live of en-es back to"),
        (["history", "--name", "nothing"], "no registered model nothing"),
    ):
        error = runner.invoke(app, arguments).exception
        assert isinstance(error, InputError) and message in str(error)
