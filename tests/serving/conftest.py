"""A registered tiny model, served on this machine."""

from __future__ import annotations

import shutil
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import uvicorn

from tests.serving.http_clients import CONNECTIONS, NAME, SENTENCES, register
from tests.tracking.stored_runs import mlflow_client
from tracelate import layout
from tracelate.evaluation.lineage import Lineage, read_lineage
from tracelate.inference.translator import Translator
from tracelate.serving.limits import Limits
from tracelate.serving.open_files import ConnectionLimits
from tracelate.serving.servable import load_servable
from tracelate.serving.server import server_config
from tracelate.tracking.references.references import resolve
from tracelate.tracking.runs.log_model import pack_model
from tracelate.training.model_files import load_model


@pytest.fixture(scope="module")
def lineage(finished_project: Path) -> Lineage:
    return read_lineage(finished_project / layout.LINEAGE)


@pytest.fixture(scope="module")
def port(
    finished_project: Path, lineage: Lineage, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[int]:
    """Of a server of the registered model."""
    database = tmp_path_factory.mktemp("store") / "mlflow.db"
    shutil.copyfile(finished_project / "mlflow.db", database)
    with pytest.MonkeyPatch.context() as patch, socket.socket() as listener:
        patch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{database}")
        register(mlflow_client(), lineage)
        config = server_config(
            load_servable(resolve(f"models:/{NAME}@champion")),
            Limits(body_timeout_s=1, write_timeout_s=1),
            ConnectionLimits(CONNECTIONS, backlog=128),
        )
        listener.bind(("127.0.0.1", 0))
        server = uvicorn.Server(config)
        thread = threading.Thread(target=server.run, args=[[listener]])
        thread.start()
        while not server.started and thread.is_alive():
            time.sleep(0.02)
        yield int(listener.getsockname()[1])
        server.should_exit = True
        thread.join()


@pytest.fixture(scope="module")
def alone(finished_project: Path) -> dict[int, dict[str, str]]:
    """Each sentence's translation by itself, by beam size."""
    trained = load_model(finished_project / "models")
    return {
        beam_size: {
            sentence: Translator(
                trained, beam_size=beam_size, length_penalty=1.0, batch_sentences=1
            )
            .translate([sentence])[0]
            .text
            for sentence in SENTENCES
        }
        for beam_size in (1, 2)
    }


@pytest.fixture
def packed(finished_project: Path, lineage: Lineage, tmp_path: Path) -> Path:
    pack_model(tmp_path / "packed", lineage, finished_project)
    return tmp_path / "packed"
