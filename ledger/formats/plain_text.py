"""Text that people typed and other people will read: what it may be made of."""

import unicodedata
from typing import Final

# Control characters, invisible format characters (among them those that turn the direction of writing),
# halves of surrogate pairs, line and paragraph separators.
_NOT_PLAIN: Final = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})
# What a spreadsheet would run as a formula when a text begins with it.
FORMULA: Final = ("=", "+", "-", "@", "\t", "\r")
_NOT_CHARACTERS: Final = frozenset("\ufffe\uffff")


def is_plain(text: str) -> bool:
    """Whether a text is one line of visible characters and blanks. Rare and private-use characters of names are."""
    return not any(unicodedata.category(sign) in _NOT_PLAIN or sign in _NOT_CHARACTERS for sign in text)
