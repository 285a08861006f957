"""The conditions of a promotion."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, Field, StringConstraints
from pydantic_core import PydanticCustomError

from tracelate.config_behaviour import BehaviourLimits
from tracelate.config_section import Percent, Reason, Section, Text
from tracelate.config_tests import TEST_NAME
from tracelate.metric_table import METRICS

Requirement = Literal["better", "not_worse"]
"""Requirement on a test set."""
TestSetName = Annotated[str, StringConstraints(pattern=rf"^{TEST_NAME}$")]
"""Name of a test set, which is part of metrics' names in MLflow."""

MODEL_NAME = r"^(?:[A-Za-z0-9_-]|\.[A-Za-z0-9_-])[A-Za-z0-9._-]*$"
"""Pattern of a registered model's name. MLflow refuses `.` and what begins with
`..`."""

MAX_MODEL_NAME = 200


def _known_metric(key: str) -> str:
    if key not in METRICS:
        raise PydanticCustomError("unknown_metric", f"should be {', '.join(METRICS)}")
    return key


class RegistryConfig(Section):
    """The conditions of a promotion, and the trusted signers. No stage tracks them."""

    name: Annotated[str, StringConstraints(pattern=MODEL_NAME, max_length=MAX_MODEL_NAME)]
    """Name of the registered model; the option --name of a command overrides it. Another language
    pair needs another name."""
    metric: Annotated[str, AfterValidator(_known_metric)]
    """Metric by which a model must be better than the champion that it replaces: bleu, chrf,
    chrfpp (chrF++) or ter."""
    significance_level: Annotated[
        float, Field(ge=0.001, lt=1), Reason("the lowest that 1,000 bootstrap samples can show")
    ]
    """Level that the p-values of both tests must be below: paired bootstrap (Koehn 2004) and
    approximate randomisation (Riezler and Maxwell 2005)."""
    seed_deviation: Annotated[float, Field(ge=0, le=100)]
    """Standard deviation of the metric over training seeds, in percent points. A model must gain
    more than 2.77 times this at the level 0.05, which is more than another seed explains; 0: any
    significant gain counts. The command `tracelate seeds` measures it."""
    max_near_leakage_percent: Percent
    """Most percent of the test sentences that may have a near duplicate in the training text, by
    the definition prepare.near_duplicate. A candidate's own settings do not count here."""
    behaviour: BehaviourLimits
    """Limits on faults in translations."""
    tests: dict[TestSetName, Requirement]
    """Further test sets, by their names in evaluate.tests or of `tracelate evaluate --log`, with
    what is required on each: better or not_worse. The model must be better on the test set of its
    own evaluation in any case; {}: that alone counts."""
    not_worse_margin: Annotated[float, Field(ge=0, le=100)]
    """Largest loss of the metric, in percent points, that counts as not worse: the 95 % interval of
    the difference must exclude losses of this size (non-inferiority, ICH E9 1998)."""
    trusted_keys: list[Text]
    """Paths of public keys, relative to params.yaml. With at least one, `promote` has to sign, and
    models that none of the keys has signed are neither translated with nor served; [] needs no
    signature. The command `tracelate keys new` makes a key."""
