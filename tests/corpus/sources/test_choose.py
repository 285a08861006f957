from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.corpus.test_provenance import CATALOGS, KINDS, PAIRS, SHARED
from tests.tiny_corpus import PROJECT
from tracelate.config import DownloadConfig, load_params
from tracelate.corpus.sources.choose import SOURCES, choose_source, read_provenance
from tracelate.errors import InputError

WHOLE = {**CATALOGS, **SHARED, **PAIRS}
WITHOUT_LICENCE = {name: value for name, value in WHOLE.items() if name != "licence"}
WITHOUT_CORPUS = {name: value for name, value in WHOLE.items() if name != "corpus"}


def test_every_section_of_the_settings_has_a_source_and_every_source_its_provenance() -> None:
    assert set(SOURCES) == set(DownloadConfig.corpora())
    for name, kind in SOURCES.items():
        assert kind.provenance.model_fields["corpus"].default == name


@pytest.mark.parametrize("name", SOURCES)
def test_the_source_that_the_settings_name_is_given_its_section(name: str) -> None:
    config = load_params(PROJECT / "params.yaml").download.model_copy(update={"corpus": name})
    source = choose_source(config)
    assert isinstance(source, SOURCES[name].source)  # type: ignore[arg-type]
    assert source.config == getattr(config, name)  # type: ignore[attr-defined]


def test_one_language_on_both_sides_is_refused() -> None:
    config = load_params(PROJECT / "params.yaml").download
    with pytest.raises(InputError, match="are both 'en': change one of them"):
        choose_source(config.model_copy(update={"target_language": "en"}))


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind[0].__name__)
def test_the_kind_of_a_provenance_selects_its_class(
    tmp_path: Path, kind: tuple[type, dict[str, object]]
) -> None:
    path = tmp_path / "provenance.json"
    path.write_text(json.dumps({**kind[1], **SHARED, **PAIRS}))
    assert type(read_provenance(path)) is kind[0]


def test_the_provenance_of_an_older_release_is_read() -> None:
    path = PROJECT / "tests/formats/0.1/data/raw/provenance.json"
    written = json.loads(path.read_text())
    assert read_provenance(path).model_dump(mode="json") == written


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "Expecting value"),
        ("[]", "it is not a JSON object"),
        ("null", "it is not a JSON object"),
        ("\xff", "codec can't decode"),
        (json.dumps(WITHOUT_LICENCE), "licence: Field required"),
        (json.dumps(WITHOUT_CORPUS), "corpus should be one of catalogs, hub, files"),
        (json.dumps({**WHOLE, "corpus": ["hub"]}), "corpus should be one of"),
        (json.dumps({**WHOLE, "corpus": "wmt"}), "corpus should be one of"),
        (json.dumps({**WHOLE, "version": 1.0}), "version: Input should be a valid string"),
        (json.dumps({**WHOLE, "pairs": {"all": float("nan")}}), "NaN is not a finite number"),
        (json.dumps({**WHOLE, "more": float("inf")}), "Infinity is not a finite number"),
        (json.dumps({**WHOLE, "pairs": [3]}), "pairs: Input should be"),
    ],
)
def test_a_damaged_provenance_is_one_line_with_its_file_and_the_remedy(
    tmp_path: Path, text: str, reason: str
) -> None:
    path = tmp_path / "provenance.json"
    path.write_text(text, encoding="latin-1")
    with pytest.raises(InputError) as caught:
        read_provenance(path)
    message = str(caught.value)
    assert message.startswith(f"{path} is damaged (") and "\n" not in message
    assert reason in message
    assert message.endswith("fetch the corpus again, with python -m pipeline.download")


def test_a_provenance_is_read_without_the_libraries_that_a_packed_model_lacks() -> None:
    script = (
        "import sys\nimport tracelate.corpus.sources.choose\n"
        "print({'datasets', 'lxml', 'platformdirs', 'polib', 'requests', 'rich'} & {*sys.modules})"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert (done.stdout, done.stderr) == ("set()\n", "")


def test_a_missing_provenance_is_named_with_the_remedy(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"provenance\.json is missing: fetch the corpus again"):
        read_provenance(tmp_path / "provenance.json")
