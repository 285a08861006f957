"""A user without a home folder."""

from __future__ import annotations

from pathlib import Path

import pytest

from tracelate.home import name_home


def test_a_user_without_a_home_has_the_root_as_home(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/mine")
    name_home()
    assert Path.home() == Path("/home/mine")
    monkeypatch.setattr("pwd.getpwuid", {}.__getitem__)  # a user id without a name
    monkeypatch.delenv("HOME")
    name_home()
    assert Path.home() == Path("/")
