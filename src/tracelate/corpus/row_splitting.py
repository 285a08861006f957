"""Splitting of pairs by their own group or time, before repeated ones are dropped.

So a pair that occurs in held-out and in training text stays held-out text, whatever is added.
"""

from __future__ import annotations

from collections.abc import Mapping

from tracelate.config import PrepareConfig
from tracelate.corpus.splitting import Codes, Places, assign_by_group_hash
from tracelate.corpus.time_splitting import Border, Times, assign_by_time


class RowSplitter:
    """Splits the pairs of one file, with prepare.split_by group_hash or time."""

    def __init__(self, config: PrepareConfig, shares: Mapping[str, float]) -> None:
        self._config = config
        self._shares = shares
        self.wants_times = config.split_by == "time"
        self.warnings: list[str] = []
        """Lines for the user about the split."""
        self.borders: list[Border] = []
        """Those of a split by time."""

    def split(self, groups: Places, times: Times) -> Codes:
        """Returns the split of each pair."""
        if self.wants_times:
            assigned, self.borders = assign_by_time(times, self._shares, self._config)
        else:
            assigned = assign_by_group_hash(groups, self._shares)
        self.warnings = assigned.warnings
        return assigned.codes


def row_splitter(config: PrepareConfig, shares: Mapping[str, float]) -> RowSplitter | None:
    """Returns None where pairs are split by their sources, by all groups, or not at all."""
    if config.split_by in ("group_hash", "time") and shares:
        return RowSplitter(config, shares)
    return None
