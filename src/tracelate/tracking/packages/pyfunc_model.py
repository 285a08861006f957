"""A packed model as MLflow itself loads it, where Tracelate is not installed.

MLflow runs this file by itself, with the copy of the package that is packed beside it. Where
Tracelate is installed, `packed_translator` reads the packed files and this file is not run.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from mlflow.exceptions import MlflowException
from mlflow.models import set_model
from mlflow.pyfunc import PythonModel, PythonModelContext
from pydantic import ValidationError

from tracelate.errors import InputError
from tracelate.layout import LINEAGE
from tracelate.tracking.packages.package_files import refuse_changed_package
from tracelate.tracking.packages.packed_translator import PackedTranslator, load_packed_translator


class PyfuncModel(PythonModel):
    """Translates a list of sentences into a list of translations."""

    packed: PackedTranslator

    def load_context(self, context: PythonModelContext) -> None:
        """Raises InputError if a file is missing, damaged, changed, or was not packed."""
        artifacts = Path(context.artifacts[LINEAGE.name]).parent
        refuse_changed_package(artifacts.parent)
        self.packed = load_packed_translator(artifacts)

    def predict(
        self,
        context: PythonModelContext,
        model_input: list[str],
        params: dict[str, Any] | None = None,
    ) -> list[str | dict[str, object]]:
        """Translations in order; objects in place of texts where `params` ask for more.

        Raises MlflowException, which MLflow's server answers with status 400, on wrong params and
        on a sentence that is too long or not valid Unicode.
        """
        try:
            options = self.packed.options(params or {})
        except ValidationError as error:
            first = error.errors()[0]
            place = ".".join(str(part) for part in first["loc"])
            raise MlflowException.invalid_parameter_value(
                f"param {place} is {first['input']!r}: {first['msg'].removeprefix('Input ')}"
            ) from error
        try:
            self.packed.refuse_unfit(model_input)
        except InputError as error:
            raise MlflowException.invalid_parameter_value(str(error)) from error
        return self.packed.translate(model_input, options)


set_model(PyfuncModel())
