from __future__ import annotations

from tests.corpus.test_cleaning import CONFIG
from tracelate.config_prepare import RULE_NAMES
from tracelate.inspection.rules import describe_rule, rules_in_order


def test_every_rule_has_a_description() -> None:
    config = CONFIG.model_copy(update={"rules": list(RULE_NAMES), "shifted": "drop"})
    names = rules_in_order(config)
    assert len(names) == len(RULE_NAMES) + 3
    descriptions = [describe_rule(name) for name in names]
    assert len(set(descriptions)) == len(names)
    assert all(text.endswith(".") and "\n" not in text for text in descriptions)
