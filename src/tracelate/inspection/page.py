"""Web page of an inspection, which opens from disk and needs no network and no JavaScript.

The template is page.html in this folder; Jinja escapes all that is inserted.
"""

from __future__ import annotations

from collections.abc import Sequence
from importlib import resources
from pathlib import Path
from typing import NamedTuple

from jinja2 import Environment, StrictUndefined

from tracelate.corpus.pairs import Pair
from tracelate.corpus.provenance import Provenance
from tracelate.evaluation.page_style import content_hash, page_style
from tracelate.inspection.document import RuleChange, rule_changes
from tracelate.inspection.figures import inline_png, length_figure, ratio_figure
from tracelate.inspection.frequent import FrequentPair
from tracelate.inspection.inspecting import KEPT, Inspection
from tracelate.inspection.outcomes import Comparison
from tracelate.inspection.rules import describe_rule, rules_in_order
from tracelate.inspection.statistics import Characters
from tracelate.printable import printable
from tracelate.text.languages import shown_direction

TEMPLATE, STYLE = "page.html", "page.css"
LONGEST = 600
"""Characters of a text that are shown."""


class Compared(NamedTuple):
    """The settings of another file, and what they change."""

    name: str
    inspection: Inspection
    comparison: Comparison


class Rule(NamedTuple):
    """A rule with what it dropped."""

    name: str
    description: str
    pairs: int
    percent: float
    """Of the pairs read."""
    sample: list[Pair]


class Side(NamedTuple):
    """A side of the pairs that are kept."""

    title: str
    language: str
    characters: Characters


def inspection_page(
    inspection: Inspection,
    provenance: Provenance,
    frequent: Sequence[FrequentPair],
    folder: Path,
    compared: Compared | None = None,
) -> str:
    """Returns the content of the page; `folder` is for temporary files."""
    languages = provenance.source_language, provenance.target_language
    inspector, prepared, config = inspection.inspector, inspection.prepared, inspection.config
    kept, dropped = inspector.kept_lengths, inspector.dropped_lengths
    style = f"{page_style()}{_resource(STYLE)}"
    changes: list[RuleChange] = []
    if compared is not None:
        changes = rule_changes(inspection, compared.inspection)
    environment = Environment(
        autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters["text"] = _shown
    return environment.from_string(_resource(TEMPLATE)).render(
        style=style,
        style_hash=content_hash(style),
        corpus=provenance.title,
        direction=shown_direction(*languages),
        source=languages[0],
        target=languages[1],
        prepared=prepared,
        rules=_rules(inspection),
        kept_sample=inspector.sample(KEPT),
        lengths=inline_png(length_figure(kept, dropped, languages), folder),
        ratios=inline_png(
            ratio_figure(kept, dropped, prepared.typical_ratio, config.max_length_ratio), folder
        ),
        sides=[
            Side(title, language, inspector.characters[side].summary())
            for title, side, language in zip(
                ("Source", "Target"), ("source", "target"), languages, strict=True
            )
        ],
        frequent=frequent,
        compared=compared,
        changes=changes,
    )


def _rules(inspection: Inspection) -> list[Rule]:
    prepared = inspection.prepared
    return [
        Rule(
            name,
            describe_rule(name),
            count := prepared.counts.dropped[name],
            100 * count / max(prepared.read, 1),
            inspection.inspector.sample(name),
        )
        for name in rules_in_order(inspection.config)
    ]


def _shown(text: str) -> str:
    """Returns a text with visible control characters, and without the rest of a long one."""
    if len(text) <= LONGEST:
        return printable(text)
    return f"{printable(text[:LONGEST])}… ({len(text):,} characters)"


def _resource(name: str) -> str:
    return resources.files(__package__).joinpath(name).read_text(encoding="utf-8")
