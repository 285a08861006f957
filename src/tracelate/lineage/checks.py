"""Checks that files are those that a lineage names, and that an evaluation's files agree."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Literal, NamedTuple

from tracelate import layout
from tracelate.comparison.comparability import inconsistencies
from tracelate.corpus.aligned_files import hash_sentences
from tracelate.corpus.pairs import read_pairs
from tracelate.corpus.provenance import CorpusPart, Provenance
from tracelate.errors import InputError
from tracelate.evaluation.hashed_names import is_within_project
from tracelate.evaluation.lineage import Lineage, read_lineage
from tracelate.evaluation.results import read_evidence
from tracelate.files import read_json, sha256_of
from tracelate.training.model_files import CONFIG

CheckResult = Literal["same", "differs", "not here"]
SHOWN_HASH = 12
"""Number of characters of a hash in messages."""


class LineageCheck(NamedTuple):
    """The result of comparing one file or value with the lineage."""

    place: str
    """Place of the file or value, such as a folder or MLflow's run."""
    what: str
    """Path of the file in the lineage, or the statement that was checked."""
    verdict: CheckResult
    reason: str = ""


class HashedFile(NamedTuple):
    """A file and the hash that it must have."""

    what: str
    """Path of the file in the lineage, or its description."""
    path: Path
    sha256: str


class FileCopies(NamedTuple):
    """Copies of some of a lineage's files in one place."""

    place: str
    files: list[HashedFile]
    must_exist: bool
    """True if a missing file is an error, because the place must hold all of them."""


def packed_copies(place: str, folder: Path, lineage: Lineage) -> FileCopies:
    """Returns the model files of a packed model, which all lie in `folder`."""
    return flat_copies(place, folder, lineage.model)


def evaluation_copies(place: str, folder: Path, lineage: Lineage) -> FileCopies:
    """Returns the scores and translations of an evaluation, which all lie in `folder`."""
    return flat_copies(place, folder, lineage.evaluation)


def corpus_files(root: Path, part: CorpusPart) -> list[HashedFile]:
    """Returns the files of a source in the project or in the cache, which need not exist.

    Raises InputError if the lineage's settings lack a file of its provenance.
    """
    return [HashedFile(*file) for file in part.provenance.files_on_disk(part.settings, root)]


def check_test_set_inputs(root: Path, lineage: Lineage) -> Iterator[LineageCheck]:
    """Yields a check for each file that a further test set was read from, as `check_corpus` does.

    Raises InputError if the lineage's settings lack a file of a provenance.
    """
    for name, one in lineage.test_sets.items():
        files = one.provenance.files_on_disk(lineage.test_set_settings(name), root)
        for file in files:
            yield from _check_input(f"the test set {name}", HashedFile(*file), one.provenance)


def check_corpus(root: Path, lineage: Lineage) -> Iterator[LineageCheck]:
    """Yields a check for each file of the corpus.

    A file outside the project is not read: the lineage may come from elsewhere, and would otherwise
    show whether any file of this machine exists and has a certain hash.
    """
    for part in lineage.corpus_parts:
        place = "the corpus" if part.provenance.in_project else "the cache"
        for file in corpus_files(root, part):
            yield from _check_input(place, file, part.provenance)


def _check_input(place: str, file: HashedFile, provenance: Provenance) -> Iterator[LineageCheck]:
    if provenance.in_project and not is_within_project(file.what):
        yield LineageCheck(place, file.what, "not here", "it lies outside the project")
    else:
        yield from check_copies(FileCopies(place, [file], must_exist=False))


def check_copies(copies: FileCopies) -> Iterator[LineageCheck]:
    """Yields a check for each file, whose hash is computed again."""
    for what, path, sha256 in copies.files:
        if path.is_file():
            yield check_equal(copies.place, what, sha256_of(path), sha256)
        elif copies.must_exist:
            yield LineageCheck(copies.place, what, "differs", "is missing")
        else:
            yield LineageCheck(copies.place, what, "not here")


def check_project(place: str, root: Path, lineage: Lineage) -> Iterator[LineageCheck]:
    """Yields a check for each file of the lineage, whose copy in the project is hashed again.

    A file for which the project's own lineage names another hash belongs to another training, and
    counts as not here.
    """
    own = _own_hashes(root)
    same_training = []
    for name, sha256 in _all_hashes(lineage).items():
        if own.get(name, sha256) == sha256:
            same_training.append(HashedFile(name, root / name, sha256))
        else:
            yield LineageCheck(place, name, "not here", "the folder's is of another training")
    yield from check_copies(FileCopies(place, same_training, must_exist=False))


def check_equal(
    place: str, what: str, found: object, wanted: object, record: str = "the lineage"
) -> LineageCheck:
    """Compares a value that was found with the value in the lineage, or in another record."""
    if found == wanted:
        return LineageCheck(place, what, "same")
    reason = f"is {_short(found)}, {record} has {_short(wanted)}"
    return LineageCheck(place, what, "differs", reason)


def check_lineage(lineage: Lineage) -> Iterator[LineageCheck]:
    """Checks that the lineage's own hashes agree with each other."""
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
    for part in lineage.corpus_parts:
        required = part.provenance.required_sha256(part.settings)
        if required is not None:
            what = f"the corpus {part.name}".rstrip() + " is that of the settings"
            yield check_equal(place, what, part.provenance.archive_sha256, required)


def check_config(place: str, folder: Path, lineage: Lineage) -> Iterator[LineageCheck]:
    """Checks that the model's config.json, if it is here, agrees with the lineage."""
    path = folder / CONFIG
    if not path.is_file():
        return
    try:
        config = read_json(path)
        tokenizer, model = config["tokenizer_sha256"], config["model"]
    except (ValueError, KeyError, TypeError):
        yield LineageCheck(place, CONFIG, "differs", "is damaged")
        return
    yield check_equal(place, f"{CONFIG}: tokenizer_sha256", tokenizer, lineage.tokenizer_sha256)
    yield check_equal(place, f"{CONFIG}: model", model, lineage.params["model"])


def check_evidence(
    place: str, folder: Path, lineage: Lineage, test: str | None = None
) -> Iterator[LineageCheck]:
    """Checks that the scores are those of the translations, on the lineage's test set.

    The scores are computed again from the translations. `test` names a further test set, whose
    sentences are hashed again too.
    """
    try:
        evidence = read_evidence(folder, place)
    except ValueError as error:  # InputError, or bytes that are no text
        yield LineageCheck(place, "scores and translations can be read", "differs", str(error))
        return
    wanted_sha256, signatures = lineage.test_sha256, lineage.signatures
    if test is not None:
        named = lineage.test_sets[test]
        wanted_sha256, signatures = named.sha256, named.signatures
    test_sha256 = evidence.metrics.test.sha256
    yield check_equal(place, "metrics.json: test.sha256", test_sha256, wanted_sha256)
    if test is not None:
        found = hash_sentences(
            [row.source for row in evidence.rows],
            [(row.reference, *row.more_references) for row in evidence.rows],
        )
        what = "translations.jsonl has the sentences of the test set"
        yield check_equal(place, what, found, wanted_sha256)
    for name, signature in evidence.signatures.items():
        wanted = signatures.get(name)
        yield check_equal(place, f"metrics.json: {name}.signature", signature, wanted)
    wrong = inconsistencies(evidence)
    what = "translations.jsonl has the scores of metrics.json"
    yield LineageCheck(place, what, "differs" if wrong else "same", "; ".join(wrong))


def check_test_set(place: str, folder: Path, test: Path) -> Iterator[LineageCheck]:
    """Checks that the sentences that were translated are those of the test set, in its order."""
    what = f"translations.jsonl has the sentences of {layout.TEST}"
    try:
        rows = read_evidence(folder, place).rows
        pairs = read_pairs(test)
    except (OSError, ValueError):
        return  # other checks report files that cannot be read
    translated = [(row.source, row.reference) for row in rows]
    if translated == [(pair.source, pair.target) for pair in pairs]:
        yield LineageCheck(place, what, "same")
    else:
        yield LineageCheck(place, what, "differs", "other sentences, or in another order")


def failed_checks(checks: Iterable[LineageCheck]) -> list[LineageCheck]:
    """Returns the checks that found a difference."""
    return [check for check in checks if check.verdict == "differs"]


def refuse_failures(checks: Iterable[LineageCheck]) -> None:
    """Raises InputError, which names each difference and its place, if a check failed."""
    if failed := failed_checks(checks):
        named = "; ".join(f"{one.place}: {one.what} {one.reason}".strip() for one in failed)
        raise InputError(
            f"{named}: restore what has changed (dvc checkout), or evaluate again (dvc repro)"
        )


def refuse_changed_project(root: Path, lineage: Lineage) -> None:
    """Raises InputError if a file of the project is not what the project's own lineage names.

    Only the files that the project has in common with `lineage` are checked.
    """
    own = _own_hashes(root)
    common = [
        HashedFile(name, root / name, sha256)
        for name, sha256 in _all_hashes(lineage).items()
        if own.get(name) == sha256
    ]
    refuse_failures(check_copies(FileCopies("this folder", common, must_exist=False)))


def is_of_project(root: Path, lineage: Lineage) -> bool:
    """Returns True if the project's own evaluation is the lineage's."""
    own = _own_hashes(root)
    return all(own.get(name) == sha256 for name, sha256 in lineage.evaluation.items())


def _own_hashes(root: Path) -> Mapping[str, str]:
    try:
        own = read_lineage(root / layout.LINEAGE)
    except InputError:
        return {}
    return _all_hashes(own)


def _all_hashes(lineage: Lineage) -> dict[str, str]:
    return {**lineage.files, **lineage.evaluation, **lineage.test_set_files}


def flat_copies(place: str, folder: Path, sha256_by_name: Mapping[str, str]) -> FileCopies:
    """Returns copies that all lie in `folder` and must exist."""
    files = [
        HashedFile(name, folder / Path(name).name, sha256)
        for name, sha256 in sha256_by_name.items()
    ]
    return FileCopies(place, files, must_exist=True)


def _short(value: object) -> str:
    text = str(value)
    is_hash = len(text) == 64 and set(text) <= set("0123456789abcdef")
    return f"{text[:SHOWN_HASH]}…" if is_hash else text
