"""Measures how fast each variant trains and translates; needs an idle machine.

    python -m studies.attention.speed

reads   data/tokenized/train.arrow, data/prepared/test.parquet, the models of the first seed
writes  studies/attention/speed.json: target tokens per second, in training and in translating

Each round measures every variant in turn on the same batches and sentences; the results are medians
over rounds. Target tokens are those of the references in training, and those of the model's
translations, with end tokens, in translating.
"""

from __future__ import annotations

import itertools
import statistics
import time
from collections.abc import Callable, Sequence
from typing import NamedTuple

import torch

from pipeline.stage import run_stage, say
from studies.attention.longer import longer_trained
from studies.attention.settings import SPEED, Run, load_run, load_study
from tracelate.corpus.pairs import read_pairs
from tracelate.corpus.tokenized_file import read_tokenized
from tracelate.corpus.tokenizer import SubwordTokenizer
from tracelate.files import write_json
from tracelate.inference.translator import Translator
from tracelate.layout import TEST, TOKENIZED_TRAIN
from tracelate.model.dropout import DropoutMasks
from tracelate.model.seq2seq import Seq2Seq
from tracelate.progress import bar
from tracelate.training.batches import Batch, PlannedBatches
from tracelate.training.cpu_ram import tune_cpu_ram
from tracelate.training.epochs import plan_shard
from tracelate.training.loss import token_loss
from tracelate.training.model_files import load_model, source_size, special_ids

ROUNDS = 5
BATCHES = 8
SENTENCES = 256


class Subject(NamedTuple):
    """A variant whose speed is measured."""

    run: Run
    fresh: Seq2Seq
    translator: Translator


def main() -> None:
    tune_cpu_ram()
    study = load_study()
    names = [name for name in study.names if name not in longer_trained(study)]
    runs = [load_run(study, variant, study.seeds[0]) for variant in names]
    subjects = [_subject(run) for run in runs]
    sources = [pair.source for pair in itertools.islice(read_pairs(TEST), SENTENCES)]
    batches = _batches(subjects[0])
    measures: dict[str, Callable[[Subject], float]] = {
        "training": lambda subject: training_tokens_per_s(subject, batches),
        "translating": lambda subject: translating_tokens_per_s(subject, sources),
    }
    measured = {run.variant: {name: list[float]() for name in measures} for run in runs}
    with bar("measure speed", (ROUNDS + 1) * len(subjects)) as advance:
        for number in range(ROUNDS + 1):
            for subject in subjects:
                for name, measure in measures.items():
                    speed = measure(subject)
                    if number > 0:  # the first round warms up
                        measured[subject.run.variant][name].append(speed)
                advance(1)
    document = {
        variant: {f"{name}_tokens_per_s": statistics.median(speeds) for name, speeds in of.items()}
        for variant, of in measured.items()
    }
    write_json(SPEED, document)
    say(f"speed: {len(document)} variants, {ROUNDS} rounds")


def training_tokens_per_s(subject: Subject, batches: Sequence[Batch]) -> float:
    """Measures the forward and backward pass of `fit`."""
    config, model = subject.run.params.train, subject.fresh
    began_s = time.perf_counter()
    for batch in batches:
        model.zero_grad()
        masks = DropoutMasks(1, batch.rows_B, batch.global_rows)
        with torch.autocast("cpu", torch.bfloat16, enabled=config.precision == "bf16-mixed"):
            scored = model(batch.source_BS, batch.mask_BS, batch.target_in_BT, masks)
        loss_sum = token_loss(
            scored.logits_BTV,
            batch.target_out_BT,
            subject.translator.special.padding,
            label_smoothing=config.label_smoothing,
        )
        (loss_sum / batch.global_tokens).backward()  # type: ignore[no-untyped-call]
    return sum(batch.global_tokens for batch in batches) / (time.perf_counter() - began_s)


def translating_tokens_per_s(subject: Subject, sources: Sequence[str]) -> float:
    began_s = time.perf_counter()
    translations = subject.translator.translate(sources)
    seconds = time.perf_counter() - began_s
    return sum(len(translation.target_ids) + 1 for translation in translations) / seconds


def _subject(run: Run) -> Subject:
    params, trained = run.params, load_model(run.model)
    translator = Translator(
        trained,
        beam_size=params.evaluate.beam_size,
        length_penalty=params.evaluate.length_penalty,
        batch_sentences=params.evaluate.batch_sentences,
    )
    fresh = Seq2Seq(
        params.model,
        trained.tokenizers.target.size,
        SubwordTokenizer.padding_id,
        source_size(trained.tokenizers),
    )
    return Subject(run, fresh, translator)


def _batches(subject: Subject) -> list[Batch]:
    pairs = read_tokenized(TOKENIZED_TRAIN).shard(0)
    plan = plan_shard(pairs, subject.run.params.train.model_copy(update={"seed": 1}))
    planned = PlannedBatches(pairs, plan, special_ids(subject.translator.trained.tokenizers.target))
    return [planned[place] for place in range(BATCHES)]


if __name__ == "__main__":
    run_stage(main, [SPEED])
