"""A process that searches batches for another one.

`python -m tracelate.inference.search_worker` is started by `search_here` on its own machine. On
several machines, torchrun or SLURM starts the processes.
"""

from __future__ import annotations

import os
import socket
import sys
from datetime import timedelta
from itertools import count
from pathlib import Path

import torch
from safetensors.torch import load_file
from torch.distributed import DistNetworkError, PrefixStore, TCPStore  # type: ignore[attr-defined]

from tracelate.config import ModelConfig
from tracelate.inference.batch_search import BatchSearch
from tracelate.inference.launched import launched_group
from tracelate.inference.search_messages import FAILURE, SETUP, Messages, Task
from tracelate.model.search import SpecialIds
from tracelate.model.seq2seq import Seq2Seq
from tracelate.training.cpu_ram import tune_cpu_ram

PORT, SECRET, RANK = "TRACELATE_SEARCH_PORT", "TRACELATE_SEARCH_SECRET", "TRACELATE_SEARCH_RANK"
"""Environment variables of a process on the machine of the first one."""
JOIN_S = 30.0
"""Longest time to reach the first process, which has begun before this one."""
LOOK_S = 3600.0
"""Time of one wait for the first process, after which the wait begins again."""


def serve_searches() -> None:
    """Searches for the first process that torchrun or SLURM has started, until it has no more."""
    group = launched_group()
    _serve(Messages(group.store), group.rank)


def main() -> None:
    address = "127.0.0.1", int(os.environ[PORT])
    try:
        # torch's store would try again for minutes if the first process has ended meanwhile
        socket.create_connection(address, JOIN_S).close()
        store = TCPStore(*address, is_master=False, timeout=timedelta(seconds=JOIN_S))
        _serve(Messages(PrefixStore(os.environ[SECRET], store)), int(os.environ[RANK]))
    except (DistNetworkError, ConnectionError):  # the first process has ended, and says why
        sys.exit(1)


def _serve(messages: Messages, rank: int) -> None:
    try:
        search = _search(messages)
        for number in count():
            task = Task(messages, number)
            _wait(messages, task.size_key)
            size = messages.get(task.size_key)
            if size is None:
                break
            while (batch := task.take(size)) is not None:
                task.put_found(batch, search(task.batch(batch)))
    except DistNetworkError:
        raise
    except Exception as error:
        messages.put(FAILURE, f"process {rank + 1}: {type(error).__name__}: {error}")
        raise
    messages.put(ended_key(rank), True)


def ended_key(rank: int) -> str:
    """Returns the key by which a process says that it has nothing more to read."""
    return f"ended{rank}"


def _search(messages: Messages) -> BatchSearch:
    """Loads what the first process has written."""
    tune_cpu_ram()
    _wait(messages, SETUP)
    setup = messages.get(SETUP)
    torch.set_num_threads(setup["threads"])
    config = ModelConfig.model_validate(setup["model"])
    padding, start, end = setup["special"]
    special = SpecialIds(padding, start, end, range(*setup["slots"]))
    sizes = setup["vocabulary_size"], setup["source_vocabulary_size"]
    model = Seq2Seq(config, sizes[0], special.padding, sizes[1])
    model.load_state_dict(load_file(Path(setup["weights"])))
    return BatchSearch(model.eval(), special, setup["beam_size"], setup["length_penalty"])


def _wait(messages: Messages, key: str) -> None:
    while not messages.wait(key, LOOK_S):
        pass


if __name__ == "__main__":
    main()
