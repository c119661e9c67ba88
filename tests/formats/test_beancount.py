"""Beancount text: names are mapped one to one, and every line is what bean-check reads."""

import re
from datetime import date
from uuid import UUID

from beancount.core.account import is_valid
from beancount.core.data import Open, Transaction
from beancount.parser import parser
from hypothesis import example, given
from hypothesis import strategies as st

from ledger.formats import beancount
from ledger.terms.journal import AccountClass, PostedEntry, PostedTransfer

DAY = date(2026, 3, 2)
ITEMS = st.text(st.sampled_from("ABXx19-_/.合é "), min_size=1, max_size=8) | st.text(min_size=1, max_size=12)


def original(part: str) -> str:
    """What a part of a name was spelled from: the mapping backwards."""
    rest = part[1:] if part.startswith("X") else part
    return re.sub("-x([0-9a-f]+)-", lambda found: chr(int(found[1], 16)), rest)


def test_ordinary_numbers_are_read_as_they_are() -> None:
    names = {
        "JG1001:claim:HT000001": "Liabilities:JG1001:Claim:HT000001",
        "JG1001:refund_due:HT-2026-001": "Liabilities:JG1001:RefundDue:HT-2026-001",
        "JG1001:due:HT000001": "Assets:JG1001:Due:HT000001",
        "JG1001:bank:6232001000000000118": "Assets:JG1001:Bank:6232001000000000118",
        "JG1001:in_transit:6232001000000000118": "Liabilities:JG1001:InTransit:6232001000000000118",
        "JG1001:claim:ht/1": "Liabilities:JG1001:Claim:X-x68-t-x2f-1",
        "JG1001:claim:合同七:3": "Liabilities:JG1001:Claim:X-x5408--x540c--x4e03--x3a-3",
    }
    assert {account: beancount.account_name(account) for account in names} == names


@given(ITEMS)
@example("X")
@example("-x")
@example("A-x5f-")
@example("A_")
@example("A-_")
def test_every_number_has_a_name_beancount_takes_and_only_it_has(item: str) -> None:
    name = beancount.account_name(f"JG1001:claim:{item}")
    assert is_valid(name)
    assert original(name.split(":", 3)[3]) == item


def test_every_class_has_a_root() -> None:
    roots = {kind.value: beancount.account_name(f"JG1:{kind.value}:1").split(":")[0] for kind in AccountClass}
    assert {kind for kind, root in roots.items() if root == "Assets"} == {"bank", "due"}
    assert len({beancount.account_name(f"JG1:{kind.value}:1") for kind in AccountClass}) == len(AccountClass)


def test_a_file_is_read_back_as_it_was_meant() -> None:
    bank, claim = "JG1:bank:6232", 'JG1:claim:"\\'
    moved = PostedEntry(UUID(int=7), DAY, "deposit", (PostedTransfer(bank, claim, 1_234_567_890_12),))
    empty = PostedEntry(UUID(int=8), DAY, "hold_placed", ())
    content = "".join((
        beancount.header('A "title" \\'), beancount.open_account(bank, DAY), beancount.open_account(claim, DAY),
        beancount.transaction(moved), beancount.transaction(empty),
    ))  # fmt: skip
    entries, errors, options = parser.parse_string(content)
    assert errors == []
    assert (options["title"], options["operating_currency"]) == ('A "title" \\', ["CNY"])
    assert [entry.meta["custody"] for entry in entries if isinstance(entry, Open)] == [bank, claim]
    deposit, hold = (entry for entry in entries if isinstance(entry, Transaction))
    assert [(one.account, str(one.units)) for one in deposit.postings] == [
        (beancount.account_name(bank), "1234567890.12 CNY"),
        (beancount.account_name(claim), "-1234567890.12 CNY"),
    ]
    assert (deposit.date, deposit.narration, deposit.meta["entry"]) == (DAY, "deposit", str(UUID(int=7)))
    assert (hold.narration, hold.postings) == ("hold_placed", [])
