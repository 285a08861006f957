"""A packed model at work: its files are data, and the installed Tracelate translates with them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from pydantic import BaseModel, ConfigDict, Field

from tracelate.config import LengthPenalty
from tracelate.errors import InputError
from tracelate.evaluation.lineage import Lineage, read_lineage, refuse_changed_files
from tracelate.evaluation.word_attention import attention_over_words
from tracelate.inference.translator import Translation, Translator
from tracelate.layout import LINEAGE
from tracelate.training.model_files import TrainedModel, load_model

MAX_SENTENCE_PIECES = 1000
"""Longest sentence that `refuse_unfit` accepts; the time of a search grows with its square."""


class TranslationOptions(BaseModel):
    """Parameters of a request; with any of the last three, answers are objects and not texts."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    beam_size: int = Field(ge=1, le=64)
    length_penalty: LengthPenalty
    n_best: int = Field(default=1, ge=1, le=64)
    """Number of translations of each sentence; above 1, the answer lists them."""
    with_scores: bool = False
    """Adds natural log probabilities, divided by the length penalty."""
    with_alignment: bool = False
    """Adds, for each word of the translation, the source word with the largest weight."""

    @property
    def beams(self) -> int:
        """Number of hypotheses of a sentence that are kept at once."""
        return max(self.beam_size, self.n_best)

    @property
    def is_plain(self) -> bool:
        return self.n_best == 1 and not self.with_scores and not self.with_alignment


class PackedTranslator(NamedTuple):
    """A trained model with the lineage that it was packed with."""

    trained: TrainedModel
    lineage: Lineage

    @property
    def defaults(self) -> dict[str, Any]:
        """The options that a request need not name: those of the model's evaluation."""
        settings = self.lineage.params["evaluate"]
        return {name: settings[name] for name in ("beam_size", "length_penalty")}

    @property
    def batch_sentences(self) -> int:
        return int(self.lineage.params["evaluate"]["batch_sentences"])

    def options(self, params: Mapping[str, Any]) -> TranslationOptions:
        """Raises pydantic's ValidationError if `params` are wrong."""
        return TranslationOptions.model_validate({**self.defaults, **params})

    def translate(
        self, sentences: Sequence[str], options: TranslationOptions | None = None
    ) -> list[str | dict[str, object]]:
        """Translations in order; objects in place of texts where the options ask for more."""
        options = options or self.options({})
        translator = self._translator(options)
        n_best = translator.translate_n_best(sentences, options.n_best)
        if options.is_plain:
            return [best[0].text for best in n_best]
        return [_document(translator, best, options) for best in n_best]

    def refuse_unfit(self, sentences: Sequence[str]) -> None:
        """Raises InputError, which names the sentence, if one is too long or not valid Unicode."""
        translator = self._translator(self.options({}))
        for number, sentence in enumerate(sentences, start=1):
            try:
                sentence.encode()  # the place of an error is that in the sentence as it was sent
                translator.refuse_long(sentence)
            except UnicodeEncodeError as error:
                raise InputError(
                    f"sentence {number}, character {error.start + 1}: {error.reason}: correct it"
                ) from error
            except InputError as error:
                raise InputError(f"sentence {number}: {error}") from error

    def _translator(self, options: TranslationOptions) -> Translator:
        return Translator(
            self.trained,
            beam_size=options.beams,
            length_penalty=options.length_penalty,
            batch_sentences=self.batch_sentences,
            max_line_pieces=MAX_SENTENCE_PIECES,
        )

    def on_step(self, call: Callable[[], object]) -> None:
        """Calls `call` before each step of a search, which may raise to end the search."""
        self.trained.model.decoder.register_forward_pre_hook(lambda *_: call())


def load_packed_translator(folder: Path) -> PackedTranslator:
    """The model whose files lie in `folder`, each as its lineage.json there names it.

    No code of a package is imported or run. Raises InputError if a file is missing, damaged,
    changed, or of a newer version.
    """
    lineage = read_lineage(folder / LINEAGE.name)
    refuse_changed_files(
        folder, {Path(name).name: sha256 for name, sha256 in lineage.model.items()}
    )
    return PackedTranslator(load_model(folder), lineage)


def _document(
    translator: Translator, n_best: Sequence[Translation], options: TranslationOptions
) -> dict[str, object]:
    documents = [_document_of_one(translator, one, options) for one in n_best]
    return {**documents[0], "n_best": documents} if options.n_best > 1 else documents[0]


def _document_of_one(
    translator: Translator, translation: Translation, options: TranslationOptions
) -> dict[str, object]:
    document: dict[str, object] = {"translation": translation.text}
    if options.with_scores:
        document["score"] = translation.log_probability
    if options.with_alignment:
        document["alignment"] = _alignment(translator, translation)
    return document


def _alignment(translator: Translator, translation: Translation) -> list[dict[str, object]]:
    if not translation.source_ids:
        return []
    weights_TS = translator.attention_in_parts(translation)
    seen = attention_over_words(translator.trained.tokenizers, translation, weights_TS)
    if not seen.weights_WV.any():
        return []
    # the end tokens, last on both sides, are no words
    weights_WV = seen.weights_WV[:-1, :-1]
    return [
        {
            "target": target,
            "source": seen.source_words[int(weights_V.argmax())],
            "weight": float(weights_V.max()),
        }
        for target, weights_V in zip(seen.target_words[:-1], weights_WV, strict=True)
    ]
