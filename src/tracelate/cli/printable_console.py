"""A console of rich for text of unknown origin."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from rich.console import Console, ConsoleOptions, RenderableType
from rich.segment import Segment
from rich.text import Text

from tracelate.printable import printable


class PrintableConsole(Console):
    """A console that shows control characters in texts as escapes; its own styles stay."""

    def render_str(self, text: str, **options: Any) -> Text:
        """Replaces them before the width of the text is measured."""
        return super().render_str(printable(text), **options)

    def render(
        self, renderable: RenderableType, options: ConsoleOptions | None = None
    ) -> Iterable[Segment]:
        """Replaces them in every other text, such as that of `rich.text.Text`."""
        for segment in super().render(renderable, options):
            yield segment if segment.control else segment._replace(text=printable(segment.text))
