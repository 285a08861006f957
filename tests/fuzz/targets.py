"""The surfaces that take input from outside, each as a function of bytes.

A target returns or raises InputError (the server's: RefusedError), whatever the bytes are; anything
else is a fault. Those with hashes refuse every file that is not the original.
"""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

from tests.tiny_corpus import PROJECT, build_wheel, tiny_settings, write_params
from tracelate.config import CatalogsConfig

FILES = PROJECT / "tests/formats/0.1"


class Target(NamedTuple):
    """A surface to fuzz."""

    run: Callable[[bytes], None]
    seeds: Callable[[], list[bytes]]
    """Valid inputs to start from."""


class SilentChangeError(AssertionError):
    """A changed file was accepted."""


def scratch() -> Path:
    """Returns a folder of this process, in RAM where there is one."""
    root = Path("/dev/shm") if Path("/dev/shm").is_dir() else Path(tempfile.gettempdir())
    folder = root / f"tracelate-fuzz-{os.getpid()}"
    folder.mkdir(exist_ok=True)
    return folder


@contextmanager
def refusing() -> Iterator[None]:
    """Accepts the errors that a user can fix."""
    from tracelate.errors import InputError

    try:
        yield
    except InputError as error:
        assert str(error).strip(), "an error without a message"


def file_target(name: str, read: Callable[[Path], Any], *seeds: Path) -> Target:
    """Returns the target of a reader of one file."""

    def run(data: bytes) -> None:
        path = scratch() / name
        path.write_bytes(data)
        with refusing():
            read(path)

    return Target(run, lambda: [seed.read_bytes() for seed in seeds])


def _read_params(path: Path) -> None:
    from tracelate.config import load_params

    load_params(path)


def _read_lineage(path: Path) -> None:
    from tracelate.evaluation.lineage import read_lineage
    from tracelate.lineage.bill_of_materials import bill_of_materials

    lineage = read_lineage(path)
    json.dumps(bill_of_materials(lineage, None, [], name="x", version=None))


def _read_metrics(path: Path) -> None:
    from tracelate.evaluation.metrics_file import metrics_document, read_metrics

    json.dumps(metrics_document(read_metrics(path)), allow_nan=False)


def _read_translations(path: Path) -> None:
    from tracelate.evaluation.report import read_translations

    list(read_translations(path))


def _read_run(path: Path) -> None:
    from tracelate.training.run_file import read_training_run

    read_training_run(path)


def _read_provenance(path: Path) -> None:
    from tracelate.corpus.sources.choose import read_provenance

    provenance = read_provenance(path)
    str([provenance.title, provenance.description, provenance.hashes])


def _read_lines(path: Path) -> None:
    from tracelate.corpus.sources.line_files import read_lines

    read_lines(path)


def _read_pairs(path: Path) -> None:
    from tracelate.corpus.pairs import read_pairs

    read_pairs(path)


def _read_tokenizer(path: Path) -> None:
    from tracelate.corpus.tokenizer import SubwordTokenizer

    tokenizer = SubwordTokenizer.load(path)
    tokenizer.decode(tokenizer.encode(["a b", "é"]))


def _normalise(data: bytes) -> None:
    from tracelate.text.normaliser import STEP_NAMES, Normaliser

    normalise = Normaliser(STEP_NAMES)
    text = data.decode("utf-8", "replace")
    assert normalise(normalise(text)) == normalise(text)


def _mask_credentials(data: bytes) -> None:
    from tracelate.credentials import address_without_credentials, without_credentials

    text = data.decode("utf-8", "replace")
    without_credentials(text)
    address_without_credentials(text)


def _print(data: bytes) -> None:
    from tracelate.printable import CONTROL, printable_line

    assert not CONTROL.search(printable_line(data.decode("utf-8", "replace")))


@cache
def _catalogs() -> CatalogsConfig:
    from tracelate.config import load_params

    write_params(scratch(), tiny_settings(build_wheel()))
    return load_params(scratch() / "params.yaml").download.catalogs


def _wheel(data: bytes) -> None:
    import hashlib

    from tracelate.corpus.sources.catalogs import CatalogSource
    from tracelate.corpus.sources.wheels import cached_wheel

    os.environ["TRACELATE_CACHE"] = str(scratch() / "cache")
    sha256 = hashlib.sha256(data).hexdigest()
    settings = _catalogs().model_copy(update={"sha256": sha256})
    path = cached_wheel(sha256)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    try:
        with refusing():
            CatalogSource(settings, "en", "es").read()
    finally:
        path.unlink(missing_ok=True)


@cache
def _requests() -> Any:
    from tracelate.serving.limits import Limits, TranslationRequests

    limits = Limits()
    return TranslationRequests(limits, {"beam_size": 2, "length_penalty": 1.0})


def _request(data: bytes) -> None:
    from tracelate.serving.answers import RefusedError

    try:
        _requests().read(data)
    except RefusedError as error:
        assert 400 <= error.status < 500
        assert len(error.message) < 2000


def _long_line(data: bytes) -> None:
    from tracelate.inference.long_lines import join_parts, split_line

    line = data.decode("utf-8", "replace").replace("\n", " ")[:20_000]
    parts = split_line(line, lambda text: len(text.encode()) > 200)
    join_parts(parts, [part.text for part in parts])


def _checkpoint(data: bytes) -> None:
    from tracelate.training.checkpoints import recover_checkpoints, resume_step

    folder = scratch() / "checkpoints"
    folder.mkdir(exist_ok=True)
    for name in ("last.ckpt", "best.ckpt"):
        (folder / name).write_bytes(data)
    if recover_checkpoints(folder) is None:
        resume_step(folder)


def _checkpoint_seeds() -> list[bytes]:
    import io

    import torch

    buffer = io.BytesIO()
    torch.save({"global_step": 7, "state_dict": {"weight": torch.zeros(2)}}, buffer)
    return [buffer.getvalue()]


@cache
def _package() -> Path:
    """Returns the files of a packed model, in a folder of this process."""
    folder = scratch() / "package"
    shutil.copytree(FILES / "models", folder, dirs_exist_ok=True)
    shutil.copyfile(FILES / "reports/lineage.json", folder / "lineage.json")
    return folder


def _changed_package(name: str) -> Target:
    """Returns the target that refuses every content of a packed file but the original."""
    original = FILES / "models" / name

    def run(data: bytes) -> None:
        from tracelate.errors import InputError
        from tracelate.tracking.packages.packed_translator import load_packed_translator

        (_package() / name).write_bytes(data)
        try:
            load_packed_translator(_package())
        except InputError:
            return
        finally:
            shutil.copyfile(original, _package() / name)
        if data != original.read_bytes():
            raise SilentChangeError(f"a changed {name} was accepted")

    return Target(run, lambda: [original.read_bytes()])


def _model_without_hashes(data: bytes) -> None:
    """Loads weights that no hash protects, as those of a folder that somebody sent."""
    from tracelate.training.model_files import load_model

    path = _package() / "weights.safetensors"
    path.write_bytes(data)
    try:
        with refusing():
            load_model(_package())
    finally:
        shutil.copyfile(FILES / "models/weights.safetensors", path)


REQUESTS = [
    {"inputs": ["Could not connect.", ""], "params": {"beam_size": 2, "n_best": 2}},
    {"instances": ["a"], "params": {"with_scores": True, "length_penalty": 0.5}},
]
TARGETS: dict[str, Target] = {
    "params": file_target("params.yaml", _read_params, PROJECT / "params.yaml"),
    "lineage": file_target("lineage.json", _read_lineage, FILES / "reports/lineage.json"),
    "metrics": file_target("metrics.json", _read_metrics, FILES / "reports/metrics.json"),
    "translations": file_target(
        "translations.jsonl", _read_translations, FILES / "reports/translations.jsonl"
    ),
    "run": file_target("run.json", _read_run, FILES / "models/run.json"),
    "provenance": file_target(
        "provenance.json", _read_provenance, FILES / "data/raw/provenance.json"
    ),
    "tokenizer": file_target("tokenizer.json", _read_tokenizer, FILES / "models/tokenizer.json"),
    "pairs": file_target("pairs.parquet", _read_pairs, FILES / "data/prepared/valid.parquet"),
    "lines": file_target("lines.txt", _read_lines, FILES / "reports/translations.jsonl"),
    "wheel": Target(_wheel, lambda: [build_wheel()]),
    "request": Target(_request, lambda: [json.dumps(one).encode() for one in REQUESTS]),
    "checkpoint": Target(_checkpoint, _checkpoint_seeds),
    "weights": Target(
        _model_without_hashes, lambda: [(FILES / "models/weights.safetensors").read_bytes()]
    ),
    "packed_weights": _changed_package("weights.safetensors"),
    "packed_config": _changed_package("config.json"),
    "packed_tokenizer": _changed_package("tokenizer.json"),
    "normalise": Target(_normalise, lambda: ["a\u00a0b\r\ne\u0301 ".encode()]),
    "long_line": Target(_long_line, lambda: [b"One sentence. Another one! " * 20]),
    "credentials": Target(_mask_credentials, lambda: [b"http://bob:hunter2@host/path?token=a"]),
    "printable": Target(_print, lambda: ["\x1b[2J\u202eabc\r\n".encode()]),
}
