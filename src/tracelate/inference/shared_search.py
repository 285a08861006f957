"""The searches of a translator, shared out over processes on one machine or several.

The first process plans the batches and each of them is searched by one process, as it would be
without others, so that the number of processes changes no translation. A process that has ended a
batch takes the next one. Each process has a copy of the model.
"""

from __future__ import annotations

import os
import secrets
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file
from torch.distributed import PrefixStore, TCPStore  # type: ignore[attr-defined]

from tracelate.errors import InputError
from tracelate.inference.batch_search import Found, SourceIds
from tracelate.inference.launched import launched_group
from tracelate.inference.search_messages import FAILURE, SETUP, Messages, Task
from tracelate.inference.search_worker import PORT, RANK, SECRET, ended_key
from tracelate.inference.translator import Translator
from tracelate.model.seq2seq import Seq2Seq
from tracelate.openmp import allowed_threads

LOOK_S = 1.0
"""Time between two looks at processes that are waited for."""
FOLDER = "tracelate-search-"
"""Beginning of the name of a folder of weights."""
KEPT_S = 7 * 86_400
"""Age at which a folder of weights is removed that a killed process has left."""
END_S = 60.0
"""Longest time that processes have to end."""


@contextmanager
def search_here(translator: Translator, processes: int, folder: Path) -> Iterator[None]:
    """Shares out the searches of `translator` over processes of this machine in the block.

    A copy of the weights is in `folder` meanwhile. Raises InputError in the block if a process
    fails.
    """
    if processes == 1:
        yield
        return
    before = torch.get_num_threads()
    threads = max(1, min(before, allowed_threads() // processes))
    store = TCPStore("127.0.0.1", 0, is_master=True, wait_for_workers=False)
    secret = secrets.token_hex(16)  # other users of the machine can reach the store
    messages = Messages(PrefixStore(secret, store))
    with _weights(translator, folder) as weights:
        messages.put(SETUP, _setup(translator, weights, threads))
        others = [_start(rank, store.port, secret, threads) for rank in range(1, processes)]
        torch.set_num_threads(threads)
        try:
            sharing = SearchProcesses(translator, messages, processes, others)
            with _sharing(translator, sharing):
                yield
                sharing.refuse_failed()
        finally:
            torch.set_num_threads(before)
            for other in others:
                other.kill()
                other.wait()


@contextmanager
def search_launched(translator: Translator, folder: Path) -> Iterator[None]:
    """Shares out the searches over the processes that torchrun or SLURM has started, in the block.

    This is the first of them, and each other one is in `serve_searches`. All see `folder`, which
    has a copy of the weights meanwhile. Raises InputError in the block if a process fails.
    """
    group = launched_group()
    messages = Messages(group.store)
    with _weights(translator, folder) as weights:
        messages.put(SETUP, _setup(translator, weights, torch.get_num_threads()))
        sharing = SearchProcesses(translator, messages, group.size, [])
        with _sharing(translator, sharing):
            yield
            sharing.end()


class SearchProcesses:
    """The first of several processes that search batches together."""

    def __init__(
        self,
        translator: Translator,
        messages: Messages,
        count: int,
        others: Sequence[subprocess.Popen[bytes]],
    ) -> None:
        self.count = count
        self._translator = translator
        self._messages = messages
        self._others = others
        self._tasks = 0

    def __call__(self, batches: Sequence[SourceIds]) -> Iterator[Found]:
        """Yields what is found of each batch, in order. Raises InputError if a process fails."""
        task = Task(self._messages, self._tasks)
        self._tasks += 1
        task.begin(batches)
        own: dict[int, Found] = {}
        for number in range(len(batches)):
            while number not in own and not self._messages.has(task.found_key(number)):
                self.refuse_failed()
                if (taken := task.take(len(batches))) is not None:
                    own[taken] = self._translator.search_batch(batches[taken])
                else:
                    self._messages.wait(task.found_key(number), LOOK_S)
            yield own.pop(number) if number in own else task.found(number)
            task.delete_batch(number)

    def end(self) -> None:
        """Lets the other processes end, and waits until they need the store no more."""
        self._messages.put(Task(self._messages, self._tasks).size_key, None)
        deadline_s = time.monotonic() + END_S
        for rank in range(1, self.count):
            while not self._messages.wait(ended_key(rank), LOOK_S):
                self.refuse_failed()
                if time.monotonic() > deadline_s:
                    return

    def refuse_failed(self) -> None:
        """Raises InputError if a process has failed."""
        if self._messages.has(FAILURE):
            raise InputError(_failure(self._messages.get(FAILURE)))
        for rank, other in enumerate(self._others, start=2):
            if (status := other.poll()) is not None:
                ended = f"ended with exit status {status}"
                if status < 0:
                    ended = f"was killed by {signal.Signals(-status).name}"
                raise InputError(_failure(f"process {rank} of {self.count} {ended}"))


def _failure(reason: str) -> str:
    return (
        f"translation in several processes failed ({reason}): run it again, in fewer processes if "
        "memory was not enough"
    )


@contextmanager
def _sharing(translator: Translator, processes: SearchProcesses) -> Iterator[None]:
    alone, translator.search_batches = translator.search_batches, processes
    translator.processes = processes.count
    try:
        yield
    finally:
        translator.search_batches, translator.processes = alone, 1


@contextmanager
def _weights(translator: Translator, folder: Path) -> Iterator[Path]:
    """Yields the path of a copy of the weights, and removes old ones of processes that died."""
    model = translator.trained.model
    if not isinstance(model, Seq2Seq):
        raise InputError("an ensemble translates in one process: leave out --processes")
    folder.mkdir(parents=True, exist_ok=True)
    for old in folder.glob(f"{FOLDER}*"):
        if time.time() - old.stat().st_mtime > KEPT_S:
            shutil.rmtree(old, ignore_errors=True)
    with tempfile.TemporaryDirectory(prefix=FOLDER, dir=folder) as own:
        path = Path(own, "weights.safetensors").resolve()
        state = model.state_dict()
        save_file({name: value.contiguous() for name, value in state.items()}, path)
        yield path


def _setup(translator: Translator, weights: Path, threads: int) -> dict[str, Any]:
    """Returns the model and the settings of the search for `search_worker`."""
    special, config = translator.special, translator.trained.config
    return {
        "weights": str(weights),
        "model": config.settings.model_dump(mode="json"),
        "vocabulary_size": config.vocabulary_size,
        "source_vocabulary_size": config.source_vocabulary_size,
        "special": [special.padding, special.start, special.end],
        "slots": [special.slots.start, special.slots.stop],
        "beam_size": translator.beam_size,
        "length_penalty": translator.length_penalty,
        "threads": threads,
    }


def _start(rank: int, port: int, secret: str, threads: int) -> subprocess.Popen[bytes]:
    own = {PORT: str(port), SECRET: secret, RANK: str(rank), "OMP_NUM_THREADS": str(threads)}
    return subprocess.Popen(
        [sys.executable, "-m", "tracelate.inference.search_worker"],
        env={**os.environ, **own},
        stdin=subprocess.DEVNULL,
    )
