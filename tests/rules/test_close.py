"""A day is closed on its believed statement, and on books that it explains to the fen."""

from dataclasses import replace
from datetime import date

import pytest

from ledger.rules.close import reasons
from ledger.terms.close import CloseFacts, DayStatement, OpenItem
from ledger.terms.ids import new_id
from ledger.terms.reconcile import DayFigures
from tests.flows.school import ASKED_AT

DAY, BEFORE, CLOSED = date(2026, 3, 4), date(2026, 3, 3), date(2026, 3, 2)
ITEM = OpenItem(new_id(ASKED_AT), "suspense", "S-2 1", 300)
FIGURES = DayFigures(
    7, "6232", DAY, "S-2", 900, 900, {"bank": 900, "suspense": 300, "claim": 600},
    {"suspense": 300, "in_transit": 0, "difference": 0}, (),
)  # fmt: skip


def statement(name: str, opening_fen: int, closing_fen: int, on: date, *, believed: bool = True) -> DayStatement:
    class_ = "" if believed else "SEQUENCE_GAP"
    return DayStatement(name, 1, opening_fen, closing_fen, on, on, 1, "00", believed, class_)


GOOD = CloseFacts(
    "JG7", 1, "6232", DAY, CLOSED, FIGURES,
    (statement("S-1", 0, 500, BEFORE), statement("S-2", 500, 900, DAY)), (), (ITEM,), (), None,
)  # fmt: skip
HELD = statement("S-3", 5, 6, DAY, believed=False)


def told(facts: CloseFacts) -> list[tuple[str, str]]:
    return [(one.code, one.detail) for one in reasons(facts)]


def test_a_day_that_is_explained_may_be_closed() -> None:
    assert told(GOOD) == []


@pytest.mark.parametrize(
    ("facts", "said"),
    [
        (replace(GOOD, on=CLOSED), [("DAY_CLOSED", "2026-03-02")]),
        (replace(GOOD, statements=()), [("STATEMENT_MISSING", "2026-03-04")]),
        (replace(GOOD, statements=GOOD.statements[:1]), [("STATEMENT_MISSING", "2026-03-04")]),
        (replace(GOOD, held=(HELD,)), [("STATEMENT_HELD", "S-3 SEQUENCE_GAP")]),
        (
            replace(GOOD, statements=(), held=(HELD, replace(HELD, class_=""))),
            [("STATEMENT_HELD", "S-3 SEQUENCE_GAP"), ("STATEMENT_HELD", "S-3"), ("STATEMENT_MISSING", "2026-03-04")],
        ),
        (
            replace(GOOD, statements=(GOOD.statements[0], statement("S-2", 499, 900, DAY))),
            [("STATEMENT_OUT_OF_ORDER", "S-2")],
        ),
        (
            replace(GOOD, statements=(statement("S-2", 0, 500, DAY), statement("S-1", 500, 900, BEFORE))),
            [("STATEMENT_OUT_OF_ORDER", "S-1"), ("STATEMENT_MISSING", "2026-03-04")],
        ),
        (replace(GOOD, figures=replace(FIGURES, bank_fen=901)), [("DIFFERENCE_UNEXPLAINED", "bank 0.01")]),
        (replace(GOOD, items=()), [("DIFFERENCE_UNEXPLAINED", "suspense 3.00")]),
        (
            replace(GOOD, figures=replace(FIGURES, items_fen={"suspense": 299})),
            [("DIFFERENCE_UNEXPLAINED", "suspense 0.00")],
        ),
    ],
)  # fmt: skip
def test_everything_that_stands_against_it_is_told(facts: CloseFacts, said: list[tuple[str, str]]) -> None:
    assert told(facts) == said
