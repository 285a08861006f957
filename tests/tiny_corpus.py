"""A corpus for tests: a wheel of message catalogs in an invented language pair, which can be
translated word by word, and settings to train on it in seconds.

    TRACELATE_CACHE=… python -m tests.tiny_corpus DIR

puts the wheel into that cache and writes DIR/params.yaml. All stages then run without a network.
"""

from __future__ import annotations

import io
import json
import random
import sys
import zipfile
from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from tracelate.corpus.sources.wheels import cached_wheel

PACKAGE, VERSION = "tinycatalogs", "1.0"
WHEEL_NAME = f"{PACKAGE}-{VERSION}-py3-none-any.whl"
PATH = f"{PACKAGE}/components/{{group}}/translations/{{language}}.json"
PROJECT = Path(__file__).parent.parent

NOUNS = {
    "door": "puerta", "window": "ventana", "light": "luz", "camera": "cámara", "battery": "batería",
    "garden": "jardín", "kitchen": "cocina", "network": "red", "password": "contraseña",
    "sensor": "sensor", "year": "año", "button": "botón", "house": "casa", "signal": "señal",
    "heater": "calefactor", "curtain": "cortina", "engine": "motor", "bridge": "puente",
}  # fmt: skip
VERBS = {
    "opens": "abre", "closes": "cierra", "reads": "lee", "shows": "muestra", "needs": "necesita",
    "warms": "calienta", "stops": "detiene", "follows": "sigue", "loses": "pierde",
    "protects": "protege", "measures": "mide", "changes": "cambia",
}  # fmt: skip
ADVERBS = {
    "today": "hoy", "always": "siempre", "never": "nunca", "slowly": "despacio",
    "again": "otra vez", "later": "más tarde", "quickly": "rápido", "first": "primero",
}  # fmt: skip
SPECIAL_MESSAGES = {
    "placeholder": ("Open {device_name} 🎉", "Abre {device_name} 🎉"),
    "line_break": ("Wait.\nThen try again.", "Espera.\nLuego inténtalo otra vez."),
    "quotes": ("The “door” is <b>open</b>", "La «puerta» está <b>abierta</b>"),
}
SETTINGS: Mapping[str, Any] = {
    "download.corpus": "catalogs",
    "download.source_language": "en",
    "download.target_language": "es",
    "download.catalogs.package": PACKAGE,
    "download.catalogs.version": VERSION,
    "download.catalogs.path": PATH,
    "prepare.valid_percent": 10,
    "prepare.test_percent": 10,
    "tokenize.vocabulary_size": 400,
    "model.embedding_size": 16,
    "model.hidden_size": 24,
    "train.epochs": 2,
    "train.warmup_steps": 4,
    "train.batch_tokens": 512,
    "train.precision": "32-true",
    "evaluate.beam_size": 2,
    "evaluate.bootstrap_samples": 20,
    "evaluate.heat_maps": 2,
    "registry.behaviour.max_increase": {},  # models of a few steps repeat words
    "runtime.accelerator": "cpu",
}


def catalogs(groups: int = 60, messages: int = 10) -> dict[str, Any]:
    """Returns catalogs of nested messages by their path in the wheel."""
    draw = random.Random(1)
    files: dict[str, Any] = {}
    for number in range(groups):
        texts = [sentence(draw) for _ in range(messages)]
        name = f"component_{number:02d}"
        for side, language in enumerate(("en", "es")):
            tree: dict[str, Any] = {"version": 1, "title": f"Component {number}", "services": {}}
            for place, sides in enumerate(texts):
                tree["services"][f"message_{place}"] = {"name": sides[side]}
            if number == 0:
                tree["special"] = {key: both[side] for key, both in SPECIAL_MESSAGES.items()}
            files[PATH.format(group=name, language=language)] = tree
    return files


def build_wheel(files: Mapping[str, Any] | None = None) -> bytes:
    """Builds the wheel; the same catalogs give the same bytes."""
    info = f"{PACKAGE}-{VERSION}.dist-info"
    contents = {
        **{path: json.dumps(tree, indent=1) for path, tree in (files or catalogs()).items()},
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {PACKAGE}\nVersion: {VERSION}\n",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        f"{info}/RECORD": "",
    }
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for path, text in contents.items():
            archive.writestr(zipfile.ZipInfo(path), text)
    return buffer.getvalue()


def put_into_cache(wheel: bytes) -> Path:
    path = cached_wheel(sha256(wheel).hexdigest())
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(wheel)
    return path


def write_params(folder: Path, settings: Mapping[str, Any]) -> None:
    """Writes the project's params.yaml with other settings. Raises KeyError for unknown ones."""
    yaml = YAML()
    values = yaml.load((PROJECT / "params.yaml").read_text(encoding="utf-8"))
    for place, value in settings.items():
        *sections, key = place.split(".")
        section = values
        for name in sections:
            section = section[name]
        if key not in section:
            raise KeyError(place)
        section[key] = value
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "params.yaml").open("w", encoding="utf-8") as file:
        yaml.dump(values, file)


def tiny_settings(wheel: bytes, **changes: Any) -> dict[str, Any]:
    return {**SETTINGS, "download.catalogs.sha256": sha256(wheel).hexdigest(), **changes}


def sentence(draw: random.Random) -> tuple[str, str]:
    """Returns a sentence of the corpus's kind and its translation."""
    subject, thing = draw.sample(sorted(NOUNS), 2)
    verb, adverb = draw.choice(sorted(VERBS)), draw.choice(sorted(ADVERBS))
    return (
        f"{adverb.capitalize()} the {subject} {verb} the {thing}.",
        f"{ADVERBS[adverb].capitalize()} la {NOUNS[subject]} {VERBS[verb]} la {NOUNS[thing]}.",
    )


if __name__ == "__main__":
    tiny_wheel = build_wheel()
    put_into_cache(tiny_wheel)
    write_params(Path(sys.argv[1]), tiny_settings(tiny_wheel))
