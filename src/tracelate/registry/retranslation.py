"""Translating the test set again with the packed model, to compare it with what was scored."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple

from tracelate import layout
from tracelate.comparison.parity import Parity, compare_translations
from tracelate.files import sha256_of
from tracelate.lineage.bill_of_materials import parse_requirements
from tracelate.registry.candidate import Candidate
from tracelate.registry.logged_evaluation import refuse_other_lineage
from tracelate.registry.packed_code import foreign_code
from tracelate.registry.spellings import Spellings, try_spellings
from tracelate.signing.package_signature import hash_package, read_signature
from tracelate.signing.trust import NO_TRUST
from tracelate.tracking.packages.package_files import REQUIREMENTS_FILE
from tracelate.tracking.packages.packed_translator import load_packed_translator
from tracelate.tracking.references.packed_models import packed_model
from tracelate.tracking.references.stored_references import find_stored

OnProgress = Callable[[str, int, int], object]
"""Called with the name of the step, the number of sentences done since the last call, and the
number of all sentences."""


class Retranslation(NamedTuple):
    """Comparisons of the packed model's translations."""

    served: Parity
    """Translations of all sentences at once, compared with those that were scored."""
    alone: Parity
    """Translations of single sentences, compared with those of all sentences at once."""
    spellings: Spellings
    """Translations of some sentences in other spellings, compared with those of the plain ones."""
    libraries: list[str]
    """Requirements of the packed model, as NAME==VERSION."""
    files: Mapping[str, str]
    """From the path of each file of the package that translated to its sha256."""
    signature: bytes | None
    """The package's signature from an earlier promotion, not checked; None without one."""
    foreign_code: str | None
    """A part of the package's code that is not known here, and why; None if all is known."""


def translate_again(candidate: Candidate, uri: str, on_progress: OnProgress) -> Retranslation:
    """Translates the test set with the model at `uri`: all sentences at once, one by one, and some
    in other spellings.

    Raises InputError if a file of the model differs from the candidate's lineage.
    """
    sources = [row.source for row in candidate.evidence.rows]
    scored = [row.translation for row in candidate.evidence.rows]
    # a candidate has no signature yet
    with packed_model(find_stored(uri), NO_TRUST) as packed:
        files, signature = hash_package(packed.folder), read_signature(packed.folder)
        requirements = (packed.folder / REQUIREMENTS_FILE).read_text(encoding="utf-8")
        found = sha256_of(packed.artifacts / layout.LINEAGE.name)
        refuse_other_lineage(candidate.evaluation, uri, found)
        foreign = foreign_code(packed.folder, packed.lineage.training.commit)
        model = load_packed_translator(packed.artifacts)
        on_progress("translating in batches", 0, len(sources))
        together = [str(text) for text in model.translate(sources)]
        on_progress("translating in batches", len(sources), len(sources))
        alone: list[str] = []
        for source in sources:
            alone += [str(text) for text in model.translate([source])]
            on_progress("translating one by one", 1, len(sources))
        parities = try_spellings(
            lambda sentences: [str(text) for text in model.translate(sentences)],
            sources,
            together,
            lambda count, total: on_progress("translating other spellings", count, total),
        )
    return Retranslation(
        compare_translations(scored, together),
        compare_translations(together, alone),
        Spellings(model.trained.config.normaliser, parities),
        parse_requirements(requirements),
        files,
        signature,
        foreign,
    )
