"""Environment variables for processes that start now."""

import os

import pytest

from upres.machine.variables import in_environment


def test_the_environment_is_another_one_as_long_as_the_block_lasts(monkeypatch):
    monkeypatch.setenv("KEPT_A", "1")
    monkeypatch.setenv("LEFT_OUT", "2")
    monkeypatch.delenv("NEW", raising=False)
    before = dict(os.environ)
    with in_environment({"NEW": "3", "KEPT_A": "4"}, without="LEFT_"):
        assert (os.environ["NEW"], os.environ["KEPT_A"], os.environ.get("LEFT_OUT")) == ("3", "4", None)
    assert dict(os.environ) == before
    with in_environment({}):
        assert dict(os.environ) == before


def test_it_is_the_same_again_after_an_error():
    before = dict(os.environ)
    with pytest.raises(ValueError, match="null byte"):
        in_environment({"NEW": "3\0"}).__enter__()
    assert dict(os.environ) == before
