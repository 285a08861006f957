"""Checks of everything that a trace can reach: all files, and MLflow's tags and params."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

from tracelate import layout
from tracelate.evaluation.lineage import Lineage
from tracelate.files import sha256_of
from tracelate.lineage.checks import (
    LineageCheck,
    check_config,
    check_copies,
    check_corpus,
    check_equal,
    check_evidence,
    check_lineage,
    check_project,
    check_test_set,
    check_test_set_inputs,
    evaluation_copies,
    flat_copies,
    is_of_project,
    packed_copies,
)
from tracelate.lineage.found import download_packed, download_run_file
from tracelate.lineage.signatures import check_local_signature, check_stored_signature
from tracelate.lineage.trace import Trace
from tracelate.signing.trust import Trust, read_trust
from tracelate.tracking.packages.package_files import (
    ARTIFACTS_FOLDER,
    OLD_PYFUNC_MODEL,
    PYFUNC_MODEL,
    code_sha256,
    unexpected_files,
)
from tracelate.tracking.runs.evaluation_contents import STAGE
from tracelate.tracking.runs.log_later_evaluation import artifacts_of, hash_tag, text_tag
from tracelate.tracking.runs.log_model import (
    CODE_TAG,
    LINEAGE_TAG,
)
from tracelate.tracking.runs.run_writer import flatten
from tracelate.tracking.runs.runs import COMMIT_TAG
from tracelate.tracking.store.records import StoredModel, StoredRun
from tracelate.tracking.store.store import Store

RUN = "MLflow's run"
MODEL = "MLflow's model"
PACKED = "the packed model"
SERVED = "the served model"


def verify(trace: Trace, trust: Trust | None = None) -> list[LineageCheck]:
    """Returns the checks of all files, tags and params that can be reached, grouped by place.

    `trust` has the keys that must have signed the model; by default, those of params.yaml.
    """
    trust = read_trust() if trust is None else trust
    return [
        *check_lineage(trace.lineage),
        *_check_served(trace),
        *_check_project(trace),
        *check_corpus(trace.found.root, trace.lineage),
        *check_test_set_inputs(trace.found.root, trace.lineage),
        *_check_packed(trace, trust),
        *_check_model(trace, trust),
        *_check_run(trace),
    ]


def _check_served(trace: Trace) -> Iterator[LineageCheck]:
    if trace.found.served is not None:
        found = trace.found.served.get("weights_sha256")
        yield check_equal(SERVED, "weights_sha256", found, trace.lineage.weights_sha256)


def _check_project(trace: Trace) -> Iterator[LineageCheck]:
    root, lineage = trace.found.root, trace.lineage
    place = "this folder" if root == Path() or root == Path.cwd() else str(root)
    yield from check_project(place, root, lineage)
    if is_of_project(root, lineage):
        yield from check_config(place, root / layout.MODELS, lineage)
        yield from check_evidence(place, root / layout.METRICS.parent, lineage)
        yield from check_test_set(place, root / layout.METRICS.parent, root / layout.TEST)
        for name, one in lineage.test_sets.items():
            if all((root / path).is_file() for path in one.evaluation):
                folder = root / layout.TEST_RESULTS / name
                yield from check_evidence(f"{place}, test set {name}", folder, lineage, name)


def _check_packed(trace: Trace, trust: Trust) -> Iterator[LineageCheck]:
    if trace.found.packed is not None:
        yield from check_copies(packed_copies(PACKED, trace.found.packed, trace.lineage))
        yield from check_config(PACKED, trace.found.packed, trace.lineage)
        yield from check_local_signature(PACKED, trace.found.packed, trust)


def _check_model(trace: Trace, trust: Trust) -> Iterator[LineageCheck]:
    """Checks the packed model in MLflow's artifact store, and the tags of the logged model."""
    lineage, model = trace.lineage, trace.model
    location = trace.found.location or (model.artifact_location if model is not None else None)
    if location is None:
        yield LineageCheck(MODEL, "weights, config and tokenizer", "not here")
        return
    with tempfile.TemporaryDirectory(prefix="tracelate-") as temporary:
        packed = Path(temporary)
        if trace.store is not None:
            packed = download_packed(trace.store, location, packed) or packed
        yield from check_copies(packed_copies(MODEL, packed / ARTIFACTS_FOLDER, lineage))
        yield from check_config(MODEL, packed / ARTIFACTS_FOLDER, lineage)
        yield from _check_unexpected(packed)
        yield from check_stored_signature(MODEL, packed, trace, trust)
        if model is not None:
            yield from _check_model_tags(model, lineage, packed)


def _check_unexpected(packed: Path) -> Iterator[LineageCheck]:
    for name in unexpected_files(packed):
        yield LineageCheck(MODEL, name, "differs", "it was not packed: remove it")


def _check_model_tags(model: StoredModel, lineage: Lineage, packed: Path) -> Iterator[LineageCheck]:
    training = lineage.training
    wanted = {
        "training_run_id": training.run_id,
        "weights_sha256": lineage.weights_sha256,
        "tokenizer_sha256": lineage.tokenizer_sha256,
        "test_sha256": lineage.test_sha256,
        "commit": training.commit or "unknown",
    }
    for name, value in wanted.items():
        yield check_equal(MODEL, f"tag {name}", model.tags.get(name), value)
    path = packed / ARTIFACTS_FOLDER / layout.LINEAGE.name
    if path.is_file():
        yield _check_tag(MODEL, path.name, sha256_of(path), model.tags.get(LINEAGE_TAG))
    if any((packed / name).is_file() for name in (PYFUNC_MODEL.name, OLD_PYFUNC_MODEL)):
        yield _check_tag(MODEL, "its code", code_sha256(packed), model.tags.get(CODE_TAG))


def _check_run(trace: Trace) -> Iterator[LineageCheck]:
    """Checks the evaluation that the run holds, and the run's tags and params."""
    store, run, lineage = trace.store, trace.run, trace.lineage
    if store is None or run is None:
        yield LineageCheck(RUN, "scores, translations, tags and params", "not here")
        return
    with tempfile.TemporaryDirectory(prefix="tracelate-") as temporary:
        folder = Path(temporary)
        for name in (layout.METRICS.name, layout.TRANSLATIONS.name):
            download_run_file(store, run.run_id, f"{STAGE}/{name}", folder)
        yield from check_copies(evaluation_copies(RUN, folder, lineage))
        if all((folder / Path(name).name).is_file() for name in lineage.evaluation):
            yield from check_evidence(RUN, folder, lineage)
            test = trace.found.root / layout.TEST
            if test.is_file() and sha256_of(test) == lineage.test_sha256:
                yield from check_test_set(RUN, folder, test)
        path = download_run_file(store, run.run_id, f"{STAGE}/{layout.LINEAGE.name}", folder)
        if path is not None:
            tag = run.tags.get(f"sha256.{layout.LINEAGE.as_posix()}")
            yield _check_tag(RUN, path.name, sha256_of(path), tag)
    for name in lineage.test_sets:
        yield from _check_run_test_set(store, run, lineage, name)
    yield from _check_run_tags(run, lineage)


def _check_run_test_set(
    store: Store, run: StoredRun, lineage: Lineage, name: str
) -> Iterator[LineageCheck]:
    """Checks the evaluation that the run holds on a further test set."""
    place, one = f"{RUN}, test set {name}", lineage.test_sets[name]
    with tempfile.TemporaryDirectory(prefix="tracelate-") as temporary:
        folder = Path(temporary)
        for path, sha256 in one.evaluation.items():
            file = Path(path).name
            download_run_file(store, run.run_id, f"{artifacts_of(name)}/{file}", folder)
            yield check_equal(place, f"tag of {file}", run.tags.get(hash_tag(name, file)), sha256)
        copies = flat_copies(place, folder, one.evaluation)
        yield from check_copies(copies)
        if all(file.path.is_file() for file in copies.files):
            yield from check_evidence(place, folder, lineage, name)
    yield check_equal(place, "tag of its text", run.tags.get(text_tag(name)), one.sha256)


def _check_tag(place: str, what: str, found: str, tag: str | None) -> LineageCheck:
    """Compares with a tag the hash of what no lineage names, such as the lineage itself."""
    if found == tag:
        return LineageCheck(place, what, "same")
    return LineageCheck(place, what, "differs", f"its sha256 is {found}, the tag has {tag}")


def _check_run_tags(run: StoredRun, lineage: Lineage) -> Iterator[LineageCheck]:
    tags, training = run.tags, lineage.training
    hashes = {**lineage.files, **lineage.evaluation}
    wanted = {
        **{f"sha256.{name}": sha256 for name, sha256 in hashes.items()},
        **{f"signature.{name}": text for name, text in lineage.signatures.items()},
        "pair": lineage.pair,
        "corpus": lineage.corpus,
        "test_set": lineage.test_sha256[:12],
    }
    if training.commit is not None:
        wanted[COMMIT_TAG] = training.commit
        wanted["git.dirty"] = str(training.dirty).lower()
    for name, value in wanted.items():
        if name in tags:
            yield check_equal(RUN, f"tag {name}", tags[name], value)
    yield _check_params(run, lineage)


def _check_params(run: StoredRun, lineage: Lineage) -> LineageCheck:
    """Checks the settings that change results, which are all but the section `runtime`."""
    sections = {name: one for name, one in lineage.params.items() if name != "runtime"}
    logged = run.params
    wrong = [
        f"{name} is {logged[name]}, the lineage has {value}"
        for name, value in flatten(sections)
        if name in logged and logged[name] != str(value)
    ]
    return LineageCheck(RUN, "params", "differs" if wrong else "same", "; ".join(wrong))
