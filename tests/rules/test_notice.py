"""Which notice is due on a day, and what it says."""

from dataclasses import replace
from datetime import date, timedelta
from uuid import UUID

import pytest

from ledger.rules import notice, refund_number
from ledger.terms.notice import DAYS, OpenRefund
from ledger.terms.refund_request import RefundState

ASKED = date(2026, 3, 20)
REFUND = OpenRefund(
    UUID(int=7), UUID(int=8), 2_240_00, ASKED, date(2026, 4, 3), date(2026, 4, 8), RefundState.ASKED, "010-0000-1208",
    (),
)  # fmt: skip


@pytest.mark.parametrize(
    ("after", "told", "due"),
    [
        (-1, (), None), (0, (), 0), (0, (0,), None), (4, (0,), None), (5, (0,), 5), (9, (0, 5), None), (10, (0,), 10),
        (13, (0, 5, 10), None), (14, (0, 5, 10), 14), (60, (), 14), (60, DAYS, None),
    ],
)  # fmt: skip
def test_the_newest_day_that_has_come_is_told_once(after: int, told: tuple[int, ...], due: int | None) -> None:
    assert notice.day_due(replace(REFUND, told=told), ASKED + timedelta(days=after)) == due


@pytest.mark.parametrize(
    ("state", "today", "kind"),
    [
        (RefundState.ASKED, ASKED, "NOTICE_ASKED"), (RefundState.AGREED, ASKED, "NOTICE_PAYING"),
        (RefundState.APPROVED, ASKED, "NOTICE_PAYING"), (RefundState.IN_TRANSIT, REFUND.pay_by, "NOTICE_PAYING"),
        (RefundState.OBJECTED, ASKED, "NOTICE_OBJECTED"), (RefundState.RETURNED, date(2026, 5, 1), "NOTICE_RETURNED"),
        (RefundState.IN_TRANSIT, REFUND.pay_by + timedelta(days=1), "NOTICE_LATE"),
    ],
)  # fmt: skip
def test_what_is_said_follows_the_state_and_the_last_day(state: RefundState, today: date, kind: str) -> None:
    refund = replace(REFUND, state=state)
    assert notice.kind(refund, today) == kind
    for language in ("zh", "en"):
        said = notice.words(refund, kind, language)
        assert refund_number.number(refund.refund_id) in said
        assert "010-0000-1208" in said
        assert "{" not in said
        assert len(said) < 200


def test_a_first_notice_says_both_days() -> None:
    said = notice.words(REFUND, "NOTICE_ASKED")
    assert all(word in said for word in ("¥2,240.00", "2026-04-03", "2026-04-08"))
