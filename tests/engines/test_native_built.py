"""An install without a compiler goes without the native engine; one with a compiler must have it."""

import importlib.util
import shutil

import pytest


@pytest.mark.skipif(not any(map(shutil.which, ("c++", "g++", "clang++"))), reason="no C++ compiler here")
def test_the_module_is_built_where_there_is_a_compiler():
    assert importlib.util.find_spec("upres.engines._native") is not None, "the native engine was not built"
