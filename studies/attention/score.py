"""Translates the test split with one variant trained with one seed, and scores it.

    python -m studies.attention.score VARIANT SEED

reads   studies/attention/results/VARIANT/SEED/model, data/prepared/test.parquet, params.yaml,
        studies/attention/study.yaml
writes  studies/attention/results/VARIANT/SEED/{metrics.json,translations.jsonl}
"""

from __future__ import annotations

from pipeline.stage import say
from studies.attention.settings import Run, run_of_a_variant
from tracelate.corpus.pairs import read_pairs
from tracelate.evaluation.attention_statistics import attention_statistics
from tracelate.evaluation.metrics_file import write_metrics
from tracelate.evaluation.report import Metrics, ScoredTest, write_translations
from tracelate.evaluation.scoring import score_translations
from tracelate.files import sha256_of
from tracelate.inference.translator import Translator
from tracelate.layout import TEST
from tracelate.progress import bar
from tracelate.training.model_files import load_model


def main(run: Run) -> None:
    config, pairs = run.params.evaluate, read_pairs(TEST)
    translator = Translator(
        load_model(run.model),
        beam_size=config.beam_size,
        length_penalty=config.length_penalty,
        batch_sentences=config.batch_sentences,
    )
    with bar("translate", len(pairs)) as advance:
        translations = translator.translate([pair.source for pair in pairs], advance)
    scored = score_translations(
        pairs, translations, config, translator.trained.config.target_language
    )
    attention = attention_statistics(translator.attentions(translations))
    test = ScoredTest(len(pairs), sha256_of(TEST))
    metrics = Metrics(scored.scores, scored.buckets, attention, test)
    write_translations(run.translations, scored.rows)
    write_metrics(run.metrics, metrics)
    say(f"{run.name}: BLEU {scored.scores[0].value:.2f}")


if __name__ == "__main__":
    run_of_a_variant(main)
