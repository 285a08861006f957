"""COMET (Rei et al. 2020) behind the protocol of `tracelate.evaluation.neural.program`.

    PYTHON comet_adapter.py [--model Unbabel/wmt22-comet-da] [--batch-size 16] [--gpus 0]

PYTHON is that of an environment with `unbabel-comet`, which has neither Tracelate nor its pins.
This file imports nothing of Tracelate. The model is one of the Hub, or the path of a checkpoint,
with its hparams.yaml in the folder above its own. Scores are multiplied by 100, as they are usually
reported. COMET unpickles a checkpoint, which may run code: name only models that you trust.
"""

import argparse
import json
import sys
from pathlib import Path


def main() -> int:
    """Scores the sentences of standard input. Returns the exit status."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--model", default="Unbabel/wmt22-comet-da")
    parser.add_argument("--batch-size", type=int, default=16)
    parser.add_argument("--gpus", type=int, default=0)
    chosen = parser.parse_args()
    # the protocol has standard output to itself; libraries print to it
    answer, sys.stdout = sys.stdout, sys.stderr
    try:
        from importlib.metadata import version

        from comet import download_model, load_from_checkpoint  # type: ignore[import-not-found]
    except ImportError as error:
        return fail(f"unbabel-comet cannot be imported by {sys.executable} ({error})")
    sentences = [json.loads(line) for line in sys.stdin]
    try:
        is_file = Path(chosen.model).is_file()
        model = load_from_checkpoint(chosen.model if is_file else download_model(chosen.model))
    except Exception as error:  # a missing, gated or damaged model raises any class
        return fail(f"the model {chosen.model} cannot be fetched or loaded ({error})")
    asked = [
        {"src": one["source"], "mt": one["translation"], "ref": one["reference"]}
        for one in sentences
    ]
    found = model.predict(asked, batch_size=chosen.batch_size, gpus=chosen.gpus).scores
    header = {"name": "comet", "version": version("unbabel-comet"), "signature": chosen.model}
    scores = [{"score": 100 * float(score)} for score in found]
    answer.writelines(f"{json.dumps(line)}\n" for line in [header, *scores])
    answer.flush()
    return 0


def fail(reason: str) -> int:
    """Writes the reason in one line, for the last line of standard error."""
    sys.stderr.write(" ".join(reason.split())[:300] + "\n")
    return 3


if __name__ == "__main__":
    sys.exit(main())
