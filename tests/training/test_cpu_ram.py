"""Freed tensors stay with the process, in whichever thread they are made."""

from __future__ import annotations

import platform
import subprocess
import sys

import pytest

from tests.tiny_corpus import PROJECT

pytestmark = pytest.mark.skipif(
    platform.libc_ver()[0] != "glibc", reason="the settings are those of glibc"
)
COUNT = """
import resource, sys, threading
import torch
{prepare}

def faults(megabytes):
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    torch.ones(megabytes * 2**18)
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before

def count():
    for megabytes in (1, 20, 240):
        faults(megabytes)
    print(min(faults(200) for _ in range(5)))

count()
thread = threading.Thread(target=count)
thread.start()
thread.join()
"""
"""Prints the page faults of a tensor of 200 MB after a larger one, in two threads.

The fewest of five tensors: glibc does not always find the block of the one before.
"""
TRANSLATOR = """
from unittest.mock import MagicMock
import tracelate.inference.translator as inference
inference.special_ids = MagicMock()
inference.Translator(MagicMock(), beam_size=1, length_penalty=1.0, batch_sentences=1)
"""


def page_faults(prepare: str) -> list[int]:
    done = subprocess.run(
        [sys.executable, "-c", COUNT.format(prepare=prepare)],
        cwd=PROJECT,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    return [int(line) for line in done.stdout.split()]


def test_without_us_large_tensors_return_to_the_kernel() -> None:
    # as few as 100 where the kernel gives pages of 2 MB
    assert min(page_faults("")) >= 100


@pytest.mark.parametrize(
    "prepare",
    [
        "from tracelate.training.cpu_ram import tune_cpu_ram; tune_cpu_ram()",
        "from tracelate.training.fit import _prepare_process; _prepare_process()",
        TRANSLATOR,
    ],
    ids=["alone", "training", "translation"],
)
def test_a_tensor_reuses_the_memory_of_the_one_before(prepare: str) -> None:
    assert max(page_faults(prepare)) < 50
