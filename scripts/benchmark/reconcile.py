"""``scripts/bench reconcile``: a large statement from its file to stored lines, and lines against open payments.

The import runs in a process of its own, whose largest memory is read at its end. Matching runs over scenario M1 beside
the books (``receipts``); its yardstick inserts as many rows as the run wrote, nothing asked of them.
"""

import time
from collections.abc import Iterator
from datetime import timedelta
from multiprocessing import get_context
from pathlib import Path
from typing import Final

from ledger.books import match
from ledger.books.engine import open_engine
from ledger.cli.statement_import import Asking, import_file
from ledger.formats.rulebook import BUILT_IN, load_rulebooks
from ledger.terms.ids import new_id
from ledger.terms.rulebook import NATION
from ledger.terms.statement import Verdict
from ledger.vault import Vault
from scripts.benchmark import receipts, statement
from scripts.benchmark.case import Case, Run, compared, seconds
from scripts.benchmark.world import FUND, NUMBER, OPENED_AT, Books, CaseMaker, Stage, measure

ENTRIES: Final = 100_000
OPEN: Final = 1_000_000
ACCOUNT: Final = "6232001000000000118"  # of the bench's custody account
OTHER_FUND: Final = 2
AT: Final = OPENED_AT + timedelta(days=30)
_PARTS = """INSERT INTO {to} SELECT * FROM ledger.match_part"""


def stored(stage: Stage) -> Iterator[Case]:
    """A camt.053 from its file to lines that are proved, stored and posted."""
    entries = stage.run.sized(ENTRIES, 10)
    path = stage.run.folder / "statement.camt053"
    with path.open("wb") as written:
        written.writelines(statement.camt053(entries, ACCOUNT, 0))
    size = f"{entries:,} entries, {path.stat().st_size // 1_000_000} MB"
    took, peaks = [], []
    try:
        for _ in range(stage.run.rounds):
            with stage.books() as books, get_context("spawn").Pool(1) as pool:
                url = books.app_url.render_as_string(hide_password=False)
                lines, second, peak = pool.apply(_import, (url, path, stage.sealing_key))
            if lines != entries:
                raise RuntimeError(f"the bench's own file was not stored: {lines} lines")
            took.append(second)
            peaks.append(peak)
    finally:
        path.unlink()
    name = f"camt.053 to stored lines: {size}"
    yield Case(name, sorted(took)[len(took) // 2], "s", "limit", gate=60.0, reach=20.0, at_most=True)
    yield Case(f"{name}, memory", max(peaks), "MB", "limit", gate=500.0, reach=150.0, at_most=True)


def _import(url: str, path: Path, sealing_key: bytes) -> tuple[int, float, float]:
    """Lines stored, seconds, and the largest resident memory of this process in MB."""
    engine = open_engine(url)
    asking = Asking(Vault({1: sealing_key}, 1), load_rulebooks([BUILT_IN]).calendar(NATION), "bench", AT)
    began = time.perf_counter()
    imported = import_file(engine, path, asking)
    took = time.perf_counter() - began
    status = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    (peak,) = (int(line.split()[1]) for line in status if line.startswith("VmHWM"))
    return imported.lines if imported.verdict is Verdict.ACCEPT else 0, took, peak / 1024


def matched(stage: Stage) -> Iterator[Case]:
    """A tenth of the payments have come; then all of them."""
    payments = max(stage.run.sized(OPEN) // 10_000, 1) * 10_000
    for received, gate, reach in ((max(payments // 100_000, 1) * 10_000, 30.0, 10.0), (payments, 60.0, 25.0)):
        ours, plain, again = [], [], []
        for _ in range(stage.run.rounds):
            with stage.books() as books:
                _fill(stage, books, payments, received)
                ours.append(_match(books, received))
                again.append(_match(books, 0))
                plain.append(_written_plainly(books))
        lines = sum(lines for _, lines, _ in receipts.EXPECTED.values()) * received // 10_000
        name = f"matching: {received:,} of {payments:,} payments have come, {lines:,} lines matched"
        ratio = compared(name, "s", "s, a plain INSERT of the parts", ours, plain, None, None, less_is_better=True)
        yield Case(name, ratio.measured, "s", ratio.against, ratio.yardstick, ratio.ratios, gate, reach, at_most=True)
        yield Case("  a second run, which finds nothing", sorted(again)[len(again) // 2], "s")


def _fill(stage: Stage, books: Books, payments: int, received: int) -> None:
    with books.owner() as conn:
        receipts.fill(conn, NUMBER, FUND, OTHER_FUND, stage.contracts, payments, received)


def _match(books: Books, received: int) -> float:
    """Seconds of one run, committed. Raises RuntimeError where it finds anything but what is planted."""
    began = time.perf_counter()
    with books.engine.begin() as conn:
        found = match.run(conn, NUMBER, FUND, new_id(AT), "bench", "bench", AT)
    took = time.perf_counter() - began
    counts = {one.rule: (one.matches, one.lines, one.payments) for one in found}
    times = received // 10_000
    planted = {rule: (m * times, n * times, p * times) for rule, (m, n, p) in receipts.EXPECTED.items() if times}
    if counts != planted:
        raise RuntimeError(f"not what is planted: {counts}")
    return took


def _written_plainly(books: Books) -> float:
    with books.owner() as conn:
        conn.execute("CREATE TABLE plain_part (LIKE ledger.match_part INCLUDING INDEXES)")
        return seconds(lambda: conn.execute(_PARTS.format(to="plain_part")))


CASES: Final[dict[str, CaseMaker]] = {"stored": stored, "matching": matched}


def run(order: Run) -> Iterator[Case]:
    """Both, on one server."""
    yield from measure(order, CASES, 1_000)
