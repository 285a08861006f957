"""Measures the training speed of each variant of the study relative to `general`.

    python -m benchmarks.attention_speed [ROUNDS]

Each round measures the forward and backward pass of every variant on the same batches of random
words, with the sizes and the precision of params.yaml. The ratio is the median over rounds.
"""

from __future__ import annotations

import random
import statistics
import sys
import time
from collections.abc import Sequence

import torch
from rich.console import Console
from rich.table import Table

from studies.attention.longer import longer_trained
from studies.attention.settings import load_study
from tracelate.config import ModelConfig, Params, load_params
from tracelate.corpus.tokenized import TokenizedPair, TokenizedPairs
from tracelate.model.dropout import DropoutMasks
from tracelate.model.search import SpecialIds
from tracelate.model.seq2seq import Seq2Seq
from tracelate.training.batches import Batch, PlannedBatches
from tracelate.training.cpu_ram import tune_cpu_ram
from tracelate.training.epochs import plan_shard
from tracelate.training.loss import token_loss

SPECIAL = SpecialIds(padding=0, start=1, end=2)
BATCHES = 6


def main() -> None:
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 5
    tune_cpu_ram()
    params = load_params()
    batches = random_batches(params)
    study = load_study()
    configs = {
        variant: ModelConfig.model_validate(
            {**params.model.model_dump(), **study.variants[variant].get("model", {})}
        )
        for variant in study.names
        if variant not in longer_trained(study)
    }
    models = {
        name: Seq2Seq(config, params.tokenize.vocabulary_size, SPECIAL.padding)
        for name, config in configs.items()
    }
    precise = params.train.precision == "32-true"
    for model in models.values():
        seconds_of_a_round(model, batches, precise)
    seconds: dict[str, list[float]] = {name: [] for name in models}
    for _ in range(rounds):
        for name, model in models.items():
            seconds[name].append(seconds_of_a_round(model, batches, precise))

    tokens = sum(batch.global_tokens for batch in batches)
    table = Table(title=f"Training speed, median of {rounds} rounds of {tokens:,} target tokens")
    for column in ("variant", "target tokens/s", "relative to general"):
        table.add_column(column, justify="left" if column == "variant" else "right")
    for name, measured in seconds.items():
        ratio = statistics.median(
            base / own for base, own in zip(seconds["general"], measured, strict=True)
        )
        table.add_row(name, f"{tokens / statistics.median(measured):,.0f}", f"{ratio:.2f}")
    Console().print(table)


def random_batches(params: Params) -> list[Batch]:
    """Returns batches of random words. Lengths have an exponential distribution, as in messages."""
    draw = random.Random(1)

    def words() -> list[int]:
        length = min(80, 1 + int(draw.expovariate(1 / 11)))
        return [draw.randrange(4, params.tokenize.vocabulary_size) for _ in range(length)]

    pairs = TokenizedPairs.of([TokenizedPair(words(), words()) for _ in range(4000)])
    plan = plan_shard(pairs, params.train.model_copy(update={"seed": 1}))
    planned = PlannedBatches(pairs, plan, SPECIAL)
    return [planned[place] for place in range(BATCHES)]


def seconds_of_a_round(model: Seq2Seq, batches: Sequence[Batch], precise: bool) -> float:
    began_s = time.perf_counter()
    for batch in batches:
        model.zero_grad()
        masks = DropoutMasks(1, batch.rows_B, batch.global_rows)
        with torch.autocast("cpu", torch.bfloat16, enabled=not precise):
            logits_BTV = model(batch.source_BS, batch.mask_BS, batch.target_in_BT, masks).logits_BTV
        loss_sum = token_loss(logits_BTV, batch.target_out_BT, SPECIAL.padding)
        (loss_sum / batch.global_tokens).backward()  # type: ignore[no-untyped-call]
    return time.perf_counter() - began_s


if __name__ == "__main__":
    main()
