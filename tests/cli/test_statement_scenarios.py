"""Statements whose entries are easily counted wrongly, each with its exact counts in the books.

The others of the collection: a chain of five days (test_statement_import), a killed import and two importers at once
(test_statement_admission), a thousand refunds and ten rejected of them (test_payout_thousand), what keeps a day open
(test_close).
"""

from dataclasses import replace
from datetime import date

from ledger.cli.main import UNUSABLE
from tests.cli.shop import CUSTODY, SIGNED_ON, Shop
from tests.cli.test_statement_import import imported
from tests.samples import SampleLine, message, statement

ON = date(2026, 3, 4)


def line(n: int, fen: int = 100_00, **more: object) -> SampleLine:
    plain = SampleLine(fen, ref=f"B{n:04d}", end_to_end_id="", memo="学费")
    return replace(plain, **more)  # type: ignore[arg-type]  # any field of the sample


def test_lookalikes_are_twelve_and_not_eleven(shop: Shop) -> None:
    """S2: twelve entries, two alike but for the bank's reference."""
    lines = [line(n, 100_00 + n) for n in range(1, 11)] + [line(11, 50_00), line(12, 50_00)]
    code, told = imported(shop, shop.statement("s2.xml", *lines, on=SIGNED_ON))
    assert (code, told["lines"], shop.count("statement_line"), shop.count("line_match")) == (0, 12, 12, 12)
    assert imported(shop, shop.statement("again.xml", *lines, on=SIGNED_ON))[1]["lines"] == 0


def test_what_is_pending_is_shown_and_not_posted(shop: Shop) -> None:
    """S3: eight entries, six of them booked."""
    lines = [line(n) for n in range(1, 7)] + [line(7, status="PDNG"), line(8, status="INFO")]
    code, told = imported(shop, shop.statement("s3.xml", *lines, on=SIGNED_ON))
    (one,) = told["statements"]
    assert (code, one["entries"], one["booked_entries"], shop.count("line_match")) == (0, 8, 6, 6)
    assert shop.ask("SELECT sum(credit_fen - debit_fen) FROM ledger.item_balance WHERE class = 'suspense'") == 600_00


def test_a_batch_is_one_posting_whatever_its_details(shop: Shop) -> None:
    """S4: six entries with twelve details are six postings."""
    lines = [line(n, parts_fen=(40_00, 60_00)) for n in range(1, 7)]
    code, _ = imported(shop, shop.statement("s4.xml", *lines, on=SIGNED_ON))
    assert (code, shop.count("line_match"), shop.count("journal_entry")) == (0, 6, 6)
    assert shop.broken() == []


def test_of_two_statements_in_a_file_none_comes_in_when_one_fails(shop: Shop) -> None:
    """S5: two accounts in one file; the second does not add up, or is nobody's."""
    good = statement(account=CUSTODY, statement_id="S-0001", sequence=1, opening_fen=0, lines=[line(1)], on=ON)
    for n, other in enumerate(
        (statement(account=CUSTODY, statement_id="S-0002", closing_fen=1), statement(account="1"))
    ):
        path = shop.file(f"{n}.xml", message(good, other).encode())
        code, told = imported(shop, path)
        assert (code, told["verdict"], told["imported"]) == (UNUSABLE, "reject", 0)
    assert shop.counts("statement", "statement_line", "journal_entry") == {
        "statement": 0, "statement_line": 0, "journal_entry": 0,
    }  # fmt: skip
    alone = imported(shop, shop.file("alone.xml", message(good).encode()))
    assert (alone[0], shop.count("statement_line")) == (0, 1)
