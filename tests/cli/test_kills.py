"""Fifty kills at every point of the import, the matcher and the payment writer, in books that live on through them all.

Once at each point is tried in every run: test_statement_admission, test_match_work, test_payout_faults.
"""

from dataclasses import replace
from pathlib import Path

import pytest

from ledger.formats.announcement_sheet import COLUMNS, OPTIONAL
from tests.cli.shop import CODE, CUSTODY, SIGNED_ON, Shop, deposit
from tests.cli.test_match_work import MATCHING, ON, receipt, row
from tests.cli.test_payout import answered
from tests.cli.test_payout_faults import DOING, KILLED, OF, approved
from tests.conftest import run_custody
from tests.pain002 import pain002

__all__ = ["approved"]  # the fixture of three approved refunds

ROUNDS = 50
IMPORTING = ("before_import_commit", "after_import_commit")


def killed(shop: Shop, point: str, *words: str) -> None:
    """Run a command that dies at a point, look at the books, and run it again to its end."""
    assert run_custody({**shop.environment, "CUSTODY_FAULT": point}, *words).returncode == KILLED
    assert shop.broken() == []
    again = run_custody(shop.environment, *words)
    assert again.returncode == 0, again.stderr


@pytest.mark.full
@pytest.mark.parametrize("point", IMPORTING)
def test_fifty_killed_imports_store_every_line_once(shop: Shop, point: str) -> None:
    for n in range(1, ROUNDS + 1):
        lines = [replace(deposit(contract, 1_00), ref=f"R{n:03d}{contract}") for contract in (1, 2)]
        opening_fen = (n - 1) * 2_00
        day = shop.statement(f"{n}.xml", *lines, sequence=n, opening_fen=opening_fen, on=SIGNED_ON)
        killed(shop, point, "statement", "import", str(day))
        assert shop.counts("statement", "statement_line", "line_match") == {
            "statement": n, "statement_line": 2 * n, "line_match": 2 * n,
        }  # fmt: skip
        assert shop.ask("SELECT sum(paid_fen) FROM ledger.contract_balance") == n * 2_00
    assert shop.broken() == []


@pytest.mark.full
@pytest.mark.parametrize("point", MATCHING)
def test_fifty_killed_matchers_post_every_match_once(shop: Shop, point: str) -> None:
    for n in range(1, ROUNDS + 1):
        orders = [2 * n - 1, 2 * n]
        rows = [row(order, 1 + order % 2, "1.00", f"OR{order:06d}") for order in orders]
        sheet = shop.file("list.csv", "\n".join([",".join((*COLUMNS, *OPTIONAL)), *rows]) + "\n")
        answered(shop, "match", "announce", str(sheet), "--institution", CODE)
        lines = [receipt(order, 1_00, f"OR{order:06d}") for order in orders]
        day = shop.statement(f"{n}.xml", *lines, sequence=n, opening_fen=(n - 1) * 2_00, on=ON)
        assert shop.custody("statement", "import", day).code == 0
        killed(shop, point, "match", "run")
        assert shop.counts("match_part", "match_posted") == {"match_part": 2 * n, "match_posted": 2 * n}
        assert shop.ask("SELECT sum(paid_fen) FROM ledger.contract_balance") == n * 2_00
    found = answered(shop, "reconcile", "--account", CUSTODY, "--on", ON.isoformat())["accounts"]
    assert (found["suspense"], shop.broken()) == ("0.00", [])


@pytest.mark.full
@pytest.mark.parametrize("point", DOING)
def test_fifty_killed_payment_runs_pay_nobody_twice_and_lose_nobody(approved: Shop, point: str) -> None:
    """Each day three refunds are sent, and the bank refuses all three: they are owed again, and sent the next day."""
    outbox = approved.folder / "outbox"

    def run(name: str, *words: str) -> None:
        if DOING[point] == name:
            killed(approved, point, *words)
        else:
            assert approved.custody(*words).code == 0

    for n in range(1, ROUNDS + 1):
        run("build", "payout", "build", "--kind", "refund", *OF, "--actor", "clerk:li")
        batch = answered(approved, "payout", "list")["batches"][-1]
        assert (batch["instructions"], batch["control_sum"]) == (3, "12000.00")
        run("approve", "payout", "approve", batch["batch"], "--actor", "clerk:wang")
        run("write", "payout", "write", batch["batch"], "--out", str(outbox), "--actor", "clerk:li")
        sql = "SELECT string_agg(end_to_end_id, ' ' ORDER BY end_to_end_id) FROM ledger.instruction"
        ids = str(approved.ask(sql)).split()
        assert (len(ids), len(set(ids))) == (3 * n, 3 * n)
        said = pain002(batch["batch"], dict.fromkeys(ids[-3:], "RJCT"), message_id=f"BK-{n:04d}", reason="AM04")
        run("status", "payout", "status", str(approved.file("report.xml", said)), "--actor", "clerk:li")
        found = answered(approved, "reconcile", "--account", CUSTODY)["accounts"]
        assert (found["refund_due"], found["in_transit"]) == ("12000.00", "0.00")
        assert files(outbox) == n
    assert approved.broken() == []


def files(outbox: Path) -> int:
    """How many payment files lie in the outbox. A killed writer may leave hidden temporary ones."""
    names = [path.name for path in outbox.iterdir() if not path.name.startswith(".")]
    assert all(name.endswith(".xml") for name in names), names
    return len(names)
