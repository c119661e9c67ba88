"""`custody match announce`: payments are known once by their number, and move nothing."""

import json
from typing import Any

from ledger.cli.main import REFUSED, UNUSABLE
from ledger.formats.announcement_sheet import COLUMNS, OPTIONAL
from tests.cli.shop import CODE, Shop

HEADER = ",".join((*COLUMNS, *OPTIONAL))
FIRST = "OR-1,HT000001,500.00,2026-03-06,,PP00000001,,王家长,6222021234567890123,102100099996"
SECOND = "OR-2,HT000002,400.00,2026-03-06,2.40,,WX20260306,,,"


def announce(shop: Shop, *rows: str, code: int = 0) -> dict[str, Any]:
    path = shop.file("list.csv", "\n".join([HEADER, *rows]) + "\n")
    ran = shop.custody("match", "announce", path, "--institution", CODE, "--actor", "school:zhao", "--json")
    assert (ran.code, bool(ran.out)) == (code, True), ran.err
    found: dict[str, Any] = json.loads(ran.out)
    return found


def test_payments_are_announced_once_and_move_nothing(shop: Shop) -> None:
    first = announce(shop, FIRST, SECOND, FIRST)
    assert (first["rows"], first["announced"], first["already"], first["refused"]) == (3, 2, 1, [])
    again = announce(shop, FIRST, SECOND)
    assert (again["announced"], again["already"]) == (0, 2)
    assert shop.counts("announced_payment", "journal_entry") == {"announced_payment": 2, "journal_entry": 0}
    stored = """SELECT concat_ws(' ', payment_no, amount_fen, fee_fen, paid_on, match_key, batch_key, announced_by)
                FROM ledger.announced_payment ORDER BY payment_no"""
    assert shop.ask(f"{stored} LIMIT 1") == "OR-1 50000 0 2026-03-06 PP00000001 school:zhao"
    assert shop.ask(f"{stored} OFFSET 1") == "OR-2 40000 240 2026-03-06 WX20260306 school:zhao"


def test_who_paid_is_nowhere_in_clear(shop: Shop) -> None:
    announce(shop, FIRST)
    row = shop.ask("SELECT CAST(a AS text) FROM ledger.announced_payment a")
    for name in ("王家长", "6222021234567890123"):
        assert name not in row
        assert name.encode().hex() not in row
    sealed = "payer_name_sealed IS NOT NULL AND payer_account_sealed IS NOT NULL AND payer_account_index IS NOT NULL"
    assert shop.ask(f"SELECT {sealed} FROM ledger.announced_payment") is True


def test_the_same_number_with_other_contents_is_a_conflict_and_the_rest_is_recorded(shop: Shop) -> None:
    announce(shop, FIRST)
    answer = announce(shop, FIRST.replace("500.00", "500.01"), SECOND, code=REFUSED)
    (refused,) = answer["refused"]
    assert (refused["payment"], refused["line"], refused["field"], refused["code"]) == (
        "OR-1", 2, "amount_fen", "REQUEST_CONFLICT",
    )  # fmt: skip
    assert answer["announced"] == 1
    other_payer = announce(shop, FIRST.replace("6222021234567890123", "6222021234567890124"), code=REFUSED)
    assert other_payer["refused"][0]["field"] == "payer_account_index"
    assert shop.ask("SELECT sum(amount_fen) FROM ledger.announced_payment") == 900_00


def test_an_unknown_contract_and_a_day_to_come_are_refused(shop: Shop) -> None:
    rows = (FIRST.replace("HT000001", "HT999999"), SECOND.replace("2026-03-06", "2099-01-01"))
    answer = announce(shop, *rows, code=REFUSED)
    assert [(one["line"], one["code"]) for one in answer["refused"]] == [
        (2, "UNKNOWN_CONTRACT"),
        (3, "DATE_IN_FUTURE"),
    ]
    assert shop.count("announced_payment") == 0


def test_a_file_with_a_fault_records_nothing_and_names_the_line(shop: Shop) -> None:
    path = shop.file("list.csv", "\n".join([HEADER, FIRST, SECOND.replace("400.00", "400.001")]))
    ran = shop.custody("match", "announce", path, "--institution", CODE)
    assert (ran.code, ran.out) == (UNUSABLE, "list.csv: 1 faults, nothing recorded\n")
    assert ran.err.startswith("list.csv line 3, amount: ")
    assert shop.count("announced_payment") == 0
    good = shop.custody("match", "announce", shop.file("good.csv", f"{HEADER}\n{FIRST}\n"), "--institution", CODE)
    assert (good.code, good.out) == (0, "good.csv: 1 announced, 0 known before, 0 refused\n")
