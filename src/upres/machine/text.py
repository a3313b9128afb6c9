"""Text from outside, such as names of files, made fit for a terminal or a file system."""

import os
import unicodedata


def printable(text: str) -> str:
    r"""The text with whatever a terminal would obey instead of show as an escape: ``\n``, ``\x1b``, ``\u202e``.

    Letters and marks of every script stay, and blanks of any width.

    Example:
        >>> printable("red\x1b[31m")
        'red\\x1b[31m'
    """
    return "".join(letter if _shown(letter) else _escaped(letter) for letter in text)


def cut_bytes(text: str, most: int) -> str:
    """The longest beginning of a file's name that takes no more than ``most`` bytes, no letter cut in two.

    Example:
        >>> cut_bytes("写真.jpg", 5)
        '写'
    """
    whole = os.fsencode(text)
    if len(whole) <= most:
        return text
    return whole[:most].decode(errors="ignore")


def _shown(letter: str) -> bool:
    return letter.isprintable() or unicodedata.category(letter) == "Zs"


def _escaped(letter: str) -> str:
    return letter.encode("unicode_escape").decode("ascii")
