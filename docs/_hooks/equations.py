"""Turns blocks of LaTeX, fenced as ```math, into MathML, which browsers show without a script."""

from __future__ import annotations

import re
from typing import Any

from latex2mathml.converter import convert

BLOCK = re.compile(r"^```math\n(.*?)^```$", re.DOTALL | re.MULTILINE)
INLINE = re.compile(r"\$`([^`]+)`\$")
"""As GitHub writes it; a dollar sign alone stays one."""


def on_page_markdown(markdown: str, **_: Any) -> str:
    """The page's Markdown with MathML in it."""
    markdown = BLOCK.sub(
        lambda found: f'<div class="equation">{convert(found[1].strip(), display="block")}</div>',
        markdown,
    )
    # the span keeps Markdown from taking the element for a block of its own
    return INLINE.sub(lambda found: f"<span>{convert(found[1])}</span>", markdown)
