"""How a training on a CPU uses memory. Changes no result."""

from __future__ import annotations

import ctypes
import os
import platform

M_TRIM_THRESHOLD, M_MMAP_THRESHOLD = -1, -3
KEPT_BYTES = 2**26
ONEDNN_CACHE_ENTRIES = 256


def tune_cpu_memory() -> None:
    """Keeps freed tensors for the next step, and bounds oneDNN's cache of compiled products.

    glibc would hand the largest tensors, such as the scores over the vocabulary, back to the
    kernel, which maps and zeroes them anew at each step. oneDNN keeps a compiled matrix product
    for each of the last 1,024 sizes, and batches have many: that is above a gigabyte.
    """
    os.environ.setdefault("ONEDNN_PRIMITIVE_CACHE_CAPACITY", str(ONEDNN_CACHE_ENTRIES))
    if platform.libc_ver()[0] == "glibc":
        libc = ctypes.CDLL(None)
        libc.mallopt(M_MMAP_THRESHOLD, KEPT_BYTES)
        libc.mallopt(M_TRIM_THRESHOLD, KEPT_BYTES)
