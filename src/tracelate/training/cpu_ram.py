"""Settings of the C library and of oneDNN for the RAM of a process on a CPU. No result changes."""

from __future__ import annotations

import ctypes
import os
import platform

M_TRIM_THRESHOLD, M_MMAP_THRESHOLD, M_ARENA_MAX = -1, -3, -8
"""Parameters of glibc's mallopt, from malloc.h."""
KEPT_BYTES = 2**29
"""Freed blocks up to this size stay with the process, and so does as much free memory in all."""
ONEDNN_CACHE_ENTRIES = 256


def tune_cpu_ram() -> None:
    """Keeps freed tensors for the next step, and bounds oneDNN's cache of matrix products.

    By default glibc returns the largest tensors, such as the logits, to the kernel at each step,
    and the kernel maps and zeroes them again. Threads that begin later share the heap of the first
    one: the heaps that they would have are too small for such tensors. oneDNN keeps a compiled
    matrix product for each of the last 1,024 sizes: with the many sizes of batches that is more
    than 1 GB.
    """
    os.environ.setdefault("ONEDNN_PRIMITIVE_CACHE_CAPACITY", str(ONEDNN_CACHE_ENTRIES))
    if platform.libc_ver()[0] == "glibc":
        libc = ctypes.CDLL(None)
        libc.mallopt(M_MMAP_THRESHOLD, KEPT_BYTES)
        libc.mallopt(M_TRIM_THRESHOLD, KEPT_BYTES)
        libc.mallopt(M_ARENA_MAX, 1)
