"""Runs as rows of a table, with their scores and the groups that can be compared."""

from __future__ import annotations

import difflib
import itertools
import re
import string
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import NamedTuple

from tracelate import layout
from tracelate.comparison.comparability import comparable_key
from tracelate.errors import InputError
from tracelate.evaluation.metrics import SCORE_NAMES
from tracelate.tracking.records import StoredRun
from tracelate.tracking.runs import COMMIT_TAG
from tracelate.tracking.store import connect

TEST_HASH = f"sha256.{layout.TEST.as_posix()}"
SIGNATURE = "signature."
SORT_KEYS = ("started", *SCORE_NAMES, "tokens_per_s")
STATUSES = ("running", "scheduled", "finished", "failed", "killed")
LOWER_IS_BETTER = ("ter",)
CONDITION = re.compile(r"(?P<name>[^=!]+?)\s*(?P<sign>!?=)\s*(?P<value>.*)")


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
    bleu: float | None
    """In percent, like the other scores and the ends of BLEU's 95 % interval."""
    bleu_low: float | None
    bleu_high: float | None
    chrf: float | None
    ter: float | None
    tokens_per_s: float | None
    """Target tokens per second in training."""
    commit: str | None
    dirty: bool
    """True if files differed from the commit."""
    group: str | None
    """Letter of the rows that were scored on the same test set in the same way and so can be
    compared; None if the run was not scored."""


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


def run_table(
    experiment: str | None,
    *,
    where: Sequence[str] = (),
    status: str | None = None,
    sort: str = "started",
    limit: int | None = None,
) -> RunTable:
    """Returns the runs of an experiment, or of all experiments if it is None.

    The newest run comes first, or the best one by `sort`, one of SORT_KEYS. With a score as sort
    key the rows are sorted group by group. Runs without the value come last.

    `where` contains conditions such as "pair=en-es" or "model.layers!=1" on the table's columns,
    params and tags, all of which must hold.

    Raises InputError if a condition is malformed or names something that no run has, or if the
    status or sort key is unknown; and StoreError if MLflow fails.
    """
    if sort not in SORT_KEYS:
        raise InputError(f"cannot sort by {sort!r}: choose from {', '.join(SORT_KEYS)}")
    if status is not None and status.lower() not in STATUSES:
        raise InputError(f"status {status!r} is unknown: choose from {', '.join(STATUSES)}")
    store = connect()
    names = {
        one.experiment_id: one.name
        for one in store.runs.experiments()
        if experiment in (None, one.name)
    }
    runs = store.runs.search(list(names))
    letters = _letters(runs)
    rows = [_row(run, names[run.experiment_id], letters) for run in runs]
    kept = _filter(rows, runs, where)
    if status is not None:
        kept = [row for row in kept if row.status == status.lower()]
    return _ranked(kept, sort, limit)


def _row(run: StoredRun, experiment: str, letters: Mapping[tuple[str, ...], str]) -> RunRow:
    params, tags, metrics = run.params, run.tags, run.metrics
    key = comparable_key_of(run)
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
        bleu=metrics.get("test_bleu"),
        bleu_low=metrics.get("test_bleu_low"),
        bleu_high=metrics.get("test_bleu_high"),
        chrf=metrics.get("test_chrf"),
        ter=metrics.get("test_ter"),
        tokens_per_s=metrics.get("target_tokens_per_s", metrics.get("tokens_per_s")),
        commit=tags.get(COMMIT_TAG),
        dirty=tags.get("git.dirty") == "true",
        group=None if key is None else letters[key],
    )


def _attention(params: Mapping[str, str]) -> str | None:
    name, hops = params.get("model.attention"), params.get("model.hops", "1")
    if name is None:
        return None
    fed = " + feeding" if params.get("model.input_feeding") == "True" else ""
    return f"{name}{f' × {hops}' if hops != '1' else ''}{fed}"


def comparable_key_of(run: StoredRun) -> tuple[str, ...] | None:
    """Returns a key that is equal for comparable runs, or None if the run was not scored."""
    tags = run.tags
    signatures = {name: tags.get(SIGNATURE + name) for name in SCORE_NAMES}
    known = {name: signature for name, signature in signatures.items() if signature}
    if TEST_HASH not in tags or len(known) < len(signatures):
        return None
    return comparable_key(tags[TEST_HASH], known)


def _letters(runs: Iterable[StoredRun]) -> dict[tuple[str, ...], str]:
    """Returns a letter for each comparable key, in the order of the runs."""
    keys = dict.fromkeys(key for run in runs if (key := comparable_key_of(run)) is not None)
    return dict(zip(keys, _letter_names(), strict=False))


def _letter_names() -> Iterator[str]:
    for length in itertools.count(1):
        for letters in itertools.product(string.ascii_uppercase, repeat=length):
            yield "".join(letters)


def _filter(
    rows: Sequence[RunRow], runs: Sequence[StoredRun], where: Sequence[str]
) -> list[RunRow]:
    values = [
        {**run.tags, **run.params, **row._asdict()} for row, run in zip(rows, runs, strict=True)
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


def _ranked(rows: Sequence[RunRow], sort: str, limit: int | None) -> RunTable:
    ranks: list[int | None] = [None] * len(rows)
    groups = 0
    ordered = list(rows)
    if sort != "started":
        sign = 1 if sort in LOWER_IS_BETTER else -1
        is_score = sort in SCORE_NAMES
        with_value = [row for row in rows if getattr(row, sort) is not None]
        if is_score:  # a run without test set or signatures has no rank
            with_value = [row for row in with_value if row.group is not None]
        with_value.sort(
            key=lambda row: (_place(row.group) if is_score else (), sign * getattr(row, sort))
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


def _place(group: str | None) -> tuple[int, str]:
    """Returns a sort key that puts AA after Z."""
    return (len(group or ""), group or "")
