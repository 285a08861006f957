"""Runs as rows of a table, with their scores and the groups that can be compared."""

from __future__ import annotations

import difflib
import itertools
import re
import string
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from types import MappingProxyType
from typing import NamedTuple

from tracelate import layout
from tracelate.comparison.comparability import comparable_key
from tracelate.comparison.settings import differing_settings, shown_settings
from tracelate.errors import InputError
from tracelate.metric_table import METRICS
from tracelate.tracking.runs.runs import COMMIT_TAG
from tracelate.tracking.store.records import StoredRun
from tracelate.tracking.store.store import connect_existing

TEST_HASH = f"sha256.{layout.TEST.as_posix()}"
SIGNATURE = "signature."
STATUSES = ("running", "scheduled", "finished", "failed", "killed")
IN_COLUMNS = {
    *("download.source_language", "download.target_language"),
    *("model.architecture", "model.attention", "model.cell", "model.hidden_size", "model.hops"),
    "model.input_feeding",
}
"""Settings that a column of the table shows."""
CONDITION = re.compile(r"(?P<name>[^=!]+?)\s*(?P<sign>!?=)\s*(?P<value>.*)")


class RunScore(NamedTuple):
    """A run's score in percent, with the ends of its 95 % interval; None where not logged."""

    value: float
    low: float | None = None
    high: float | None = None


class RunRow(NamedTuple):
    """One run; a value that was not logged is None."""

    run_id: str
    name: str
    experiment: str
    status: str
    """One of STATUSES."""
    started: str
    """ISO 8601, in UTC."""
    pair: str | None
    """The languages, such as en-es."""
    test_sha256: str | None
    """Hash of the test set that was scored."""
    architecture: str | None
    attention: str | None
    """The kind of attention, with the number of hops if there are several."""
    cell: str | None
    hidden_size: int | None
    scores: Mapping[str, RunScore]
    """Those that were logged, by the key of the metric."""
    tokens_per_s: float | None
    """Target tokens per second in training."""
    commit: str | None
    dirty: bool
    """True if files differed from the commit."""
    group: str | None
    """Letter of the rows that were scored on the same test set in the same way and so can be
    compared; None if the run was not scored."""
    params: Mapping[str, str] = MappingProxyType({})
    """All settings that were logged, by their dotted names."""

    def columns(self) -> dict[str, object]:
        """All that is known of the run under flat names, such as bleu and bleu_low."""
        flat = self._asdict()
        del flat["scores"]
        flat["params"] = dict(self.params)
        for key in METRICS:
            score = self.scores.get(key)
            flat[key] = None if score is None else score.value
            flat[f"{key}_low"] = None if score is None else score.low
            flat[f"{key}_high"] = None if score is None else score.high
        return flat


class RunTable(NamedTuple):
    """Sorted rows."""

    rows: list[RunRow]
    ranks: list[int | None]
    """Rank of each row within its own group, by the score that the table is sorted by; None if the
    row has no such score, or the table is not sorted by a score."""
    groups: int
    """Number of groups in the sorted table; rows of different groups are not ranked against each
    other."""
    left_out: int
    """Number of rows beyond the limit."""


def sort_keys() -> tuple[str, ...]:
    """Orders of the table: by start, by each metric, and by the speed of training."""
    return ("started", *METRICS, "tokens_per_s")


def run_table(
    experiment: str | None,
    *,
    where: Sequence[str] = (),
    status: str | None = None,
    sort: str = "started",
    limit: int | None = None,
) -> RunTable:
    """Returns the runs of an experiment, or of all experiments if it is None.

    The newest run comes first, or the best one by `sort`, one of `sort_keys()`. With a score as
    sort key the rows are sorted group by group. Runs without the value come last.

    `where` contains conditions such as "pair=en-es" or "model.layers!=1" on the table's columns,
    params and tags, all of which must hold.

    Raises InputError if a condition is malformed or names something that no run has, or if the
    status or sort key is unknown; and StoreError if MLflow fails.
    """
    if sort not in sort_keys():
        raise InputError(f"cannot sort by {sort!r}: choose from {', '.join(sort_keys())}")
    if status is not None and status.lower() not in STATUSES:
        raise InputError(f"status {status!r} is unknown: choose from {', '.join(STATUSES)}")
    store = connect_existing()
    names = {
        one.experiment_id: one.name
        for one in store.runs.experiments()
        if experiment in (None, one.name)
    }
    runs = store.runs.search(list(names))
    keys = {run.run_id: comparable_key_of(run, _metrics_of(sort)) for run in runs}
    letters = _letters(keys.values())
    rows = [_row(run, names[run.experiment_id], letters.get(keys[run.run_id])) for run in runs]
    kept = _filter(rows, runs, where)
    if status is not None:
        kept = [row for row in kept if row.status == status.lower()]
    return _ranked(kept, sort, limit)


def _metrics_of(sort: str) -> Sequence[str]:
    """Metrics by which rows of one group must be comparable: the one that ranks them, or all."""
    return [sort] if sort in METRICS else list(METRICS)


def _row(run: StoredRun, experiment: str, group: str | None) -> RunRow:
    params, tags, speed = run.params, run.tags, "target_tokens_per_s"
    transformer = params.get("model.architecture") == "transformer"
    hidden_size = params.get("model.hidden_size", "")
    started = datetime.fromtimestamp(run.started_ms / 1000, UTC)
    return RunRow(
        run_id=run.run_id,
        name=run.name,
        experiment=experiment,
        status=run.status.lower(),
        started=started.isoformat(timespec="seconds"),
        pair=tags.get("pair"),
        test_sha256=tags.get(TEST_HASH),
        architecture=params.get("model.architecture"),
        attention="transformer" if transformer else _attention(params),
        cell=None if transformer else params.get("model.cell"),
        hidden_size=int(hidden_size) if hidden_size.isdecimal() else None,
        scores={
            key: RunScore(value, run.measured(f"test_{key}_low"), run.measured(f"test_{key}_high"))
            for key in METRICS
            if (value := run.measured(f"test_{key}")) is not None
        },
        tokens_per_s=run.measured(speed if speed in run.metrics else "tokens_per_s"),
        commit=tags.get(COMMIT_TAG),
        dirty=tags.get("git.dirty") == "true",
        group=group,
        params=params,
    )


def _attention(params: Mapping[str, str]) -> str | None:
    name, hops = params.get("model.attention"), params.get("model.hops", "1")
    if name is None:
        return None
    fed = " + feeding" if params.get("model.input_feeding") == "True" else ""
    return f"{name}{f' × {hops}' if hops != '1' else ''}{fed}"


def comparable_key_of(
    run: StoredRun, metrics: Iterable[str] | None = None
) -> tuple[str, ...] | None:
    """Returns a key that is equal for runs that can be compared by `metrics`, or by all of the
    table. Of metrics that were added later, older runs have no score.

    None: the run lacks the hash of its test set, or was scored by none of them.
    """
    tags = run.tags
    wanted = METRICS if metrics is None else metrics
    signatures = {key: tags[SIGNATURE + key] for key in wanted if tags.get(SIGNATURE + key)}
    if TEST_HASH not in tags or not signatures:
        return None
    return comparable_key(tags[TEST_HASH], signatures)


def _letters(keys: Iterable[tuple[str, ...] | None]) -> dict[tuple[str, ...] | None, str]:
    """Returns a letter for each key, A, B, … in the order of their first run."""
    return dict(zip(dict.fromkeys(key for key in keys if key), _letter_names(), strict=False))


def _letter_names() -> Iterator[str]:
    for length in itertools.count(1):
        for letters in itertools.product(string.ascii_uppercase, repeat=length):
            yield "".join(letters)


def _filter(
    rows: Sequence[RunRow], runs: Sequence[StoredRun], where: Sequence[str]
) -> list[RunRow]:
    values = [
        {**run.tags, **run.params, **row.columns()} for row, run in zip(rows, runs, strict=True)
    ]
    kept = list(rows)
    for condition in where:
        parts = CONDITION.fullmatch(condition.strip())
        if parts is None:
            raise InputError(
                f"{condition!r} is not a condition: write it as pair=en-es or model.layers!=1"
            )
        name, wanted = parts["name"], parts["value"]
        known = set().union(*values)
        if rows and name not in known:
            close = difflib.get_close_matches(name, known, n=1)
            hint = f"did you mean {close[0]}?" if close else "name a column, a param or a tag"
            raise InputError(f"{condition!r}: no run has {name!r}: {hint}")
        holds = {
            row.run_id
            for row, of_row in zip(rows, values, strict=True)
            if (_text(of_row.get(name)) == wanted) == (parts["sign"] == "=")
        }
        kept = [row for row in kept if row.run_id in holds]
    return kept


def _text(value: object) -> str:
    return "" if value is None else str(value)


def settings_that_differ(rows: Sequence[RunRow]) -> list[dict[str, str]]:
    """Returns for each row the settings in which the rows differ and that no column shows."""
    return shown_settings(differing_settings([row.params for row in rows], IN_COLUMNS))


def _ranked(rows: Sequence[RunRow], sort: str, limit: int | None) -> RunTable:
    ranks: list[int | None] = [None] * len(rows)
    groups = 0
    ordered = list(rows)
    if sort != "started":
        is_score = sort in METRICS
        sign = 1 if is_score and not METRICS[sort].higher_is_better else -1
        values = {row.run_id: value for row in rows if (value := _value(row, sort)) is not None}
        with_value = [row for row in rows if row.run_id in values]
        if is_score:  # without a signature, a score cannot be ranked
            with_value = [row for row in with_value if row.group is not None]
        with_value.sort(
            key=lambda row: (_place(row.group) if is_score else (), sign * values[row.run_id])
        )
        ordered = [*with_value, *(row for row in rows if row not in with_value)]
        if is_score:
            by_group = itertools.groupby(with_value, key=lambda row: row.group)
            sizes = [len(list(members)) for _, members in by_group]
            groups = len(sizes)
            ranks = [rank for size in sizes for rank in range(1, size + 1)]
            ranks += [None] * (len(rows) - len(ranks))
    shown = len(ordered) if limit is None else limit
    return RunTable(ordered[:shown], ranks[:shown], groups, max(0, len(ordered) - shown))


def _value(row: RunRow, sort: str) -> float | None:
    if sort not in METRICS:
        return row.tokens_per_s
    return row.scores[sort].value if sort in row.scores else None


def _place(group: str | None) -> tuple[int, str]:
    """Returns a sort key that puts AA after Z."""
    return (len(group or ""), group or "")
