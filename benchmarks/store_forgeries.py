"""Forges a signed model in MLflow's store in many ways, and counts the forgeries that are believed.

    python -m benchmarks.store_forgeries [--forgeries 1000] [--by-command 30]

The model is that of tests/formats, in a project of its own with a trusted key. The forger may write
to the whole store, and makes hashes and tags agree where the kind says so. Each forgery is tried
with what `serve` loads, with `lineage --verify` and with `promote`, as functions, and a sample with
the commands. Serving and verifying must refuse it in one line that names what was forged. Promoting
it again must refuse it, or sign nothing but the files of the project.

Prints a table by kind, and exits with status 1 if a forgery was believed.
"""

from __future__ import annotations

import os
import random
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, NamedTuple

import typer
from mlflow import MlflowClient
from safetensors.torch import load_file, save_file

from tracelate import layout
from tracelate.config import load_params
from tracelate.errors import InputError
from tracelate.evaluation.lineage import read_lineage
from tracelate.files import read_json, sha256_of, write_json
from tracelate.lineage.checks import refuse_failures
from tracelate.lineage.trace import trace
from tracelate.lineage.verify import verify
from tracelate.registry.gate import gate_policy
from tracelate.registry.promotion import PromotionRequest, promote
from tracelate.registry.signing import SIGNED_TAG, Signing
from tracelate.registry.versions import Alias
from tracelate.serving.servable import load_servable
from tracelate.signing.keys import PUBLIC_KEY, SigningKey, load_signing_key, write_key_pair
from tracelate.signing.package_signature import (
    SIGNATURE,
    hash_package,
    open_signature,
    read_signature,
    sign_package,
)
from tracelate.signing.trust import Trust
from tracelate.tracking.packages.package_files import code_sha256, write_list
from tracelate.tracking.references.references import resolve
from tracelate.tracking.runs.log_model import CODE_TAG, LINEAGE_TAG
from tracelate.tracking.runs.sync import sync_project
from tracelate.tracking.store.store import connect

PROJECT = Path(__file__).parents[1]
SOURCE = PROJECT / "tests/formats/0.1"
ALIAS = Alias("signed", "champion")
CHAMPION = "models:/signed@champion"


class Forger(NamedTuple):
    """All that may be written to: the packages of two signed versions, and MLflow's tables."""

    package: Path
    """Of version 1, which has the alias."""
    model_id: str
    other: Path
    """A package that was signed as version 1 of another registered model."""
    old_signature: bytes
    """Of an earlier state of the package."""
    foreign: SigningKey
    draw: random.Random

    @property
    def artifacts(self) -> Path:
        return self.package / "artifacts"

    def retag(self) -> None:
        """Makes the package's list and the model's tags agree with the files."""
        write_list(self.package)
        lineage_path = self.artifacts / layout.LINEAGE.name
        weights, tokenizer = (
            read_json(lineage_path)["model"][f"models/{name}"]
            for name in ("weights.safetensors", "tokenizer.json")
        )
        tags = {
            LINEAGE_TAG: sha256_of(lineage_path),
            CODE_TAG: code_sha256(self.package),
            "weights_sha256": weights,
            "tokenizer_sha256": tokenizer,
        }
        _client().set_logged_model_tags(self.model_id, tags)


def _client() -> MlflowClient:
    return MlflowClient(os.environ["MLFLOW_TRACKING_URI"])


def _some_file(forger: Forger, names: list[str] | None = None) -> Path:
    found = names or [
        name
        for name in sorted(hash_package(forger.package))
        if (forger.package / name).stat().st_size
    ]
    return forger.package / forger.draw.choice(found)


def _changed_file(forger: Forger) -> str:
    path = _some_file(forger)
    content = bytearray(path.read_bytes())
    content[forger.draw.randrange(len(content))] ^= 1 << forger.draw.randrange(8)
    path.write_bytes(content)
    return path.name


def _changed_file_and_tags(forger: Forger) -> str:
    data = [f"artifacts/{name}" for name in ("config.json", "tokenizer.json")]
    path = _some_file(forger, data)
    path.write_bytes(path.read_bytes() + b" " * forger.draw.randrange(1, 9))
    _agree(forger)
    forger.retag()
    return "was changed after the signing"


def _lineage(forger: Forger) -> str:
    path = forger.artifacts / layout.LINEAGE.name
    lineage = read_json(path)
    match forger.draw.randrange(5):
        case 0:
            lineage["leakage"]["test"]["near_source_percent"] = forger.draw.random()
        case 1:
            lineage["training"]["commit"] = f"{forger.draw.getrandbits(160):040x}"
        case 2:
            lineage["provenance"]["licence"] = f"licence {forger.draw.random()}"
        case 3:
            lineage["prepared"]["data/prepared/train.parquet"] = _hash(forger)
        case _:
            lineage["params"]["train"]["seed"] = forger.draw.randrange(1000, 9999)
    write_json(path, lineage)
    if forger.draw.random() < 0.5:
        forger.retag()
    return path.name


def _together(forger: Forger) -> str:
    weights = forger.artifacts / "weights.safetensors"
    tensors = load_file(weights)
    name = forger.draw.choice(sorted(tensors))
    tensors[name] = tensors[name] + 0.05 + forger.draw.random()
    save_file(tensors, weights)
    _agree(forger)
    forger.retag()
    return "lineage.json"


def _hash(forger: Forger) -> str:
    return f"{forger.draw.getrandbits(256):064x}"


def _agree(forger: Forger) -> None:
    path = forger.artifacts / layout.LINEAGE.name
    lineage = read_json(path)
    for name in lineage["model"]:
        lineage["model"][name] = sha256_of(forger.artifacts / Path(name).name)
    write_json(path, lineage)


def _tag(forger: Forger) -> str:
    tag = forger.draw.choice([LINEAGE_TAG, CODE_TAG])
    if forger.draw.random() < 0.3:
        _client().delete_logged_model_tag(forger.model_id, tag)
    else:
        _client().set_logged_model_tags(forger.model_id, {tag: _hash(forger)})
    return "sha256"


def _compiled(forger: Forger) -> str:
    folder = forger.package / forger.draw.choice(["", "code", "code/tracelate"]) / "__pycache__"
    folder.mkdir(exist_ok=True)
    path = folder / f"served_model{forger.draw.randrange(99)}.cpython-311.pyc"
    path.write_bytes(forger.draw.randbytes(20))
    forger.retag()
    # the list of the package has changed with it
    return "after the signing"


def _planted(forger: Forger) -> str:
    folder = forger.package / forger.draw.choice(["", "code", "artifacts"])
    path = folder / f"planted{forger.draw.randrange(99)}{forger.draw.choice(['.py', '.so', ''])}"
    path.write_bytes(b"import os\n")
    forger.retag()
    # the list of the package has changed with it
    return "after the signing"


def _swapped(forger: Forger) -> str:
    shutil.rmtree(forger.package)
    shutil.copytree(forger.other, forger.package)
    forger.retag()
    return "signed as other/1"


def _no_signature(forger: Forger) -> str:
    (forger.package / SIGNATURE).unlink()
    if forger.draw.random() < 0.5:
        _together(forger)
    return "unsigned"


def _old_signature(forger: Forger) -> str:
    (forger.package / SIGNATURE).write_bytes(forger.old_signature)
    return "changed after the signing"


def _foreign_signature(forger: Forger) -> str:
    signature = open_signature(
        forger.old_signature, [load_signing_key(Path("keys/tracelate.key")).public], "it"
    )
    if forger.draw.random() < 0.5:
        _together(forger)
    signed = sign_package(hash_package(forger.package), signature.model, forger.foreign)
    (forger.package / SIGNATURE).write_bytes(signed)
    fingerprint = forger.foreign.public.fingerprint
    connect().registry.set_version_tag("signed", "1", SIGNED_TAG, fingerprint)
    return "not trusted"


def _changed_signature(forger: Forger) -> str:
    path = forger.package / SIGNATURE
    content = bytearray(path.read_bytes())
    content[forger.draw.randrange(len(content))] ^= 1 << forger.draw.randrange(8)
    path.write_bytes(content)
    return SIGNATURE


KINDS: dict[str, Callable[[Forger], str]] = {
    "a changed file": _changed_file,
    "changed files, lineage and tags": _changed_file_and_tags,
    "a changed lineage": _lineage,
    "weights, lineage and tags": _together,
    "a tag of the model": _tag,
    "a compiled file": _compiled,
    "a planted file": _planted,
    "a swapped package": _swapped,
    "no signature": _no_signature,
    "an old signature": _old_signature,
    "a foreign signature": _foreign_signature,
    "a changed signature": _changed_signature,
}
"""Each forges, and returns what a refusal must name."""


def main(
    forgeries: Annotated[int, typer.Option()] = 1000,
    by_command: Annotated[int, typer.Option(help="Forgeries tried with the commands too.")] = 30,
    promote_every: Annotated[
        int, typer.Option(help="Promotion, which is slow, is tried with every so many.")
    ] = 1,
    minutes: Annotated[float, typer.Option(help="Ends earlier after so many.")] = 1000,
    keep: Annotated[
        Path | None, typer.Option(help="Folder for a copy of the signed package and its key.")
    ] = None,
    seed: Annotated[int, typer.Option()] = 1,
) -> None:
    """Prints the number of refused forgeries of each kind."""
    ends_s = time.monotonic() + 60 * minutes
    keep = None if keep is None else keep.absolute()
    made, refused, believed = Counter[str](), Counter[tuple[str, str]](), list[str]()
    with tempfile.TemporaryDirectory() as folder, _project(Path(folder).resolve()) as (forger, key):
        draw = random.Random(seed)
        forger = forger._replace(draw=draw)
        if keep is not None:
            shutil.copytree(forger.package, keep / "package")
            shutil.copyfile(Path("keys") / PUBLIC_KEY, keep / PUBLIC_KEY)
        for number in range(forgeries):
            if time.monotonic() > ends_s:
                break
            kind = list(KINDS)[number % len(KINDS)]
            with _restored(forger):
                named = KINDS[kind](forger)
                made[kind] += 1
                checks = dict(CHECKS)
                if by_command and number % max(1, forgeries // by_command) == 0:
                    checks |= COMMANDS
                promotes = checks.pop("promote")
                # each kind in turn; the last, as it may pack and sign the project's files anew
                if number // len(KINDS) % promote_every == 0:
                    checks["promote"] = promotes
                for name, check in checks.items():
                    why = check(key)
                    # a hash or tag alone does not concern the signature, and is named by itself
                    if why is None or (name != "promote" and named not in why):
                        believed.append(f"{name}: {kind} ({named}): {why}")
                    else:
                        refused[kind, name] += 1
        for check in CHECKS.values():
            if (why := check(key)) is not None and "signs the project" not in why:
                believed.append(f"the untouched model: {why}")
    typer.echo(f"{'kind':<34}{'made':>6}" + "".join(f"{name:>18}" for name in (*CHECKS, *COMMANDS)))
    for kind in KINDS:
        counts = "".join(f"{refused[kind, name]:>18}" for name in (*CHECKS, *COMMANDS))
        typer.echo(f"{kind:<34}{made[kind]:>6}{counts}")
    typer.echo(f"{made.total():,} forgeries, {len(believed):,} believed or not named")
    for one in believed[:40]:
        typer.echo(one)
    raise typer.Exit(1 if believed else 0)


def _serve(key: SigningKey) -> str | None:
    return _reason(lambda: load_servable(resolve(CHAMPION)))


def _verify(key: SigningKey) -> str | None:
    return _reason(lambda: refuse_failures(verify(trace(resolve(CHAMPION)))))


def _promote(key: SigningKey) -> str | None:
    """Tries to have the forgery signed again. What is signed must be the project's own files."""
    policy = gate_policy(load_params())
    trust = Trust((key.public,), Path())
    request = PromotionRequest(
        resolve(os.environ["RUN"]), ALIAS, policy, layout.TEST, signing=Signing(key, trust)
    )
    reason = _reason(lambda: promote(request))
    if reason is not None:
        return reason
    own = {name: sha256_of(layout.MODELS / name) for name in ("weights.safetensors", "config.json")}
    signed = open_signature(read_signature(PACKAGE[0]), [key.public], "it")
    signed.refuse_changed_files(hash_package(PACKAGE[0]))
    if any(signed.files[f"artifacts/{name}"] != sha256 for name, sha256 in own.items()):
        return None
    return "signs the project's own files"


def _command(*arguments: str) -> Callable[[SigningKey], str | None]:
    def run(key: SigningKey) -> str | None:
        try:
            done = subprocess.run(
                [sys.executable, "-m", "tracelate.cli.main", *arguments],
                capture_output=True,
                encoding="utf-8",
                timeout=300,
                env={**os.environ, "COLUMNS": "1000"},
            )
        except subprocess.TimeoutExpired:  # it serves
            return None
        said = done.stdout + done.stderr
        if done.returncode == 0 or "Traceback" in said:
            return None
        return said

    return run


PACKAGE: list[Path] = []
CHECKS: dict[str, Callable[[SigningKey], str | None]] = {
    "serve": _serve,
    "verify": _verify,
    "promote": _promote,
}
"""Each returns why it refuses the model, or None."""
COMMANDS = {
    "serve (command)": _command("serve", CHAMPION, "--port", "0"),
    "verify (command)": _command("lineage", CHAMPION, "--verify"),
}


def _reason(call: Callable[[], object]) -> str | None:
    try:
        call()
    except InputError as error:
        return str(error)
    return None


@contextmanager
def _project(folder: Path) -> Iterator[tuple[Forger, SigningKey]]:
    """Makes the project with two signed models, and works in it."""
    shutil.copytree(SOURCE, folder, dirs_exist_ok=True)
    text = (PROJECT / "params.yaml").read_text(encoding="utf-8")
    text = text.replace("trusted_keys: []", f"trusted_keys: [keys/{PUBLIC_KEY}]")
    (folder / "params.yaml").write_text(text, encoding="utf-8")
    os.environ |= {
        "MLFLOW_TRACKING_URI": f"sqlite:///{folder}/mlflow.db",
        "DVC_ROOT": str(folder),
        "TRACELATE_CACHE": str(folder / "cache"),
    }
    before = Path.cwd()
    os.chdir(folder)
    try:
        key = load_signing_key(write_key_pair(Path("keys"), None).private)
        foreign = load_signing_key(write_key_pair(Path("foreign"), None).private)
        run_id = sync_project().run.run_id
        os.environ["RUN"] = run_id
        [model_id] = connect().runs.get(run_id).model_ids
        package = Path(connect().models.get(model_id).artifact_location.removeprefix("file:"))
        PACKAGE[:] = [package]
        trust = Trust((key.public,), folder)
        policy = gate_policy(load_params())
        request = PromotionRequest(
            resolve(run_id),
            Alias("other", "champion"),
            policy,
            layout.TEST,
            forced_because="a benchmark",
            signing=Signing(key, trust),
        )
        promote(request)
        other = Path(shutil.copytree(package, folder / "other"))
        (package / SIGNATURE).unlink()
        card = package / "README.md"
        content = card.read_bytes()
        card.write_bytes(content + b"\n")
        promote(request._replace(alias=ALIAS))
        old = (package / SIGNATURE).read_bytes()
        card.write_bytes(content)
        promote(request._replace(alias=ALIAS))
        assert read_lineage(package / "artifacts" / layout.LINEAGE.name)
        yield Forger(package, model_id, other, old, foreign, random.Random()), key
    finally:
        os.chdir(before)


@contextmanager
def _restored(forger: Forger) -> Iterator[None]:
    """Undoes a forgery when the block ends."""
    kept = forger.package.with_name("kept")
    shutil.copytree(forger.package, kept, symlinks=True)
    tags = _client().get_logged_model(forger.model_id).tags
    try:
        yield
    finally:
        shutil.rmtree(forger.package)
        kept.rename(forger.package)
        _client().set_logged_model_tags(forger.model_id, tags)


if __name__ == "__main__":
    typer.run(main)
