"""`custody payout status` and the formats of `custody payout write`: what a bank is told, and what it answers."""

import csv
import hashlib
import io
from pathlib import Path
from typing import Any

import pytest

from ledger.cli.main import REFUSED, UNUSABLE
from ledger.formats import pain001, workbook
from tests.cli.shop import CODE, PRICE_FEN, SIGNED_ON, Shop, deposit
from tests.cli.test_payout import answered, build
from tests.pain002 import pain002

FORMATS = {"pain.001.09": ".xml", "pain.001.03": ".03.xml", "csv": ".csv", "xlsx": ".xlsx"}


@pytest.fixture
def sent(shop: Shop) -> dict[str, Any]:
    """Three families' refunds in one written batch."""
    day = shop.statement("day.xml", *(deposit(n) for n in (1, 2, 3)), on=SIGNED_ON)
    assert shop.custody("statement", "import", day).code == 0
    of = ("--institution", CODE)
    for n in (1, 2, 3):
        words = ("refund", "ask", *of, "--contract", f"HT{n:06d}", "--cause", "institution", "--actor", "parent")
        (row,) = answered(shop, *words)["refunds"]
        answered(shop, "refund", "answer", row["refund"], *of, "--agree", "--actor", "school")
        answered(shop, "refund", "approve", row["refund"], *of, "--actor", "clerk:wang")
    batch = build(shop, "refund")
    answered(shop, "payout", "approve", batch["batch"], "--actor", "clerk:wang")
    return answered(shop, "payout", "write", batch["batch"], "--out", shop.folder / "out")


def ids(sent: dict[str, Any]) -> list[str]:
    return [f"{sent['batch'][:8]}{n:08d}" for n in range(3)]


def test_a_report_is_told_payment_by_payment(shop: Shop, sent: dict[str, Any]) -> None:
    first, second, third = ids(sent)
    states = {first: "ACSP", second: "RJCT"}
    file = shop.file("status.xml", pain002(sent["batch"], states, group="PART", reason="AC04", words="销户"))
    answer = answered(shop, "payout", "status", file, "--actor", "clerk:li")
    assert answer == {
        "file": str(file), "message_id": "BK-0001", "original_message_id": sent["batch"], "state": "PART",
        "steps": {"forward": 2, "same": 0, "late": 0, "contradicts": 0},
        "payments": [
            {"end_to_end_id": first, "before": None, "state": "ACSP", "kind": "forward", "reasons": []},
            {"end_to_end_id": second, "before": None, "state": "RJCT", "kind": "forward",
             "reasons": [{"code": "AC04", "text": "销户", "words": "The account is closed."}]},
        ],
        "unknown": [], "breaks": 0, "result": "done", "code": "",
    }  # fmt: skip
    again = answered(shop, "payout", "status", file)
    assert (again["result"], again["steps"]["same"], shop.count("payout_report")) == ("replayed", 2, 1)
    states_of = [row["state"] for row in answered(shop, "refund", "list")["refunds"]]
    assert sorted(states_of) == ["in_transit", "in_transit", "returned"]
    said = shop.custody("payout", "status", shop.file("all.xml", pain002(sent["batch"], {third: "ACSC"}))).out
    assert third in said
    assert shop.broken() == []


def test_a_contradiction_is_exit_1_and_a_break(shop: Shop, sent: dict[str, Any]) -> None:
    first = ids(sent)[0]
    settled = shop.file("a.xml", pain002(sent["batch"], {first: "ACSC"}, message_id="A"))
    rejected = shop.file("b.xml", pain002(sent["batch"], {first: "RJCT"}, message_id="B", reason="AM05"))
    assert answered(shop, "payout", "status", settled)["steps"]["forward"] == 1
    answer = answered(shop, "payout", "status", rejected, code=REFUSED)
    assert (answer["steps"]["contradicts"], answer["payments"][0]["before"], answer["breaks"]) == (1, "ACSC", 1)
    assert answered(shop, "payout", "status", rejected, code=REFUSED)["breaks"] == 0
    assert (shop.count("break"), shop.ask("SELECT count(*) FROM ledger.refund_step WHERE state = 'approved'")) == (1, 3)


def test_what_nobody_sent_is_exit_1_and_what_is_no_report_is_exit_2(shop: Shop, sent: dict[str, Any]) -> None:
    file = shop.file("x.xml", pain002(sent["batch"], {"RF-STRANGE": "RJCT"}))
    assert answered(shop, "payout", "status", file, code=REFUSED)["unknown"] == ["RF-STRANGE"]
    assert "never sent: RF-STRANGE" in shop.custody("payout", "status", file).out
    file = shop.file("y.xml", pain002("RF000000-20260101-000000", {"RF-STRANGE": "RJCT"}))
    answer = answered(shop, "payout", "status", file, code=REFUSED)
    assert (answer["code"], answer["unknown"]) == ("UNKNOWN_BATCH", ["RF000000-20260101-000000", "RF-STRANGE"])
    for content in (b"", b"<a/>", Path(sent["file"]).read_bytes()):
        ran = shop.custody("payout", "status", shop.file("z.xml", content), "--json")
        assert (ran.code, ran.out) == (UNUSABLE, "")
    assert shop.custody("payout", "status", shop.folder / "nothing.xml").code == UNUSABLE


@pytest.mark.parametrize("format_", FORMATS)
def test_a_batch_has_the_same_bytes_in_each_format_and_the_same_sum(
    shop: Shop, sent: dict[str, Any], format_: str
) -> None:
    words = ("payout", "write", sent["batch"], "--format", format_, "--out")
    first = answered(shop, *words, shop.folder / "a")
    again = answered(shop, *words, shop.folder / "b")
    content = Path(first["file"]).read_bytes()
    assert Path(first["file"]).name == f"{sent['batch']}{FORMATS[format_]}"
    assert (first["format"], content) == (format_, Path(again["file"]).read_bytes())
    assert first["sha256"] == again["sha256"] == hashlib.sha256(content).hexdigest()
    if format_.startswith("pain"):
        assert f"pain.001.001.{format_[-2:]}".encode() in content
        totals = pain001.check_totals(content)
        assert (totals.payments, totals.sum_fen) == (3, 3 * PRICE_FEN)
        return
    if format_ == "csv":
        rows = list(csv.reader(io.StringIO(content.decode("utf-8-sig"))))
    else:
        rows = [list(row.cells) for sheet in workbook.read_sheets(content) for row in sheet.rows()]
    flat = [cell.strip("\t") for row in rows for cell in row]
    assert {sent["batch"], "12000.00", *ids(sent)} <= set(flat)


def test_a_second_format_is_told_so_that_the_bank_gets_one(shop: Shop, sent: dict[str, Any]) -> None:
    ran = shop.custody("payout", "write", sent["batch"], "--format", "csv", "--out", shop.folder)
    assert (ran.code, "(BATCH_IN_OTHER_FORMAT) [pain.001.09]" in ran.err) == (0, True)
    (listed,) = answered(shop, "payout", "list")["batches"]
    assert (listed["state"], listed["sha256"]) == ("written", sent["sha256"])
