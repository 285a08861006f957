"""Settings of the checks of a model's behaviour: their measurement, and the gate's limits."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, Field
from pydantic_core import PydanticCustomError

from tracelate.behaviour_table import CHECKS
from tracelate.config_section import Percent, Reason, Section, Seed


def _known_check(key: str) -> str:
    if key not in CHECKS:
        raise PydanticCustomError("unknown_check", f"should be one of {', '.join(CHECKS)}")
    return key


CheckName = Annotated[str, AfterValidator(_known_check)]


class BehaviourConfig(Section):
    """Measurement of faults in translations, see docs/guides/behaviour.md."""

    variant_sentences: Annotated[
        int, Field(ge=0, le=100_000), Reason("since each is translated once more")
    ]
    """Number of test sentences that each kind of made sentence (upper case, typing errors and
    others) is made from; 0: none."""
    seed: Seed
    """Seed of the choice of these sentences and of their changes."""
    examples: Annotated[int, Field(ge=0, le=1_000), Reason("since metrics.json has all of them")]
    """Most sentences with a fault that reports/metrics.json quotes for each check."""


class BehaviourLimits(Section):
    """Limits on faults for a promotion, by check of `tracelate.behaviour_table`."""

    max_increase: dict[CheckName, Percent]
    """By check, the percent points by which its share of sentences may exceed the champion's. A
    larger increase is refused if an exact test shows it at registry.significance_level."""
    max_percent: dict[CheckName, Percent]
    """By check, the largest share of sentences with the fault in percent, with or without a
    champion."""
