"""A packed model as MLflow loads and serves it: code and files, nothing pickled.

MLflow runs this file by itself, beside a copy of the package, where Tracelate need not be
installed. The model answers only if each of its files is the one that its lineage names.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from mlflow.exceptions import MlflowException
from mlflow.models import set_model
from mlflow.pyfunc import PythonModel, PythonModelContext
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from tracelate.config import LengthPenalty
from tracelate.evaluation.lineage import read_lineage, refuse_changed_files
from tracelate.evaluation.word_attention import attention_over_words
from tracelate.inference.translator import Translation, Translator
from tracelate.layout import LINEAGE
from tracelate.training.model_files import load_model


class Request(BaseModel):
    """The params of a request; with any of the last three, answers are no plain texts."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    beam_size: int = Field(ge=1, le=64)
    length_penalty: LengthPenalty
    n_best: int = Field(default=1, ge=1, le=64)
    """How many translations of each sentence; above 1, the answer lists them."""
    with_scores: bool = False
    """Natural log probabilities, divided by the length penalty."""
    with_alignment: bool = False
    """For each word of the translation, the source word it looked at most."""

    @property
    def beams(self) -> int:
        """Hypotheses of a sentence that are kept at once."""
        return max(self.beam_size, self.n_best)

    @property
    def is_plain(self) -> bool:
        return self.n_best == 1 and not self.with_scores and not self.with_alignment


class ServedModel(PythonModel):  # type: ignore[misc]
    """Translates a list of sentences into a list of translations."""

    def load_context(self, context: PythonModelContext) -> None:
        """Raises InputError where a file is missing, damaged, or not the one that was trained."""
        lineage_path = Path(context.artifacts[LINEAGE.name])
        folder = lineage_path.parent
        lineage = read_lineage(lineage_path)
        hashes = {Path(name).name: sha256 for name, sha256 in lineage.model.items()}
        refuse_changed_files(folder, hashes)
        self.trained = load_model(folder)
        self.settings = lineage.params["evaluate"]

    def predict(
        self,
        context: PythonModelContext,
        model_input: list[str],
        params: dict[str, Any] | None = None,
    ) -> list[str | dict[str, object]]:
        """Translations in order; dicts in place of texts where `params` ask for more than these.

        Raises MlflowException, which a server answers with status 400, on wrong params.
        """
        request = self._request(params or {})
        translator = Translator(
            self.trained,
            beam_size=request.beams,
            length_penalty=request.length_penalty,
            batch_sentences=self.settings["batch_sentences"],
        )
        n_best = translator.translate_n_best(model_input, request.n_best)
        if request.is_plain:
            return [best[0].text for best in n_best]
        return [self._document(translator, best, request) for best in n_best]

    def _request(self, params: dict[str, Any]) -> Request:
        settings = {name: self.settings[name] for name in ("beam_size", "length_penalty")}
        try:
            return Request.model_validate({**settings, **params})
        except ValidationError as error:
            first = error.errors()[0]
            place = ".".join(str(part) for part in first["loc"])
            raise MlflowException.invalid_parameter_value(
                f"param {place} is {first['input']!r}: {first['msg'].removeprefix('Input ')}"
            ) from error

    def _document(
        self, translator: Translator, n_best: list[Translation], request: Request
    ) -> dict[str, object]:
        documents = [self._one(translator, one, request) for one in n_best]
        return {**documents[0], "n_best": documents} if request.n_best > 1 else documents[0]

    def _one(
        self, translator: Translator, translation: Translation, request: Request
    ) -> dict[str, object]:
        document: dict[str, object] = {"translation": translation.text}
        if request.with_scores:
            document["score"] = translation.log_probability
        if request.with_alignment:
            document["alignment"] = self._alignment(translator, translation)
        return document

    def _alignment(
        self, translator: Translator, translation: Translation
    ) -> list[dict[str, object]]:
        if not translation.source_ids:
            return []
        weights_TS = translator.attention_in_parts(translation)
        seen = attention_over_words(self.trained.tokenizer, translation, weights_TS)
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


set_model(ServedModel())
