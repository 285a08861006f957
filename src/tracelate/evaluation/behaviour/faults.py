"""The faults of a translation: a function for each check of `tracelate.behaviour_table`.

Each returns True for a fault, and None if the check does not apply to the sentence. Where there is
a reference, what the reference does is no fault: it may leave a placeholder out, or keep a name.
"""

from __future__ import annotations

from collections.abc import Mapping

from tracelate.evaluation.behaviour.numbers import has_numbers, same_numbers
from tracelate.evaluation.behaviour.repetition import repeats
from tracelate.evaluation.behaviour.sentence import Context, Fault, Sentence
from tracelate.evaluation.behaviour.words import is_unspaced, pieces, words
from tracelate.text.placeholders import placeholders, without_placeholders

MAX_COPIED = 0.5
"""Largest share of a source's words that a translation may copy."""
MIN_LETTERS = 2
"""Of a word that is counted as copied or invented; in scripts without blanks it is 1."""


def changed_placeholder(sentence: Sentence, context: Context) -> bool | None:
    """The translation's placeholders are, with their numbers, neither the source's nor the
    reference's. Applies if the source or the translation has a placeholder.
    """
    expected, found = placeholders(sentence.source), placeholders(sentence.translation)
    if not expected and not found:
        return None
    if found == expected:
        return False
    return sentence.reference is None or found != placeholders(sentence.reference)


def changed_number(sentence: Sentence, context: Context) -> bool | None:
    """The translation's numbers are, however written, neither the source's nor the reference's.
    Applies if the source or the translation has a digit outside placeholders. A number that the
    translation writes as a word is a fault unless the reference does so.
    """
    source, reference, translation = sentence
    if not has_numbers(source) and not has_numbers(translation):
        return None
    if same_numbers(source, translation):
        return False
    return reference is None or not same_numbers(reference, translation)


def repetition(sentence: Sentence, context: Context) -> bool | None:
    """The translation repeats a piece or phrase three times in a row, and the source repeats none.
    Applies to every sentence.
    """
    return repeats(sentence.translation) and not repeats(sentence.source)


def empty(sentence: Sentence, context: Context) -> bool | None:
    """The translation has no letter and no digit. Applies if the source has one."""
    return not words(sentence.translation) if words(sentence.source) else None


def copied(sentence: Sentence, context: Context) -> bool | None:
    """The translation has more than half of the source's words. Words do not count that the
    reference has too (names, loan words), nor placeholders, numbers and single letters. Applies if
    the source has a word that counts and there is a reference.
    """
    if sentence.reference is None:
        return None
    kept = set(pieces(sentence.reference))
    counted = [
        word
        for word in pieces(without_placeholders(sentence.source))
        if word not in kept and _counts(word)
    ]
    if not counted:
        return None
    found = set(pieces(sentence.translation))
    return sum(word in found for word in counted) / len(counted) > MAX_COPIED


def unusual_length(sentence: Sentence, context: Context) -> bool | None:
    """The translation is shorter or longer for its source than 99.5 % of the references are for
    theirs. Applies to every sentence with a word; an empty translation is another fault.
    """
    if not words(sentence.source) or not words(sentence.translation):
        return None
    return not context.bounds.contains(sentence.source, sentence.translation)


def invented_word(sentence: Sentence, context: Context) -> bool | None:
    """The translation has a word that neither the training text in its language, the source nor the
    reference has. Applies if the training text is known and the translation has words that count;
    placeholders, numbers and single letters do not, nor do scripts without blanks.
    """
    if context.known_words is None:
        return None
    counted = words_that_count(sentence.translation)
    if not counted:
        return None
    given = {*words(sentence.source), *words(sentence.reference or "")}
    return any(word not in given and word not in context.known_words for word in counted)


def words_that_count(text: str) -> list[str]:
    """Returns the words that may be invented."""
    return [
        word
        for word in words(without_placeholders(text))
        if _counts(word) and not is_unspaced(word)
    ]


def _counts(word: str) -> bool:
    if any(character.isdecimal() for character in word):
        return False
    return len(word) >= MIN_LETTERS or is_unspaced(word)


FAULTS: Mapping[str, Fault] = {
    "placeholders": changed_placeholder,
    "numbers": changed_number,
    "repetition": repetition,
    "empty": empty,
    "copied": copied,
    "length": unusual_length,
    "invented": invented_word,
}
"""The function of each check by key."""


def faults_of(sentence: Sentence, context: Context) -> dict[str, bool]:
    """Returns, for each check that applies to the sentence, whether it has the fault."""
    found = {key: check(sentence, context) for key, check in FAULTS.items()}
    return {key: fault for key, fault in found.items() if fault is not None}
