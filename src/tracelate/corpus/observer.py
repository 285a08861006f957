"""An observer of what prepare does with each pair, such as the page of `tracelate inspect`."""

from __future__ import annotations

from typing import ClassVar

import pyarrow as pa


class Observer:
    """Does nothing. A subclass is called with each pair once: where it is dropped, or kept.

    Texts are normalised, but for those of shifted lines.
    """

    wants_pairs: ClassVar[bool] = False
    """True to be called also where the pairs have to be read again for it."""

    def dropped(self, rule: str, batch: pa.RecordBatch) -> None:
        """Called with pairs that a rule drops."""

    def kept(self, split: str, batch: pa.RecordBatch) -> None:
        """Called with the pairs of a split, each once whatever its source's weight."""
