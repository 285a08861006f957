from __future__ import annotations

import copy
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast, get_args

import numpy as np
import pytest
import torch
from mlflow.utils.validation import _validate_experiment_name, _validate_model_name
from pydantic import ValidationError
from ruamel.yaml import YAML

from tests.tiny_corpus import PROJECT
from tracelate.comparison.significance import Resampling
from tracelate.config import (
    EvaluateConfig,
    Params,
    RegistryConfig,
    Section,
    TrainConfig,
    load_params,
)
from tracelate.errors import InputError
from tracelate.serving.limits import Limits
from tracelate.tracking.packages.packed_translator import TranslationOptions

TRANSFORMER = {"architecture": "transformer"}
TEXT = (PROJECT / "params.yaml").read_text(encoding="utf-8")


def load(folder: Path, text: str) -> object:
    (folder / "params.yaml").write_text(text, encoding="utf-8")
    return load_params(folder / "params.yaml")


def changed(key: str, value: str, text: str = TEXT) -> str:
    """Returns `text` with the first `key: …` set to `value`."""
    text, count = re.subn(rf"(?m)^(\s*{key}:) .*$", rf"\1 {value}", text, count=1)
    assert count == 1, key
    return text


def sections(section: type[Section] = Params) -> Iterator[type[Section]]:
    """The section and all sections inside it."""
    yield section
    for field in section.model_fields.values():
        for kind in (field.annotation, *get_args(field.annotation)):
            if isinstance(kind, type) and issubclass(kind, Section):
                yield from sections(kind)


@pytest.mark.parametrize("section", dict.fromkeys(sections()), ids=lambda one: one.__name__)
def test_every_section_and_every_setting_is_described(section: type[Section]) -> None:
    assert section.__dict__.get("__doc__"), section
    for name, field in section.model_fields.items():
        description = field.description or ""
        assert description.endswith("."), f"{section.__name__}.{name}"
        assert not re.match("(What|Whether|Which|Where|How)\\b", description), name


def test_every_class_of_settings_is_reached_from_params() -> None:
    own = {one for one in classes_of(Section) if one.__module__.startswith("tracelate.config")}
    assert own == set(sections())


def classes_of(section: type[Section]) -> Iterator[type[Section]]:
    """The subclasses of a section, and theirs."""
    for one in section.__subclasses__():
        yield one
        yield from classes_of(one)


NO_PACKAGES = (
    "pkg @ file:///tmp/evil",
    "https://example.org/evil.zip",
    "./evil",
    "/tmp/evil",
    "evil[extra]",
    "--index-url=https://example.org",
    "-r",
    "a b",
    "a;b",
    "a==1 b",
    "a#b",
    "",
)
NO_VERSIONS = (
    "1.0 @ file:///tmp/evil",
    "1.*",
    ">=1",
    "1.0,>2",
    "1.0; python_version>'3'",
    "1.0 --pre",
    " 1.0",
    "1.0/../x",
    "-1",
    "",
)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        *(("package", one) for one in NO_PACKAGES),
        *(("version", one) for one in NO_VERSIONS),
        *(("python_version", one) for one in ("-c", "3.11 --pre", "3.11.1.1", "cp311", "")),
    ],
)
def test_what_pip_would_take_for_more_than_a_name_and_a_version_is_refused(
    tmp_path: Path, key: str, value: str
) -> None:
    with pytest.raises(InputError, match=rf"download\.catalogs\.{key} is "):
        load(tmp_path, changed(key, repr(value)))


@pytest.mark.parametrize("package", ["a", "Zope.Interface", "a_b-c.d", "0x"])
@pytest.mark.parametrize("version", ["1", "v1.0", "1!2.0+local.1", "2026.2.3", "1.0rc1.dev2"])
def test_names_of_pep_508_and_versions_of_pep_440_are_accepted(
    tmp_path: Path, package: str, version: str
) -> None:
    load(tmp_path, changed("package", package, changed("version", repr(version))))


def test_the_projects_own_settings_are_valid() -> None:
    assert load_params(PROJECT / "params.yaml").download.source_language == "en"


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (
            "batch_tokens:",
            "batch_token:",
            "batch_token is not a setting: did you mean batch_t",
        ),
        (
            "licence: Apache",
            "license: Apache",
            "license is not a setting: did you mean licence?",
        ),
        ("tokenize:\n", "tokenise:\n", "tokenise is not a setting: did you mean tokenize?"),
        (
            "  valid: null",
            "  valid: {sauce: a, target: b}",
            "sauce is not a setting: did you mean source?",
        ),
        ("  seed: 1\n", "  seed: 1\n  zzz: 1\n", "train.zzz is not a setting: known here: seed"),
        ("  seed: 1\n", "", "train.seed is missing: add it"),
        ("tokenize:\n", "x:\n", "tokenize is missing: add it"),
    ],
)
def test_misspelt_and_missing_keys_are_named(
    tmp_path: Path, old: str, new: str, message: str
) -> None:
    assert old in TEXT
    with pytest.raises(InputError, match=re.escape(message)):
        load(tmp_path, TEXT.replace(old, new, 1))


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        ("vocabulary_size", "4000.5", "tokenize.vocabulary_size is 4000.5: "),
        ("vocabulary_size", "'4000'", "tokenize.vocabulary_size is '4000': "),
        ("vocabulary_size", "true", "tokenize.vocabulary_size is True: "),
        ("vocabulary_size", "10", "tokenize.vocabulary_size is 10: "),
        ("vocabulary_size", "null", "tokenize.vocabulary_size is null: "),
        ("drop_untranslated", "no", "prepare.drop_untranslated is 'no': "),
        ("valid_percent", "101", "prepare.valid_percent is 101: "),
        ("valid_percent", ".nan", "prepare.valid_percent is nan: "),
        ("max_length_ratio", ".inf", "prepare.max_length_ratio is inf: "),
        ("corpus", "wmt", "download.corpus is 'wmt': "),
        ("sha256", "abc", "download.catalogs.sha256 is 'abc': "),
        ("attention", "dott", "model.attention is 'dott': "),
        ("length_penalty", "10.5", "evaluate.length_penalty is 10.5: should be less than or eq"),
        ("length_penalty", "-1", "evaluate.length_penalty is -1: should be greater than or equal"),
        ("metric", "rouge", "registry.metric is 'rouge': "),
        ("min_frequency", "0", "tokenize.min_frequency is 0: "),
        ("similarity", "0", "prepare.near_duplicate.similarity is 0: "),
        ("similarity", "1.1", "prepare.near_duplicate.similarity is 1.1: "),
        ("gram", "0", "prepare.near_duplicate.gram is 0: "),
        ("always_balanced_characters", "-1", "prepare.always_balanced_characters is -1: "),
        ("min_bucket_sentences", "0", "evaluate.min_bucket_sentences is 0: "),
        ("source_length_buckets", "[]", "evaluate.source_length_buckets is []: "),
        ("source_length_buckets", "[2, 3]", "evaluate: source_length_buckets is [2, 3]: begin at"),
        ("source_length_buckets", "[1, 3, 3]", "evaluate: source_length_buckets is [1, 3, 3]: "),
        ("significance_level", "1.0", "registry.significance_level is 1.0: "),
        ("variant_sentences", "-1", "evaluate.behaviour.variant_sentences is -1: "),
        (
            "max_percent",
            "{placeholder: 5}",
            "registry.behaviour.max_percent.placeholder is 'placeholder': should be one of placeh",
        ),
        ("max_percent", "{empty: 101}", "registry.behaviour.max_percent.empty is 101: "),
        ("seed_deviation", "-0.1", "registry.seed_deviation is -0.1: "),
        ("seed_deviation", ".inf", "registry.seed_deviation is inf: "),
        ("target_language", "english language", "target_language is 'english language': "),
    ],
)
def test_wrong_values_are_named_with_their_place(
    tmp_path: Path, key: str, value: str, message: str
) -> None:
    with pytest.raises(InputError, match=re.escape(message)) as error:
        load(tmp_path, changed(key, value))
    assert "\n" not in str(error.value)


def test_all_wrong_keys_are_reported_at_once(tmp_path: Path) -> None:
    text = changed("vocabulary_size", "1").replace("warmup_steps:", "warmup_step:")
    with pytest.raises(InputError) as error:
        load(tmp_path, text)
    for place in ("tokenize.vocabulary_size", "train.warmup_step ", "train.warmup_steps"):
        assert place in str(error.value)


def test_yaml_is_read_as_by_dvc(tmp_path: Path) -> None:
    text = changed("learning_rate", "1e-3", changed("target_language", "no"))
    (tmp_path / "params.yaml").write_text(text, encoding="utf-8")
    params = load_params(tmp_path / "params.yaml")
    assert params.download.target_language == "no"
    assert params.train.learning_rate == 0.001


@pytest.mark.parametrize("text", ["", "[]", "- a", "word", "3", "# nothing\n", "null"])
def test_a_file_without_a_mapping_is_refused(tmp_path: Path, text: str) -> None:
    with pytest.raises(InputError, match=r"params\.yaml") as error:
        load(tmp_path, text)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("text", ["a: [", "a: 1\na: 2", "\t- x", "a: !!python/object:os.system {}"])
def test_invalid_yaml_is_refused(tmp_path: Path, text: str) -> None:
    with pytest.raises(InputError, match=r"params\.yaml") as error:
        load(tmp_path, text)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("section", list(YAML(typ="safe", pure=True).load(TEXT)))
@pytest.mark.parametrize("value", ["null", "[]", "3", "{}"])
def test_a_section_without_a_mapping_is_refused(tmp_path: Path, section: str, value: str) -> None:
    text = re.sub(rf"(?m)^{section}:.*\n((?:  .*\n|\n)*)", f"{section}: {value}\n", TEXT)
    with pytest.raises(InputError, match=section):
        load(tmp_path, text)


def test_invalid_utf_8_is_refused(tmp_path: Path) -> None:
    (tmp_path / "params.yaml").write_bytes(b"a: \xff")
    with pytest.raises(InputError, match="is no valid YAML"):
        load_params(tmp_path / "params.yaml")


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="is missing: run this at the project's root"):
        load_params(tmp_path / "params.yaml")


def test_settings_cannot_be_changed_after_reading() -> None:
    params = load_params(PROJECT / "params.yaml")
    with pytest.raises(ValueError, match="frozen"):
        params.prepare.seed = 3


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"attention": "none", "hops": 2}, "model: hops is 2, but attention none never looks"),
        ({"attention": "additive", "input_feeding": True}, "model: input_feeding is true, but"),
        ({"attention": "multi_head", "heads": 5}, "model: heads is 5, which does not divide"),
        ({"attention": "none", "bridge": "zero"}, "model: bridge is zero and attention none"),
        ({"attention": "none", "encoder": "feed_forward"}, "model: encoder is feed_forward"),
        ({"encoder": "feed_forward", "directions": "forward"}, "model: directions is forward, but"),
        ({**TRANSFORMER, "heads": 5}, "model: heads is 5, which does not divide"),
        ({**TRANSFORMER, "attention": "local_p"}, "model: attention is local_p, but a transformer"),
        ({**TRANSFORMER, "hops": 2}, "model: hops is 2, but a transformer"),
        ({**TRANSFORMER, "input_feeding": True}, "model: input_feeding is true, but a transformer"),
        ({**TRANSFORMER, "encoder": "feed_forward"}, "model: encoder is feed_forward, but a tra"),
    ],
)
def test_contradictory_model_settings_are_refused_with_the_reason(
    tmp_path: Path, changes: dict[str, object], message: str
) -> None:
    yaml = YAML()
    values = yaml.load(TEXT)
    values["model"].update(changes)
    with (tmp_path / "params.yaml").open("w") as file:
        yaml.dump(values, file)
    with pytest.raises(InputError, match=re.escape(message)):
        load_params(tmp_path / "params.yaml")


LIMITS = [
    ("download", "source_language", "a" * 3 + "-" + "b" * 32, "at most 35 characters"),
    ("download", "catalogs.package", "a" * 1_001, "at most 1000 characters"),
    ("download", "catalogs.licence", "a\nb", "should match pattern"),
    ("download", "catalogs.licence", "a\0", "should match pattern"),
    ("download", "hub.name", " ", "should match pattern"),
    ("prepare", "seed", 2**63, "9223372036854775807, since a seed has 63 bits"),
    ("prepare", "seed", -(2**63), "-9223372036854775807, since a seed has 63 bits"),
    ("prepare", "max_characters", 10**7, "1000000, longer than any sentence"),
    ("prepare", "always_balanced_characters", 10**10, "less than or equal to 1000000000"),
    ("prepare", "near_duplicate.gram", 10**7, "1000000, longer than any sentence"),
    ("tokenize", "vocabulary_size", 10**12, "5000000, more than a corpus has words"),
    ("tokenize", "min_frequency", 10**12, "1000000000, more than any training has"),
    ("model", "hops", 10**6, "1000, deeper than any network that trains"),
    ("model", "layers", 10**6, "1000, deeper than any network that trains"),
    ("model", "heads", 10**7, "1000000, more than any machine computes with"),
    ("model", "window", 10**7, "1000000, more than any machine computes with"),
    ("model", "hidden_size", 10**9, "1000000, more than any machine computes with"),
    ("model", "embedding_size", 10**9, "1000000, more than any machine computes with"),
    ("model", "feed_forward_ratio", 10**6, "less than or equal to 10000"),
    ("model", "embedding_deviation", 1e308, "less than or equal to 1000"),
    ("model", "max_length_ratio", 10**6, "less than or equal to 10000"),
    ("model", "max_length_extra", 10**7, "less than or equal to 1000000"),
    ("train", "seed", 2**32, "4294967295, since numpy's seeds have 32 bits"),
    ("train", "seed", 2**64 - 1, "4294967295, since numpy's seeds have 32 bits"),
    ("train", "seed", -1, "greater than or equal to 0"),
    ("train", "warmup_steps", 10**10, "less than or equal to 1000000000"),
    ("train", "learning_rate", 1e308, "since float32 ends there"),
    ("train", "batch_tokens", 10**18, "1000000000, more than any training has"),
    ("train", "length_noise", 1e308, "less than or equal to 1000"),
    ("train", "gradient_clip_norm", 1e308, "since float32 ends there"),
    ("train", "log_every_steps", 10**10, "1000000000, more than any training has"),
    ("evaluate", "beam_size", 20, "16, since servers refuse more beams by default"),
    ("evaluate", "batch_sentences", 10**7, "1000000, more than any machine computes with"),
    ("evaluate", "bootstrap_samples", 10**8, "1000000, above which an interval changes no more"),
    ("evaluate", "bootstrap_seed", 2**63, "9223372036854775807, since a seed has 63 bits"),
    ("evaluate", "heat_maps", 10**6, "10000, since each is a picture in MLflow"),
    ("evaluate", "source_length_buckets", list(range(1, 102)), "at most 100 items"),
    ("registry", "name", "..a", "should match pattern"),
    ("registry", "name", "a" * 201, "at most 200 characters"),
    ("registry", "significance_level", 1e-17, "0.001, the lowest that 1,000 bootstrap samples"),
    ("runtime", "devices", 10**6, "1024, more than any machine has"),
    ("runtime", "experiment", "a" * 257, "at most 256 characters"),
    ("runtime", "experiment", "a\nb", "should match pattern"),
]


VALUES: dict[str, Any] = YAML(typ="safe", pure=True).load(TEXT)


def settings_with(section: str, key: str, value: object) -> dict[str, Any]:
    values = copy.deepcopy(VALUES)
    *sections, name = key.split(".")
    within = values[section]
    for one in sections:
        within = within[one]
    within[name] = value
    return values


def write(folder: Path, values: dict[str, Any]) -> Path:
    with (folder / "params.yaml").open("w", encoding="utf-8") as file:
        YAML().dump(values, file)
    return folder / "params.yaml"


@pytest.mark.parametrize(("section", "key", "value", "limit"), LIMITS)
def test_what_a_later_step_cannot_take_is_refused_with_the_limit(
    tmp_path: Path, section: str, key: str, value: object, limit: str
) -> None:
    path = write(tmp_path, settings_with(section, key, value))
    with pytest.raises(InputError, match=re.escape(f"{section}.{key} is ")) as error:
        load_params(path)
    assert limit in str(error.value)
    assert str(error.value).isprintable() and len(str(error.value)) < 400


@pytest.mark.parametrize("value", [True, 1.0, float("nan"), float("inf"), "1", None, [], {}])
def test_no_other_value_passes_for_a_whole_number(value: object) -> None:
    for section, kind in Params.model_fields.items():
        for key, field in cast("type[Section]", kind.annotation).model_fields.items():
            if field.annotation is int:
                with pytest.raises(ValidationError, match=re.escape(f"\n{section}.{key}\n")):
                    Params.model_validate(settings_with(section, key, value))


def test_every_number_has_an_upper_limit() -> None:
    for section in dict.fromkeys(sections()):
        schema = section.model_json_schema()["properties"]
        for name, field in section.model_fields.items():
            if field.annotation in (int, float) and name != "max_length_ratio":
                assert {"maximum", "exclusiveMaximum"} & schema[name].keys(), name


def test_a_model_of_any_settings_can_be_asked_at_a_server_with_its_default_limits() -> None:
    largest = EvaluateConfig.model_json_schema()["properties"]["beam_size"]["maximum"]
    assert largest <= Limits().beams
    TranslationOptions(beam_size=largest, length_penalty=10)


def test_a_significance_level_can_be_reached_by_both_tests() -> None:
    lowest = RegistryConfig.model_json_schema()["properties"]["significance_level"]["minimum"]
    draws = Resampling()
    assert max(1 / (draws.bootstrap_samples + 1), 1 / (draws.randomisations + 1)) < lowest


def test_mlflow_takes_every_name_that_the_settings_allow(tmp_path: Path) -> None:
    for name in ("a" * 200, "-", ".a", "a..b", "A_1.b-c", "m-0"):
        _validate_model_name(name)
        load_params(write(tmp_path, settings_with("registry", "name", name)))
    _validate_experiment_name("é" * 256)
    load_params(write(tmp_path, settings_with("runtime", "experiment", "é" * 256)))


def test_the_largest_seed_of_a_training_seeds_all_generators() -> None:
    largest = TrainConfig.model_json_schema()["properties"]["seed"]["maximum"]
    np.random.seed(largest)
    last_step = 2**32 - 1
    assert torch.Generator().manual_seed(largest * 2**32 + last_step) is not None


@pytest.mark.parametrize(
    ("steps", "message"),
    [
        (
            ["nfc", "fold"],
            r"prepare\.normalise\.1 is 'fold': should be 'mojibake', .* 'white_space'",
        ),
        (["nfc", "nfc"], r"prepare\.normalise is \['nfc', 'nfc'\]: should name each step once"),
    ],
)
def test_a_step_that_is_unknown_or_repeated_is_refused(
    tmp_path: Path, steps: list[str], message: str
) -> None:
    yaml = YAML()
    values = yaml.load(TEXT)
    values["prepare"]["normalise"] = steps
    with (tmp_path / "params.yaml").open("w", encoding="utf-8") as file:
        yaml.dump(values, file)
    with pytest.raises(InputError, match=message):
        load_params(tmp_path / "params.yaml")
