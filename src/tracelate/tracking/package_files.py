"""Names inside the folder of a packed model, which MLflow chooses."""

MODEL_FILE = "MLmodel"
"""MLflow's description of the package."""
ARTIFACTS_FOLDER = "artifacts"
"""Folder of the model's own files: weights, settings, tokenizer and lineage."""
