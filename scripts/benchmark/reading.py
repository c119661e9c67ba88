"""Reads of a grown journal: a hot account's balance, its statement page, the trial balance, against plain sums.

Each is measured twice while the journal grows: at a tenth of its size, and at its full size. What is kept (folded
balances, buckets) must make it quicker than the plain sum over the rows, and must keep it from growing with them.
"""

from collections.abc import Callable, Iterator
from datetime import date, timedelta
from functools import partial
from typing import Final

from sqlalchemy import Connection, text

from ledger.books.transaction import snapshot
from ledger.reports import account, trial_balance
from ledger.reports.account import Account, Place
from ledger.terms.journal import AccountClass
from scripts.benchmark.case import LARGE, Case, Run, compared, milliseconds
from scripts.benchmark.world import DAY, FUND, NUMBER, OPENED_AT, SET, Books, Stage

ROW, TAIL, PAGE = 140_000, 5_000, 50
DAYS: Final = 30
# At ten times the size a read may take at most three times as long.
GROWTH: Final = 1 / 3
HOT: Final = Account(NUMBER, FUND, AccountClass.PAYABLE)
_PLAIN_SUM = """
    SELECT sum(CASE WHEN t.credit_class = 'payable' THEN -t.amount_fen ELSE t.amount_fen END)
    FROM ledger.transfer t JOIN ledger.journal_entry e USING (institution_id, entry_id)
    WHERE t.institution_id = :i AND e.fund_no = :f AND e.effective_on <= :on
      AND 'payable' IN (t.debit_class, t.credit_class)"""
_PLAIN_PAGE = """
    SELECT * FROM (
        SELECT b.block_no, e.entry_id, t.amount_fen,
               sum(CASE WHEN t.credit_class = 'payable' THEN -t.amount_fen ELSE t.amount_fen END)
                   OVER (ORDER BY b.block_no, e.entry_id, t.ord) AS balance
        FROM ledger.transfer t JOIN ledger.journal_entry e USING (institution_id, entry_id)
        JOIN ledger.block_item b USING (institution_id, entry_id)
        WHERE t.institution_id = :i AND e.fund_no = :f AND 'payable' IN (t.debit_class, t.credit_class)) s
    WHERE (block_no, entry_id) > (:block, '00000000-0000-0000-0000-000000000000') ORDER BY 1, 2 LIMIT :limit"""

Reads = dict[str, Callable[[Connection], object]]


def sizes(run: Run) -> tuple[int, int, int]:
    """Transfers: a tenth, those of the design's row (1.4 million at scale 10), and all of them (ten million there)."""
    row = run.sized(ROW, 100)
    full = run.sized(1_000_000) if run.scale >= LARGE else row
    return full // 10, row, full


def reading(stage: Stage) -> Iterator[Case]:
    """Every read at every size."""
    run = stage.run
    tenth, row, full = sizes(run)
    with stage.books() as books:
        grown = _Grown(books)
        grown.to(tenth)
        small = _rounds(books, _ours(grown.last_block, DAY + timedelta(days=DAYS)), run.rounds)
        for size in sorted({row, full}):
            grown.to(size)
            reads = _ours(grown.last_block, DAY + timedelta(days=DAYS))
            plain = _plain(grown.last_block, DAY + timedelta(days=DAYS))
            figures = _rounds(books, {**reads, **plain}, run.rounds)
            for name in reads:
                yield compared(
                    f"{name}, {size:,} transfers", "ms", "plain sum", figures[name],
                    figures[f"plain {_kind(name)}"], 5.0, 100.0 if _kind(name) == "balance" else None,
                    less_is_better=True,
                )  # fmt: skip
                if size == full:
                    yield compared(
                        f"{name}, {full:,} transfers against {tenth:,}", "ms", "the same read at a tenth",
                        figures[name], small[name], round(GROWTH, 2), 0.8, less_is_better=True,
                    )  # fmt: skip


class _Grown:
    """Books that are grown on demand: posted by sets of 10,000 spread over a month's days, sealed, with an unsealed
    tail when they are read.
    """

    def __init__(self, books: Books) -> None:
        self._books, self._there, self._sealed = books, 0, 0
        self.last_block = 0

    def to(self, wanted: int) -> None:
        """Grow to so many deliveries; the last ones, at most 5,000, are not sealed."""
        tail = min(TAIL, wanted // 20)
        while self._there < wanted - tail:
            self._post(min(SET, wanted - tail - self._there))
            self._sealed += 1
            self._books.seal(OPENED_AT + timedelta(hours=self._sealed))
        with self._books.owner() as conn:
            conn.execute("VACUUM ANALYZE")
            found = conn.execute("SELECT block_no FROM seal_state WHERE institution_id = %s", [NUMBER]).fetchone()
            self.last_block = int(str(found[0])) if found else 0
        self._post(tail)

    def _post(self, many: int) -> None:
        self._books.post(self._books.deliveries(many, DAY + timedelta(days=self._sealed % DAYS)))
        self._there += many


def _ours(last_block: int, on: date) -> Reads:
    middle = Place(max(last_block // 2, 1))
    return {
        f"balance as of, hot account, tail of {TAIL:,}": lambda conn: account.balance_fen(conn, HOT, on),
        "balance as of, hot account, sealed": lambda conn: account.balance_fen(conn, HOT, on, last_block),
        f"statement page of {PAGE}, hot account": lambda conn: account.statement(conn, HOT, middle, PAGE),
        "trial balance by class": lambda conn: trial_balance.by_class(conn, on),
    }


def _plain(last_block: int, on: date) -> Reads:
    """What the same answers cost without anything kept."""
    named = {"i": NUMBER, "f": FUND}
    page = {**named, "block": max(last_block // 2, 1), "limit": PAGE}
    return {
        "plain balance": lambda conn: conn.execute(text(_PLAIN_SUM), {**named, "on": on}).all(),
        "plain statement": lambda conn: conn.execute(text(_PLAIN_PAGE), page).all(),
        "plain trial": lambda conn: trial_balance.trial_balance(conn, on),
    }


def _kind(name: str) -> str:
    return name.partition(" ")[0]


def _rounds(books: Books, reads: Reads, rounds: int) -> dict[str, list[float]]:
    """Milliseconds of every read in every round; a plain one once a round, ours the median of nine."""
    found: dict[str, list[float]] = {name: [] for name in reads}
    with snapshot(books.engine) as conn:
        for _ in range(rounds):
            for name, read in reads.items():
                found[name].append(milliseconds(partial(read, conn), 1 if name.startswith("plain") else 9))
    return found
