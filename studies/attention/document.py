"""Writes docs/attention.md from the results of the study."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from studies.attention.longer import longer_trained
from studies.attention.outcome import Interval, Outcome, Sampled
from studies.attention.settings import Run, Study
from tracelate.config import Params
from tracelate.model.architecture import architecture_name

PLAIN, REFERENCE = "none", "general"


class Sources(NamedTuple):
    """Settings and measurements that the document reports beside the scores."""

    params: Params
    study: Study
    runs: Mapping[str, Run]
    """One run of each variant."""
    training: Mapping[str, Sequence[Mapping[str, Any]]]
    """Training reports of each variant, one per seed."""
    speed: Mapping[str, Mapping[str, float]]
    """Tokens per second of each variant, by measure."""


def document(outcome: Outcome, sources: Sources) -> str:
    """Returns the document. The variants `none` and `general` are required as references."""
    longer = longer_trained(sources.study)
    everything, outcome = outcome, outcome.without(longer)
    parts = [
        HEAD,
        setting(outcome, sources),
        "![BLEU of each variant with its interval](attention/bleu.png)",
        table(
            ["variant", "model", "BLEU", "chrF", "BLEU against none", "against general"],
            score_rows(outcome, sources),
        ),
        READING,
        "## By the length of the source",
        "![BLEU by source length](attention/source_length.png)",
        table(
            ["BLEU, by words in the source", *(bucket.label for bucket in outcome.buckets)],
            length_rows(outcome),
        ),
        "## What it costs",
        table(
            [
                "variant",
                "parameters",
                "training, target tokens/s",
                "relative to general",
                "translating, tokens/s",
                "relative to general",
            ],
            cost_rows(sources),
        ),
        COST,
        "## Do the claims hold here?",
        CLAIMS.format(epochs=sources.runs[REFERENCE].params.train.epochs),
        "\n".join(f"- {claim}" for claim in claims(outcome)),
        *(longer_part(everything, longer, sources) if longer else ()),
        f"Signatures: BLEU `{outcome.signatures['bleu']}`, chrF `{outcome.signatures['chrf']}`.",
    ]
    return "\n\n".join(parts) + "\n"


HEAD = """\
# What attention brings

<!-- Written by `make study` from its results: do not edit by hand. -->

Every variant of attention in Tracelate, trained on the same text with the same settings, several
times each, and scored on the same test sentences."""

READING = """\
Intervals are 95 % bootstrap intervals over test sentences and seeds; both sides of a difference
have the same sentences. A difference is in bold if its interval does not contain 0; the others may
be due to chance. With few seeds, the intervals cover the variation of seeds less reliably than that
of sentences."""

COST = """\
Medians of several rounds, in which the variants were measured in turn on the same batches and
sentences. Another machine has other speeds, and more similar ratios."""


CLAIMS = """\
These statements are about models of these sizes after {epochs} epochs: a variant with a lower score
may learn more slowly and not be worse after more training."""


def setting(outcome: Outcome, sources: Sources) -> str:
    """Describes the corpus and the settings."""
    params = sources.runs[REFERENCE].params
    model, train = params.model, params.train
    trainings = sum(len(of) for of in sources.training.values())
    longer = longer_trained(sources.study)
    own = [
        f"{variant} {name} {value}"
        for variant, changes in sources.study.variants.items()
        for name, value in changes.get("train", {}).items()
        if variant not in longer
    ]
    beam = params.evaluate.beam_size
    return (
        f"Corpus: {params.download.catalogs.package} {params.download.catalogs.version}, "
        f"{params.download.source_language} to {params.download.target_language}; "
        f"{outcome.sentences:,} test sentences from components that are not in the training text. "
        f"Embeddings of {model.embedding_size}, states of {model.hidden_size}, "
        f"{train.epochs} epochs, batches of {train.batch_tokens:,} tokens, learning rate "
        f"{train.learning_rate:g}{' but for ' + ', '.join(own) if own else ''}; seeds "
        f"{', '.join(map(str, sources.study.seeds))}; "
        f"{'greedy search' if beam == 1 else f'beam {beam}'}. These models are smaller than the "
        f"default one and trained for fewer epochs, to make {trainings} trainings affordable; "
        "compare them with each other only."
    )


def score_rows(outcome: Outcome, sources: Sources) -> Iterator[list[str]]:
    variants = outcome.variants
    plain, reference = variants[PLAIN].bleu, variants[REFERENCE].bleu
    for name in sorted(variants, key=lambda name: -variants[name].bleu.value):
        bleu = variants[name].bleu
        yield [
            f"`{name}`",
            architecture_name(sources.runs[name].params.model),
            _interval(bleu.interval),
            _interval(variants[name].chrf.interval),
            "" if name == PLAIN else _difference(bleu.minus(plain)),
            "" if name == REFERENCE else _difference(bleu.minus(reference)),
        ]


def length_rows(outcome: Outcome) -> Iterator[list[str]]:
    variants = outcome.variants
    for name in sorted(variants, key=lambda name: -variants[name].bleu.value):
        yield [f"`{name}`", *(f"{one.value:.1f}" for one in variants[name].bleu_by_length)]


def cost_rows(sources: Sources) -> Iterator[list[str]]:
    reference = sources.speed[REFERENCE]
    for name, speed in sources.speed.items():
        row = [f"`{name}`", f"{sources.training[name][0]['parameter_count']:,}"]
        for measure in ("training_tokens_per_s", "translating_tokens_per_s"):
            row += [f"{speed[measure]:,.0f}", f"{speed[measure] / reference[measure]:.2f}"]
        yield row


def longer_part(outcome: Outcome, longer: Mapping[str, str], sources: Sources) -> Iterator[str]:
    """Reports the variants that were trained for more epochs."""
    yield "## Does more training close the gaps?"
    yield table(
        ["variant", "epochs", "BLEU", "against fewer epochs", "against none", "against general"],
        longer_rows(outcome, longer, sources),
    )
    yield "Here `none` and `general` were trained for the same number of epochs as the variant."


def longer_rows(
    outcome: Outcome, longer: Mapping[str, str], sources: Sources
) -> Iterator[list[str]]:
    variants = outcome.variants
    epochs = {name: sources.runs[name].params.train.epochs for name in longer}
    for name in sorted(longer, key=lambda name: -variants[name].bleu.value):
        bleu = variants[name].bleu
        as_long = {longer[one]: one for one in longer if epochs[one] == epochs[name]}
        against = (
            _difference(bleu.minus(variants[as_long[other]].bleu))
            if other in as_long and as_long[other] != name
            else ""
            for other in (PLAIN, REFERENCE)
        )
        fewer = _difference(bleu.minus(variants[longer[name]].bleu))
        yield [f"`{longer[name]}`", str(epochs[name]), _interval(bleu.interval), fewer, *against]


def claims(outcome: Outcome) -> Iterator[str]:
    """Compares claims about attention with the results, one sentence each."""
    variants = outcome.variants
    plain, reference = variants[PLAIN], variants[REFERENCE]
    gains = {
        name: variant.bleu.minus(plain.bleu) for name, variant in variants.items() if name != PLAIN
    }
    clear = [gain.value for gain in gains.values() if gain.low > 0]
    unclear = [f"`{name}` ({_difference(gain)})" for name, gain in gains.items() if gain.low <= 0]
    yield (
        "**Attention translates better than the last encoder state alone.** "
        f"{_holds(2 * len(clear) > len(gains))}: {len(clear)} of {len(gains)} variants are better "
        "than `none`"
        + (f", by {min(clear):.1f} to {max(clear):.1f} BLEU." if clear else ".")
        + (f" Not shown for {', '.join(unclear)}." if unclear else "")
    )
    first, last = outcome.buckets[0], outcome.buckets[-1]
    plain_fall = _fall(plain.bleu_by_length)
    reference_fall = _fall(reference.bleu_by_length)
    collapse = Sampled(
        plain_fall.value - reference_fall.value, plain_fall.draws_D - reference_fall.draws_D
    ).interval
    yield (
        f"**Without attention, long sentences lose quality.** {_holds(collapse.low > 0)}: "
        f"from sources of {first.label} words to those of {last.label}, the BLEU of `none` changes "
        f"by {-100 * plain_fall.value:+.0f} % "
        f"({plain.bleu_by_length[0].value:.1f} to {plain.bleu_by_length[-1].value:.1f}) and "
        f"that of `general` by {-100 * reference_fall.value:+.0f} % "
        f"({reference.bleu_by_length[0].value:.1f} to {reference.bleu_by_length[-1].value:.1f}); "
        f"`none` loses {100 * collapse.value:.0f} points more ({100 * collapse.low:.0f} to "
        f"{100 * collapse.high:.0f})."
    )
    questions = {
        "Bahdanau's additive attention against Luong's": ("additive", REFERENCE),
        "A learnt score against the dot product": (REFERENCE, "dot"),
        "Scaling the dot product": ("scaled_dot", "dot"),
        "Local attention at a predicted position": ("local_p", REFERENCE),
        "Local attention at the same position in both languages": ("local_m", REFERENCE),
        "Input feeding": ("input_feeding", REFERENCE),
        "Attention with two hops": ("two_hops", REFERENCE),
        "Multi-head attention": ("multi_head", REFERENCE),
        "An encoder without recurrence": ("feed_forward", REFERENCE),
        "The transformer at this size and length of training": ("transformer", REFERENCE),
    }
    for question, (name, other) in questions.items():
        if name in variants and other in variants:
            difference = variants[name].bleu.minus(variants[other].bleu)
            yield f"**{question}** {_verdict(difference)}: `{name}` against `{other}` " + (
                f"{_difference(difference)} BLEU."
            )


def table(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Returns a Markdown table; all columns except the first are aligned to the right."""
    lines = [columns, ["---", *["---:"] * (len(columns) - 1)], *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _fall(by_length: Sequence[Sampled]) -> Sampled:
    """Returns the relative loss of BLEU from the shortest to the longest sources."""
    first, last = by_length[0], by_length[-1]
    return Sampled(1 - last.value / first.value, 1 - last.draws_D / first.draws_D)


def _holds(does: bool) -> str:
    return "It holds" if does else "It does not hold"


def _verdict(difference: Interval) -> str:
    if difference.low > 0:
        return "helps"
    return "hurts" if difference.high < 0 else "makes no significant difference"


def _interval(interval: Interval) -> str:
    return f"{interval.value:.1f} ({interval.low:.1f} to {interval.high:.1f})"


def _difference(interval: Interval) -> str:
    text = f"{interval.value:+z.1f} ({interval.low:+z.1f} to {interval.high:+z.1f})"
    return f"**{text}**" if interval.low > 0 or interval.high < 0 else text
