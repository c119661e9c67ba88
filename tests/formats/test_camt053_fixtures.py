"""Every camt file of the shared collection: verdict, class and figures equal to its manifest."""

import csv
from decimal import Decimal
from pathlib import Path

import pytest

from ledger.formats.statement import read_statement_file
from ledger.rules.statement import judge_against_history
from ledger.terms.currency import amount_text
from ledger.terms.statement import KnownStatement, Statement, StatementFile

FOLDER = Path(__file__).resolve().parents[3] / "shared" / "fixtures" / "statements" / "camt053"
# These files are sound by themselves; what is wrong with them shows only beside the days before.
NEED_HISTORY = ("own-redelivered-", "own-conflicting-", "own-discontinuous-", "own-gap-")


def manifest() -> list[dict[str, str]]:
    if not FOLDER.is_dir():
        return []
    with (FOLDER / "manifest.csv").open(encoding="utf-8", newline="") as rows:
        return list(csv.DictReader(rows))


ROWS = manifest()


@pytest.mark.skipif(not ROWS, reason="../shared is not beside this clone")
@pytest.mark.parametrize("row", ROWS, ids=[f"{row['file']}-{row['stmt_index'] or 0}" for row in ROWS])
def test_a_file_gets_the_verdict_and_figures_of_the_manifest(row: dict[str, str]) -> None:
    checked = read_statement_file(FOLDER / row["file"])
    expected = "accept" if row["file"].startswith(NEED_HISTORY) else row["expected"]
    assert judged(checked) == expected
    if expected in ("accept", "info_only"):
        assert figures(checked.statements[int(row["stmt_index"])]) == {
            "version": row["version"],
            "account": row["account"],
            "statement_id": row["statement_id"],
            "seq_no": row["seq_no"],
            "currency": row["currency"],
            "entries": row["entries"],
            "booked_entries": row["booked_entries"],
            "opening_balance": decimal(row["opening_balance"]),
            "closing_balance": decimal(row["closing_balance"]),
            "sum_credits": decimal(row["sum_credits"]),
            "sum_debits": decimal(row["sum_debits"]),
        }


def figures(statement: Statement) -> dict[str, object]:
    def amount(minor: int | None) -> Decimal | None:
        return None if minor is None else Decimal(amount_text(minor, statement.currency))

    return {
        "version": statement.version,
        "account": statement.account,
        "statement_id": statement.statement_id,
        "seq_no": "" if statement.sequence is None else str(statement.sequence),
        "currency": statement.currency,
        "entries": str(statement.entries),
        "booked_entries": str(statement.booked_entries),
        "opening_balance": amount(statement.opening_fen),
        "closing_balance": amount(statement.closing_fen),
        "sum_credits": amount(statement.sum_credits_fen),
        "sum_debits": amount(statement.sum_debits_fen),
    }


def decimal(text: str) -> Decimal | None:
    return Decimal(text) if text else None


def judged(checked: StatementFile) -> str:
    return f"{checked.verdict}:{checked.class_}" if checked.class_ else str(checked.verdict)


@pytest.mark.skipif(not ROWS, reason="../shared is not beside this clone")
def test_five_days_chain_and_the_files_after_them_are_judged_by_history() -> None:
    history: list[KnownStatement] = []
    for day in range(1, 6):
        assert judge(f"own-chain-day{day}.xml", history) == "accept"
        history.append(known(f"own-chain-day{day}.xml"))
    assert (
        sum(read_statement_file(FOLDER / f"own-chain-day{day}.xml").statements[0].entries or 0 for day in range(1, 6))
        == 159
    )
    expected = {row["file"]: row["expected"] for row in ROWS if row["file"].startswith(NEED_HISTORY)}
    assert len(expected) == 5
    assert {name: judge(name, history) for name in expected} == expected


def judge(name: str, history: list[KnownStatement]) -> str:
    checked = read_statement_file(FOLDER / name)
    found = judge_against_history(checked.statements[0], checked.sha256, history, 70_717_355)
    return f"{found.verdict}:{found.fault.code}" if found.fault else str(found.verdict)


def known(name: str) -> KnownStatement:
    checked = read_statement_file(FOLDER / name)
    (one,) = checked.statements
    return KnownStatement(
        one.statement_id, one.content_digest, one.sequence, one.closing_fen, one.to_on, checked.sha256
    )
