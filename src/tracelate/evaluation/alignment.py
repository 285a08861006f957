"""From attention over subword pieces to attention over words. Takes and gives NumPy arrays.

Shapes: T target pieces, S source pieces, W target words, V source words.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Span = tuple[int, int]
"""A word's pieces: the first, and one past the last."""


def merge_pieces(
    weights_TS: NDArray[np.floating], target_spans: Sequence[Span], source_spans: Sequence[Span]
) -> NDArray[np.float64]:
    """weights_WV: a source word gets the sum of its pieces' weights, a target word the mean of
    its pieces' rows. So rows that sum to one still do.

    The source spans must cover every source piece once, in order: weight on a piece that belongs
    to no word, such as the end of the sentence, would be lost unseen. Give it a span of its own.
    The target spans may leave pieces out.

    Raises ValueError on spans that do not fit the matrix.
    """
    target_count, source_count = weights_TS.shape
    end = 0
    for start, stop in source_spans:
        if start != end or stop <= start:
            raise ValueError(
                f"source span {(start, stop)} does not go on from piece {end}: "
                "spans must follow each other without gaps"
            )
        end = stop
    if end != source_count:
        raise ValueError(f"source spans end at piece {end}, the matrix at {source_count}")
    for start, stop in target_spans:
        if not 0 <= start < stop <= target_count:
            raise ValueError(
                f"target span {(start, stop)} is empty or outside the matrix's {target_count} rows"
            )

    weights = weights_TS.astype(np.float64)
    if not source_spans or not target_spans:
        return np.zeros((len(target_spans), len(source_spans)))
    weights_TV = np.add.reduceat(weights, [start for start, _ in source_spans], axis=1)
    return np.stack([weights_TV[start:stop].mean(axis=0) for start, stop in target_spans])
