"""Searches that several processes share, with a tiny model that is not trained."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
import torch.distributed as distributed

from tests.tiny_corpus import PROJECT
from tests.training.reversing import WORDS, model_config, tokenizer
from tracelate.errors import InputError
from tracelate.inference import shared_search
from tracelate.inference.batch_search import Found, SourceIds
from tracelate.inference.launched import launched_count
from tracelate.inference.search_messages import PIECE_BYTES, Messages
from tracelate.inference.shared_search import FOLDER, _weights, search_here
from tracelate.inference.translator import CHUNK_BATCHES, Translator
from tracelate.model.seq2seq import Seq2Seq
from tracelate.training.model_files import load_model, save_model

LINES = [" ".join(WORDS[place % 5 : place % 7]) for place in range(3 * CHUNK_BATCHES)]
LONG = "uno dos. " * 30


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("models")
    pieces, config = tokenizer(), model_config()
    pieces.save(folder / "saved.json")
    torch.manual_seed(1)
    weights = Seq2Seq(config, pieces.size, pieces.padding_id).state_dict()
    save_model(
        folder,
        weights,
        config,
        folder / "saved.json",
        source_language="es",
        target_language="es",
        normalise=[],
    )
    return folder


@pytest.fixture(scope="module")
def translator(models: Path) -> Translator:
    return Translator(
        load_model(models), beam_size=3, length_penalty=1.0, batch_sentences=2, max_line_pieces=40
    )


@pytest.fixture
def one_thread() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.mark.usefixtures("one_thread")
def test_two_processes_find_the_same_in_the_same_order(
    translator: Translator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lines = [*LINES, LONG, *LINES]
    search = translator.search_batch
    own: list[SourceIds] = []

    def slow(batch: SourceIds) -> Found:
        own.append(batch)
        time.sleep(0.02)
        return search(batch)

    monkeypatch.setattr(translator, "search_batch", slow)
    alone = translator.translate(LINES)
    batches = len(own)
    alone_lines = list(translator.translate_lines(iter(lines)))
    with search_here(translator, 2, tmp_path):
        while len(own) >= batches:  # until the other process takes some
            own.clear()
            sizes: list[int] = []
            assert translator.translate(LINES, sizes.append) == alone
            assert sum(sizes) == len(LINES)
        assert list(translator.translate_lines(iter(lines))) == alone_lines
        assert translator.translate([]) == []
    assert list(tmp_path.iterdir()) == []
    assert translator.processes == 1


@pytest.mark.parametrize("sent", [signal.SIGKILL, signal.SIGTERM])
def test_a_process_that_dies_ends_the_translation_with_its_error(
    translator: Translator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, sent: signal.Signals
) -> None:
    begin = shared_search._start
    started: list[subprocess.Popen[bytes]] = []

    def start(*arguments: object) -> subprocess.Popen[bytes]:
        started.append(begin(*arguments))  # type: ignore[arg-type]
        return started[-1]

    monkeypatch.setattr(shared_search, "_start", start)
    with (
        pytest.raises(InputError, match=rf"process 2 of 2 was killed by {sent.name}.*fewer"),
        search_here(translator, 2, tmp_path),
    ):
        started[0].send_signal(sent)
        started[0].wait()
        translator.translate(LINES)
    assert list(tmp_path.iterdir()) == []


def test_an_error_of_a_process_is_reported(
    translator: Translator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    setup = shared_search._setup
    monkeypatch.setattr(
        shared_search, "_setup", lambda *given: {**setup(*given), "weights": "/nowhere"}
    )
    with (
        pytest.raises(InputError, match=r"failed \(process 2: FileNotFoundError: .*nowhere"),
        search_here(translator, 2, tmp_path),
    ):
        deadline_s = time.monotonic() + 120
        while time.monotonic() < deadline_s:
            translator.translate(LINES)
            time.sleep(0.2)


def test_the_other_processes_end_when_the_first_is_killed(models: Path, tmp_path: Path) -> None:
    program = (
        "import sys, time; from pathlib import Path\n"
        "from tracelate.inference.shared_search import search_here\n"
        "from tracelate.inference.translator import Translator\n"
        "from tracelate.inference import shared_search\n"
        "from tracelate.training.model_files import load_model\n"
        "model = load_model(Path(sys.argv[1]))\n"
        "translator = Translator(model, beam_size=1, length_penalty=1.0, batch_sentences=2)\n"
        "begin = shared_search._start\n"
        "def start(*given):\n"
        "    other = begin(*given); print(other.pid, flush=True); return other\n"
        "shared_search._start = start\n"
        "with search_here(translator, 2, Path(sys.argv[2])): time.sleep(600)\n"
    )
    first = subprocess.Popen(
        [sys.executable, "-c", program, str(models), str(tmp_path)],
        stdout=subprocess.PIPE,
        cwd=PROJECT,
    )
    assert first.stdout is not None
    other = int(first.stdout.readline())
    first.kill()
    first.wait()
    first.stdout.close()
    deadline_s = time.monotonic() + 120
    while is_running(other):
        assert time.monotonic() < deadline_s
        time.sleep(0.1)


def is_running(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False
    return state != "Z"


def test_weights_that_a_killed_process_left_are_removed_when_they_are_old(
    translator: Translator, tmp_path: Path
) -> None:
    old, new, other = (tmp_path / name for name in (f"{FOLDER}1", f"{FOLDER}2", "search"))
    for folder in (old, new, other):
        folder.mkdir()
        if folder != new:
            os.utime(folder, (1, 1))
    with _weights(translator, tmp_path) as path:
        assert path.is_file()
    assert sorted(tmp_path.iterdir()) == [other, new]


def test_a_document_larger_than_a_value_of_the_store_is_whole() -> None:
    messages = Messages(distributed.HashStore())  # type: ignore[attr-defined]
    text = "é" * (PIECE_BYTES // 3)
    messages.put("a", [text, 0.1])
    assert messages.get("a") == [text, 0.1]
    messages.delete("a")
    assert not messages.has("a") and not messages.wait("a", 0.01)


def test_processes_are_counted_by_the_program_that_started_them() -> None:
    assert launched_count({}) == 1
    assert launched_count({"WORLD_SIZE": "9"}) == 1
    assert launched_count({"TORCHELASTIC_RUN_ID": "a", "WORLD_SIZE": "4"}) == 4
    assert launched_count({"SLURM_NTASKS": "8"}) == 1  # in the job's script
    assert launched_count({"SLURM_STEP_NUM_TASKS": "8"}) == 8
    assert "TORCHELASTIC_RUN_ID" not in os.environ
