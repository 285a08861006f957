"""Fuzzes one target, by coverage: python -m tests.fuzz.one TARGET [options of libFuzzer]."""

from __future__ import annotations

import sys

import atheris

from tests.fuzz.targets import TARGETS


def main() -> None:
    target = TARGETS[sys.argv[1]]
    for seed in target.seeds():  # imports all that a valid input needs, before time counts
        target.run(seed)
    atheris.Setup([sys.argv[0], *sys.argv[2:]], target.run)
    atheris.Fuzz()


if __name__ == "__main__":
    with atheris.instrument_imports(include=["tracelate"]):
        import tracelate.cli.main  # noqa: F401
    main()
