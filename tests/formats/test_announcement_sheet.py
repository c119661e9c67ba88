"""Lists of announced payments: what is read, and every fault by line and column."""

from datetime import date

import pytest

from ledger.formats.announcement_sheet import COLUMNS, OPTIONAL, read_announcements
from ledger.terms.announced_payment import AnnouncedPayment

ROW = {"payment": "OR-1", "contract": "HT000001", "amount": "500.00", "paid_on": "2026-03-06"}


def sheet(*rows: dict[str, str], more: tuple[str, ...] = OPTIONAL) -> bytes:
    columns = (*COLUMNS, *more)
    lines = [",".join((ROW | row).get(column, "") for column in columns) for row in rows]
    return "\n".join([",".join(columns), *lines]).encode()


def test_a_row_is_a_payment() -> None:
    whole = {
        "fee": "3.00", "reference": "PP00000001", "batch": "WX 000017", "payer_name": "李家长", "payer_account": "6222",
        "payer_bank": "102100099996",
    }  # fmt: skip
    payments, findings = read_announcements(sheet(whole), "list.csv")
    assert findings == []
    assert payments == (
        AnnouncedPayment(
            2, "OR-1", "HT000001", 500_00, 3_00, date(2026, 3, 6), "PP00000001", "WX 000017", "李家长", "6222",
            "102100099996",
        ),
    )  # fmt: skip


def test_only_four_columns_must_be_there() -> None:
    ((payment,), findings) = read_announcements(sheet({}, more=()), "list.csv")
    assert findings == []
    assert (payment.fee_fen, payment.reference, payment.batch, payment.payer_account) == (0, "", "", "")


@pytest.mark.parametrize(
    ("column", "cell", "reason"),
    [
        ("payment", "", "RULE_EMPTY"),
        ("contract", " ", "RULE_EMPTY"),
        ("amount", "", "BAD_AMOUNT"),
        ("amount", "0", "BAD_AMOUNT"),
        ("amount", "-5.00", "BAD_AMOUNT"),
        ("amount", "5.001", "BAD_AMOUNT"),
        ("fee", "free", "BAD_AMOUNT"),
        ("fee", "-0.01", "BAD_AMOUNT"),
        ("fee", "500.00", "BAD_AMOUNT"),  # nothing would be left of the payment
        ("paid_on", "2026-02-30", "BAD_DATE"),
        ("payment", "OR\u202e1", "BAD_TEXT"),
        ("payer_name", "x" * 141, "BAD_TEXT"),
    ],
)
def test_what_cannot_be_read_is_named_and_the_others_are_read(column: str, cell: str, reason: str) -> None:
    payments, findings = read_announcements(sheet({column: cell}, {"payment": "OR-2"}), "list.csv")
    assert [(found.line, found.key, found.reason) for found in findings] == [(2, column, reason)]
    assert [payment.payment_no for payment in payments] == ["OR-2"]


def test_an_unreadable_amount_is_one_fault_whatever_the_fee() -> None:
    _, findings = read_announcements(sheet({"amount": "many", "fee": "3.00"}), "list.csv")
    assert [(found.key, found.reason) for found in findings] == [("amount", "BAD_AMOUNT")]
