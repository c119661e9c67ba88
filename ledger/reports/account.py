"""One account: what it holds on a day as the books knew it at a block, and its statement page by page."""

from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from sqlalchemy import Connection, text

from ledger.terms.journal import AccountClass


@dataclass(frozen=True, slots=True)
class Account:
    """A class of a fund, or with ``contract_id`` one contract's."""

    institution_id: int
    fund_no: int
    account_class: AccountClass
    contract_id: UUID | None = None


FIRST = UUID(int=0)


@dataclass(frozen=True, slots=True)
class Place:
    """A place in the order of the books, to go on from; the default is before everything."""

    block: int = 0
    entry_id: UUID = FIRST
    line: int = 0


@dataclass(frozen=True, slots=True)
class Line:
    """One side of a transfer on the account; ``balance_fen`` after it, debit positive."""

    place: Place
    effective_on: date
    recorded_at: datetime
    kind: str
    ref: UUID | None
    debit_fen: int
    credit_fen: int
    balance_fen: int


def find(conn: Connection, name: str) -> Account | None:
    """The account that a name means: <institution>:<class>:<contract number, or bank account of the fund, or hands>."""
    code, _, rest = name.partition(":")
    account_class, _, item = rest.partition(":")
    if account_class not in {one.value for one in AccountClass}:
        return None
    row = conn.execute(
        text("""SELECT i.institution_id, coalesce(c.fund_no, f.fund_no) AS fund_no, c.contract_id
                FROM ledger.institution i
                LEFT JOIN ledger.contract c ON c.institution_id = i.institution_id AND c.contract_no = :item
                                           AND :class IN ('due', 'claim', 'refund_due')
                LEFT JOIN ledger.fund f ON f.institution_id = i.institution_id
                                       AND coalesce(f.account_no, 'hands') = :item
                                       AND :class NOT IN ('due', 'claim', 'refund_due')
                WHERE i.code = :code AND (c.contract_id IS NOT NULL OR f.fund_no IS NOT NULL)"""),
        {"code": code, "class": account_class, "item": item},
    ).first()
    if row is None:
        return None
    return Account(row.institution_id, row.fund_no, AccountClass(account_class), row.contract_id)


def balance_fen(conn: Connection, account: Account, as_of: date | None = None, block: int | None = None) -> int:
    """What the account holds (debit positive): accounting days up to ``as_of`` (None: all), as known at ``block``
    (None: everything, the unsealed tail included).
    """
    row = conn.execute(
        text("""SELECT debit_fen - credit_fen AS fen FROM ledger.balance_as_of(
                    :i, CAST(:f AS smallint), CAST(:class AS ledger.account_class), :contract, :as_of, :block)"""),
        {**_named(account), "as_of": as_of, "block": block},
    ).one()
    return int(row.fen)


def statement(conn: Connection, account: Account, after: Place, limit: int) -> list[Line]:
    """The next sealed lines of an account after a place, at most ``limit``, with the running balance.

    In the order of the books: what is recorded late comes later, whatever its accounting day, so a page never changes.
    """
    rows = conn.execute(
        text("""SELECT * FROM ledger.account_statement(
                    :i, CAST(:f AS smallint), CAST(:class AS ledger.account_class), :contract, :block, :entry, :line,
                    :limit)"""),
        {**_named(account), "block": after.block, "entry": after.entry_id, "line": after.line, "limit": limit},
    ).all()
    balance = _before(conn, account, after)
    lines = []
    for row in rows:
        balance += row.debit_fen - row.credit_fen
        place = Place(row.block_no, row.entry_id, row.ord)
        lines.append(
            Line(place, row.effective_on, row.recorded_at, row.kind, row.ref, row.debit_fen, row.credit_fen, balance)
        )
    return lines


def _before(conn: Connection, account: Account, after: Place) -> int:
    """The balance at a place: known at the block before it, and that block's lines up to the place."""
    if after.block == 0:
        return 0
    start = balance_fen(conn, account, block=after.block - 1)
    moved = conn.scalar(
        text("""SELECT coalesce(sum(debit_fen - credit_fen), 0) FROM ledger.account_statement(
                    :i, CAST(:f AS smallint), CAST(:class AS ledger.account_class), :contract, :block,
                    '00000000-0000-0000-0000-000000000000', 0, NULL, :block, CAST(:entry AS uuid)) s
                WHERE (s.block_no, s.entry_id, s.ord) <= (:block, CAST(:entry AS uuid), :line)"""),
        {**_named(account), "block": after.block, "entry": after.entry_id, "line": after.line},
    )
    return start + int(moved)


def _named(account: Account) -> dict[str, object]:
    return {
        "i": account.institution_id,
        "f": account.fund_no,
        "class": account.account_class.value,
        "contract": account.contract_id,
    }
