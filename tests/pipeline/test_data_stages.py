"""The data stages, run as by a user, on the tiny corpus and on wrong input."""

from __future__ import annotations

import json
from hashlib import sha256
from pathlib import Path

import pytest

from tests.conftest import Project
from tests.tiny_corpus import PATH, WHEEL_NAME, build_wheel, put_into_cache
from tracelate.corpus.pairs import read_pairs
from tracelate.corpus.tokenized_file import read_tokenized
from tracelate.corpus.tokenizer import SubwordTokenizer

STAGES = ("download", "prepare", "tokenize")
NO_INDEX = {
    "PIP_CONFIG_FILE": "/dev/null",
    "PIP_NO_INDEX": "1",
    "PIP_FIND_LINKS": "",
}
UNREACHABLE = {
    "PIP_CONFIG_FILE": "/dev/null",
    "PIP_INDEX_URL": "http://127.0.0.1:9/simple",
    "PIP_EXTRA_INDEX_URL": "",
    "PIP_FIND_LINKS": "",
    "PIP_RETRIES": "0",
}


def refused(project: Project, *stages: str, **environment: str) -> str:
    """Runs the last stage, which must fail without outputs, and returns its message."""
    before = set(project.files())
    done = project.run(*stages, **environment)
    assert done.returncode == 1, done
    assert done.stderr.startswith("error: ")
    assert done.stderr.count("\n") == 1
    assert done.stdout == ""
    room = {"download": "data/raw", "prepare": "data/prepared", "tokenize": "data/tokenized"}
    left = set(project.files())
    assert not [name for name in left if name.startswith(room[stages[-1]])]
    assert left <= before
    return done.stderr


def test_the_data_stages_write_all_their_outputs_and_the_same_every_time(project: Project) -> None:
    done = project.run(*STAGES)
    assert (done.returncode, done.stderr) == (0, "")
    first = project.files()
    assert sorted(first) == [
        "data/prepared/test.parquet",
        "data/prepared/train.parquet",
        "data/prepared/valid.parquet",
        "data/raw/all.parquet",
        "data/raw/provenance.json",
        "data/tokenized/tokenizer.json",
        "data/tokenized/train.arrow",
        "data/tokenized/valid.arrow",
        "reports/data.json",
        "reports/tokenize.json",
    ]
    assert project.run(*STAGES).returncode == 0
    assert project.files() == first

    tokenizer = SubwordTokenizer.load(project.folder / "data/tokenized/tokenizer.json")
    for split in ("train", "valid"):
        pairs = read_pairs(project.folder / f"data/prepared/{split}.parquet")
        ids = read_tokenized(project.folder / f"data/tokenized/{split}.arrow")
        given = [one.placeholders for one in ids]
        sources = tokenizer.decode([one.source_ids for one in ids], given)
        targets = tokenizer.decode([one.target_ids for one in ids], given)
        assert sources == [one.source for one in pairs]
        assert targets == [one.target for one in pairs]

    report = json.loads((project.folder / "reports/data.json").read_text())
    assert report["read"] == report["kept"] + sum(report["dropped"].values())
    assert report["leakage"]["test"]["exact_source"] == 0
    assert str(project.folder) not in (project.folder / "data/raw/provenance.json").read_text()


def test_a_wheel_is_fetched_by_pip_and_then_needs_no_network(project: Project) -> None:
    project.cached.write_bytes(b"corrupt")
    links = project.folder / "links"
    links.mkdir()
    (links / WHEEL_NAME).write_bytes(project.wheel)
    assert project.run("download", **{**NO_INDEX, "PIP_FIND_LINKS": str(links)}).returncode == 0
    assert project.cached.read_bytes() == project.wheel
    assert list(project.cached.parent.iterdir()) == [project.cached]
    assert project.run("download", **NO_INDEX).returncode == 0


def test_a_wheel_with_another_hash_is_refused_and_not_cached(project: Project) -> None:
    project.cached.unlink()
    other = build_wheel({PATH.format(group="a", language="en"): {"k": "v"}})
    (project.folder / WHEEL_NAME).write_bytes(other)
    line = refused(project, "download", **{**NO_INDEX, "PIP_FIND_LINKS": str(project.folder)})
    assert sha256(other).hexdigest() in line
    assert "download.catalogs.sha256" in line
    assert list(project.cached.parent.iterdir()) == []


@pytest.mark.parametrize("share", [0, 2])
def test_a_truncated_wheel_is_refused_and_not_cached(project: Project, share: int) -> None:
    project.cached.unlink()
    cut = project.wheel[: len(project.wheel) // share] if share else b""
    (project.folder / WHEEL_NAME).write_bytes(cut)
    line = refused(project, "download", **{**NO_INDEX, "PIP_FIND_LINKS": str(project.folder)})
    assert "tinycatalogs" in line
    assert list(project.cached.parent.iterdir()) == []


def test_a_missing_network_is_one_line_with_the_place_for_the_wheel(project: Project) -> None:
    project.cached.unlink()
    line = refused(project, "download", **UNREACHABLE)
    assert "cannot reach 127.0.0.1" in line
    assert str(project.cached) in line


def test_a_package_that_no_index_has_is_named(project: Project) -> None:
    project.cached.unlink()
    assert "no index in pip's settings has that package" in refused(project, "download", **NO_INDEX)


def test_an_unknown_language_is_refused(project: Project) -> None:
    assert project.run("download").returncode == 0
    project.set(download__target_language="et")
    assert "no catalogs in the language 'et': it has en es" in refused(project, "download")


def test_one_language_on_both_sides_is_refused(project: Project) -> None:
    project.set(download__target_language="en")
    assert "are both 'en': change one" in refused(project, "download")


@pytest.mark.parametrize("stage", STAGES)
def test_a_misspelt_setting_stops_every_stage_and_keeps_its_outputs(
    project: Project, stage: str
) -> None:
    assert project.run(*STAGES).returncode == 0
    params = project.folder / "params.yaml"
    params.write_text(params.read_text().replace("max_characters:", "max_character:"))
    before = project.files()
    done = project.run(stage)
    assert done.returncode == 1
    assert done.stderr.startswith("error: ")
    assert "did you mean max_characters?" in done.stderr
    assert done.stderr.count("\n") == 1
    assert project.files() == before


def write_corpus(folder: Path, **texts: bytes) -> None:
    (folder / "corpora").mkdir()
    for name, text in texts.items():
        (folder / "corpora" / name.replace("_", ".")).write_bytes(text)


def test_text_files_go_through_all_data_stages(project: Project) -> None:
    numbers = range(200)
    write_corpus(
        project.folder,
        train_en="\n".join(
            f"{n * 7919 % 1000} doors {chr(97 + n % 26) * 9}" for n in numbers
        ).encode(),
        train_es="\n".join(f"{n * 7919 % 1000} puertas ñ" for n in numbers).encode(),
    )
    project.set(
        download__corpus="files",
        prepare__near_leakage="warn",
        prepare__max_near_leakage_percent=100,
    )
    done = project.run(*STAGES)
    assert (done.returncode, done.stderr) == (0, "")


def test_documents_go_through_all_data_stages(project: Project) -> None:
    unit = (
        "<tu><tuv xml:lang='en'><seg>{0} doors {1}</seg></tuv>"
        "<tuv xml:lang='es'><seg>{0} puertas ñ</seg></tuv></tu>"
    )
    numbers = range(200)
    units = "".join(unit.format(n * 7919 % 1000, chr(97 + n % 26) * 9) for n in numbers)
    (project.folder / "corpora").mkdir()
    memory = f"<tmx version='1.4'><body>{units}</body></tmx>"
    (project.folder / "corpora/train.tmx").write_text(memory)
    project.set(
        download__corpus="documents",
        prepare__near_leakage="warn",
        prepare__max_near_leakage_percent=100,
    )
    done = project.run(*STAGES)
    assert (done.returncode, done.stderr) == (0, "")


def test_a_damaged_document_leaves_no_outputs(project: Project) -> None:
    (project.folder / "corpora").mkdir()
    (project.folder / "corpora/train.tmx").write_text("<tmx version='1.4'><body><tu>")
    project.set(download__corpus="documents")
    assert "corpora/train.tmx is no valid TMX (line 1: " in refused(project, "download")


@pytest.mark.parametrize(
    ("source", "target", "message"),
    [
        (b"one\ntwo\n", b"uno\n", "corpora/train.en has 2 lines and corpora/train.es 1:"),
        (b"one\ntwo\n", b"uno\nd\xf3s\n", "corpora/train.es, line 2, is not UTF-8"),
    ],
)
def test_bad_text_files_are_refused(
    project: Project, source: bytes, target: bytes, message: str
) -> None:
    write_corpus(project.folder, train_en=source, train_es=target)
    project.set(download__corpus="files")
    assert message in refused(project, "download")


def test_missing_text_files_are_named(project: Project) -> None:
    project.set(download__corpus="files")
    assert "corpora/train.en (download.files) is missing" in refused(project, "download")


@pytest.mark.parametrize("place", ["corpora/set", "set"])
def test_a_folder_is_read_where_dvc_watches_it(project: Project, place: str) -> None:
    folder = project.folder / place
    folder.mkdir(parents=True)
    lines = [f"{n * 7919 % 1000} doors\t{n * 7919 % 1000} puertas" for n in range(100)]
    (folder / "train.tsv").write_text("\n".join(["en\tes", *lines]))
    project.set(download__corpus="hub", download__hub__name=place)
    if place.startswith("corpora"):
        assert "pairs from hub: all 100" in project.run("download").stdout
    else:
        assert "set/train.tsv (download.hub) lies outside corpora/" in refused(project, "download")


def test_a_hub_without_a_network_is_one_line(project: Project) -> None:
    project.set(download__corpus="hub")
    assert "cannot reach the Hugging Face Hub for" in refused(project, "download")


def test_a_corpus_that_cleaning_empties_is_refused_with_the_rules(project: Project) -> None:
    project.set(prepare__max_characters=1)
    line = _refused_prepare(project)
    assert "the split train and valid and test is empty: of 663 pairs read" in line
    assert "too_long 663" in line


def test_too_much_leakage_is_refused_with_examples(project: Project) -> None:
    similar = {
        PATH.format(group=f"g{n:02d}", language=language): {"k": f"{text} {n}"}
        for n in range(60)
        for language, text in (("en", "The door number is"), ("es", "La puerta es la número"))
    }
    wheel = build_wheel(similar)
    put_into_cache(wheel)
    project.set(download__catalogs__sha256=sha256(wheel).hexdigest(), prepare__near_leakage="fail")
    line = _refused_prepare(project)
    assert "100.0 % of the test sentences have a near duplicate in train" in line
    assert line.count(" is similar to ") == 3


@pytest.mark.parametrize(("stage", "missing"), [("prepare", "provenance"), ("tokenize", "train")])
def test_missing_inputs_of_a_stage_are_named(project: Project, stage: str, missing: str) -> None:
    line = refused(project, stage)
    assert missing in line
    assert "is missing" in line


def _refused_prepare(project: Project) -> str:
    assert project.run("download").returncode == 0
    return refused(project, "prepare")
