"""The surfaces that take input from outside, each as a function of bytes.

A target returns or raises InputError (the server's: RefusedError), whatever the bytes are; anything
else is a fault. Those with hashes refuse every file that is not the original.
"""

from __future__ import annotations

import gzip
import io
import json
import os
import shutil
import tarfile
import tempfile
import zipfile
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
    from tracelate.corpus.tokenizer_pair import TokenizerPair

    for tokenizer in TokenizerPair.load(path):
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


def _archive(data: bytes) -> None:
    from tracelate.corpus.sources.members import PackedFile, unpack_members

    folder = scratch() / "unpacked"
    folder.mkdir()
    packed = scratch() / "packed"
    packed.write_bytes(data)
    try:
        with refusing():
            unpack_members(PackedFile(packed, "packed", "packed", 2**24), ["**/*"], folder)
    finally:
        shutil.rmtree(folder)
        packed.unlink()


def _archive_seeds() -> list[bytes]:
    names = ["a.en", "folder/a.es"]
    tar = io.BytesIO()
    with tarfile.open(fileobj=tar, mode="w") as made:
        for name in [*names, "folder/" + "long" * 40]:
            made.addfile(tarfile.TarInfo(name))
    zipped = io.BytesIO()
    with zipfile.ZipFile(zipped, "w", zipfile.ZIP_DEFLATED) as packed:
        for name in names:
            packed.writestr(zipfile.ZipInfo(name), b"a dog\n")
    return [tar.getvalue(), gzip.compress(tar.getvalue(), mtime=0), zipped.getvalue()]


def _document(name: str, seed: Callable[[], str | bytes]) -> Target:
    """Returns the target of a document or catalog with the format of that name."""

    def run(data: bytes) -> None:
        from tracelate.config import DocumentsConfig, TableColumnsConfig
        from tracelate.corpus.sources.documents import DocumentSource

        path = scratch() / "documents" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        if is_catalog := name.startswith("es."):
            path.with_stem("en").write_bytes(seeds()[0])
        template = str(path.with_stem("{language}") if is_catalog else path)
        config = DocumentsConfig(
            train=[template],
            valid=None,
            test=None,
            columns=TableColumnsConfig(source=None, target=None),
            licence="CC0-1.0",
        )
        with refusing():
            DocumentSource(config, "en", "es").read()

    def seeds() -> list[bytes]:
        content = seed()
        return [content if isinstance(content, bytes) else content.encode()]

    return Target(run, seeds)


def _documents() -> dict[str, Target]:
    from tests.corpus.sources import document_samples as samples

    return {
        "po": _document("a.po", lambda: samples.PO),
        "mo": _document("a.mo", lambda: samples.compiled(samples.PO)),
        "tmx": _document("a.tmx", lambda: samples.TMX),
        "xliff": _document("a.xlf", lambda: samples.XLIFF),
        "xliff_2": _document("b.xlf", lambda: samples.XLIFF_2),
        "android": _document("es.xml", lambda: samples.STRINGS),
        "yaml_catalog": _document("es.yml", lambda: "es:\n  a: b\n  c: &c {d: e}\n  f: *c\n"),
        "json_catalog": _document("es.json", lambda: '{"": {"lang": "es"}, "a": ["b", null]}'),
        "tsv": _document("a.tsv", lambda: "en\tes\na\tb\n"),
        "csv": _document("a.csv", lambda: 'en,es\n"a ""b""",c\n'),
        "json_lines": _document("a.jsonl", lambda: '{"en": "a", "es": "b"}\n{"en": null}\n'),
    }


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


NOT_RUN = {"ui"}
"""Commands that would start another program."""


def _command(data: bytes) -> None:
    """Calls the command line with arguments that null bytes divide, in an empty folder."""
    from typer.testing import CliRunner

    from tracelate.cli.main import _reporting_failures, app
    from tracelate.errors import InputError
    from tracelate.printable import CONTROL

    arguments = data.decode("utf-8", "surrogateescape").split("\0")[:12]
    # no file elsewhere is read or written, and no other machine is asked
    if any("/" in one or ".." in one or one.startswith("~") for one in arguments):
        return
    if NOT_RUN & set(arguments):
        return
    folder = scratch() / "commands"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    before = Path.cwd()
    os.chdir(folder)
    os.environ["MLFLOW_TRACKING_URI"] = f"sqlite:///{scratch()}/mlflow.db"
    try:
        with _reporting_failures():
            done = CliRunner().invoke(app, arguments, input="One sentence.\n")
            if done.exception is not None and not isinstance(done.exception, SystemExit):
                raise done.exception
        assert not CONTROL.search(done.stderr), "a control character in a message"
    except (InputError, OSError) as error:
        assert str(error).strip(), "an error without a message"
    finally:
        os.chdir(before)


COMMANDS = [
    ["--help"],
    ["--version"],
    ["translate", "file.txt", "--output", "out.txt", "--beam-size", "5"],
    ["translate", "--model", "models:name@champion", "--receipt", "receipt.json"],
    [
        "serve",
        "model",
        "--port",
        "0",
        "--max-beams",
        "3",
        "--timeout",
        "1",
        "--trusted-proxy",
        "::1",
    ],
    ["summary"],
    ["compare", "a", "b", "--metric", "chrf"],
    ["runs", "--sort", "bleu", "--json"],
    ["seeds", "a", "b"],
    ["promote", "run", "--alias", "champion", "--name", "name", "--dry-run"],
    ["promote", "run", "--force", "--reason", "because"],
    ["rollback", "--alias", "champion", "--reason", "because"],
    ["history", "--name", "name"],
    ["lineage", "run", "--verify", "--json"],
    ["bom", "run"],
    ["recall", "--corpus", "name", "--licence", "MIT"],
    ["recall", "--pair", "text", "--exclude"],
    ["replay", "run", "--yes"],
    ["keys", "new", "--out", "keys"],
    ["verify-receipt", "receipt.json", "--text", "a", "--translation", "b"],
    ["sync"],
    ["doctor", "--json"],
]


@cache
def _server_port() -> int:
    """Returns the port of a server in a thread of this process."""
    import socket
    import threading
    import time

    import uvicorn

    from tracelate.serving.limits import Limits
    from tracelate.serving.open_files import ConnectionLimits
    from tracelate.serving.servable import load_servable
    from tracelate.serving.server import server_config
    from tracelate.signing.trust import NO_TRUST
    from tracelate.tracking.references.references import resolve

    project = scratch() / "served"
    shutil.copytree(FILES, project, dirs_exist_ok=True)
    model = load_servable(resolve(str(project)), NO_TRUST)
    limits = Limits(body_timeout_s=1, write_timeout_s=1, timeout_s=5)
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    server = uvicorn.Server(server_config(model, limits, ConnectionLimits(64, 64)))
    threading.Thread(target=server.run, args=[[listener]], daemon=True).start()
    while not server.started:
        time.sleep(0.02)
    return int(listener.getsockname()[1])


def _exchange(data: bytes) -> bytes:
    """Returns all that the server answers to these bytes."""
    import socket

    answer = b""
    with socket.create_connection(("127.0.0.1", _server_port()), timeout=9) as client:
        try:
            client.sendall(data)
            client.shutdown(socket.SHUT_WR)
            while part := client.recv(65536):
                answer += part
        except ConnectionError:
            pass
    return answer


def _serve(data: bytes) -> None:
    """Sends bytes to a live server, which must answer without a fault and go on."""
    answer = _exchange(data)
    if answer:
        assert answer.startswith(b"HTTP/1.1 "), answer[:100]
        status = int(answer.split()[1])
        assert status < 500 or status == 503, answer[:500]
        assert b"NaN" not in answer and b"Infinity" not in answer
    assert _exchange(PING).startswith(b"HTTP/1.1 200 "), "the server is gone"


PING = b"GET /ping HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n"


def _http_seeds() -> list[bytes]:
    head = b"POST /invocations HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n"
    bodies = [json.dumps(one).encode() for one in REQUESTS]
    posts = [head + b"content-length: %d\r\n\r\n%s" % (len(one), one) for one in bodies]
    chunks = b"transfer-encoding: chunked\r\n\r\n%x\r\n%s\r\n0\r\n\r\n"
    return [
        PING,
        *posts,
        posts[0] + PING,
        head + chunks % (len(bodies[0]), bodies[0]),
        head + b"expect: 100-continue\r\ncontent-length: 2\r\n\r\n{}",
        b"GET /model HTTP/1.0\r\n\r\n",
        b"GET /version HTTP/1.1\r\nhost: [::1]:80\r\nupgrade: h2c\r\n\r\n",
    ]


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
    "lines": Target(
        file_target("lines.txt", _read_lines).run,
        lambda: ["a\n\r\né\u2028b".encode(), gzip.compress(b"a\nb\n", mtime=0)],
    ),
    **_documents(),
    "wheel": Target(_wheel, lambda: [build_wheel()]),
    "archive": Target(_archive, _archive_seeds),
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
    "command": Target(
        _command, lambda: [chr(0).join(arguments).encode() for arguments in COMMANDS]
    ),
    "server": Target(_serve, _http_seeds),
    "printable": Target(_print, lambda: ["\x1b[2J\u202eabc\r\n".encode()]),
}
