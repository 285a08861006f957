"""Compares scores with those of sacrebleu's own command, in 20 languages, digit for digit.

    python -m benchmarks.sacrebleu_equality [TOKENISED]

The references are messages of the catalogs that params.yaml names, and the translations the same
messages with characters and words changed at random. The command gets the option that fits the
language. TOKENISED is a text file of tokenised sentences, which are scored with evaluate.tokenizer
none. Prints a line for each language, and exits with status 1 if a digit, or a part of a signature,
differs.
"""

from __future__ import annotations

import json
import random
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from rich.console import Console
from rich.table import Table

from tracelate.config import load_params
from tracelate.corpus.pairs import pairs_of
from tracelate.corpus.sources.catalogs import CatalogSource
from tracelate.errors import InputError
from tracelate.evaluation.metrics import Score, corpus_scores
from tracelate.metric_table import METRICS, TokenizerName, scoring_metrics

OPTIONS = {
    "zh-Hans": ("zh", "--ter-normalized", "--ter-asian-support"),
    "zh-Hant": ("zh", "--ter-normalized", "--ter-asian-support"),
    "ja": ("ja-mecab", "--ter-normalized", "--ter-asian-support"),
    "ko": ("ko-mecab",),
    "th": ("char",),
    **dict.fromkeys(("ar", "hi", "ru", "de", "sr-Latn", "es", "fr", "pl", "fi"), ("13a",)),
    **dict.fromkeys(("hu", "tr", "vi", "uk", "el", "he"), ("13a",)),
}
"""The options of the command by language: the value of --tokenize, and those of TER."""
SENTENCES = 300
DIGITS = 9
"""Digits after the point that are compared; the tables of scores show 1 or 2."""


class Settings(NamedTuple):
    """As the section evaluate."""

    tokenizer: TokenizerName
    lowercase: bool = False


class Comparison(NamedTuple):
    """Scores of one file of translations by both, by the key of the metric."""

    language: str
    ours: dict[str, Score]
    theirs: dict[str, tuple[str, str]]
    """The score as the command prints it, and its signature."""

    @property
    def differing(self) -> list[str]:
        return [
            key
            for key, score in self.ours.items()
            if (f"{score.value:.{DIGITS}f}", without_draws(score.signature)) != self.theirs[key]
        ]


def main() -> None:
    try:
        compared = list(compare_all(sys.argv[1:]))
    except InputError as error:
        sys.exit(f"error: {error}")
    Console(width=None if sys.stdout.isatty() else 140).print(table_of(compared))
    sys.exit(any(one.differing for one in compared))


def compare_all(tokenised: Sequence[str]) -> Iterator[Comparison]:
    catalogs = load_params().download.catalogs
    for language, options in OPTIONS.items():
        pairs = list(pairs_of(CatalogSource(catalogs, "en", language).read().splits["all"]))
        messages = [" ".join(pair.target.split()) for pair in pairs if pair.source != pair.target]
        yield compare(language, Settings("auto"), [one for one in messages if one], options)
    for path in map(Path, tokenised):
        if not path.is_file():
            raise InputError(f"{path} is missing: name a text file of tokenised sentences")
        lines = path.read_text(encoding="utf-8").splitlines()
        yield compare(path.name, Settings("none"), lines, ("none",))


def compare(
    name: str, settings: Settings, references: Sequence[str], options: Sequence[str]
) -> Comparison:
    """Scores changed references by both; `name` is the language, or that of a file."""
    draw = random.Random(name)
    references = draw.sample(list(references), k=min(SENTENCES, len(references)))
    translations = [changed(text, draw) for text in references]
    language = name if name in OPTIONS else "en"
    metrics = scoring_metrics(language, settings)
    ours = corpus_scores(translations, references, samples=2, seed=1, metrics=metrics)
    theirs = by_command(references, translations, options)
    return Comparison(name, {score.name: score for score in ours}, theirs)


def changed(text: str, draw: random.Random) -> str:
    """Leaves out, doubles or exchanges a tenth of the words and of the characters."""
    for separator in (" ", ""):
        parts = text.split(separator) if separator else list(text)
        for place in range(len(parts)):
            if draw.random() < 0.1:
                other = draw.randrange(len(parts))
                parts[place] = draw.choice(["", parts[place] * 2, parts[other]])
        text = separator.join(parts)
    return " ".join(text.split())


def by_command(
    references: Sequence[str], translations: Sequence[str], options: Sequence[str]
) -> dict[str, tuple[str, str]]:
    """Returns the scores of sacrebleu's command as it prints them, with their signatures."""
    tokenizer, *of_ter = options
    calls = {
        ("bleu", "chrf", "ter"): ["--tokenize", tokenizer, *of_ter],
        ("chrfpp",): ["--chrf-word-order", "2"],
    }
    found: dict[str, tuple[str, str]] = {}
    with tempfile.TemporaryDirectory() as folder:
        for name, texts in (("references", references), ("translations", translations)):
            content = "".join(f"{text}\n" for text in texts)
            (Path(folder) / name).write_text(content, encoding="utf-8")
        for keys, arguments in calls.items():
            command = [sys.executable, "-m", "sacrebleu", "references", "-i", "translations"]
            names = [METRICS[key].sacrebleu_class.lower() for key in keys]
            form = ["--format", "json", "--width", str(DIGITS)]
            done = subprocess.run(
                [*command, "-m", *names, *arguments, *form],
                cwd=folder,
                capture_output=True,
                text=True,
                check=True,
            )
            scores = json.loads(done.stdout, parse_float=str)
            for key, score in zip(keys, scores if len(keys) > 1 else [scores], strict=True):
                digits = f"{float(score['score']):.{DIGITS}f}"
                found[key] = (digits, score["signature"])
    return found


def without_draws(signature: str) -> str:
    """Returns the signature without the parts of the interval, which the command did not make."""
    parts = signature.split("|")
    return "|".join(part for part in parts if part.partition(":")[0] not in ("bs", "seed"))


def table_of(compared: Sequence[Comparison]) -> Table:
    """Returns a row for each language with our scores, and which of them differ."""
    table = Table(title=f"Scores equal to those of sacrebleu's command in {DIGITS} digits")
    table.add_column("language")
    table.add_column("tokenizer")
    for metric in METRICS.values():
        table.add_column(metric.title, justify="right")
    table.add_column("equal")
    for one in compared:
        tokenizer = next(
            part for part in one.ours["bleu"].signature.split("|") if part.startswith("tok:")
        )
        table.add_row(
            one.language,
            tokenizer,
            *(f"{one.ours[key].value:.4f}" for key in METRICS),
            "all" if not one.differing else f"not {', '.join(one.differing)}",
        )
    return table


if __name__ == "__main__":
    main()
