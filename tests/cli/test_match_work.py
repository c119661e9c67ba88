"""`custody match run` and what two people do beside it: money goes where it belongs, once, also after a kill."""

from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from ledger.cli.main import REFUSED, UNUSABLE
from ledger.formats.announcement_sheet import COLUMNS, OPTIONAL
from tests.cli.shop import CODE, CUSTODY, PRICE_FEN, Shop, deposit
from tests.cli.test_payout import answered
from tests.conftest import run_custody
from tests.samples import SampleLine

KILLED = -9
ON = date(2026, 3, 6)
AT = ("--account", CUSTODY)
# where a run may die: nothing, matches alone, or matches without their money are left behind
MATCHING = ("before_match_commit", "after_match_commit", "before_assigned_commit")
PARENT = "6222021234567890123"


def row(number: int, contract: int, yuan: str, reference: str = "", account: str = "", name: str = "") -> str:
    return f"OR-{number},HT{contract:06d},{yuan},{ON},,{reference},,{name},{account},"


def receipt(n: int, fen: int, reference: str = "", account: str = "6000", name: str = "甲") -> SampleLine:
    line = replace(deposit(n, fen), ref=f"R{n:05d}", end_to_end_id=reference, memo=reference or "学费")
    return replace(line, account=account, name=name)


@pytest.fixture
def waiting(shop: Shop) -> Shop:
    """Two payments whose lines have come, two of one parent for two children with one line, and one a fen short."""
    rows = (
        row(1, 1, "500.00", "OR000001"), row(2, 2, "400.00", "OR000002"),
        row(3, 1, "128.00", account=PARENT, name="王家长"), row(4, 2, "128.00", account=PARENT, name="王家长"),
        row(5, 3, "90.00", "OR000005"),
    )  # fmt: skip
    sheet = shop.file("list.csv", "\n".join([",".join((*COLUMNS, *OPTIONAL)), *rows]) + "\n")
    answered(shop, "match", "announce", str(sheet), "--institution", CODE)
    lines = (
        receipt(1, 500_00, "OR000001"), receipt(2, 400_00, "OR000002"),
        receipt(3, 128_00, account=PARENT, name="王家长"), receipt(5, 89_99, "OR000005"),
    )  # fmt: skip
    assert shop.custody("statement", "import", shop.statement("day.xml", *lines, on=ON)).code == 0
    return shop


def paid(shop: Shop) -> list[int]:
    found = shop.ask("SELECT string_agg(CAST(paid_fen AS text), ' ' ORDER BY contract_id) FROM ledger.contract_balance")
    return [int(fen) for fen in str(found).split()][:3]


def test_a_run_posts_what_is_certain_and_suggests_the_rest(waiting: Shop) -> None:
    (account,) = answered(waiting, "match", "run")["accounts"]
    assert (account["matches"], account["assigned"], account["refused"]) == ({"R1": 2}, 2, {})
    assert paid(waiting) == [500_00, 400_00, 0]
    assert waiting.broken() == []
    (again,) = answered(waiting, "match", "run", *AT)["accounts"]
    assert (again["matches"], again["lines"], again["assigned"]) == ({}, 0, 0)
    said = answered(waiting, "match", "suggest", *AT)
    assert [(one["rule"], one["answers"], one["difference"], one["payments"]) for one in said["suggestions"]] == [
        ("R5", 2, "0.00", ["OR-3", "OR-4"]),
        ("R8", 1, "-0.01", ["OR-5"]),
    ]
    exact = answered(waiting, "match", "suggest", *AT, "--tolerance", "0")
    assert [one["rule"] for one in exact["suggestions"]] == ["R5"]


def test_what_is_open_grows_old_in_bank_days(waiting: Shop) -> None:
    answered(waiting, "match", "run")
    nothing = {name: {"count": 0, "amount": "0.00"} for name in ("0", "1", "2-5", "6-10", "over 10")}
    for on, age, late in (("2026-03-06", "0", 0), ("2026-03-09", "1", 0), ("2026-03-12", "2-5", 2)):
        missing, unknown = answered(waiting, "reconcile", *AT, "--on", on)["ageing"]
        assert missing == {
            "kind": "payment_not_received", "ages": nothing | {age: {"count": 3, "amount": "346.00"}}, "overdue": 0,
            "oldest_on": "2026-03-06",
        }  # fmt: skip
        assert unknown == {
            "kind": "unidentified_receipt", "ages": nothing | {age: {"count": 2, "amount": "217.99"}}, "overdue": late,
            "oldest_on": "2026-03-06",
        }  # fmt: skip
    assert "unidentified_receipt" in waiting.custody("reconcile", *AT, "--on", "2026-03-12").out


def test_two_people_bring_a_line_to_its_contract_and_take_it_back(waiting: Shop) -> None:
    answered(waiting, "match", "run")
    listed = answered(waiting, "match", "list", *AT)
    assert [(one["open"], one["payer"]) for one in listed["lines"]] == [("128.00", "王*"), ("89.99", "甲*")]
    assert [(one["payment"], one["open"]) for one in listed["expected"]] == [
        ("OR-3", "128.00"), ("OR-4", "128.00"), ("OR-5", "90.00"),
    ]  # fmt: skip
    part = f"{listed['lines'][0]['line']}:OR-4"
    why = ("--reason", "the mother called")
    made = answered(waiting, "match", "propose", *AT, "--part", part, *why, "--actor", "clerk:li")
    (waits,) = answered(waiting, "match", "list", *AT)["proposals"]
    assert (waits["proposal"], waits["amount"], waits["proposed_by"]) == (made["id"], "128.00", "clerk:li")
    own = answered(waiting, "match", "approve", made["id"], *AT, "--actor", "clerk:li", code=REFUSED)
    assert (own["code"], paid(waiting)) == ("SAME_PERSON", [500_00, 400_00, 0])
    match = answered(waiting, "match", "approve", made["id"], *AT, "--actor", "clerk:wang")
    assert paid(waiting) == [500_00, 528_00, 0]
    (shown,) = answered(waiting, "match", "show", "OR-4", *AT)["parts"]
    assert (shown["match"], shown["rule"], shown["contract"], shown["state"]) == (
        match["id"],
        "MANUAL",
        "HT000002",
        "posted",
    )
    undo = answered(
        waiting, "match", "undo", match["id"], *AT, "--reason", "it was her brother", "--actor", "clerk:wang"
    )
    answered(waiting, "match", "approve", undo["id"], *AT, "--actor", "clerk:li")
    assert paid(waiting) == [500_00, 400_00, 0]
    (shown,) = answered(waiting, "match", "show", "OR-4", *AT)["parts"]
    assert (shown["state"], shown["by"], shown["reason"]) == ("undone", "clerk:li", "it was her brother")
    (again,) = answered(waiting, "match", "run")["accounts"]
    assert (again["matches"], waiting.broken()) == ({}, [])


def test_money_of_nobody_here_is_sent_back_in_a_batch(waiting: Shop) -> None:
    answered(waiting, "match", "run")
    twin, short = (one["line"] for one in answered(waiting, "match", "list", *AT)["lines"])
    sent = answered(waiting, "payout", "return", twin, short, *AT, "--actor", "clerk:li")
    assert (sent["instructions"], sent["control_sum"], sent["refused"]) == (2, "217.99", [])
    assert [one["kind"] for one in sent["batches"]] == ["return"]
    again = answered(waiting, "payout", "return", twin, *AT, "--actor", "clerk:li", code=REFUSED)
    assert [one["code"] for one in again["refused"]] == ["UNKNOWN_LINE"]
    malformed = waiting.custody("payout", "return", "1", *AT)
    assert (malformed.code, "UNKNOWN_LINE" in malformed.err) == (UNUSABLE, True)
    assert waiting.broken() == []


def test_a_contract_that_cannot_take_all_is_told(shop: Shop) -> None:
    rows = (row(1, 1, f"{PRICE_FEN / 100 + 1:.2f}", "OR000001"),)
    sheet = shop.file("list.csv", "\n".join([",".join((*COLUMNS, *OPTIONAL)), *rows]) + "\n")
    answered(shop, "match", "announce", str(sheet), "--institution", CODE)
    day = shop.statement("day.xml", receipt(1, PRICE_FEN + 1_00, "OR000001"), on=ON)
    assert shop.custody("statement", "import", day).code == 0
    (account,) = answered(shop, "match", "run", code=REFUSED)["accounts"]
    assert (account["assigned"], account["refused"]) == (0, {"PAYMENT_OVER_PRICE": 1})
    table = shop.custody("match", "run", *AT)
    assert (table.code, table.out.splitlines()[1].split()) == (0, [CUSTODY, "none", "0", "0", "0", "0"])
    assert paid(shop)[0] == PRICE_FEN


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("propose", "--part", "x:OR-1"), "UNKNOWN_LINE"),
        (("propose", "--part", "OR-1"), "BAD_PART"),
        (("propose", "--part", "01980000-0000-7000-8000-000000000001:OR-1:1.001"), "BAD_AMOUNT"),
        (("undo", "x"), "UNKNOWN_MATCH"),
    ],
)
def test_what_cannot_be_read_changes_nothing(shop: Shop, words: tuple[str, ...], said: str) -> None:
    ran = shop.custody("match", *words, *AT, "--reason", "asked", "--actor", "clerk:li")
    assert (ran.code, ran.out) == (UNUSABLE, "")
    assert said in ran.err
    assert shop.count("match_proposal") == 0
    empty = shop.custody("match", "undo", "01980000-0000-7000-8000-000000000001", *AT, "--reason", " ", "--actor", "li")
    assert (empty.code, "REASON_MISSING" in empty.err) == (UNUSABLE, True)


def state(shop: Shop) -> dict[str, Any]:
    moved = "SELECT count(*) FROM ledger.journal_entry WHERE kind = 'suspense_assigned'"
    return {**shop.counts("match_part", "match_posted", "match_run"), "moved": shop.ask(moved), "paid": paid(shop)}


@pytest.mark.parametrize("point", MATCHING)
def test_a_run_killed_at_a_point_is_ended_by_the_next_one(waiting: Shop, point: str) -> None:
    faulty = {**waiting.environment, "CUSTODY_FAULT": point}
    assert run_custody(faulty, "match", "run").returncode == KILLED
    left = state(waiting)
    matched = 0 if point == "before_match_commit" else 2
    assert left == {"match_part": matched, "match_posted": 0, "match_run": matched // 2, "moved": 0, "paid": [0, 0, 0]}
    assert waiting.broken() == []
    assert run_custody(waiting.environment, "match", "run").returncode == 0
    whole = {"match_part": 2, "match_posted": 2, "match_run": 1, "moved": 2, "paid": [500_00, 400_00, 0]}
    assert state(waiting) == whole
    assert run_custody(waiting.environment, "match", "run").returncode == 0
    assert (state(waiting), waiting.broken()) == (whole, [])
