"""The C library's allocator, set for training on a CPU."""

from __future__ import annotations

import ctypes
import platform

M_TRIM_THRESHOLD, M_MMAP_THRESHOLD = -1, -3
KEPT_BYTES = 2**30


def keep_freed_memory() -> None:
    """Lets glibc keep freed tensors for the next step, in place of handing them to the kernel.

    The largest tensors, such as the scores over the vocabulary, would otherwise be mapped and
    zeroed anew at each step, which costs more than computing them. Changes no result.
    """
    if platform.libc_ver()[0] == "glibc":
        libc = ctypes.CDLL(None)
        libc.mallopt(M_MMAP_THRESHOLD, KEPT_BYTES)
        libc.mallopt(M_TRIM_THRESHOLD, KEPT_BYTES)
