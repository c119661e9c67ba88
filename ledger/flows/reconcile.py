"""The day's figures of a bank account: bank against books, items against accounts, and the breaks a person
must look at.
"""

from datetime import date, datetime, timedelta

from sqlalchemy import Connection

from ledger.books import reconcile, record
from ledger.books import statement as statements
from ledger.rules import reconcile as rules
from ledger.rules.calendar import add_working_days
from ledger.terms.calendar import CalendarDays
from ledger.terms.ids import new_ids
from ledger.terms.institution import Fund
from ledger.terms.reconcile import Ageing, DayFigures, OpenDay

# Working days an institution has to bring in what a family's contract lacks.
SHORTFALL_DAYS = 3


def day(conn: Connection, fund: Fund, on: date, calendar: CalendarDays, now: datetime) -> DayFigures:
    """Name every shortfall as a break (once per amount), then the three-way figures of ``fund`` on the legal
    day ``on``.
    """
    unnamed = reconcile.unnamed_shortfalls(conn, fund.institution_id, fund.fund_no) if fund.kind == "custody" else []
    due_on = add_working_days(on, SHORTFALL_DAYS, calendar).on
    ids = new_ids(now + timedelta(milliseconds=4), len(unnamed))
    record.insert(conn, "break", [{
        "institution_id": fund.institution_id, "break_id": break_id, "fund_no": fund.fund_no, "kind": "shortfall",
        "amount_fen": amount_fen, "owner": "institution", "reason": "DUE_FROM_INSTITUTION", "opened_on": on,
        "due_on": due_on, "ref": None, "contract_id": contract_id,
    } for break_id, (contract_id, amount_fen) in zip(ids, unnamed, strict=True)])  # fmt: skip
    return reconcile.figures(conn, fund, on, statements.account_figures(conn, fund.institution_id, fund.fund_no, on))


def ageing(conn: Connection, fund: Fund, figures: DayFigures, calendar: CalendarDays) -> list[Ageing]:
    """The open items of an account by kind and age on the day of ``figures``: its breaks, money in suspense, and
    announced payments that have not come.
    """
    broken = [OpenDay(one.kind, one.opened_on, one.due_on, 1, one.amount_fen) for one in figures.breaks]
    return rules.ageing(
        [*broken, *reconcile.open_days(conn, fund, figures.on, rules.UNIDENTIFIED, rules.NOT_RECEIVED)],
        figures.on, calendar,
    )  # fmt: skip
