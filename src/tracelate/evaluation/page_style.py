"""The style that all pages share: colours, also in the dark, and type. It is in page_style.css."""

from __future__ import annotations

import base64
import hashlib
from importlib import resources

STYLE = "page_style.css"


def page_style() -> str:
    """Returns the style sheet."""
    return resources.files(__package__).joinpath(STYLE).read_text(encoding="utf-8")


def content_hash(content: str) -> str:
    """Returns the Content-Security-Policy source of an inline element with this content."""
    digest = hashlib.sha256(content.encode()).digest()
    return f"'sha256-{base64.b64encode(digest).decode()}'"
