"""Style of all figures, and writing them to files.

Figures do not use pyplot's global state. The same input, fonts and version of matplotlib give the
same bytes.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import matplotlib
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.text import Text

from tracelate.evaluation.figures.fonts import fonts_for, preferred_families
from tracelate.files import whole_file

DOTS_PER_INCH = 144
LONGEST_SIDE_DOTS = 30_000  # Agg draws up to 65,536; some viewers fail earlier

# colours that colour-blind readers can distinguish (Wong, Nature Methods 8, 2011)
BLUE, LIGHT_BLUE, VERMILION, GREY = "#0072B2", "#56B4E9", "#D55E00", "#6B6B6B"
ORANGE = "#E69F00"

STYLE: Any = {  # matplotlib's type lists all of its keys
    "font.size": 10,
    "axes.titlesize": 11,
    "axes.titleweight": "bold",
    "axes.labelcolor": GREY,
    "axes.edgecolor": "#9A9A9A",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.axisbelow": True,
    "grid.color": "#E3E3E3",
    "grid.linewidth": 0.8,
    "xtick.color": "#9A9A9A",
    "ytick.color": "#9A9A9A",
    "xtick.labelcolor": "#222222",
    "ytick.labelcolor": "#222222",
    "legend.frameon": False,
    "text.parse_math": False,  # $ and _ are ordinary characters
}


@contextmanager
def style() -> Iterator[None]:
    """Applies STYLE to matplotlib's defaults, independent of the user's own settings."""
    with matplotlib.rc_context():
        matplotlib.rcdefaults()
        matplotlib.rcParams.update(STYLE)
        matplotlib.rcParams["font.family"] = preferred_families()
        yield


def new_figure(width_inches: float, height_inches: float) -> Figure:
    """Returns an empty figure with a white background."""
    figure = Figure(figsize=(width_inches, height_inches), facecolor="white")
    FigureCanvasAgg(figure)
    return figure


def write_png(figure: Figure, path: Path) -> set[str]:
    """Writes the figure without empty margins.

    Returns the characters that no installed font has, which are drawn as boxes.
    """
    texts: list[Text] = figure.findobj(Text)
    fonts = fonts_for("".join(text.get_text() for text in texts))
    for text in texts:
        text.set_fontfamily(fonts.families)
    dots_per_inch = min(DOTS_PER_INCH, LONGEST_SIDE_DOTS / max(figure.get_size_inches()))
    with style(), warnings.catch_warnings(), whole_file(path) as temporary:
        warnings.filterwarnings("ignore", message="Glyph .* missing from font")
        figure.savefig(
            temporary,
            format="png",
            dpi=dots_per_inch,
            bbox_inches="tight",
            pad_inches=0.2,
            metadata={"Software": None},  # otherwise the file depends on matplotlib's version
        )
    return set(fonts.missing)


def shorten(text: str, longest: int) -> str:
    """Returns the text, cut to `longest` characters and ending with an ellipsis if it is longer."""
    return text if len(text) <= longest else text[: longest - 1] + "…"
