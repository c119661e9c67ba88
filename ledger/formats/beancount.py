"""The journal as Beancount text (plain-text double entry), for whoever wants to check the books with another program.

Account names are mapped one to one. ``JG1001:claim:HT000001`` is ``Liabilities:JG1001:Claim:HT000001``: the class tells
the root, and the last part is spelled with letters, digits and hyphens. Every ``open`` names the account of the
books in its metadata, so the text carries the whole table.
"""

import re
from datetime import date
from typing import Final

from ledger.money import yuan
from ledger.terms.journal import DEBIT_NORMAL, AccountClass, PostedEntry

CURRENCY: Final = "CNY"
# A part begins with a capital or digit; X is kept for those that do not. "-x" begins an escape.
_FIRST_PLAIN: Final = re.compile("[A-WYZ0-9]")
_ESCAPED: Final = re.compile("-(?=x)|[^A-Za-z0-9-]")


def account_name(account: str) -> str:
    """The Beancount name of an account of the books, <institution>:<class>:<item>; different ones stay different."""
    institution, account_class, item = account.split(":", 2)
    root = "Assets" if AccountClass(account_class) in DEBIT_NORMAL else "Liabilities"
    shown = "".join(word.capitalize() for word in account_class.split("_"))
    return f"{root}:{institution}:{shown}:{_part(item)}"


def header(title: str) -> str:
    """What stands on top of the file."""
    return f'option "title" "{_quoted(title)}"\noption "operating_currency" "{CURRENCY}"\n\n'


def open_account(account: str, first_on: date) -> str:
    """An account that is used from ``first_on`` on, with its name in the books."""
    return f'{first_on.isoformat()} open {account_name(account)} {CURRENCY}\n  custody: "{_quoted(account)}"\n'


def transaction(entry: PostedEntry) -> str:
    """An entry: two postings per transfer, the debit first and positive; none where no money moved."""
    lines = [f'\n{entry.effective_on.isoformat()} * "{_quoted(entry.kind)}"\n  entry: "{entry.entry_id}"\n']
    for moved in entry.transfers:
        lines.append(f"  {account_name(moved.debit)}  {yuan(moved.amount_fen)} {CURRENCY}\n")
        lines.append(f"  {account_name(moved.credit)}  {yuan(-moved.amount_fen)} {CURRENCY}\n")
    return "".join(lines)


def _part(item: str) -> str:
    """Letters, digits and hyphens as they are, all else as ``-x<code point>-``; injective, "-x" itself is escaped."""
    first = item[:1] if _FIRST_PLAIN.match(item) else "X" + _escape(item[:1])
    return first + _ESCAPED.sub(lambda found: _escape(found[0]), item[1:])


def _escape(sign: str) -> str:
    return f"-x{ord(sign):x}-" if sign else ""


def _quoted(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"')
