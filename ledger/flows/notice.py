"""Families are told where their refunds are: on the day they asked, and 5, 10 and 14 days later."""

from datetime import date, datetime

from sqlalchemy import Connection

from ledger.books import notice as notices
from ledger.rules import notice as rules
from ledger.terms.notice import Notice
from ledger.vault import Vault


def prepare(conn: Connection, institution_id: int, today: date, now: datetime) -> int:
    """Write down who is to be told what on the legal day ``today``, each guardian once a notice day; how many."""
    notices.lock(conn, institution_id)
    told = []
    for one in notices.open_refunds(conn, institution_id):
        day = rules.day_due(one, today)
        if day is not None:
            told.append((one, day, rules.kind(one, today)))
    return notices.keep(conn, institution_id, told, now)


def waiting(conn: Connection, vault: Vault, institution_id: int) -> list[Notice]:
    """What is to be handed over; the caller does, and says so with ``sent``. One that is cut off between the two is
    handed over again: a message too many is better than none.
    """
    notices.lock(conn, institution_id)
    return [
        Notice(one.refund_id, one.guardian_id, day, kind, phone, rules.words(one, kind))
        for one, day, kind, phone in notices.unsent(conn, vault, institution_id)
    ]


def sent(conn: Connection, institution_id: int, handed_over: list[Notice], now: datetime) -> None:
    """These were handed over."""
    notices.sent(conn, institution_id, handed_over, now)
