"""What all pictures share: their look, and how they become files.

A figure belongs to no global state, and becomes the same bytes for the same input, fonts and
matplotlib.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import matplotlib
from matplotlib import font_manager
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from tracelate.files import whole_file

DOTS_PER_INCH = 144
LONGEST_SIDE_DOTS = 30_000  # Agg draws up to 65,536, and viewers give up earlier

# Wong's colours (Nature Methods 8, 2011), told apart with any colour vision
BLUE, LIGHT_BLUE, VERMILION, GREY = "#0072B2", "#56B4E9", "#D55E00", "#6B6B6B"
ORANGE = "#E69F00"

# in this order, where installed, for what DejaVu has no glyph for
FALLBACK_FONTS = (
    "Noto Sans CJK SC",
    "Noto Sans CJK JP",
    "Noto Sans SC",
    "Source Han Sans SC",
    "WenQuanYi Micro Hei",
    "Hiragino Sans",
    "Microsoft YaHei",
    "Arial Unicode MS",
    "Noto Emoji",
    "Symbola",
)

STYLE = {
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
    "text.parse_math": False,  # $ and _ are text here
}


@contextmanager
def style() -> Iterator[None]:
    """Our style over matplotlib's defaults, whatever the user's own settings are."""
    installed = set(font_manager.get_font_names())
    with matplotlib.rc_context():
        matplotlib.rcdefaults()
        matplotlib.rcParams.update(STYLE)
        matplotlib.rcParams["font.family"] = [
            "DejaVu Sans",
            *(font for font in FALLBACK_FONTS if font in installed),
        ]
        yield


def new_figure(width_inches: float, height_inches: float) -> Figure:
    """An empty figure on white."""
    figure = Figure(figsize=(width_inches, height_inches), facecolor="white")
    FigureCanvasAgg(figure)
    return figure


def write_png(figure: Figure, path: Path) -> None:
    """Writes the figure, cut to what is drawn. Glyphs that no font has become boxes."""
    dots_per_inch = min(DOTS_PER_INCH, LONGEST_SIDE_DOTS / max(figure.get_size_inches()))
    with style(), warnings.catch_warnings(), whole_file(path) as temporary:
        warnings.filterwarnings("ignore", message="Glyph .* missing from font")
        figure.savefig(
            temporary,
            format="png",
            dpi=dots_per_inch,
            bbox_inches="tight",
            pad_inches=0.2,
            metadata={"Software": None},  # it would name matplotlib's version
        )


def shorten(text: str, longest: int) -> str:
    """The text, cut with an ellipsis where it has more than `longest` characters."""
    return text if len(text) <= longest else text[: longest - 1] + "…"
