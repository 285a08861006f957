"""Each target with its seeds, with some changes of them, and with the inputs that once failed."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from tests.fuzz.targets import TARGETS

INPUTS = Path(__file__).with_name("inputs")
CHANGES = 20
FAILED = sorted(path for path in INPUTS.glob("*/*") if path.is_file())


def changed(seed: bytes, chance: random.Random) -> bytes:
    """Returns the seed with some bytes replaced, removed or repeated."""
    data = bytearray(seed)
    for _ in range(chance.randint(1, 4)):
        start = chance.randrange(len(data) + 1)
        stop = min(len(data), start + chance.choice([1, 1, 2, 8, 100]))
        match chance.randrange(4):
            case 0:
                data[start:stop] = chance.randbytes(stop - start)
            case 1:
                del data[start:stop]
            case 2:
                data[start:start] = data[start:stop] * chance.choice([1, 2, 50])
            case 3:
                data[start:stop] = chance.choice([b"NaN", b"-1", b"null", b"[]", b'"', b"\\u0000"])
    return bytes(data)


@pytest.mark.parametrize("name", TARGETS)
def test_a_target_survives_its_seeds_and_changes_of_them(name: str) -> None:
    target, chance = TARGETS[name], random.Random(name)
    for seed in target.seeds():
        target.run(seed)
        for _ in range(CHANGES):
            target.run(changed(seed, chance))


@pytest.mark.parametrize("path", FAILED, ids=[f"{path.parent.name}/{path.name}" for path in FAILED])
def test_an_input_that_once_failed_no_longer_does(path: Path) -> None:
    TARGETS[path.parent.name].run(path.read_bytes())
