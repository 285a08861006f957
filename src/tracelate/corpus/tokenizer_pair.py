"""The tokenizers of both languages: one joint tokenizer, or one for each.

A file of a joint tokenizer is that of `SubwordTokenizer`. A file of two has the documents of both
under `source` and `target`.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import NamedTuple, Self

from tracelate.corpus.tokenizer import SubwordTokenizer
from tracelate.errors import InputError
from tracelate.files import parse_json, whole_file

KIND = "tracelate_tokenizers"
"""Key of the format's version in a file of two tokenizers."""
VERSION = 1


class TokenizerPair(NamedTuple):
    """Both have the same special tokens, slots and tokens of cases, at the same ids."""

    source: SubwordTokenizer
    target: SubwordTokenizer
    """The same object where the tokenizer is joint."""

    @classmethod
    def joint(cls, tokenizer: SubwordTokenizer) -> Self:
        return cls(tokenizer, tokenizer)

    @classmethod
    def load(cls, path: Path) -> Self:
        """Raises InputError if the file is missing or damaged."""
        if not path.is_file() or not (parts := _parts(path)):
            return cls.joint(SubwordTokenizer.load(path))
        found = cls(*(SubwordTokenizer.parse(parts[side], path, side) for side in cls._fields))
        source, target = found
        if (source.slots, source.case_tokens) != (target.slots, target.case_tokens):
            raise InputError(
                f"{path} has tokenizers with other slots or tokens of cases: restore it (dvc repro)"
            )
        return found

    def save(self, path: Path) -> None:
        """Writes the same bytes for the same tokenizers."""
        if self.is_joint:
            self.target.save(path)
            return
        parts = {side: json.loads(one.document()) for side, one in self._asdict().items()}
        text = json.dumps({KIND: VERSION, **parts}, ensure_ascii=False, indent=2)
        with whole_file(path) as temporary:
            temporary.write_text(text + "\n", encoding="utf-8")

    @property
    def is_joint(self) -> bool:
        return self.source is self.target

    @property
    def largest_size(self) -> int:
        """Number of pieces of the larger one."""
        return max(self.source.size, self.target.size)


def _parts(path: Path) -> dict[str, str]:
    """Returns the documents of a file of two tokenizers; of another file none."""
    content = path.read_bytes()
    if KIND.encode() not in content:
        return {}
    try:
        document = parse_json(content)
    except (ValueError, RecursionError):
        return {}  # its error is that of a joint one
    if not isinstance(document, dict) or KIND not in document:
        return {}
    if document[KIND] != VERSION:
        raise InputError(
            f"{path} has format {document[KIND]!r} of two tokenizers, and this version of "
            f"Tracelate reads {VERSION}: update Tracelate"
        )
    if missing := [side for side in TokenizerPair._fields if side not in document]:
        raise InputError(f"{path} has no {missing[0]} tokenizer: restore it (dvc repro)")
    return {side: json.dumps(document[side]) for side in TokenizerPair._fields}
