"""What to do about an error, as the terminal says it."""

import argparse
from importlib import import_module
from pathlib import Path
from re import findall

import pytest

from upres.apps.cli.hints import WORDS, with_hint, worded
from upres.apps.cli.main import VERBS, main
from upres.errors import DataError, Hint, MissingExtraError, UpresError


def _flags() -> set[str]:
    """Every flag of every verb, actions of verbs included."""
    parsers, flags = [], set()
    for verb in VERBS:
        parsers.append(argparse.ArgumentParser())
        import_module(f"upres.apps.cli.{'import_' if verb == 'import' else verb}").add_arguments(parsers[-1])
    while parsers:
        for action in parsers.pop()._actions:
            flags.update(action.option_strings)
            if isinstance(action, argparse._SubParsersAction):
                parsers += action.choices.values()
    return flags


@pytest.mark.parametrize("hint", Hint)
def test_every_hint_is_worded_in_flags_and_verbs_that_exist(hint):
    assert set(findall(r"--[a-z][a-z0-9-]*", WORDS[hint])) <= _flags()
    assert set(findall(r"`upres (\w+)", WORDS[hint])) <= VERBS.keys()


def test_the_words_follow_a_semicolon_or_are_a_sentence():
    assert worded(DataError("a.json exists", hint=Hint.OVERWRITE)) == "a.json exists; --overwrite replaces it"
    assert with_hint("no model 'x'.", Hint.LIST_MODELS) == "no model 'x'. `upres models` lists them."
    assert with_hint("Did you mean 'y'?", Hint.OTHER_GATE) == "Did you mean 'y'? Choose another with --gate."
    assert worded(DataError("nothing to add")) == "nothing to add"


def test_errors_hold_their_hint_apart_from_their_message():
    error = UpresError("a.json exists", hint=Hint.OVERWRITE)
    assert (str(error), error.hint) == ("a.json exists", Hint.OVERWRITE)
    assert MissingExtraError("ONNX export", "lab").hint is None


def test_the_command_says_both_in_one_line(tmp_path, capsys):
    assert main(["models", "no_such_model"]) == 1
    assert capsys.readouterr().err == "upres: no model 'no_such_model'. `upres models` lists them.\n"
    Path(tmp_path / "x.pth").write_bytes(b"x")
    assert main(["models", str(tmp_path / "x.pth")]) == 1
    expected = "expected a .safetensors file; `upres import FILE -o MODEL.safetensors` converts it"
    assert capsys.readouterr().err == f"upres: {tmp_path / 'x.pth'}: {expected}\n"


@pytest.mark.parametrize("name", ["rlfn_x4"])
def test_a_beginning_that_is_not_there_is_told_with_the_ways_out(name, tmp_path, capsys):
    warm_start = pytest.importorskip("upres.lab.training.warm_start")
    from upres.lab.training.recipes import recipe_for

    with pytest.raises(UpresError) as raised:
        warm_start.earlier_steps(recipe_for(name).start, beside=tmp_path)
    said = worded(raised.value)
    assert "begins with 'rlfn_x2'" in said
    assert said.endswith(
        "; train both with --queue, that one first, name other weights by --set start.model=FILE, or none: "
        "--set start.model="
    )
