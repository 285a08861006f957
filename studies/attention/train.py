"""Trains one variant with one seed.

    python -m studies.attention.train VARIANT SEED

reads   data/tokenized/*, params.yaml, studies/attention/study.yaml
writes  studies/attention/results/VARIANT/SEED/{model/*,curves/*,train.json}

If it was stopped, it continues from the last checkpoint when run again with the same inputs.
"""

from __future__ import annotations

import shutil
from pathlib import Path

from pipeline.stage import say
from studies.attention.settings import Run, run_of_a_variant
from tracelate.code_files import reached_files
from tracelate.corpus.tokenized_file import read_tokenized
from tracelate.corpus.tokenizer_pair import TokenizerPair
from tracelate.files import write_json
from tracelate.layout import (
    CHECKPOINTS,
    TOKENIZED_TRAIN,
    TOKENIZED_VALID,
    TOKENIZER,
    TRAINING_INPUTS,
    project_root,
)
from tracelate.metric_table import scoring_metrics
from tracelate.training.checkpoints import fingerprint
from tracelate.training.curve_files import write_curves
from tracelate.training.fit import fit
from tracelate.training.model_files import save_model
from tracelate.training.precision import with_used_precision
from tracelate.training.report import training_report


def main(run: Run) -> None:
    params = run.params
    code = reached_files(Path(__file__), "studies.attention")
    metrics = scoring_metrics(params.download.target_language, params.evaluate)
    train_config = with_used_precision(params.train, params.runtime)
    name = fingerprint(TRAINING_INPUTS, params.model, train_config, code, metrics)
    checkpoints = project_root() / CHECKPOINTS / name
    result = fit(
        params.model,
        params.train,
        params.runtime,
        train=read_tokenized(TOKENIZED_TRAIN),
        valid=read_tokenized(TOKENIZED_VALID),
        tokenizers=TokenizerPair.load(TOKENIZER),
        metrics=metrics,
        checkpoint_dir=checkpoints,
    )
    if result is None:
        return
    save_model(
        run.model,
        result.weights,
        params.model,
        TOKENIZER,
        source_language=params.download.source_language,
        target_language=params.download.target_language,
        normalise=params.prepare.normalise,
    )
    write_curves(run.curves, result)
    report = training_report(result)
    write_json(run.training, report)
    shutil.rmtree(checkpoints)
    say(f"{run.name}: best validation BLEU {report['best_valid_bleu']:.2f}")


if __name__ == "__main__":
    run_of_a_variant(main)
