"""Exact one-sided tests for counts of faults: does the second system have more of them?

They need no assumption on the number of sentences, unlike a normal approximation, and hold for rare
faults.
"""

from __future__ import annotations

from math import exp, lgamma, log


def sign_test(worse: int, better: int) -> float:
    """Returns p of the sign test, which for pairs of yes and no is McNemar's exact test.

    Of the sentences on which two systems differ, the second has the fault in `worse` and the first
    in `better`. p is the probability of at least `worse` of them if both were equally likely
    (McNemar 1947). Without a difference it is 1.
    """
    differing = worse + better
    terms = (_log_choices(differing, k) - differing * log(2) for k in range(worse, differing + 1))
    return min(1.0, sum(map(exp, terms)))


def fisher_test(first: int, first_of: int, second: int, second_of: int) -> float:
    """Returns p of Fisher's exact test for counts of different sentences.

    p is the probability that at least `second` of all faults fall on the second system's
    `second_of` sentences if faults fell on the sentences of both at random (Fisher 1922).
    """
    faults, sentences = first + second, first_of + second_of
    terms = (
        _log_choices(second_of, k)
        + _log_choices(first_of, faults - k)
        - _log_choices(sentences, faults)
        for k in range(max(second, faults - first_of), min(faults, second_of) + 1)
    )
    return min(1.0, sum(map(exp, terms)))


def _log_choices(count: int, chosen: int) -> float:
    """Returns the natural logarithm of the binomial coefficient."""
    return lgamma(count + 1) - lgamma(chosen + 1) - lgamma(count - chosen + 1)
