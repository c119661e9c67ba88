"""Every file of the shared collection through the command: the manifest's verdicts and figures, alone and in order."""

import csv
import json
import sys
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from ledger.cli import edge
from ledger.cli.main import HELD, UNUSABLE, main
from ledger.flows import register
from ledger.settings import read_settings
from ledger.terms.institution import Fund, Institution, Payee
from ledger.terms.journal import FundKind
from tests.cli.shop import OPENED_ON, Shop

FOLDER = Path(__file__).resolve().parents[3] / "shared" / "fixtures" / "statements"
NEED_HISTORY = ("own-redelivered-", "own-conflicting-", "own-discontinuous-", "own-gap-")
# The manifest refuses 30 February in two files ("as in own-bad-date") and accepts it in these: they are refused here.
CONTRADICTED = frozenset(
    {"wolph-self-provided-transaction_details_wrapped.sta", "wolph-self-provided-wrapped_timestamp.sta"}
)
EXIT_CODES = {"accept": 0, "info_only": 0, "reject": UNUSABLE, "hold": HELD}
FIGURES = ("currency", "entries", "booked_entries", "opening", "closing", "sum_credits", "sum_debits")


def manifest(kind: str) -> dict[str, list[dict[str, str]]]:
    """File -> its rows, one per statement (MT940: per page)."""
    if not FOLDER.is_dir():
        return {}
    found: dict[str, list[dict[str, str]]] = {}
    with (FOLDER / kind / "manifest.csv").open(encoding="utf-8", newline="") as rows:
        for row in csv.DictReader(rows):
            found.setdefault(row["file"], []).append(row)
    return found


FILES = [(kind, name, rows) for kind in ("camt053", "mt940", "csv") for name, rows in manifest(kind).items()]


def check(
    path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> tuple[int, dict[str, Any]]:
    monkeypatch.setattr(sys, "argv", ["custody", "statement", "check", str(path), "--json"])
    with pytest.raises(SystemExit) as end:
        main()
    return int(end.value.code or 0), json.loads(capsys.readouterr().out)


@pytest.mark.skipif(not FILES, reason="../shared is not beside this clone")
@pytest.mark.parametrize(("kind", "name", "rows"), FILES, ids=[name for _, name, _ in FILES])
def test_a_file_gets_the_verdict_and_figures_of_the_manifest(
    kind: str,
    name: str,
    rows: list[dict[str, str]],
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    code, answer = check(FOLDER / kind / name, capsys, monkeypatch)
    assert code == EXIT_CODES[answer["verdict"]]
    expected = expected_of(name, rows)
    judged = f"{answer['verdict']}:{answer['class']}" if answer["class"] else answer["verdict"]
    if expected.startswith("reject:") and not name.startswith("own-"):
        assert answer["verdict"] == "reject"  # of two faults at once the manifest names the one its author met
    else:
        assert judged == expected
    if expected.startswith("reject:"):
        return
    wanted = joined(rows)
    assert len(answer["statements"]) == len(wanted)
    for one, row in zip(answer["statements"], wanted, strict=True):
        shown = {figure: one[figure] for figure in FIGURES if row[figure] is not None}
        assert {k: Decimal(v) if k in FIGURES[3:] else str(v) for k, v in shown.items()} == {
            figure: row[figure] for figure in shown
        }
        if kind != "csv":
            assert (one["account"], one["statement_id"]) == (row["account"], row["statement_id"])
            assert one["sequence"] == row["sequence"]
            assert one["proved"] == (answer["verdict"] in ("accept", "hold"))


def expected_of(name: str, rows: list[dict[str, str]]) -> str:
    """The file's verdict: the worst of its statements; without the days before where those decide."""
    if name in CONTRADICTED:
        return "reject:BAD_DATE"
    if name.startswith(NEED_HISTORY):
        return "accept"
    found = [row["expected"] for row in rows]
    return next((one for one in found if one.startswith("reject")), found[0])


def joined(rows: list[dict[str, str]]) -> list[dict[str, Any]]:
    """The manifest's rows as statements: pages (60M continues 62M) are one."""
    found: list[dict[str, Any]] = []
    for row in rows:
        one = figures(row)
        if row.get("opening_type") == "60M":
            found[-1]["closing"] = one["closing"]
            for figure in ("entries", "sum_credits", "sum_debits"):
                add = int if figure == "entries" else Decimal
                found[-1][figure] = type(one[figure])(add(found[-1][figure]) + add(one[figure]))
        else:
            found.append(one)
    return found


def figures(row: dict[str, str]) -> dict[str, Any]:
    def amount(text: str) -> Decimal | None:
        written = text.removeprefix("(derived) ")
        return Decimal(written) if written else None

    number = row.get("seq_no", "").partition("/")[0]
    return {
        "account": row.get("account"),
        "statement_id": row.get("statement_id"),
        "sequence": int(number) if number else None,
        "currency": row["currency"] or None,
        "entries": row["entries"] or None,
        "booked_entries": row.get("booked_entries") or None,
        "opening": amount(row["opening_balance"]),
        "closing": amount(row["closing_balance"]),
        "sum_credits": amount(row["sum_credits"]),
        "sum_debits": amount(row["sum_debits"]),
    }


# -- beside the days before, in the manifest's order (the camt chain: test_statement_import.py)


@pytest.mark.skipif(not FILES, reason="../shared is not beside this clone")
def test_three_days_of_mt940_chain_and_come_in_once(shop: Shop) -> None:
    bank_of_the_collection(shop)
    days = [FOLDER / "mt940" / f"own-chain-day{day}.sta" for day in (1, 2, 3)]
    assert [brought(shop, day) for day in days] == [("accept", 20), ("accept", 15), ("accept", 30)]
    assert brought(shop, days[1]) == ("idempotent:ALREADY_IMPORTED", 0)
    assert brought(shop, FOLDER / "mt940" / "own-bad-closing.sta") == ("reject:BALANCE_MISMATCH", 0)
    assert shop.ask("SELECT sum(CASE WHEN credit THEN amount_fen ELSE -amount_fen END) FROM ledger.statement_line") == (
        78_298_761 - 70_717_355
    )
    assert shop.broken() == []


@pytest.mark.skipif(not FILES, reason="../shared is not beside this clone")
def test_pages_are_one_statement_in_the_books(shop: Shop) -> None:
    bank_of_the_collection(shop)
    folder = FOLDER / "mt940"
    assert brought(shop, folder / "own-valid-two-pages.sta") == ("hold:OPENING_DISCONTINUITY", 30)
    assert shop.count("statement") == 1


@pytest.mark.skipif(not FILES, reason="../shared is not beside this clone")
def test_a_corporate_sheet_is_proved_by_its_running_balance_and_comes_in_once(shop: Shop) -> None:
    bank_of_the_collection(shop)
    folder = FOLDER / "csv"
    assert brought(shop, folder / "own-corp2col-gb18030.csv") == ("accept", 37)
    assert brought(shop, folder / "own-corp2col-utf8bom.csv") == ("idempotent:DUPLICATE_STATEMENT", 0)
    assert shop.broken() == []


def brought(shop: Shop, path: Path) -> tuple[str, int]:
    ran = shop.custody("statement", "import", path, "--json")
    answer = json.loads(ran.out)
    judged = f"{answer['verdict']}:{answer['class']}" if answer["class"] else answer["verdict"]
    return judged, answer["lines"]


def bank_of_the_collection(shop: Shop) -> None:
    """The collection's account belongs to another school here: its books opened with what day 1 opens with."""
    now = edge.now(read_settings())
    other = Institution(1002, "JG1002", "另一学校", "110108", "", "non_academic", "custody", "区教委", "010")
    account = Fund(1002, 1, FundKind.CUSTODY, "6232001000000000118", "行", "102100099996", "CNY", 70_717_355, OPENED_ON)
    vault = edge.open_vault(read_settings())
    with shop.database.app.begin() as conn:
        register.institution(conn, vault, other, Payee("另一学校", "62220000", "102100099996"), now)
        register.fund(conn, account, "clerk:li", "clerk:wang", now)
