"""Translates texts in other spellings at every entry point, and counts those whose words change.

    python -m benchmarks.entry_points PROJECT [--generated 10000]

PROJECT is the folder of a finished run. The entry points are a file, standard input, HTTP, MLflow's
pyfunc and Python. All run in this process, where a sentence that was searched once is not searched
again: the search has only the pieces of a sentence, so an entry point differs from another by what
becomes of a text before it. A table of BLEU without and with the normaliser comes first.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import json
import random
import socket
import sys
import tempfile
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import uvicorn
from mlflow import pyfunc

from tracelate import layout
from tracelate.cli.translate import _translate_standard_input
from tracelate.corpus.pairs import Pair, read_pairs
from tracelate.evaluation.lineage import read_lineage
from tracelate.inference.file_translation import translate_to_file
from tracelate.inference.translator import Translator
from tracelate.metric_table import METRICS
from tracelate.model.search import Hypothesis
from tracelate.sacrebleu_metric import sacrebleu_metric
from tracelate.serving.limits import Limits
from tracelate.serving.open_files import ConnectionLimits
from tracelate.serving.servable import load_servable
from tracelate.serving.server import server_config
from tracelate.text.normaliser import Normaliser
from tracelate.text.variants import VARIANTS
from tracelate.tracking.packages.packed_translator import load_packed_translator
from tracelate.tracking.references.references import resolve
from tracelate.tracking.runs.log_model import pack_model

Entry = Callable[[Sequence[str]], list[str]]
EXTRA_WORDS = (
    "señal",
    "Größe",
    "naïve",
    "한글",
    "می‌خواهم",
    "क्‍ष",
    "👩‍👧",
    "1️⃣",
    "請再次",
    "{name}",
    "≠",
)
REQUEST_SENTENCES = 32
SPELLINGS: dict[str, Callable[[str], str]] = {
    "as prepared": lambda text: text,
    "a leading blank": lambda text: f" {text}",
    "one blank as U+00A0": lambda text: text.replace(" ", "\u00a0", 1),
    "one blank as a tab": lambda text: text.replace(" ", "\t", 1),
    "a byte order mark before each": lambda text: f"\ufeff{text}",
    "all blanks as U+00A0": lambda text: text.replace(" ", "\u00a0"),
}


def remember_searches() -> None:
    """Makes every translator search each sentence once, with each number of beams."""
    found: dict[tuple[int, tuple[int, ...]], list[Hypothesis]] = {}
    search = Translator.search_batch

    def remembered(self: Translator, source_ids: Sequence[Sequence[int]]) -> list[list[Hypothesis]]:
        keys = [(self.beam_size, tuple(ids)) for ids in source_ids]
        new = list(dict.fromkeys(key for key in keys if key not in found))
        for start in range(0, len(new), self.batch_sentences):
            part = new[start : start + self.batch_sentences]
            found.update(zip(part, search(self, [list(ids) for _, ids in part]), strict=True))
        return [found[key] for key in keys]

    Translator.search_batch = remembered  # type: ignore[method-assign]


def print_bleu_table(translator: Translator, pairs: Sequence[Pair]) -> None:
    chosen = random.Random(0).sample(pairs, min(200, len(pairs)))
    own = translator.normalise
    bleu = sacrebleu_metric(METRICS["bleu"])
    for name, spell in SPELLINGS.items():
        scores = []
        for normalise in (Normaliser([]), own):
            translator.normalise = normalise
            texts = [
                one.text for one in translator.translate([spell(one.source) for one in chosen])
            ]
            references = [[one.target for one in chosen]]
            scores.append(bleu.corpus_score(texts, references).score)
        say(f"{name:32} {scores[0]:6.1f} {scores[1]:6.1f}")


def by_file(translator: Translator, folder: Path) -> Entry:
    def translate(texts: Sequence[str]) -> list[str]:
        source, output = folder / "source.txt", folder / "output.txt"
        source.write_bytes(as_lines(texts))
        output.unlink(missing_ok=True)
        translate_to_file(translator, [source], output, "entry points")
        return output.read_text(encoding="utf-8").split("\n")[:-1]

    return translate


def by_standard_input(translator: Translator) -> Entry:
    def translate(texts: Sequence[str]) -> list[str]:
        given, said = sys.stdin, io.StringIO()
        buffer = io.BytesIO(as_lines(texts))
        sys.stdin = SimpleNamespace(buffer=buffer, isatty=lambda: False)
        try:
            with contextlib.redirect_stdout(said):
                _translate_standard_input(translator, lambda _: None)
        finally:
            sys.stdin = given
        return said.getvalue().split("\n")[:-1]

    return translate


def as_lines(texts: Sequence[str]) -> bytes:
    return "".join(text if text.endswith("\n") else f"{text}\n" for text in texts).encode()


@contextlib.contextmanager
def by_http(packed: Path) -> Iterator[Entry]:
    config = server_config(
        load_servable(resolve(str(packed))), Limits(), ConnectionLimits(16, backlog=128)
    )
    server = uvicorn.Server(config)
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        thread = threading.Thread(target=server.run, args=[[listener]])
        thread.start()
        while not server.started and thread.is_alive():
            time.sleep(0.1)
        address = f"http://127.0.0.1:{listener.getsockname()[1]}/invocations"

        def translate(texts: Sequence[str]) -> list[str]:
            translations: list[str] = []
            for start in range(0, len(texts), REQUEST_SENTENCES):
                body = json.dumps({"inputs": texts[start : start + REQUEST_SENTENCES]}).encode()
                request = urllib.request.Request(
                    address, body, {"content-type": "application/json"}
                )
                with urllib.request.urlopen(request, timeout=120) as answer:
                    translations += json.load(answer)["predictions"]
            return translations

        try:
            yield translate
        finally:
            server.should_exit = True
            thread.join()


def generated(count: int, sentences: Sequence[str]) -> list[str]:
    """Returns strings of one to eight words of the sentences, some with punctuation or emoji."""
    draw = random.Random(1)
    words = sorted({word for sentence in sentences for word in sentence.split()})
    strings: dict[str, None] = {}
    while len(strings) < count:
        chosen = [
            draw.choice(EXTRA_WORDS) if draw.random() < 0.1 else draw.choice(words)
            for _ in range(draw.randint(1, 8))
        ]
        strings[" ".join(chosen)] = None
    return list(strings)


def count_changes(entries: dict[str, Entry], plain: Sequence[str], title: str) -> int:
    """Prints how many texts become other words in each spelling; returns their number."""
    say(f"{title}: {len(plain):,} texts")
    changes, expected = 0, None
    for name, translate in entries.items():
        words = translate(plain)
        expected = expected or words
        counts = {"of another entry point": differing(expected, words)}
        for variant in VARIANTS:
            counts[variant.name] = differing(
                words, translate([variant.spell(one) for one in plain])
            )
        changes += sum(counts.values())
        say(f"  {name:15} " + ", ".join(f"{spelt} {one:,}" for spelt, one in counts.items()))
    return changes


def differing(expected: Sequence[str], found: Sequence[str]) -> int:
    return sum(
        " ".join(a.split()) != " ".join(b.split()) for a, b in zip(expected, found, strict=True)
    )


def say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("project", type=Path)
    parser.add_argument("--generated", type=int, default=10_000)
    arguments = parser.parse_args()
    remember_searches()
    root: Path = arguments.project
    pairs = read_pairs(root / layout.TEST)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        packed = folder / "packed"
        pack_model(packed, read_lineage(root / layout.LINEAGE), root)
        model = load_packed_translator(packed / "artifacts")
        translator = model._translator(model.options({}))
        say(f"steps: {', '.join(translator.normalise.steps)}")
        print_bleu_table(translator, pairs)
        loaded: Any = pyfunc.load_model(str(packed))
        # a text with a line break is two lines of a file
        sentences = [one.source for one in pairs if "\n" not in one.source]
        strings = generated(arguments.generated, [side for one in pairs for side in one[:2]])
        with by_http(packed) as http:
            entries: dict[str, Entry] = {
                "Python": lambda texts: [str(one) for one in model.translate(texts)],
                "file": by_file(translator, folder),
                "standard input": by_standard_input(translator),
                "HTTP": http,
                "pyfunc": lambda texts: list(loaded.predict(list(texts))),
            }
            changes = count_changes(entries, sentences, "test sentences")
            changes += count_changes(entries, strings, "generated strings")
    say(f"{changes:,} changes")
    sys.exit(changes > 0)


if __name__ == "__main__":
    main()
