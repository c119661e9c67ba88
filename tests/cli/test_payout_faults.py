"""Killed between any two steps of building, writing and hearing of a payment batch: no payment twice, none lost."""

import hashlib
from pathlib import Path

import pytest

from ledger.formats import pain001
from tests.cli.shop import CODE, CUSTODY, PRICE_FEN, SIGNED_ON, Shop, deposit
from tests.cli.test_payout import answered
from tests.conftest import run_custody
from tests.pain002 import pain002
from tests.samples import SampleLine

KILLED = -9
# what the operator does when the process dies at each point
DOING = {
    "before_batch_commit": "build",
    "before_payment_commit": "write",
    "after_payment_commit": "write",
    "after_file_written": "write",
    "after_rename": "write",
    "after_payment_written": "write",
    "before_status_commit": "status",
}
OF = ("--institution", CODE)


@pytest.fixture
def approved(shop: Shop) -> Shop:
    """Three families' refunds are approved and not in a batch."""
    day = shop.statement("day.xml", *(deposit(n) for n in (1, 2, 3)), on=SIGNED_ON)
    assert shop.custody("statement", "import", day).code == 0
    for n in (1, 2, 3):
        words = ("refund", "ask", *OF, "--contract", f"HT{n:06d}", "--cause", "institution", "--actor", "parent")
        (row,) = answered(shop, *words)["refunds"]
        answered(shop, "refund", "answer", row["refund"], *OF, "--agree", "--actor", "school")
        answered(shop, "refund", "approve", row["refund"], *OF, "--actor", "clerk:wang")
    return shop


class Operator:
    """Does a day's payments step by step as processes of their own, and is killed once at a point."""

    def __init__(self, shop: Shop, point: str) -> None:
        self.shop, self.point, self.outbox = shop, point, shop.folder / "outbox"

    def run(self, name: str, *words: str) -> None:
        """Run a command; where it is the one to die, run it once more afterwards."""
        if DOING[self.point] == name:
            faulty = {**self.shop.environment, "CUSTODY_FAULT": self.point}
            assert run_custody(faulty, *words).returncode == KILLED
            assert self.shop.broken() == []
        ran = run_custody(self.shop.environment, *words)
        assert ran.returncode == 0, ran.stderr

    def day(self) -> str:
        """From approved refunds to the bank's report; the batch's message id."""
        self.run("build", "payout", "build", "--kind", "refund", *OF, "--actor", "clerk:li")
        (batch,) = answered(self.shop, "payout", "list")["batches"]
        self.run("approve", "payout", "approve", batch["batch"], "--actor", "clerk:wang")
        self.run("write", "payout", "write", batch["batch"], "--out", str(self.outbox), "--actor", "clerk:li")
        states = dict(zip(self.ids(), ("RJCT", "ACSP", "ACSC"), strict=True))
        report = self.shop.file("report.xml", pain002(batch["batch"], states, reason="AM04"))
        self.run("status", "payout", "status", str(report), "--actor", "clerk:li")
        return str(batch["batch"])

    def ids(self) -> list[str]:
        found = self.shop.ask("SELECT string_agg(end_to_end_id, ' ' ORDER BY end_to_end_id) FROM ledger.instruction")
        return str(found).split()


@pytest.mark.parametrize("point", DOING)
def test_a_kill_at_a_point_pays_nobody_twice_and_loses_nobody(approved: Shop, point: str) -> None:
    operator = Operator(approved, point)
    message_id = operator.day()
    assert len(operator.ids()) == 3
    (file,) = (path for path in operator.outbox.iterdir() if not path.name.startswith("."))
    content = Path(file).read_bytes()
    totals = pain001.check_totals(content)
    assert (file.name, totals.payments, totals.sum_fen) == (f"{message_id}.xml", 3, 3 * PRICE_FEN)
    (batch,) = answered(approved, "payout", "list")["batches"]
    assert (batch["state"], batch["sha256"]) == ("written", hashlib.sha256(content).hexdigest())
    found = answered(approved, "reconcile", "--account", CUSTODY, code=0)["accounts"]
    assert (found["in_transit"], found["refund_due"]) == ("8000.00", "4000.00")
    assert approved.counts("payout_placed", "payout_report", "instruction_step") == {
        "payout_placed": 1, "payout_report": 1, "instruction_step": 3,
    }  # fmt: skip
    # the rejected one goes again under an id of its own; the bank books each payment once
    answered(approved, "payout", "build", "--kind", "refund", *OF)
    ids = operator.ids()
    assert (len(ids), len(set(ids))) == (4, 4)
    debits = [SampleLine(PRICE_FEN, False, f"P{n}", id_, memo="退费") for n, id_ in enumerate(ids[1:])]
    closing = approved.statement("out.xml", *debits, sequence=2, opening_fen=3 * PRICE_FEN, on=SIGNED_ON)
    assert approved.custody("statement", "import", closing).code == 0
    assert approved.ask("SELECT count(*) FROM ledger.refund_now WHERE state = 'paid'") == 3
    assert (approved.count("break"), approved.broken()) == (0, [])


def test_a_file_that_was_not_placed_is_told(approved: Shop) -> None:
    answered(approved, "payout", "build", "--kind", "refund", *OF, "--actor", "clerk:li")
    (batch,) = answered(approved, "payout", "list")["batches"]
    answered(approved, "payout", "approve", batch["batch"], "--actor", "clerk:wang")
    words = ("payout", "write", batch["batch"], "--out", str(approved.folder / "outbox"))
    assert run_custody({**approved.environment, "CUSTODY_FAULT": "after_payment_commit"}, *words).returncode == KILLED
    (listed,) = answered(approved, "payout", "list")["batches"]
    assert (listed["state"], (approved.folder / "outbox").exists()) == ("rendered", False)
    assert answered(approved, *words)["sha256"] == listed["sha256"]
    assert answered(approved, "payout", "list")["batches"][0]["state"] == "written"
