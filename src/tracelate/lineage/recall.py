"""From text or a corpus to all that was made from it: runs, models, versions, aliases, scores.

Runs with the same data have the same tag `data`, so that one lineage and one look at the data serve
all of them.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import NamedTuple

from tracelate import layout
from tracelate.corpus.exclusion import PairSelection
from tracelate.corpus.provenance import TITLE_SEPARATOR
from tracelate.errors import InputError
from tracelate.evaluation.lineage import Lineage
from tracelate.lineage.data_versions import find_data_files
from tracelate.lineage.found import run_lineage
from tracelate.metric_table import METRICS
from tracelate.text.normaliser import STEP_NAMES, Normaliser
from tracelate.tracking.store.records import StoredRun, StoredVersion
from tracelate.tracking.store.store import Store

DATA_TAG = "data"
"""Tag of a run with the beginning of its training data's sha256."""
CORPUS_TAG = "corpus"

Pairs = Mapping[str, int]
"""Number of pairs by split."""


class RecallQuery(NamedTuple):
    """The text that is recalled; of the four, one is set."""

    corpus: str | None = None
    """Name of a corpus, with or without its version."""
    licence: str | None = None
    pairs: PairSelection | None = None


class ReachedRun(NamedTuple):
    """A run whose data contain what was asked for."""

    run_id: str
    name: str
    status: str
    corpus: str
    pairs: Pairs | None
    """Number of the pairs by split; None if the whole corpus was asked for."""
    scores: Mapping[str, float]
    """In percent, by the key of the metric."""
    models: Sequence[str]
    """Ids of the logged models."""
    versions: Sequence[str]
    """Versions of registered models, as NAME/VERSION."""
    aliases: Sequence[str]
    """Aliases that point at them now, as NAME@ALIAS."""


class UnknownData(NamedTuple):
    """Data that could not be searched, so that their runs may have been reached."""

    data: str
    """Tag `data` of the runs."""
    run_ids: Sequence[str]
    reason: str


class Recall(NamedTuple):
    """All that was found, the newest run first."""

    runs: Sequence[ReachedRun]
    unknown: Sequence[UnknownData]
    searched_runs: int


class _Data(NamedTuple):
    """The data that a group of runs share."""

    tag: str
    runs: Sequence[StoredRun]
    lineage: Lineage | None
    """None if none of the runs has one."""


def recall(store: Store, query: RecallQuery, root: Path = Path()) -> Recall:
    """Finds the runs whose data contain what was asked for, in all experiments.

    Raises StoreError if MLflow fails.
    """
    experiments = [one.experiment_id for one in store.runs.experiments()]
    runs = [run for run in store.runs.search(experiments) if DATA_TAG in run.tags]
    found: dict[str, Pairs | None] = {}
    unknown: list[UnknownData] = []
    if query.corpus is not None:
        found = {
            run.run_id: None
            for run in runs
            if _is_named(run.tags.get(CORPUS_TAG, ""), query.corpus)
        }
    else:
        groups = _groups(store, runs)
        search = _by_licence if query.licence is not None else _by_pairs
        found, unknown = search(groups, query, root)
    reached = _reached_runs(store, [run for run in runs if run.run_id in found], found)
    return Recall(reached, unknown, len(runs))


def _groups(store: Store, runs: Iterable[StoredRun]) -> list[_Data]:
    by_data: dict[str, list[StoredRun]] = defaultdict(list)
    for run in runs:
        by_data[run.tags[DATA_TAG]].append(run)
    return [_Data(tag, group, _lineage(store, group)) for tag, group in by_data.items()]


def _lineage(store: Store, runs: Iterable[StoredRun]) -> Lineage | None:
    for run in runs:
        try:
            return run_lineage(store, run)
        except InputError:
            continue
    return None


def _by_licence(
    groups: Sequence[_Data], query: RecallQuery, root: Path
) -> tuple[dict[str, Pairs | None], list[UnknownData]]:
    assert query.licence is not None
    wanted = query.licence.casefold()
    found: dict[str, Pairs | None] = {}
    for data in groups:
        if data.lineage is not None and wanted in _licences(data.lineage):
            found.update({run.run_id: None for run in data.runs})
    return found, [_no_lineage(data) for data in groups if data.lineage is None]


def _by_pairs(
    groups: Sequence[_Data], query: RecallQuery, root: Path
) -> tuple[dict[str, Pairs | None], list[UnknownData]]:
    assert query.pairs is not None
    known = [(data, data.lineage) for data in groups if data.lineage is not None]
    hashes = {sha256 for _, lineage in known for sha256 in lineage.prepared.values()}
    paths = find_data_files(hashes, root)
    count = _counting(query.pairs, paths)
    found: dict[str, Pairs | None] = {}
    unknown = [_no_lineage(data) for data in groups if data.lineage is None]
    for data, lineage in known:
        if missing := [name for name, one in lineage.prepared.items() if one not in paths]:
            unknown.append(
                UnknownData(
                    data.tag,
                    [run.run_id for run in data.runs],
                    f"{', '.join(missing)} of these runs is neither here nor in DVC's cache: run "
                    "`dvc fetch --all-commits`, or `tracelate replay`",
                )
            )
        if steps := set(lineage.normalise).difference(STEP_NAMES):
            unknown.append(
                UnknownData(
                    data.tag,
                    [run.run_id for run in data.runs],
                    f"this version cannot normalise text by {', '.join(sorted(steps))}: update "
                    "Tracelate",
                )
            )
            continue
        pairs = {
            Path(name).stem: number
            for name, sha256 in lineage.prepared.items()
            if sha256 in paths and (number := count(sha256, lineage.normalise))
        }
        if pairs:
            found.update({run.run_id: pairs for run in data.runs})
    return found, unknown


def _counting(
    pairs: PairSelection, paths: Mapping[str, Path]
) -> Callable[[str, tuple[str, ...]], int]:
    """Returns the function that counts the pairs in a file, which is read once, by its sha256.

    Its second argument has the steps by which the text of the file was normalised.
    """

    @cache
    def count(sha256: str, steps: tuple[str, ...]) -> int:
        return pairs.normalised(Normaliser(steps)).count_in(paths[sha256])

    return count


def _no_lineage(data: _Data) -> UnknownData:
    return UnknownData(
        data.tag,
        [run.run_id for run in data.runs],
        f"none of these runs has a readable {layout.LINEAGE.name}: they were not evaluated",
    )


def _licences(lineage: Lineage) -> set[str]:
    """Returns the licences of all sources, and of the corpus as a whole, without capitals."""
    licences = [part.provenance.licence for part in lineage.corpus_parts]
    return {one.casefold() for one in (lineage.provenance.licence, *licences)}


def _is_named(titles: str, wanted: str) -> bool:
    """Returns True if one of the titles is the corpus that is wanted, of any version."""
    return titles == wanted or any(
        title == wanted or title.startswith(f"{wanted} ") for title in titles.split(TITLE_SEPARATOR)
    )


def _reached_runs(
    store: Store, runs: Sequence[StoredRun], pairs: Mapping[str, Pairs | None]
) -> list[ReachedRun]:
    if not runs:
        return []
    versions: dict[str, list[StoredVersion]] = defaultdict(list)
    for version in store.registry.versions():
        if version.run_id is not None:
            versions[version.run_id].append(version)
    aliases: dict[tuple[str, str], list[str]] = defaultdict(list)
    for registered in store.registry.search():
        for alias, number in registered.aliases.items():
            aliases[registered.name, number].append(f"{registered.name}@{alias}")
    return [_reached(run, pairs[run.run_id], versions[run.run_id], aliases.get) for run in runs]


def _reached(
    run: StoredRun,
    pairs: Pairs | None,
    versions: Sequence[StoredVersion],
    aliases_of: Callable[[tuple[str, str]], list[str] | None],
) -> ReachedRun:
    return ReachedRun(
        run_id=run.run_id,
        name=run.name,
        status=run.status,
        corpus=run.tags.get(CORPUS_TAG, ""),
        pairs=pairs,
        scores={key: run.metrics[f"test_{key}"] for key in METRICS if f"test_{key}" in run.metrics},
        models=run.model_ids,
        versions=[f"{one.name}/{one.version}" for one in versions],
        aliases=[alias for one in versions for alias in aliases_of((one.name, one.version)) or []],
    )
