"""Names of files as text that any terminal can show, and that cannot command it."""

import unicodedata

_CONTROLS = {"Cc", "Cs", "Zl", "Zp"}  # Unicode's categories of what acts on a line, or is none
_TURNS = {*range(0x202A, 0x202F), *range(0x2066, 0x206A)}  # they show a name from right to left


def printable(text: str) -> str:
    """Escapes what stands in a name for bytes that are not UTF-8: no terminal or JSON holds it."""
    return text.encode(errors="backslashreplace").decode()


def without_controls(text: str, keep: str = "") -> str:
    r"""Escapes what would move a terminal's cursor, colour it or turn its text, as `\x1b` does.

    Args:
        text: with names of files in it.
        keep: what stays, such as the ends of lines.

    Returns:
        The same where there is none of it.
    """
    if text.isascii() and text.isprintable():
        return text
    return "".join(
        character.encode("unicode_escape").decode()
        if character not in keep
        and (unicodedata.category(character) in _CONTROLS or ord(character) in _TURNS)
        else character
        for character in text
    )
