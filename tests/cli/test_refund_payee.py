"""`custody refund change-account|confirm-account|cancel-account`: never the whole number on a screen."""

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from ledger.cli.main import REFUSED, UNUSABLE
from tests.cli.shop import CODE, Shop
from tests.cli.test_payout import answered
from tests.cli.test_payout_faults import approved

__all__ = ["approved"]  # the fixture: three approved refunds

ACCOUNT = "6222000000000007777"
TO = ("--payee-name", "欧阳外婆", "--payee-account", ACCOUNT, "--payee-bank", "105100000017")
WHY = ("--reason", "账户已销户")


def test_an_account_is_changed_by_two_people(approved: Shop) -> None:
    refund = answered(approved, "refund", "list")["refunds"][0]["refund"]
    of = (refund, "--institution", CODE)
    entered = answered(approved, "refund", "change-account", *of, *TO, *WHY, "--actor", "clerk:li")
    (account,) = entered["accounts"]
    assert (account["payee"], account["account_ends_in"], account["state"], account["usable_at"]) == (
        "欧*", "7777", "entered", None,
    )  # fmt: skip
    assert ACCOUNT not in str(entered)
    same = answered(approved, "refund", "confirm-account", *of, "--actor", "clerk:li", code=REFUSED)
    assert same["results"][0]["code"] == "SAME_PERSON"
    confirmed = answered(approved, "refund", "confirm-account", *of, "--actor", "clerk:wang")
    assert (confirmed["accounts"][0]["state"], confirmed["accounts"][0]["confirmed_by"]) == ("confirmed", "clerk:wang")
    assert answered(approved, "payout", "build", "--kind", "refund")["instructions"] == 2
    cancelled = approved.custody("refund", "cancel-account", *of, *WHY, "--actor", "parent:1")
    assert (cancelled.code, "cancelled" in cancelled.out) == (0, True)
    assert answered(approved, "payout", "build", "--kind", "refund")["instructions"] == 1
    again = answered(approved, "refund", "cancel-account", *of, *WHY, "--actor", "parent:1", code=REFUSED)
    assert again["results"][0]["code"] == "ACCOUNT_SETTLED"
    assert approved.broken() == []


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ((*TO[:3], "1 2", *TO[4:], *WHY), "BAD_ACCOUNT"),
        ((*TO[:5], "102", *WHY), "BAD_BANK_NUMBER"),
        ((*TO, "--reason", " "), "EMPTY_CELL"),
        (TO, "--reason"),
    ],
)
def test_what_cannot_be_used_changes_nothing(approved: Shop, words: tuple[str, ...], said: str) -> None:
    refund = answered(approved, "refund", "list")["refunds"][0]["refund"]
    ran = approved.custody("refund", "change-account", refund, "--institution", CODE, *words, "--actor", "a", "--json")
    assert (ran.code, ran.out, said in ran.err, approved.count("refund_payee")) == (UNUSABLE, "", True, 0)


def test_the_database_keeps_the_rules_too(approved: Shop) -> None:
    refund = answered(approved, "refund", "list")["refunds"][0]["refund"]
    answered(approved, "refund", "change-account", refund, "--institution", CODE, *TO, *WHY, "--actor", "a")
    for statement, said in (
        ("UPDATE ledger.refund_payee SET reason = 'x'", "APPEND_ONLY"),
        ("DELETE FROM ledger.refund_payee", "APPEND_ONLY"),
        (f"INSERT INTO ledger.refund_payee SELECT institution_id, '{refund}', refund_id, 'x', 'x', 'x', 'x', false, 0, "
         "entered_at, 'x' FROM ledger.refund_payee", "a changed account is not used at once"),
    ):  # fmt: skip
        with approved.database.owner.connect() as conn, pytest.raises(DBAPIError, match=said):
            conn.execute(text(statement))
