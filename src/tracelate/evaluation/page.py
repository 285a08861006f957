"""Web page with all translations, which opens from disk and needs no network.

The template is page.html in this folder; the sentences are inserted as JSON.
"""

from __future__ import annotations

import html
import json
import re
from collections.abc import Sequence
from importlib import resources
from pathlib import Path
from typing import Any

import numpy as np

from tracelate.behaviour_table import check_title
from tracelate.evaluation.metrics import LengthBucket, Score
from tracelate.evaluation.page_frame import PageFrame
from tracelate.evaluation.page_style import content_hash, page_style
from tracelate.evaluation.report import TranslationRow
from tracelate.evaluation.sacrebleu_statistics import present
from tracelate.evaluation.word_attention import WordAttention
from tracelate.files import whole_file
from tracelate.metric_table import titled_direction
from tracelate.text.words import count_words

TEMPLATE = "page.html"
_IN_HTML = {ord(character): f"\\u{ord(character):04x}" for character in "<>&\u2028\u2029"}


def write_page(
    path: Path,
    frame: PageFrame,
    rows: Sequence[TranslationRow],
    attentions: Sequence[WordAttention],
    faults: Sequence[Sequence[str]] | None = None,
) -> None:
    """Writes the page; the same input gives the same bytes.

    `attentions` has one element per row; if all its weights are zero, no attention is shown.
    `faults` has the keys of each row's faults; None if they were not looked for. Raises ValueError
    if the numbers of rows, attentions and faults differ.
    """
    document = page(frame, rows, attentions, faults)
    with whole_file(path) as temporary:
        temporary.write_text(document, encoding="utf-8", newline="\n")


def page(
    frame: PageFrame,
    rows: Sequence[TranslationRow],
    attentions: Sequence[WordAttention],
    faults: Sequence[Sequence[str]] | None = None,
) -> str:
    """Returns the content of the page."""
    shown_faults = [()] * len(rows) if faults is None else faults
    template = resources.files(__package__).joinpath(TEMPLATE).read_text(encoding="utf-8")
    template = template.replace("{{page_style}}", page_style())
    sentences = [
        _sentence(row, seen, found)
        for row, seen, found in zip(rows, attentions, shown_faults, strict=True)
    ]
    values = {
        "title": html.escape(frame.title),
        "model": html.escape(frame.model),
        "scores": "".join(map(_score, frame.scores)),
        "facts": "".join(_fact(name, text) for name, text in frame.facts.items()),
        "lengths": "".join(map(_length, frame.lengths)),
        "style_hash": _hash_of("style", template),
        "script_hash": _hash_of("script", template),
        "data": _json_in_html(sentences),
    }
    return re.sub(r"\{\{(\w+)\}\}", lambda marker: values[marker[1]], template)


def _score(score: Score) -> str:
    return (
        f"<li><span>{html.escape(titled_direction(score.name))}</span> <b>{score.value:.2f}</b> "
        f"<small>{score.low:.2f} to {score.high:.2f}</small></li>"
    )


def _fact(name: str, text: str) -> str:
    return f'<dt>{html.escape(name)}</dt><dd dir="auto">{html.escape(text)}</dd>'


def _length(bucket: LengthBucket) -> str:
    last = "" if bucket.longest is None else str(bucket.longest)
    shown = f"{bucket.shortest} to {last} words" if last else f"{bucket.shortest} words or more"
    return f'<option value="{bucket.shortest}-{last}">{shown} ({bucket.sentences:,})</option>'


def _sentence(row: TranslationRow, seen: WordAttention, faults: Sequence[str]) -> dict[str, Any]:
    shown: dict[str, Any] = {
        "source": row.source,
        "reference": " / ".join(present(row.references)),
        "translation": row.translation,
        "bleu": round(row.sentence_bleu, 2),
        "chrf": round(row.sentence_chrf, 2),
        "words": count_words(row.source),
        "group": row.group,
        "origin": row.origin,
    }
    if faults:
        shown["faults"] = [(key, check_title(key)) for key in faults]
    if not seen.weights_WV.any():
        return shown
    return shown | {
        "source_words": seen.source_words,
        "target_words": seen.target_words,
        "percents": _sparse_percents(seen),
    }


def _sparse_percents(seen: WordAttention) -> list[list[tuple[int, int]]]:
    """Returns (source word, percent) pairs of each target word, without those that round to 0."""
    percents_WV = np.rint(seen.weights_WV * 100).astype(int)
    return [[(int(at), int(row_V[at])) for at in np.flatnonzero(row_V)] for row_V in percents_WV]


def _json_in_html(value: Any) -> str:
    """Returns JSON in which characters with a meaning in HTML are escaped."""
    text = json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    return text.translate(_IN_HTML)


def _hash_of(name: str, template: str) -> str:
    """Returns the Content-Security-Policy source of the one inline element `name`."""
    [content] = re.findall(rf"<{name}>(.*?)</{name}>", template, re.DOTALL)
    return content_hash(content)
