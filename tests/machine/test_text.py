"""Text from outside, for terminals and file systems."""

import pytest

from upres.machine.text import cut_bytes, printable


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("photo 1.jpg", "photo 1.jpg"),
        ("写真　é\u0301🙂.jpg", "写真　é\u0301🙂.jpg"),
        ("a\nb\x1b[31m\x07\x7f", "a\\nb\\x1b[31m\\x07\\x7f"),
        ("gpj.\u202eexe", "gpj.\\u202eexe"),
        ("\udcff.png", "\\udcff.png"),
        ("\x85\u2028", "\\x85\\u2028"),
    ],
)
def test_what_a_terminal_would_obey_is_escaped(text, shown):
    assert printable(text) == shown


@pytest.mark.parametrize(
    ("text", "most", "cut"),
    [("abc", 3, "abc"), ("abcd", 3, "abc"), ("写真", 5, "写"), ("写真", 6, "写真"), ("é", 1, "")],
)
def test_names_are_cut_by_bytes(text, most, cut):
    assert cut_bytes(text, most) == cut


def test_a_name_of_bytes_that_are_no_letters_stays_where_it_fits():
    assert cut_bytes("\udcff.png", 9) == "\udcff.png"
