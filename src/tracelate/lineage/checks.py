"""Whether files are still those that a lineage names, and whether an evaluation's own agree."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Literal, NamedTuple

from tracelate import layout
from tracelate.comparison.comparability import inconsistencies
from tracelate.corpus.pairs import read_pairs
from tracelate.corpus.raw import ALL
from tracelate.corpus.sources.wheels import cached_wheel
from tracelate.errors import InputError
from tracelate.evaluation.lineage import Lineage, read_lineage
from tracelate.evaluation.results import read_evidence
from tracelate.files import read_json, sha256_of
from tracelate.training.model_files import CONFIG

Verdict = Literal["same", "differs", "not here"]
SHOWN = 12
"""Characters of a hash in a reason."""


class Check(NamedTuple):
    place: str
    """Where it was looked for, such as a folder or MLflow's run."""
    what: str
    """A file as the lineage names it, or a claim."""
    verdict: Verdict
    reason: str = ""


class HashedFile(NamedTuple):
    what: str
    path: Path
    sha256: str


class Copy(NamedTuple):
    """A place that holds some of a lineage's files."""

    place: str
    files: list[HashedFile]
    is_kept: bool
    """Whether the place promises to hold them all, so that a missing file is a fault."""


def packed_copy(place: str, folder: Path, lineage: Lineage) -> Copy:
    """The files of a packed model, which all lie in one folder."""
    return _flat_copy(place, folder, lineage.model)


def evaluation_copy(place: str, folder: Path, lineage: Lineage) -> Copy:
    """The files of an evaluation, which all lie in one folder."""
    return _flat_copy(place, folder, lineage.evaluation)


def corpus_copy(root: Path, lineage: Lineage) -> Copy:
    """What the raw data were made from: a wheel in the cache, or text files of the project."""
    provenance, download = lineage.provenance, lineage.params["download"]
    if provenance["corpus"] == "catalogs":
        sha256 = provenance["sha256"]
        wheel = HashedFile(f"{lineage.corpus} (wheel)", cached_wheel(sha256), sha256)
        return Copy("the cache", [wheel], is_kept=False)
    files = [
        HashedFile(path, root / path, described[side]["sha256"])
        for split, described in provenance.get("files", {}).items()
        for side, path in download["files"]["train" if split == ALL else split].items()
    ]
    return Copy("the corpus", files, is_kept=False)


def check_copy(copy: Copy) -> Iterator[Check]:
    """Hashes every file again."""
    for what, path, sha256 in copy.files:
        if path.is_file():
            yield check_equal(copy.place, what, sha256_of(path), sha256)
        elif copy.is_kept:
            yield Check(copy.place, what, "differs", "is missing")
        else:
            yield Check(copy.place, what, "not here")


def check_project(place: str, root: Path, lineage: Lineage) -> Iterator[Check]:
    """Hashes what a project's folder holds of the lineage's files.

    A file is another training's where the folder's own lineage says so; without one, all are held
    against this lineage.
    """
    own = _own_names(root)
    mine = []
    for name, sha256 in {**lineage.files, **lineage.evaluation}.items():
        if own.get(name, sha256) == sha256:
            mine.append(HashedFile(name, root / name, sha256))
        else:
            yield Check(place, name, "not here", "the folder's is of another training")
    yield from check_copy(Copy(place, mine, is_kept=False))


def check_equal(place: str, what: str, found: object, wanted: object) -> Check:
    if found == wanted:
        return Check(place, what, "same")
    return Check(place, what, "differs", f"is {_short(found)}, the lineage says {_short(wanted)}")


def check_lineage(lineage: Lineage) -> Iterator[Check]:
    """Whether the lineage's hashes agree with each other."""
    place = "the lineage"
    tokenizer = lineage.tokenized[layout.TOKENIZER.as_posix()]
    yield check_equal(
        place, "the model's tokenizer is that of its data", lineage.tokenizer_sha256, tokenizer
    )
    yield check_equal(
        place,
        "the scores' test set is that of its data",
        lineage.test_sha256,
        lineage.prepared[layout.TEST.as_posix()],
    )
    if lineage.provenance["corpus"] == "catalogs":
        wanted = lineage.params["download"]["catalogs"]["sha256"]
        yield check_equal(
            place, "the corpus is that of the settings", lineage.provenance["sha256"], wanted
        )


def check_config(place: str, folder: Path, lineage: Lineage) -> Iterator[Check]:
    """Whether a model's config.json, where it is here, says what the lineage does."""
    path = folder / CONFIG
    if not path.is_file():
        return
    try:
        config = read_json(path)
        tokenizer, model = config["tokenizer_sha256"], config["model"]
    except (ValueError, KeyError, TypeError):
        yield Check(place, CONFIG, "differs", "is damaged")
        return
    yield check_equal(place, f"{CONFIG}: tokenizer_sha256", tokenizer, lineage.tokenizer_sha256)
    yield check_equal(place, f"{CONFIG}: model", model, lineage.params["model"])


def check_evidence(place: str, folder: Path, lineage: Lineage) -> Iterator[Check]:
    """Whether an evaluation's scores are those of its translations, on the lineage's test set."""
    try:
        evidence = read_evidence(folder, place)
    except ValueError as error:  # InputError, or bytes that are no text
        yield Check(place, "scores and translations can be read", "differs", str(error))
        return
    test_sha256 = evidence.metrics.test.sha256
    yield check_equal(place, "metrics.json: test.sha256", test_sha256, lineage.test_sha256)
    for name, signature in evidence.signatures.items():
        wanted = lineage.signatures.get(name)
        yield check_equal(place, f"metrics.json: {name}.signature", signature, wanted)
    wrong = inconsistencies(evidence)
    what = "translations.jsonl scores as metrics.json says"
    yield Check(place, what, "differs" if wrong else "same", "; ".join(wrong))


def check_test_set(place: str, folder: Path, test: Path) -> Iterator[Check]:
    """Whether the sentences that were translated are those of the test set."""
    what = f"translations.jsonl has the sentences of {layout.TEST}"
    try:
        rows = read_evidence(folder, place).rows
        pairs = read_pairs(test)
    except (OSError, ValueError):
        return  # told by other checks
    translated = [(row.source, row.reference) for row in rows]
    if translated == [(pair.source, pair.target) for pair in pairs]:
        yield Check(place, what, "same")
    else:
        yield Check(place, what, "differs", "other sentences, or in another order")


def failures(checks: Iterable[Check]) -> list[Check]:
    return [check for check in checks if check.verdict == "differs"]


def refuse_failures(checks: Iterable[Check]) -> None:
    """Raises InputError, which names all that differs and where."""
    wrong = failures(checks)
    if wrong:
        named = "; ".join(f"{one.place}: {one.what} {one.reason}".strip() for one in wrong)
        raise InputError(
            f"{named}: restore what has changed (dvc checkout), or evaluate again (dvc repro)"
        )


def refuse_changed_project(root: Path, lineage: Lineage) -> None:
    """Raises InputError, which names what of the lineage's files a project's folder should have
    by its own lineage, but has otherwise.
    """
    own = _own_names(root)
    mine = [
        HashedFile(name, root / name, sha256)
        for name, sha256 in {**lineage.files, **lineage.evaluation}.items()
        if own.get(name) == sha256
    ]
    refuse_failures(check_copy(Copy("this folder", mine, is_kept=False)))


def is_of_project(root: Path, lineage: Lineage) -> bool:
    """Whether the folder's own evaluation is the lineage's."""
    own = _own_names(root)
    return all(own.get(name) == sha256 for name, sha256 in lineage.evaluation.items())


def _own_names(root: Path) -> Mapping[str, str]:
    try:
        own = read_lineage(root / layout.LINEAGE)
    except InputError:
        return {}
    return {**own.files, **own.evaluation}


def _flat_copy(place: str, folder: Path, sha256_by_name: Mapping[str, str]) -> Copy:
    files = [
        HashedFile(name, folder / Path(name).name, sha256)
        for name, sha256 in sha256_by_name.items()
    ]
    return Copy(place, files, is_kept=True)


def _short(value: object) -> str:
    text = str(value)
    is_hash = len(text) == 64 and set(text) <= set("0123456789abcdef")
    return f"{text[:SHOWN]}…" if is_hash else text
