"""Packing a trained model, and logging it to MLflow.

There is one logged model for each training, test set and settings of the evaluation: a package has
the evaluation's scores, and translates with its settings by default.
"""

from __future__ import annotations

import tempfile
from importlib.metadata import version
from pathlib import Path
from typing import Any

from mlflow import pyfunc
from mlflow.models import Model
from mlflow.models.model import MLMODEL_FILE_NAME

import tracelate
from tracelate import layout
from tracelate.evaluation.lineage import MODEL_FILES, Lineage
from tracelate.files import sha256_of
from tracelate.tracking.packages.model_card import write_card
from tracelate.tracking.packages.package_files import (
    ARTIFACTS_FOLDER,
    PYFUNC_MODEL,
    code_sha256,
    write_list,
)
from tracelate.tracking.runs.evaluation_contents import evaluation_settings
from tracelate.tracking.runs.run_contents import RunContents
from tracelate.tracking.runs.run_names import run_name
from tracelate.tracking.runs.run_writer import RunWriter, flatten
from tracelate.tracking.store.mlflow_settings import quiet_mlflow
from tracelate.tracking.store.records import StoredModel
from tracelate.tracking.store.store import Store

REQUIREMENTS = (
    "ftfy",
    "mlflow",
    "numpy",
    "pyarrow",
    "pydantic",
    "ruamel.yaml",
    "safetensors",
    "tokenizers",
    "torch",
)
"""Distributions that translating imports."""
EXAMPLE = ["Could not connect to the device."]
LINEAGE_TAG = "lineage_sha256"
CODE_TAG = "code_sha256"


def log_model(
    run: RunWriter, lineage: Lineage, evaluation: RunContents, root: Path = Path()
) -> StoredModel:
    """Logs the model to MLflow unless it was logged before, and links it to the run.

    The card, lineage and metrics of a model that was logged before become this evaluation's.

    Raises StoreError if MLflow fails.
    """
    store = run.store
    experiment_id = store.runs.get(run.run_id).experiment_id
    model = find_logged_model(store, experiment_id, lineage)
    if model is None:
        model = _create(run, experiment_id, lineage)
    if model.status != "READY":
        with tempfile.TemporaryDirectory() as folder:
            packed = Path(folder) / "model"
            pack_model(packed, lineage, root, model)
            store.models.log_folder(model.model_id, packed)
            store.models.set_tags(model.model_id, {CODE_TAG: code_sha256(packed)})
        _tag_lineage(store, model, root)
        model = store.models.finish(model.model_id)
    store.runs.link_model(run.run_id, model.model_id)
    _refresh(store, model, root)
    [test] = evaluation.datasets
    run.log_model_metrics(model, test, evaluation.metrics)
    return model


def find_logged_model(store: Store, experiment_id: str, lineage: Lineage) -> StoredModel | None:
    """Returns the model of the lineage's weights, training and evaluation; None without one."""
    found = store.models.search(
        [experiment_id],
        f"tags.training_run_id = '{lineage.training.run_id}' "
        f"AND tags.weights_sha256 = '{lineage.weights_sha256}' "
        f"AND tags.test_sha256 = '{lineage.test_sha256}'",
    )
    settings = {name: str(value) for name, value in flatten(evaluation_settings(lineage))}
    for model in found:
        # an earlier version may have logged it without the settings of later ones
        if all(model.params.get(name, value) == value for name, value in settings.items()):
            return model
    return None


def pack_model(
    folder: Path, lineage: Lineage, root: Path = Path(), logged: StoredModel | None = None
) -> None:
    """Packs the project's model into a folder that MLflow can load.

    `logged` is the entry of MLflow's store that the folder is packed for, if there is one.
    """
    mlflow_model = Model(
        artifact_path=logged.artifact_location if logged is not None else None,
        run_id=logged.run_id if logged is not None else None,
        model_uuid=logged.model_id if logged is not None else None,
        model_id=logged.model_id if logged is not None else None,
    )
    files = [*(layout.MODELS / name for name in MODEL_FILES), layout.LINEAGE]
    with quiet_mlflow():
        pyfunc.save_model(
            path=str(folder),
            mlflow_model=mlflow_model,
            python_model=str(PYFUNC_MODEL),
            artifacts={path.name: str((root / path).resolve()) for path in files},
            code_paths=[tracelate.__path__[0]],
            input_example=(EXAMPLE, _example_params(lineage)),
            pip_requirements=requirements(),
        )
    _forget_machine(mlflow_model, folder)
    write_card(folder, root)
    write_list(folder)


def requirements() -> list[str]:
    """Returns REQUIREMENTS with the versions that are installed here."""
    # no package index has a local version such as 2.13.0+cpu
    return [f"{name}=={version(name).partition('+')[0]}" for name in REQUIREMENTS]


def _create(run: RunWriter, experiment_id: str, lineage: Lineage) -> StoredModel:
    tags = {
        "training_run_id": lineage.training.run_id,
        "weights_sha256": lineage.weights_sha256,
        "tokenizer_sha256": lineage.tokenizer_sha256,
        "test_sha256": lineage.test_sha256,
        "pair": lineage.pair,
        "corpus": lineage.corpus,
        "commit": lineage.training.commit or "unknown",
    }
    return run.store.models.create(
        experiment_id,
        run_name(lineage.params).replace(", ", "-").replace(" ", "-"),
        run.run_id,
        {
            name: str(value)
            for name, value in flatten({**lineage.params, **evaluation_settings(lineage)})
        },
        tags,
    )


def _forget_machine(mlflow_model: Model, folder: Path) -> None:
    """Removes this machine's paths from the MLmodel file; MLflow does not read them."""
    settings = mlflow_model.flavors[pyfunc.FLAVOR_NAME]
    settings[pyfunc.MODEL_CODE_PATH] = PYFUNC_MODEL.name
    for name, artifact in settings["artifacts"].items():
        artifact["uri"] = name
    mlflow_model.save(str(folder / MLMODEL_FILE_NAME))


def _refresh(store: Store, model: StoredModel, root: Path) -> None:
    """Replaces the model's card and lineage if the project has another evaluation of it."""
    if model.tags.get(LINEAGE_TAG) != sha256_of(root / layout.LINEAGE):
        with tempfile.TemporaryDirectory() as folder:
            write_card(Path(folder), root)
            store.models.log_folder(model.model_id, Path(folder))
        store.models.log_file(model.model_id, root / layout.LINEAGE, ARTIFACTS_FOLDER)
        _tag_lineage(store, model, root)


def _tag_lineage(store: Store, model: StoredModel, root: Path) -> None:
    store.models.set_tags(model.model_id, {LINEAGE_TAG: sha256_of(root / layout.LINEAGE)})


def _example_params(lineage: Lineage) -> dict[str, Any]:
    settings = lineage.params["evaluate"]
    return {
        "beam_size": settings["beam_size"],
        "length_penalty": settings["length_penalty"],
        "n_best": 1,
        "with_scores": False,
        "with_alignment": False,
    }
