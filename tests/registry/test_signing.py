"""Signed promotions, and forgeries by someone who may write to the whole MLflow store."""

from __future__ import annotations

import random
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from safetensors.torch import load_file, save_file
from typer.testing import CliRunner

from tests.signing.keys import new_key
from tests.tiny_corpus import PROJECT
from tests.tracking.stored_runs import mlflow_client
from tracelate import layout
from tracelate.cli.main import app
from tracelate.config import load_params
from tracelate.doctor.doctor import find_problems
from tracelate.errors import InputError
from tracelate.evaluation.lineage import read_lineage
from tracelate.files import read_json, sha256_of, write_json
from tracelate.lineage.checks import LineageCheck
from tracelate.lineage.trace import trace
from tracelate.lineage.verify import verify
from tracelate.registry.champion import compare_with_champion
from tracelate.registry.gate import gate_policy
from tracelate.registry.logged_evaluation import read_evaluation
from tracelate.registry.promotion import Promotion, PromotionRequest, promote
from tracelate.registry.rollback import roll_back
from tracelate.registry.signing import SIGNED_TAG, Signing
from tracelate.registry.versions import Alias, current_version
from tracelate.serving.servable import load_servable
from tracelate.signing.keys import PRIVATE_KEY, PUBLIC_KEY, SigningKey
from tracelate.signing.package_signature import (
    SIGNATURE,
    hash_package,
    open_signature,
    read_signature,
    sign_package,
)
from tracelate.signing.trust import NO_TRUST, Trust, read_trust
from tracelate.tracking.packages.package_files import code_sha256, write_list
from tracelate.tracking.references.references import resolve
from tracelate.tracking.references.trained_models import load_trained
from tracelate.tracking.runs.evaluation_contents import STAGE
from tracelate.tracking.runs.log_model import CODE_TAG, LINEAGE_TAG
from tracelate.tracking.runs.sync import sync_project
from tracelate.tracking.store.store import connect

POLICY = gate_policy(load_params(PROJECT / "params.yaml"))._replace(
    metric="chrf", seed_deviation=0.0
)
SIGNED = Alias("signed", "champion")
CHAMPION = "models:/signed@champion"


class World(NamedTuple):
    """A project with trusted keys, whose champion is signed; the current folder."""

    folder: Path
    key: SigningKey
    run_id: str
    model_id: str
    package: Path
    """Folder of the signed model in MLflow's artifact store."""

    @property
    def artifacts(self) -> Path:
        return self.package / "artifacts"

    def promote(self, alias: Alias = SIGNED, **changes: Any) -> Promotion:
        trust = Trust((self.key.public,), self.folder)
        request = PromotionRequest(resolve(self.run_id), alias, POLICY, layout.TEST)
        return promote(request._replace(**{"signing": Signing(self.key, trust), **changes}))

    def retag(self) -> None:
        """Sets the hashes in the model's tags to those of its files now."""
        lineage = read_lineage(self.artifacts / layout.LINEAGE.name)
        tags = {
            LINEAGE_TAG: sha256_of(self.artifacts / layout.LINEAGE.name),
            CODE_TAG: code_sha256(self.package),
            "weights_sha256": lineage.weights_sha256,
            "tokenizer_sha256": lineage.tokenizer_sha256,
        }
        mlflow_client().set_logged_model_tags(self.model_id, tags)


@pytest.fixture(scope="module")
def world(finished_project: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    folder = tmp_path_factory.mktemp("signed")
    for room in ("models", "reports", "data", "cache"):
        shutil.copytree(finished_project / room, folder / room)
    text = (finished_project / "params.yaml").read_text(encoding="utf-8")
    assert "trusted_keys: []" in text
    key = new_key(folder / "keys")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{folder}/mlflow.db")
        patch.setenv("DVC_ROOT", str(folder))
        patch.setenv("TRACELATE_CACHE", str(folder / "cache"))
        patch.chdir(folder)
        trusted = text.replace("trusted_keys: []", f"trusted_keys: [keys/{PUBLIC_KEY}]")
        (folder / "params.yaml").write_text(trusted, encoding="utf-8")
        run_id = sync_project().run.run_id
        [model_id] = connect().runs.get(run_id).model_ids
        package = Path(connect().models.get(model_id).artifact_location.removeprefix("file:"))
        made = World(folder, key, run_id, model_id, package)
        assert made.promote().decision == "promoted"
        yield made


@contextmanager
def restored(world: World) -> Iterator[None]:
    """Puts the files and tags of the signed model back when the block ends."""
    kept = world.folder / "kept"
    shutil.copytree(world.package, kept, symlinks=True)
    tags = mlflow_client().get_logged_model(world.model_id).tags
    try:
        yield
    finally:
        shutil.rmtree(world.package)
        kept.rename(world.package)
        mlflow_client().set_logged_model_tags(world.model_id, tags)


def refused(reference: str = CHAMPION, trust: Trust | None = None) -> str:
    """Why a model is neither served, nor translated with, nor verified; the same for all."""
    with pytest.raises(InputError) as served:
        load_servable(resolve(reference))
    with pytest.raises(InputError) as translated:
        load_trained(resolve(reference))
    assert str(served.value) == str(translated.value)
    assert signature_check(reference).verdict == "differs"
    assert "\n" not in str(served.value)
    return str(served.value)


def signature_check(reference: str) -> LineageCheck:
    [found] = [one for one in verify(trace(resolve(reference))) if one.what == "signature"]
    return found


def test_a_signed_champion_is_used_by_every_name(world: World) -> None:
    version = connect().registry.version_at("signed", "champion")
    assert version.tags[SIGNED_TAG] == world.key.public.fingerprint
    for reference in (CHAMPION, "models:/signed/1", f"models:/{world.model_id}", world.run_id):
        assert load_servable(resolve(reference)).source.model_id == world.model_id
        assert load_trained(resolve(reference)).receipt is not None
        check = signature_check(reference)
        assert check.verdict == "same" and check.reason.startswith("signed as signed/1 at ")
    for reference in (str(world.package), str(world.artifacts / "config.json")):
        assert load_trained(resolve(reference)).receipt is not None
    lineage = open_signature(read_signature(world.package), [world.key.public], "it").model.lineage
    assert lineage == read_json(layout.LINEAGE)


def test_the_model_of_the_project_that_names_the_keys_needs_no_signature(world: World) -> None:
    assert load_servable(resolve(".")).source.title == "."
    assert load_trained(resolve("models")).receipt is not None
    with pytest.raises(InputError, match=r"\. is unsigned, and trusted keys are set"):
        load_trained(resolve("."), read_trust([Path("keys") / PUBLIC_KEY]))
    other = world.folder / "other"
    for room in ("models", "reports"):
        shutil.copytree(world.folder / room, other / room)
    with pytest.raises(InputError, match="other is unsigned"):
        load_trained(resolve(str(other)))
    shutil.rmtree(other)


def test_a_folder_with_a_models_own_files_alone_is_refused(world: World) -> None:
    alone = world.folder / "alone"
    shutil.copytree(world.artifacts, alone)
    with pytest.raises(InputError, match="alone is no packed model"):
        load_trained(resolve(str(alone)))
    shutil.rmtree(alone)


def test_changed_bytes_of_every_file_are_refused_with_their_place(world: World) -> None:
    draw = random.Random(2)
    trust = Trust((world.key.public,))
    with restored(world):
        names = sorted(hash_package(world.package))
        assert {"MLmodel", "requirements.txt", "artifacts/lineage.json"} < set(names)
        assert any(name.startswith("code/tracelate/") for name in names)
        for name in names:
            path = world.package / name
            content = path.read_bytes()
            if not content:
                continue
            forged = bytearray(content)
            forged[draw.randrange(len(content))] ^= 1 << draw.randrange(8)
            path.write_bytes(forged)
            with pytest.raises(InputError, match=f"{name} was changed after the signing"):
                load_trained(resolve(str(world.package)), trust)
            path.write_bytes(content)
        load_trained(resolve(str(world.package)), trust)


def test_weights_lineage_and_tags_that_were_changed_together_are_refused(world: World) -> None:
    with restored(world):
        forge_weights(world)
        assert refused().startswith(
            "signed/1: artifacts/lineage.json was changed after the signing"
        )
        # without the signature, hashes alone find nothing
        (world.package / SIGNATURE).unlink()
        without_keys(world, lambda: load_servable(resolve(CHAMPION)))
        assert "signed/1 is unsigned, and trusted keys are set" in refused()


def test_a_forgery_that_is_signed_with_a_foreign_key_is_refused(
    world: World, tmp_path: Path
) -> None:
    foreign = new_key(tmp_path)
    with restored(world):
        earlier = open_signature(read_signature(world.package), [world.key.public], "it")
        forge_weights(world)
        signature = sign_package(hash_package(world.package), earlier.model, foreign)
        (world.package / SIGNATURE).write_bytes(signature)
        assert "which is not trusted" in refused()
        connect().registry.set_version_tag("signed", "1", SIGNED_TAG, foreign.public.fingerprint)
        assert "which is not trusted" in refused()
    connect().registry.set_version_tag("signed", "1", SIGNED_TAG, world.key.public.fingerprint)


def test_planted_and_compiled_files_are_refused_with_their_place(world: World) -> None:
    for name in ("code/torch.py", "code/tracelate/__pycache__/version.cpython-311.pyc", "setup.py"):
        with restored(world):
            path = world.package / name
            path.parent.mkdir(exist_ok=True)
            path.write_bytes(b"1")
            world.retag()
            assert f"{name} was added after the signing" in refused()


def test_code_planted_before_a_promotion_is_not_signed(world: World) -> None:
    alias = Alias("signed", "later")
    with restored(world):
        code = world.package / "code/tracelate/text/words.py"
        code.write_text("import os\n" + code.read_text(encoding="utf-8"), encoding="utf-8")
        write_list(world.package)
        world.retag()
        (world.package / SIGNATURE).unlink()
        with pytest.raises(InputError) as error:
            world.promote(alias)
        assert "signed/1 was not signed: code/tracelate/text/words.py is not that" in str(error)
        assert read_signature(world.package) is None
        assert "later" not in mlflow_client().get_registered_model("signed").aliases


def test_the_signed_package_of_one_version_does_not_pass_for_another(world: World) -> None:
    """As if the database were changed, so that a version points at another version's files."""
    other = Alias("other", "champion")
    client = mlflow_client()
    client.create_registered_model("other")
    client.create_model_version(
        "other", f"models:/{world.model_id}", world.run_id, model_id=world.model_id
    )
    client.set_registered_model_alias(*other, "1")
    message = "other/1 is signed as signed/1, not as other/1"
    assert message in refused("models:/other@champion")
    problems = [one.what for one in find_problems()]
    assert any(one.startswith("other@champion will not be served") for one in problems)
    assert not any(one.startswith("signed@champion") for one in problems)
    done = world.promote(other)
    # the alias was set by MLflow's client, so that this is its first promotion
    assert (done.decision, done.version, done.signed) == ("promoted", "1", "folder")
    assert world.promote(other).decision == "unchanged"
    for reference in ("models:/other@champion", CHAMPION):
        assert load_servable(resolve(reference)).lineage == read_lineage(layout.LINEAGE)
    client.delete_registered_model("other")


def test_a_signature_of_an_earlier_state_of_the_files_is_refused(world: World) -> None:
    with restored(world):
        old = (world.package / SIGNATURE).read_bytes()
        (world.package / "README.md").write_text("# Another card\n")
        assert "README.md was changed after the signing" in refused()
        assert world.promote().signed == "folder"
        load_servable(resolve(CHAMPION))
        (world.package / SIGNATURE).write_bytes(old)
        assert "README.md was changed after the signing" in refused()


def test_without_keys_a_model_is_used_and_called_unsigned_or_signed(world: World) -> None:
    def check() -> None:
        assert load_servable(resolve(CHAMPION)).lineage.weights_sha256
        found = signature_check(CHAMPION)
        assert (found.verdict, found.reason) == (
            "not here",
            "signed, but registry.trusted_keys is empty",
        )
        with restored(world):
            (world.package / SIGNATURE).unlink()
            assert signature_check(CHAMPION).reason == "unsigned"
            assert load_servable(resolve(CHAMPION)).lineage.weights_sha256

    without_keys(world, check)


def test_a_promotion_needs_a_trusted_key_where_keys_are_set(world: World, tmp_path: Path) -> None:
    trust = Trust((world.key.public,), world.folder)
    for key, message in (
        (None, "name the private key"),
        (new_key(tmp_path), "is none of registry"),
    ):
        with pytest.raises(InputError, match=message):
            world.promote(Alias("never", "champion"), signing=Signing(key, trust))
    assert connect().registry.find("never") is None
    dry = world.promote(Alias("never", "champion"), signing=Signing(None, trust), dry_run=True)
    assert (dry.decision, dry.signed) == ("promoted", None)


def test_a_candidate_is_not_compared_with_an_unsigned_or_forged_champion(world: World) -> None:
    store, trust = connect(), Trust((world.key.public,))

    def reasons(alias: Alias, trust: Trust) -> list[str]:
        version = current_version(store, alias)
        found = compare_with_champion(store, evidence, alias, version, "chrf", 0.05, trust)
        return found.incomparable

    evidence = read_evaluation(store, resolve(world.run_id)).evidence
    world.promote(Alias("judged", "champion"), signing=Signing())
    assert reasons(Alias("judged", "champion"), NO_TRUST) == []
    assert "not as judged/1" in reasons(Alias("judged", "champion"), trust)[0]
    mlflow_client().delete_registered_model("judged")

    assert reasons(SIGNED, trust) == []
    client, tag = mlflow_client(), "sha256.reports/lineage.json"
    logged = store.runs.get(world.run_id)
    path = Path(logged.artifact_uri.removeprefix("file:")) / STAGE / "lineage.json"
    content = path.read_bytes()
    with restored(world):
        path.write_bytes(content + b"\n")
        store.runs.set_tags(world.run_id, {tag: sha256_of(path)})
        client.set_logged_model_tags(world.model_id, {LINEAGE_TAG: sha256_of(path)})
        assert reasons(SIGNED, NO_TRUST) == []
        assert "was signed: promote signed/1 again" in reasons(SIGNED, trust)[0]
    path.write_bytes(content)
    store.runs.set_tags(world.run_id, {tag: logged.tags[tag]})


def test_an_alias_is_not_rolled_back_to_an_unsigned_version(world: World) -> None:
    alias = Alias("back", "champion")
    world.promote(alias, signing=Signing())
    client = mlflow_client()
    copy = client.create_model_version("back", f"models:/{world.model_id}", world.run_id)
    client.set_registered_model_alias("back", "champion", copy.version)
    with pytest.raises(InputError, match=r"back/1 is signed as .*signed/1.*, not as back/1"):
        roll_back(alias, "test")
    assert roll_back(alias, "test", NO_TRUST).version == "1"
    client.delete_registered_model("back")


def test_keys_that_cannot_be_read_stop_the_use_and_are_a_problem(world: World) -> None:
    public = world.folder / "keys" / PUBLIC_KEY
    content = public.read_bytes()
    public.unlink()
    try:
        with pytest.raises(InputError, match=r"tracelate\.pub cannot be read"):
            load_servable(resolve(CHAMPION))
        assert any("a trusted key cannot be read" in one.what for one in find_problems())
    finally:
        public.write_bytes(content)


def test_commands_sign_translate_and_check_a_receipt(world: World, tmp_path: Path) -> None:
    def run(*arguments: str) -> Any:
        return CliRunner().invoke(app, [str(one) for one in arguments], catch_exceptions=True)

    secret, receipt = f"keys/{PRIVATE_KEY}", str(tmp_path / "receipt.json")
    again = run("promote", world.run_id, "--name", "signed", "--sign-with", secret)
    assert "now signed (its files are those of this folder)" in again.stdout, again.output
    text, translation = tmp_path / "text", tmp_path / "translation"
    text.write_text("Always the door opens the window.\n\nNever the heater.\n")
    done = run(
        *("translate", str(text), "--output", str(translation), "--model", CHAMPION),
        *("--receipt", receipt, "--sign-with", secret),
    )
    assert done.exit_code == 0, done.output
    compare = ("--text", str(text), "--translation", str(translation))
    for model in (CHAMPION, str(world.package), ".", "models/weights.safetensors"):
        checked = run("verify-receipt", receipt, *compare, "--model", model)
        assert checked.exit_code == 0, checked.output
        lineage = read_lineage(layout.LINEAGE)
        for part in (lineage.weights_sha256, lineage.corpus, "signed/1", "3 lines"):
            assert part in checked.stdout
    wrong = run("verify-receipt", receipt, "--text", str(translation))
    assert wrong.exit_code == 1 and "✗ differs   text" in wrong.stdout
    to_stdout = tmp_path / "other.json"
    done = run(
        *("translate", str(text), "--model", CHAMPION),
        *("--receipt", str(to_stdout), "--sign-with", secret),
    )
    assert done.stdout == translation.read_text()
    assert run("verify-receipt", str(to_stdout), *compare).exit_code == 0
    none = run("translate", str(text), "--receipt", receipt)
    assert isinstance(none.exception, InputError) and "needs a key" in str(none.exception)


def forge_weights(world: World) -> None:
    """Changes the weights, and makes lineage and tags agree with them."""
    weights = world.artifacts / "weights.safetensors"
    tensors = {name: tensor + 0.5 for name, tensor in load_file(weights).items()}
    save_file(tensors, weights)
    path = world.artifacts / layout.LINEAGE.name
    lineage = read_json(path)
    lineage["model"]["models/weights.safetensors"] = sha256_of(weights)
    write_json(path, lineage)
    world.retag()


def without_keys(world: World, call: Callable[[], object]) -> None:
    """Calls while params.yaml names no trusted key."""
    params = world.folder / "params.yaml"
    text = params.read_text(encoding="utf-8")
    params.write_text(text.replace(f"[keys/{PUBLIC_KEY}]", "[]"), encoding="utf-8")
    try:
        call()
    finally:
        params.write_text(text, encoding="utf-8")
