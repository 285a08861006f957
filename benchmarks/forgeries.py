"""Changes a signed package in many ways, and counts the changes that are not refused.

    python -m benchmarks.forgeries PACKAGE --trusted-key keys/tracelate.pub [--changes 10000]

PACKAGE is the folder of a signed package. Each change is made to a copy: a bit of a file, a file
that is added, removed, cut, renamed or replaced by a link, or a bit of model.sig. A bit of
model.sig that changes neither statement nor signer, such as one of the key's name, is harmless.
Prints the number of changes of each kind, and exits with status 1 if one was accepted.
"""

from __future__ import annotations

import random
import shutil
import tempfile
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer

from tracelate.errors import InputError
from tracelate.signing.package_signature import (
    SIGNATURE,
    PackageSignature,
    hash_package,
    open_signature,
    read_signature,
)
from tracelate.signing.trust import Trust, read_trust

Undo = Callable[[], object]


def main(
    package: Annotated[Path, typer.Argument()],
    trusted_key: Annotated[list[Path], typer.Option()],
    changes: Annotated[int, typer.Option()] = 10_000,
    seed: Annotated[int, typer.Option()] = 1,
) -> None:
    """Prints the number of refused changes of each kind."""
    trust, draw = read_trust(trusted_key), random.Random(seed)
    made, accepted = Counter[str](), list[str]()
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(shutil.copytree(package, Path(folder) / "package"))
        names = sorted(name for name in hash_package(copy) if (copy / name).stat().st_size)
        original = check(copy, trust)
        for _ in range(changes):
            kind = draw.choice(sorted(KINDS))
            name = SIGNATURE if kind == "signature" else draw.choice(names)
            undo = KINDS[kind](copy / name, draw)
            made[kind] += 1
            try:
                found = check(copy, trust)
            except InputError:
                pass
            else:
                if kind == "signature" and found == original:
                    made["harmless"] += 1
                else:
                    accepted.append(f"{kind} {name}")
            undo()
        check(copy, trust)
    for kind, number in sorted(made.items()):
        typer.echo(f"{kind:<10} {number:>6} changes")
    typer.echo(f"{changes:,} changes, {len(accepted):,} accepted")
    for one in accepted:
        typer.echo(f"accepted: {one}")
    raise typer.Exit(1 if accepted else 0)


def check(package: Path, trust: Trust) -> PackageSignature:
    """Returns the signature. Raises InputError if the package is not the signed one."""
    signature = open_signature(read_signature(package), trust.keys, "the package")
    signature.refuse_changed_files(hash_package(package))
    return signature


def _change_bit(path: Path, draw: random.Random) -> Undo:
    content = path.read_bytes()
    forged = bytearray(content)
    forged[draw.randrange(len(content))] ^= 1 << draw.randrange(8)
    path.write_bytes(forged)
    return lambda: path.write_bytes(content)


def _cut(path: Path, draw: random.Random) -> Undo:
    content = path.read_bytes()
    path.write_bytes(content[: draw.randrange(len(content))])
    return lambda: path.write_bytes(content)


def _remove(path: Path, _: random.Random) -> Undo:
    content = path.read_bytes()
    path.unlink()
    return lambda: path.write_bytes(content)


def _rename(path: Path, draw: random.Random) -> Undo:
    other = path.with_name(f"{path.name}.{draw.randrange(1000)}")
    path.rename(other)
    return lambda: other.rename(path)


def _plant(path: Path, draw: random.Random) -> Undo:
    planted = path.with_name(f"planted{draw.randrange(1000)}{draw.choice(['.py', '.pyc', ''])}")
    planted.write_bytes(b"")
    return planted.unlink


def _link(path: Path, _: random.Random) -> Undo:
    elsewhere = Path(tempfile.gettempdir()) / f"tracelate-{path.name}"
    shutil.copyfile(path, elsewhere)
    content = path.read_bytes()
    path.unlink()
    path.symlink_to(elsewhere)

    def undo() -> None:
        path.unlink()
        path.write_bytes(content)
        elsewhere.unlink()

    return undo


KINDS: dict[str, Callable[[Path, random.Random], Undo]] = {
    "bit": _change_bit,
    "cut": _cut,
    "link": _link,
    "plant": _plant,
    "remove": _remove,
    "rename": _rename,
    "signature": _change_bit,
}

if __name__ == "__main__":
    typer.run(main)
