"""Files that have both languages: the table of their formats."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import NamedTuple

import pyarrow as pa
import pyarrow.compute as pc

from tracelate.corpus.pairs import Pair, pair_table, table_of
from tracelate.corpus.sources import content
from tracelate.corpus.sources.content import HEAD_BYTES, recognise
from tracelate.corpus.sources.formats.gettext import read_mo, read_po
from tracelate.corpus.sources.formats.messages import NOT_TRANSLATED, CatalogReader, Omitted
from tracelate.corpus.sources.formats.tables import (
    CSV,
    MISSING,
    TSV,
    CsvForm,
    Rows,
    read_json_lines,
    read_parquet,
    read_separated,
)
from tracelate.corpus.sources.formats.tmx import read_tmx
from tracelate.corpus.sources.formats.wanted import Wanted
from tracelate.corpus.sources.formats.xliff import read_xliff
from tracelate.corpus.sources.text_blocks import read_unpacked
from tracelate.errors import InputError

MAX_CATALOG_BYTES = 64 * 2**20
"""Largest file of gettext, unpacked, or of another catalog: it is read whole."""
PACKED = {".gz", ".xz", ".zst"}


class Document(NamedTuple):
    """A file to read."""

    path: Path
    name: str
    """Its name in messages and in the origins of pairs."""
    wanted: Wanted
    omitted: Omitted
    """Counts what is no pair."""
    remarks: list[str]
    """Gets lines about what is odd."""


DocumentReader = Callable[[Document], pa.Table]
"""Returns the table of the pairs of a file. Raises InputError if it is damaged."""


def read_document(document: Document) -> pa.Table:
    """Returns the pairs of a file, whose format follows from its name or else from its content.

    Raises InputError if the file is missing, of an unknown format, damaged, or without pairs.
    """
    if not document.path.is_file():
        raise InputError(
            f"{document.name} ({document.wanted.columns.setting}) is missing: {MISSING}"
        )
    table = _reader_of(document)(document)
    if not table.num_rows:
        raise InputError(
            f"{document.name} has no pair of {document.wanted.source!r} and "
            f"{document.wanted.target!r}: name another file in {document.wanted.columns.setting}"
        )
    return table


def read_whole(path: Path, name: str) -> bytes:
    """Returns the content of a file, unpacked. Raises InputError above MAX_CATALOG_BYTES."""
    chunks, size = [], 0
    for chunk in read_unpacked(path, MISSING):
        size += len(chunk)
        if size > MAX_CATALOG_BYTES:
            raise InputError(
                f"{name} has more than {MAX_CATALOG_BYTES:,} bytes, the most that is read of such "
                "a file: divide it"
            )
        chunks.append(chunk)
    return b"".join(chunks)


def _read_table(document: Document, *, form: CsvForm) -> pa.Table:
    columns = document.wanted.columns
    rows = read_separated(document.path, form, columns, document.remarks)
    return _table_of_rows(document, rows)


def _read_json(document: Document) -> pa.Table:
    return _table_of_rows(document, read_json_lines(document.path, document.wanted.columns))


def _read_parquet(document: Document) -> pa.Table:
    return _table_of_rows(document, read_parquet(document.path, document.wanted.columns))


def _read_tmx(document: Document) -> pa.Table:
    chunks = read_unpacked(document.path, MISSING)
    return table_of(read_tmx(chunks, document.name, document.wanted, document.omitted))


def _read_xliff(document: Document) -> pa.Table:
    chunks = read_unpacked(document.path, MISSING)
    return table_of(read_xliff(chunks, document.name, document.wanted, document.omitted))


def _read_gettext(document: Document, *, read: CatalogReader) -> pa.Table:
    data = read_whole(document.path, document.name)
    return table_of(_translated(document, data, read))


def _translated(document: Document, data: bytes, read: CatalogReader) -> Iterator[Pair]:
    for message in read(data, document.name, document.omitted):
        source, origin = message.source or "", f"{document.name}:{message.place}"
        if message.text:
            yield Pair(source, message.text, source, origin)
        else:
            document.omitted.add(NOT_TRANSLATED, origin)


def _table_of_rows(document: Document, parts: Iterator[Rows]) -> pa.Table:
    sources, targets, origins, times = [], [], [], []
    prefix = pa.scalar(f"{document.name}:")
    for rows in parts:
        sources.append(rows.sources)
        targets.append(rows.targets)
        places = rows.places.cast(pa.string())
        origins.append(pc.binary_join_element_wise(prefix, places, ""))
        if rows.times is not None:
            times.append(rows.times)
    return pair_table(
        pa.chunked_array(sources, pa.string()),
        pa.chunked_array(targets, pa.string()),
        pa.chunked_array(origins, pa.string()),
        pa.chunked_array(times) if times else None,
    )


BY_SUFFIX: Mapping[str, DocumentReader] = {
    ".tsv": partial(_read_table, form=TSV),
    ".tab": partial(_read_table, form=TSV),
    ".csv": partial(_read_table, form=CSV),
    ".jsonl": _read_json,
    ".ndjson": _read_json,
    ".parquet": _read_parquet,
    ".tmx": _read_tmx,
    ".xlf": _read_xliff,
    ".xliff": _read_xliff,
    ".po": partial(_read_gettext, read=read_po),
    ".mo": partial(_read_gettext, read=read_mo),
}
"""Readers by the end of a file's name, without that of a packed one."""
BY_CONTENT: Mapping[content.Content, DocumentReader] = {
    content.JSON: _read_json,
    content.PARQUET: _read_parquet,
    content.TMX: _read_tmx,
    content.XLIFF: _read_xliff,
    content.PO: partial(_read_gettext, read=read_po),
    content.MO: partial(_read_gettext, read=read_mo),
}
LANGUAGE_EACH = {content.ANDROID}
"""Contents that have one language a file."""


def _reader_of(document: Document) -> DocumentReader:
    suffixes = [one.lower() for one in document.path.suffixes]
    if suffixes and suffixes[-1] in PACKED:
        suffixes.pop()
    if suffixes and suffixes[-1] in BY_SUFFIX:
        return BY_SUFFIX[suffixes[-1]]
    kind = _content_of(document.path)
    if kind is not None and kind in BY_CONTENT:
        return BY_CONTENT[kind]
    if kind is not None and kind in LANGUAGE_EACH:
        raise InputError(
            f"{document.name} is {kind.title}, with one language a file: write {{language}} for "
            "its code in the path, such as values-{language}/strings.xml"
        )
    if kind is None and document.wanted.columns.numbers is not None:
        return BY_SUFFIX[".tsv"]
    title = kind.title if kind else "no document that is recognised"
    raise InputError(
        f"{document.name} is {title}: name a file of {', '.join(BY_SUFFIX)} in "
        f"{document.wanted.columns.setting}, or set download.corpus: files for text with a "
        "sentence a line"
    )


def _content_of(path: Path) -> content.Content | None:
    head = next(iter(read_unpacked(path, MISSING)), b"")[:HEAD_BYTES]
    kind = recognise(head)
    if kind == content.UTF_16:  # as tools for translators write XML
        kind = recognise(head[: len(head) // 2 * 2].decode("utf-16", "replace").encode()) or kind
    return kind
