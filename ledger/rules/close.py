"""Whether a day of an account may be closed: its bank statement is there and believed, and explains the books."""

from collections.abc import Iterator

from ledger.money import yuan
from ledger.terms.close import CloseFacts, CloseReason


def reasons(facts: CloseFacts) -> tuple[CloseReason, ...]:
    """Everything that stands against closing the day, the nearest cause first; empty where it may be closed.

    Codes: DAY_CLOSED, STATEMENT_HELD, STATEMENT_OUT_OF_ORDER, STATEMENT_MISSING, DIFFERENCE_UNEXPLAINED.
    """
    if facts.on <= facts.closed_through:
        return (CloseReason("DAY_CLOSED", facts.closed_through.isoformat()),)
    return (*_of_statements(facts), *_of_figures(facts))


def _of_statements(facts: CloseFacts) -> Iterator[CloseReason]:
    for held in facts.held:
        yield CloseReason("STATEMENT_HELD", f"{held.statement_id} {held.class_}".rstrip())
    for before, one in zip(facts.statements, facts.statements[1:], strict=False):
        if one.opening_fen != before.closing_fen or one.last_on < before.last_on:
            yield CloseReason("STATEMENT_OUT_OF_ORDER", one.statement_id)
    if not facts.statements or facts.statements[-1].last_on != facts.on:
        yield CloseReason("STATEMENT_MISSING", facts.on.isoformat())


def _of_figures(facts: CloseFacts) -> Iterator[CloseReason]:
    """Bank against books, and every account that is made of items against the list of them."""
    difference = facts.figures.difference_fen
    if difference:
        yield CloseReason("DIFFERENCE_UNEXPLAINED", f"bank {yuan(difference)}")
    for name, fen in facts.figures.items_fen.items():
        booked, listed = facts.figures.classes.get(name, 0), sum(i.fen for i in facts.items if i.account == name)
        if not booked == fen == listed:
            yield CloseReason("DIFFERENCE_UNEXPLAINED", f"{name} {yuan(booked - listed)}")
