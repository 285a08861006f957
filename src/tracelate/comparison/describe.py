"""The result of a significance test in words."""

from __future__ import annotations

from tracelate.comparison.power import POWER
from tracelate.comparison.significance import Significance
from tracelate.metric_table import titled_direction


def describe_significance(found: Significance) -> str:
    """Returns the difference, its interval and the p values of both tests in one line."""
    return (
        f"{titled_direction(found.metric)} {found.b:.2f} against {found.a:.2f}, difference "
        f"{found.difference:+z.2f} ({shown_interval(found)}), "
        f"p {found.p_bootstrap:.4f} and {found.p_randomisation:.4f}, "
        f"{found.sentences:,} sentences"
    )


def shown_interval(found: Significance) -> str:
    """Returns the ends of the interval, with as many digits as their signs need."""
    return f"{_signed(found.low)} to {_signed(found.high)}"


def confidence(level: float) -> str:
    """Returns the confidence of an interval, such as `95 %`."""
    return f"{100 * (1 - level):g} %"


def shortage(found: Significance) -> str | None:
    """Returns a line that says that the sentences are too few to show the difference.

    None: it is shown, there is none, or there are enough.
    """
    power, size = found.power, abs(found.difference)
    if found.verdict != "not shown" or not power.differing_sentences:
        return None
    if power.differing_sentences < power.fewest_sentences:
        return (
            f"too few sentences score differently, {power.differing_sentences:,} of "
            f"{found.sentences:,}: no difference is shown on fewer than {power.fewest_sentences}"
        )
    if power.smallest_detectable is None or size >= power.smallest_detectable:
        return None
    return (
        f"too few sentences to show a difference of {size:.2f}: {found.sentences:,} show one of "
        f"{power.smallest_detectable:.2f} with a probability of {100 * POWER:.0f} %"
    )


def _signed(value: float) -> str:
    is_lost = value != 0 and abs(value) < 0.005
    return f"{value:+.1g}" if is_lost else f"{value:+z.2f}"
