"""Names inside the folder of a packed model, which MLflow chooses, and the file that it runs."""

from pathlib import Path

MODEL_FILE = "MLmodel"
"""MLflow's description of the package."""
ARTIFACTS_FOLDER = "artifacts"
"""Folder of the model's own files: weights, settings, tokenizer and lineage."""
PYFUNC_MODEL = Path(__file__).with_name("pyfunc_model.py")
"""Code that MLflow runs where Tracelate is not installed."""
OLD_PYFUNC_MODEL = "served_model.py"
"""Name of PYFUNC_MODEL in models that Tracelate 0.1 packed."""
