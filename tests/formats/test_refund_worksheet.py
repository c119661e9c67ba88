"""A worksheet as the books keep it: every cause whole, dates that come back, a decision that changes places."""

import json
from datetime import date

import pytest

from ledger.formats.refund_worksheet import dates_as_rows, decided_sheet, kept_sheets, parts_of, read_dates
from ledger.rules import refund_deadline
from ledger.terms.refund import Cause, HoursUsed, Part
from ledger.terms.refund_request import FundingPart, Payer
from tests.rules.refunds import CALENDAR, CONSUMER, INSTITUTION, NEITHER, PACK, quote
from tests.rules.test_refund_deadline import TIANJIN

ON = date(2026, 3, 20)
DATES = refund_deadline.dates(ON, ON, TIANJIN, CALENDAR)
SHEETS = {cause: quote(PACK, HoursUsed(1500), cause) for cause in Cause}
FUNDING = {
    cause: [FundingPart(Part.PRINCIPAL, Payer.CUSTODY, parts_of(sheet).total_fen)] for cause, sheet in SHEETS.items()
}
KEPT = kept_sheets(SHEETS[INSTITUTION], [SHEETS[CONSUMER], SHEETS[NEITHER]], FUNDING, DATES)


def test_what_is_kept_is_plain_json_whose_lines_add_up() -> None:
    assert json.loads(json.dumps(KEPT)) == KEPT
    for sheet in (KEPT, *KEPT["alternatives"]):
        assert sum(line["amount_fen"] for line in sheet["lines"]) == sheet["refund_fen"]
        assert sheet["overcharge_fen"] + sheet["principal_fen"] + sheet["extra_fen"] == sheet["refund_fen"]
        assert sum(part["amount_fen"] for part in sheet["funding"]) == sheet["refund_fen"]
    assert {one["cause"]: one["refund_fen"] for one in KEPT["alternatives"]} == {
        "consumer": 200_000, "neither": 500_000,
    }  # fmt: skip


def test_dates_come_back_as_they_were_kept() -> None:
    assert read_dates(json.loads(json.dumps(dates_as_rows(DATES)))) == DATES


@pytest.mark.parametrize("cause", [CONSUMER, NEITHER])
def test_the_decided_cause_changes_places_with_the_asked_one(cause: Cause) -> None:
    decided = decided_sheet(KEPT, INSTITUTION, cause)
    assert decided is not None
    assert (decided["refund_fen"], decided["digest"]) == (SHEETS[cause].refund_fen, SHEETS[cause].digest)
    assert decided["dates"] == KEPT["dates"]
    assert {one["cause"] for one in decided["alternatives"]} == {other.value for other in Cause if other is not cause}
    back = decided_sheet(decided, cause, INSTITUTION)
    assert back is not None
    assert {name: value for name, value in back.items() if name != "alternatives"} == {
        name: value for name, value in KEPT.items() if name != "alternatives"
    }


def test_the_asked_cause_stays_as_it_is_and_an_unkept_one_is_none() -> None:
    assert decided_sheet(KEPT, INSTITUTION, INSTITUTION) == KEPT
    old = {"refund_fen": 5, "alternatives": [{"cause": "consumer", "refund_fen": 1}]}
    assert decided_sheet(old, INSTITUTION, CONSUMER) is None
