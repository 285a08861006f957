"""The evaluation of a model on a further test set."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from tracelate import layout
from tracelate.config import EvaluateConfig
from tracelate.corpus.further.sentences import FurtherSet
from tracelate.errors import InputError
from tracelate.evaluation.evaluation import Evaluation, evaluate
from tracelate.evaluation.evaluation_record import HashedFile, ScoredModel, ScoredText
from tracelate.evaluation.metrics import Score
from tracelate.files import sha256_of
from tracelate.inference.translator import Translator
from tracelate.training.model_files import CONFIG, TOKENIZER, WEIGHTS
from tracelate.training.run_file import read_training_run


def evaluate_further(
    translator: Translator,
    further: FurtherSet,
    config: EvaluateConfig,
    train: Path | None,
    on_progress: Callable[[int], object] = lambda _: None,
) -> Evaluation:
    """Translates and scores a further test set; faults are looked for, but no sentences are made.

    `train` has the training text, without which invented words are not counted.
    """
    translations = translator.translate([pair.source for pair in further.pairs], on_progress)
    behaviour = config.behaviour.model_copy(update={"variant_sentences": 0})
    config = config.model_copy(update={"behaviour": behaviour})
    return evaluate(
        translator, further.pairs, translations, further.sha256, config, train, further.references
    )


def refuse_long_sentences(translator: Translator, further: FurtherSet, place: object) -> None:
    """Raises InputError for a sentence that is too long to be translated as a whole.

    `place` is the file or the name of the set in the message.
    """
    for number, pair in enumerate(further.pairs, start=1):
        try:
            translator.refuse_long(pair.source)
        except InputError as error:
            raise InputError(f"{place}, line {number}: {error}") from error


def model_record(translator: Translator, root: Path = Path()) -> ScoredModel:
    """Returns the record of the project's model."""
    folder = root / layout.MODELS
    return ScoredModel(
        name=layout.MODELS.as_posix(),
        files={name: sha256_of(folder / name) for name in (WEIGHTS, CONFIG, TOKENIZER)},
        training_run_id=read_training_run(root / layout.RUN).run_id,
        beam_size=translator.beam_size,
        length_penalty=translator.length_penalty,
        batch_sentences=translator.batch_sentences,
    )


def set_record(path: Path, further: FurtherSet) -> ScoredText:
    """Returns the record of a test set that was read from the file of the stage test_sets."""
    return ScoredText(
        sentences=len(further.pairs),
        sha256=further.sha256,
        source=HashedFile(name=path.name, sha256=sha256_of(path)),
        references=[],
    )


def named_scores(scores: Sequence[Score]) -> dict[str, dict[str, float]]:
    """Returns the value and the interval of each score, by its name."""
    return {
        score.name: {"value": score.value, "low": score.low, "high": score.high} for score in scores
    }
