"""The origin of a corpus: the content of data/raw/provenance.json, which a lineage repeats.

Each source of `corpus.sources` has a class of its own beside it. Readers know the base class alone,
so that a further source changes none of them.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, ClassVar, NamedTuple, Union

from pydantic import (
    ConfigDict,
    Discriminator,
    Field,
    SerializerFunctionWrapHandler,
    Tag,
    model_serializer,
)

from tracelate.file_format import FileForm

LAST_FIELDS = ("licence", "source_language", "target_language", "pairs")
"""Fields of every corpus that follow those of its kind in the file."""


TITLE_SEPARATOR = " + "
"""Between the titles of several sources."""


class CorpusFile(NamedTuple):
    """A file on this machine that a corpus is read from."""

    name: str
    """Path from the project's root; of a file elsewhere, a description."""
    path: Path
    sha256: str
    """Hash that the file had when the corpus was read."""


class ProvenancePart(FileForm):
    """Base class of a provenance and its parts: strict, but it keeps keys of newer versions."""

    model_config = ConfigDict(extra="allow")


class Share(NamedTuple):
    """The share of one of several sources in the corpus."""

    weight: float
    """Number of times that each of its training pairs is in the training text."""
    pairs: Mapping[str, int]
    """Number of its pairs that were read, by split."""


class CorpusPart(NamedTuple):
    """A source of a corpus: one of several, or the only one."""

    name: str
    """Its name in the settings; "" of the only one."""
    provenance: Provenance
    settings: Mapping[str, Any]
    """Those of its kind."""
    share: Share


class Provenance(ProvenancePart):
    """Identity of a corpus, without times and paths of the machine."""

    in_project: ClassVar[bool] = True
    """True if the files of the corpus lie in the project, so that a replay has to copy them."""

    corpus: str
    """Kind of corpus: the source's name, and that of its section in the settings."""
    licence: str
    """Licence of the texts, as the settings state it; of several sources, joined by AND."""
    source_language: str
    target_language: str
    pairs: dict[str, Annotated[int, Field(ge=0)]]
    """Number of pairs by split, as they were read."""

    @property
    @abstractmethod
    def title(self) -> str:
        """Name of the corpus with its version or revision, such as `homeassistant 2026.2.3`."""

    @property
    @abstractmethod
    def hashes(self) -> Sequence[str]:
        """SHA-256 of all that identifies the text."""

    @property
    def shares(self) -> Mapping[str, Share]:
        """Shares of several sources by their names; {} of a corpus that has one source."""
        return {}

    def parts(self, settings: Mapping[str, Any]) -> Sequence[CorpusPart]:
        """Returns the sources of the corpus with their settings; `settings` are the corpus's.

        Raises InputError if the settings lack a source.
        """
        return [CorpusPart("", self, settings, Share(1.0, self.pairs))]

    @property
    def description(self) -> str:
        """The title, the kind, and what else a reader needs to find the corpus, on one line."""
        return f"{self.title} ({self.corpus})"

    @property
    def archive_sha256(self) -> str | None:
        """SHA-256 of the one file that contains the corpus, or None if there is no such file."""
        return None

    def required_sha256(self, settings: Mapping[str, Any]) -> str | None:
        """Returns the SHA-256 that the source's settings require of the archive, or None."""
        return None

    def files_on_disk(self, settings: Mapping[str, Any], root: Path) -> Sequence[CorpusFile]:
        """Returns the files that the source's settings name in the project `root` or elsewhere.

        They need not exist. Raises InputError if the settings lack a file of this provenance.
        """
        return []

    @model_serializer(mode="wrap")
    def _in_order_of_the_file(self, handler: SerializerFunctionWrapHandler) -> dict[str, Any]:
        values: dict[str, Any] = handler(self)
        last = {name: values.pop(name) for name in LAST_FIELDS}
        return {**values, **last}


def one_of(kinds: Mapping[str, type[Provenance]]) -> Any:
    """Returns the type of a field with a provenance of one of the kinds, which its `corpus` names.

    `kinds` has each class by that name.
    """
    members = tuple(Annotated[kind, Tag(name)] for name, kind in kinds.items())
    return Annotated[
        Union[members],  # noqa: UP007
        Discriminator(
            _corpus_of,
            custom_error_type="unknown_corpus",
            custom_error_message=(
                f"corpus should be one of {', '.join(kinds)}, unless a newer version wrote it"
            ),
        ),
    ]


def _corpus_of(provenance: Any) -> str | None:
    if isinstance(provenance, dict):
        name = provenance.get("corpus")
        return name if isinstance(name, str) else None
    return getattr(provenance, "corpus", None)
