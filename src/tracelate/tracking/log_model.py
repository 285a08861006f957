"""The LoggedModel of a training: one for its weights, whatever is evaluated or mirrored again."""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any

from mlflow import MlflowClient, pyfunc
from mlflow.entities import LoggedModel, LoggedModelOutput, LoggedModelStatus
from mlflow.models import Model
from mlflow.models.model import MLMODEL_FILE_NAME

import tracelate
from tracelate import layout
from tracelate.evaluation.lineage import MODEL_FILES, Lineage
from tracelate.files import sha256_of
from tracelate.tracking.log_training import run_name
from tracelate.tracking.model_card import write_card
from tracelate.tracking.run_writer import DataFile, TrackedRun, flatten
from tracelate.tracking.store import quiet_mlflow

REQUIREMENTS = (
    "mlflow",
    "numpy",
    "pyarrow",
    "pydantic",
    "ruamel.yaml",
    "safetensors",
    "tokenizers",
    "torch",
)
"""What translating imports."""
ARTIFACTS = "artifacts"
"""MLflow's folder in a packed model."""
PYFUNC_MODEL = Path(__file__).with_name("pyfunc_model.py")
OLD_PYFUNC_MODEL = "served_model.py"
"""The name of PYFUNC_MODEL in models packed by Tracelate 0.1."""
EXAMPLE = ["Could not connect to the device."]
LINEAGE_TAG = "lineage_sha256"
CODE_TAG = "code_sha256"
CODE = (
    MLMODEL_FILE_NAME,
    PYFUNC_MODEL.name,
    OLD_PYFUNC_MODEL,
    "code",
    "requirements.txt",
    "python_env.yaml",
)
"""What of a packed model MLflow runs, or decides how it runs."""


def package_model(
    run: TrackedRun,
    lineage: Lineage,
    test: DataFile,
    metrics: Mapping[str, float],
    root: Path = Path(),
) -> LoggedModel:
    """The training's model, made where it is not there yet, and linked to the run.

    Metrics and the card belong to the model with the settings of its own evaluation: after one
    with other settings it stays as it is.
    """
    client = run.client
    experiment_id = client.get_run(run.run_id).info.experiment_id
    model = find_model(client, experiment_id, lineage) or _create(run, experiment_id, lineage)
    if model.status != LoggedModelStatus.READY:
        with tempfile.TemporaryDirectory() as folder:
            packed = Path(folder) / "model"
            save_model(packed, lineage, root, model)
            client.log_model_artifacts(model.model_id, str(packed))
            client.set_logged_model_tags(model.model_id, {CODE_TAG: code_sha256(packed)})
        _tag_lineage(client, model, root)
        model = client.finalize_logged_model(model.model_id, LoggedModelStatus.READY)
    _link(run, model)
    settings = dict(flatten({"evaluate": lineage.params["evaluate"]}))
    if all(model.params.get(name) == str(value) for name, value in settings.items()):
        _refresh(client, model, root)
        run.log_model_metrics(model, test, lineage.test_sha256, metrics)
    return model


def find_model(client: MlflowClient, experiment_id: str, lineage: Lineage) -> LoggedModel | None:
    """The model of the lineage's training and weights; None where there is none."""
    found = client.search_logged_models(
        [experiment_id],
        f"tags.training_run_id = '{lineage.training.run_id}' "
        f"AND tags.weights_sha256 = '{lineage.weights_sha256}'",
        max_results=1,
    )
    return found[0] if found else None


def save_model(
    folder: Path, lineage: Lineage, root: Path = Path(), logged: LoggedModel | None = None
) -> None:
    """Packs the project's model into a folder that MLflow loads, as it lies in its store."""
    mlflow_model = Model(
        artifact_path=logged.artifact_location if logged is not None else None,
        run_id=logged.source_run_id if logged is not None else None,
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


def code_sha256(packed: Path) -> str:
    """One hash over the names and contents of all of a packed model's CODE."""
    every = (path for name in CODE for path in [packed / name, *(packed / name).rglob("*")])
    files = sorted(
        (path.relative_to(packed).as_posix(), sha256_of(path))
        for path in every
        if path.is_file() and path.parent.name != "__pycache__"
    )
    return hashlib.sha256(repr(files).encode()).hexdigest()


def requirements() -> list[str]:
    """The distributions that translating needs, at the versions that are installed here."""
    # a local version such as 2.13.0+cpu is on no index
    return [f"{name}=={version(name).partition('+')[0]}" for name in REQUIREMENTS]


def _create(run: TrackedRun, experiment_id: str, lineage: Lineage) -> LoggedModel:
    tags = {
        "training_run_id": lineage.training.run_id,
        "weights_sha256": lineage.weights_sha256,
        "tokenizer_sha256": lineage.tokenizer_sha256,
        "test_sha256": lineage.test_sha256,
        "pair": lineage.pair,
        "corpus": lineage.corpus,
        "commit": lineage.training.commit or "unknown",
    }
    return run.client.create_logged_model(
        experiment_id,
        name=run_name(lineage.params).replace(", ", "-").replace(" ", "-"),
        source_run_id=run.run_id,
        tags=tags,
        params={name: str(value) for name, value in flatten(lineage.params)},
        model_type="translation",
    )


def _link(run: TrackedRun, model: LoggedModel) -> None:
    outputs = run.client.get_run(run.run_id).outputs
    linked = outputs.model_outputs if outputs is not None else []
    if model.model_id not in {one.model_id for one in linked}:
        run.client.log_outputs(run.run_id, [LoggedModelOutput(model.model_id, step=0)])


def _forget_machine(mlflow_model: Model, folder: Path) -> None:
    """Takes this machine's paths out of what MLflow wrote down; it reads none of them."""
    settings = mlflow_model.flavors[pyfunc.FLAVOR_NAME]
    settings[pyfunc.MODEL_CODE_PATH] = PYFUNC_MODEL.name
    for name, artifact in settings["artifacts"].items():
        artifact["uri"] = name
    mlflow_model.save(str(folder / MLMODEL_FILE_NAME))


def _refresh(client: MlflowClient, model: LoggedModel, root: Path) -> None:
    """Writes card and lineage again where the same settings gave another evaluation."""
    if model.tags.get(LINEAGE_TAG) != sha256_of(root / layout.LINEAGE):
        with tempfile.TemporaryDirectory() as folder:
            write_card(Path(folder), root)
            client.log_model_artifacts(model.model_id, folder)
        client.log_model_artifact(model.model_id, str(root / layout.LINEAGE), ARTIFACTS)
        _tag_lineage(client, model, root)


def _tag_lineage(client: MlflowClient, model: LoggedModel, root: Path) -> None:
    tags = {LINEAGE_TAG: sha256_of(root / layout.LINEAGE)}
    client.set_logged_model_tags(model.model_id, tags)


def _example_params(lineage: Lineage) -> dict[str, Any]:
    settings = lineage.params["evaluate"]
    return {
        "beam_size": settings["beam_size"],
        "length_penalty": settings["length_penalty"],
        "n_best": 1,
        "with_scores": False,
        "with_alignment": False,
    }
