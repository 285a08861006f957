"""Figures show their data, do not parse text, and have reproducible bytes."""

from __future__ import annotations

import subprocess
import sys
import warnings
from pathlib import Path
from typing import Any

import matplotlib
import numpy as np
import pytest
from matplotlib.image import imread
from numpy.typing import NDArray

from tracelate.comparison.compare import Difference, LengthDifference
from tracelate.comparison.figure import length_difference_figure
from tracelate.evaluation.figures.attention import attention_figure
from tracelate.evaluation.figures.scores import source_length_figure, training_figure
from tracelate.evaluation.figures.style import write_png
from tracelate.evaluation.metrics import LengthBucket, Score, SentenceScores
from tracelate.evaluation.word_attention import WordAttention

SOURCE = ["Add", "{name}", "to", "the", "room"]
TARGET = ["Añadir", "{name}", "a"]
SCORES = SentenceScores(43.21, 66.68)
VALID = [
    {"step": 30.0, "valid_loss": 5.0, "valid_bleu": 3.0},
    {"step": 50.0, "valid_loss": 3.0, "valid_bleu": 27.25},
    {"step": 70.0, "valid_loss": 3.5, "valid_bleu": 27.25},
]
TRAIN = [
    {"step": step, "train_loss": 7 - step / 20, "gradient_norm": 1.0} for step in (10.0, 30.0, 70.0)
]


def some_weights(rows: int = 3, columns: int = 5) -> NDArray[np.float64]:
    weights: NDArray[np.float64] = np.random.default_rng(7).random((rows, columns))
    weights /= weights.sum(axis=1, keepdims=True)
    return weights


def some_buckets() -> list[LengthBucket]:
    return [
        LengthBucket(1, 2, 1203, Score("bleu", 41.0, 38.0, 45.0, "")),
        LengthBucket(3, 3, 1, None),
        LengthBucket(4, None, 57, Score("bleu", 29.0, 21.0, 33.0, "")),
    ]


def some_differences() -> list[LengthDifference]:
    return [
        LengthDifference(1, 2, 1203, Difference(3.04, -1.0, 7.0)),
        LengthDifference(3, 3, 1, None),
        LengthDifference(4, None, 57, Difference(-2.0, -5.0, -0.5)),
    ]


def texts_of(axes: Any) -> list[str]:
    return [text.get_text() for text in axes.texts]


def pixels(figure: Any, path: Path) -> Any:
    write_png(figure, path)
    return imread(path)


def test_attention_has_target_words_as_rows_and_source_words_as_columns() -> None:
    weights = some_weights()
    axes: Any = attention_figure(WordAttention(weights, TARGET, SOURCE), SCORES).axes[0]
    assert [label.get_text() for label in axes.get_xticklabels()] == SOURCE
    assert [label.get_text() for label in axes.get_yticklabels()] == TARGET
    np.testing.assert_array_equal(axes.images[0].get_array(), weights)
    assert axes.images[0].get_clim() == (0, 1)  # two pictures' colours mean the same
    assert axes.get_title(loc="left") == "sentence BLEU 43.2 · chrF 66.7"


def test_attention_of_another_shape_than_the_words_is_refused() -> None:
    with pytest.raises(ValueError, match=r"\(5, 3\), the words \(3, 5\)"):
        attention_figure(WordAttention(some_weights(5, 3), TARGET, SOURCE), SCORES)
    with pytest.raises(ValueError, match=r"\(0, 5\)"):
        attention_figure(WordAttention(np.zeros((0, 5)), [], SOURCE), SCORES)


def test_a_word_takes_the_same_space_in_a_long_sentence_as_in_a_short_one() -> None:
    short = attention_figure(WordAttention(some_weights(3, 5), ["a"] * 3, ["b"] * 5), SCORES)
    long = attention_figure(WordAttention(some_weights(37, 35), ["a"] * 37, ["b"] * 35), SCORES)
    np.testing.assert_allclose(short.get_size_inches() / (5, 3), long.get_size_inches() / (35, 37))


def test_a_picture_of_very_many_words_stays_within_what_can_be_drawn(tmp_path: Path) -> None:
    figure = attention_figure(WordAttention(some_weights(1, 800), ["a"], ["b"] * 800), SCORES)
    assert 10_000 < pixels(figure, tmp_path / "wide.png").shape[1] < 2**16


def test_long_words_are_shortened() -> None:
    words = ["https://my.home-assistant.io/redirect", "x" * 18]
    axes: Any = attention_figure(WordAttention(some_weights(1, 2), ["a"], words), SCORES).axes[0]
    shown = [label.get_text() for label in axes.get_xticklabels()]
    assert shown == ["https://my.home-a…", "x" * 18]


def test_words_are_text_and_never_mathematics(tmp_path: Path) -> None:
    words = ["$x_1$", r"$\nonsense{$", "{name}", "a_b", "$5", "%s"]
    figure = attention_figure(WordAttention(some_weights(1, 6), words[1:2], words), SCORES)
    write_png(figure, tmp_path / "text.png")  # parsed, \nonsense raises
    axes: Any = figure.axes[0]
    assert not any(label.get_parse_math() for label in axes.get_xticklabels())


def test_scripts_and_emoji_without_a_font_are_drawn_without_a_warning(tmp_path: Path) -> None:
    words = ["打开", "свет", "😀", "añadir", "ضوء", "\U000f0001"]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        write_png(
            attention_figure(WordAttention(some_weights(6, 6), words, words), SCORES),
            tmp_path / "a.png",
        )
    assert imread(tmp_path / "a.png").std() > 0.05


def test_the_darkest_cell_is_where_the_attention_is(tmp_path: Path) -> None:
    def dark_place(row: int, column: int) -> NDArray[np.float64]:
        """Row and column, in cells, from the picture's top left corner."""
        weights = np.zeros((3, 5))
        weights[row, column] = 1
        image = pixels(
            attention_figure(WordAttention(weights, [" "] * 3, [" "] * 5), SCORES),
            tmp_path / "a.png",
        )
        left_of_the_colour_bar = image[:, : int(image.shape[1] * 0.62), :3]
        red, blue = left_of_the_colour_bar[..., 0], left_of_the_colour_bar[..., 2]
        places = np.argwhere((blue > red + 0.3) & (red < 0.1))
        middle: NDArray[np.float64] = places.mean(axis=0)
        return middle / (0.3 * 144)  # cells of 0.3 inches, 144 dots an inch

    corner = dark_place(0, 0)
    np.testing.assert_allclose(dark_place(2, 4) - corner, (2, 4), atol=0.1)
    np.testing.assert_allclose(dark_place(1, 3) - corner, (1, 3), atol=0.1)


def test_training_shows_both_losses_and_marks_the_first_of_the_best_steps() -> None:
    loss_axes, bleu_axes = training_figure(TRAIN, VALID).axes
    curves: Any = {line.get_label(): line for line in loss_axes.lines}
    assert list(curves["training (with dropout and label smoothing)"].get_ydata()) == [
        row["train_loss"] for row in TRAIN
    ]
    assert list(curves["validation"].get_xdata()) == [30, 50, 70]
    bleus: Any = bleu_axes.lines[0].get_ydata()
    assert list(bleus) == [3, 27.25, 27.25]
    assert texts_of(bleu_axes) == ["best: 27.2 at step 50"]


@pytest.mark.parametrize(("train", "valid"), [(TRAIN, []), ([], VALID), ([], []), ([], VALID[:1])])
def test_training_that_has_barely_begun_can_be_drawn(
    tmp_path: Path, train: list[dict[str, float]], valid: list[dict[str, float]]
) -> None:
    figure = training_figure(train, valid)
    assert pixels(figure, tmp_path / "a.png").ndim == 3
    assert bool(texts_of(figure.axes[1])) == bool(valid)


def test_a_bleu_of_zero_throughout_can_be_drawn(tmp_path: Path) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        figure = training_figure(TRAIN, [{"step": 30.0, "valid_loss": 5.0, "valid_bleu": 0.0}])
        write_png(figure, tmp_path / "a.png")
    assert texts_of(figure.axes[1]) == ["best: 0.0 at step 30"]


def test_the_weights_that_were_not_chosen_by_bleu_are_marked_as_kept() -> None:
    [text] = texts_of(training_figure(TRAIN, VALID, kept_step=30).axes[1])
    assert text == "kept: 3.0 at step 30"


def test_buckets_show_their_score_interval_and_count() -> None:
    axes: Any = source_length_figure(some_buckets()).axes[0]
    assert [label.get_text() for label in axes.get_xticklabels()] == [
        "1–2\n1,203 sentences",
        "3\n1 sentence",
        "4+\n57 sentences",
    ]
    assert [bar.get_height() for bar in axes.patches] == [41, 29]
    assert [list(line.get_ydata()) for line in axes.lines] == [[38, 45], [21, 33]]
    assert texts_of(axes) == ["41.0", "too few", "29.0"]


def test_differences_rise_where_the_second_is_better_and_fall_where_the_first_is() -> None:
    axes: Any = length_difference_figure(some_differences(), "a_1", "b" * 40).axes[0]
    assert [bar.get_height() for bar in axes.patches] == [3.04, -2]
    zero, *intervals = axes.lines
    assert list(zero.get_ydata()) == [0, 0]
    assert [list(line.get_ydata()) for line in intervals] == [[-1, 7], [-5, -0.5]]
    *shown, legend = texts_of(axes)
    assert shown == ["+3.0", "too few", "−2.0"]
    assert legend == f"up: {'b' * 27}… is better · down: a_1 is better"
    low, high = axes.get_ylim()
    assert low == -high and high > 7


@pytest.mark.parametrize("differences", [[], [LengthDifference(1, None, 3, None)]])
def test_differences_of_too_few_sentences_can_be_drawn(
    tmp_path: Path, differences: list[LengthDifference]
) -> None:
    figure = length_difference_figure(differences, "a", "b")
    assert pixels(figure, tmp_path / "a.png").ndim == 3


def test_the_same_input_gives_the_same_bytes_with_any_settings_of_the_user(tmp_path: Path) -> None:
    def draw(name: str) -> list[bytes]:
        figures = (
            attention_figure(WordAttention(some_weights(), TARGET, SOURCE), SCORES),
            training_figure(TRAIN, VALID),
            source_length_figure(some_buckets()),
            length_difference_figure(some_differences(), "a", "b"),
        )
        paths = [tmp_path / f"{name}{number}.png" for number in range(len(figures))]
        for figure, path in zip(figures, paths, strict=True):
            write_png(figure, path)
        return [path.read_bytes() for path in paths]

    first = draw("a")
    with matplotlib.rc_context({"font.size": 30, "axes.facecolor": "red", "savefig.dpi": 10}):
        assert draw("b") == first
        assert matplotlib.rcParams["font.size"] == 30
    assert len(set(first)) == 4
    assert all(b"matplotlib" not in content for content in first)


def test_only_plots_load_matplotlib_and_nothing_loads_pyplot() -> None:
    code = (
        "import sys; import tracelate.evaluation.{0}; "
        "print('matplotlib' in sys.modules, 'matplotlib.pyplot' in sys.modules)"
    )
    for module, expected in [("metrics", "False"), ("report", "False"), ("figures.scores", "True")]:
        done = subprocess.run(
            [sys.executable, "-c", code.format(module)], capture_output=True, text=True, check=True
        )
        assert done.stdout.split() == [expected, "False"]


def test_only_the_window_is_framed(tmp_path: Path) -> None:
    window = np.zeros((3, 5))
    window[1, 2:4] = 1
    seen = WordAttention(some_weights(), TARGET, SOURCE, {"window": window})
    axes: Any = attention_figure(seen, SCORES).axes[0]
    [frame] = axes.patches
    assert frame.get_bbox().bounds == (1.5, 0.5, 2, 1)


def test_the_window_of_each_hop_is_framed_in_its_own_picture() -> None:
    first, second = np.zeros((3, 5)), np.zeros((3, 5))
    first[0, :2], second[2, 4] = 1, 1
    views = {
        "hop 1": some_weights(),
        "hop 1, window": first,
        "hop 2": some_weights(),
        "hop 2, window": second,
    }
    figure = attention_figure(WordAttention(some_weights(), TARGET, SOURCE, views), SCORES)
    drawn: Any = figure.axes[2:]  # after the whole and its colour bar
    frames = [[patch.get_bbox().bounds for patch in axes.patches] for axes in drawn]
    assert frames == [[(-0.5, -0.5, 2, 1)], [(3.5, 1.5, 1, 1)]]


def test_each_head_and_hop_is_drawn_below_the_whole(tmp_path: Path) -> None:
    parts = {f"head {number}": some_weights() for number in range(1, 6)}
    views = {**parts, "head 1, window": np.ones((3, 5))}
    whole = attention_figure(WordAttention(some_weights(), TARGET, SOURCE), SCORES)
    figure = attention_figure(WordAttention(some_weights(), TARGET, SOURCE, views), SCORES)
    drawn: Any = figure.axes[2:]  # after the whole and its colour bar
    assert [axes.get_title("left") for axes in drawn] == list(parts)
    for axes, weights in zip(drawn, parts.values(), strict=True):
        assert np.array_equal(axes.images[0].get_array(), weights)
    assert all(axes.get_position().y1 < 0 for axes in drawn)
    taller = pixels(figure, tmp_path / "parts.png").shape[0]
    assert taller > pixels(whole, tmp_path / "whole.png").shape[0]
