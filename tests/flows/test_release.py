"""Release by the calendar and ahead of teaching, in the books: by the rules a contract was signed under."""

from datetime import UTC, date, datetime, timedelta
from fractions import Fraction

import pytest

from ledger.errors import Result
from ledger.flows import lesson, refund, release
from ledger.terms.calendar import SHANGHAI
from ledger.terms.contract import Contract
from ledger.terms.lesson import Verdict
from ledger.terms.payout import BatchKind
from ledger.terms.rulebook import Scalar
from tests.flows.school import CUSTODY, TAUGHT_ON, School, debit
from tests.flows.teaching import (
    LATE,
    confirm,
    decided,
    dispute,
    put_down,
    release_due,
    states,
    taught,
    told,
)
from tests.flows.test_payout import build
from tests.rules.rulebooks import THIRDS

CONFIRMED_ON = date(2026, 3, 20)
WEEKLY: dict[str, Scalar] = {"release.mode": "periodic", "release.period_days": 7}
MILESTONES: dict[str, Scalar] = {"release.mode": "milestones", "release.milestones": THIRDS}
AFTER_ORDER: dict[str, Scalar] = {"release.mode": "after_order", "release.after_order_working_days": 15}
AHEAD: dict[str, Scalar] = {"release.ahead_percent_max": Fraction(30)}
TEN_HOURS = {"price_fen": 1_000_00, "hours_bought": 10_00}
HOUR = 100_00


def paid_under(school: School, rules: dict[str, Scalar]) -> Contract:
    """A contract of ten hours for 1,000 yuan, paid, signed under ``rules``."""
    school.rules = rules
    return school.paid(**TEN_HOURS)


def released(school: School, contract: Contract) -> tuple[int, int]:
    """Fen and hours (hundredths)."""
    balance = school.balance(contract.contract_id)
    return balance.released_fen, balance.hours_released


def test_weekly_all_confirmed_hours_go_once_the_oldest_has_waited_a_week(school: School) -> None:
    contract = paid_under(school, WEEKLY)
    ids = taught(school, contract, 3)
    assert (states(school, *ids), released(school, contract)) == (["confirmed"] * 3, (0, 0))
    assert release_due(school, CONFIRMED_ON + timedelta(days=6)) == 0
    assert release_due(school, CONFIRMED_ON + timedelta(days=7)) == 1
    assert (states(school, *ids), released(school, contract)) == (["released"] * 3, (3 * HOUR, 3_00))
    assert release_due(school, CONFIRMED_ON + timedelta(days=99)) == 0
    (entry,) = {row.entry_id for row in school.rows("lesson_step") if row.state == "released"}
    assert entry in {row.entry_id for row in school.rows("journal_entry")}
    assert school.broken() == []


def test_a_contract_keeps_its_mode_when_the_place_changes_it(school: School) -> None:
    contract = paid_under(school, WEEKLY)
    school.rules = {}
    (only,) = taught(school, contract, 1)
    assert states(school, only) == ["confirmed"]
    newer = school.paid(**TEN_HOURS)
    (other,) = taught(school, newer, 1)
    assert states(school, other) == ["released"]


def test_milestones_release_their_shares_and_name_the_lessons_they_reach(school: School) -> None:
    contract = paid_under(school, MILESTONES)
    ids = taught(school, contract, 3)
    assert release_due(school, CONFIRMED_ON) == 0
    ids += taught(school, contract, 1, first_on=TAUGHT_ON + timedelta(days=3))  # the fourth passes the first third
    assert release_due(school, CONFIRMED_ON) == 1
    assert released(school, contract) == (3 * HOUR, 3_00)
    assert states(school, *ids) == ["released"] * 3 + ["confirmed"]
    ids += taught(school, contract, 6, first_on=TAUGHT_ON + timedelta(days=4))
    assert release_due(school, CONFIRMED_ON) == 1
    assert (released(school, contract), states(school, *ids)) == ((10 * HOUR, 10_00), ["released"] * 10)
    assert (school.sums(), school.broken()) == ({"bank": 10 * HOUR, "payable": 10 * HOUR}, [])


def test_the_whole_order_goes_fifteen_working_days_after_its_last_hour(school: School) -> None:
    contract = paid_under(school, AFTER_ORDER)
    taught(school, contract, 10)
    last = date(2026, 4, 13)  # fifteen working days after 20 March; 4 to 6 April are Qingming
    assert release_due(school, last - timedelta(days=1)) == 0
    assert release_due(school, last) == 1
    assert released(school, contract) == (10 * HOUR, 10_00)
    assert school.broken() == []


def test_a_dispute_stops_the_clock_and_nothing_leaves_while_it_is_open(school: School) -> None:
    contract = paid_under(school, AFTER_ORDER)
    ids = taught(school, contract, 10)
    school.at(datetime(2026, 3, 25, 4, tzinfo=UTC))
    assert told(dispute(school, ids[0])) == [(Result.DONE, "")]
    assert release_due(school, date(2026, 12, 1)) == 0
    school.at(datetime(2026, 3, 27, 4, tzinfo=UTC))
    decided(school, Verdict.RELEASED, ids[0])
    assert release_due(school, date(2026, 4, 15)) == 0  # 25 to 27 March do not count
    assert release_due(school, date(2026, 4, 16)) == 1
    assert (released(school, contract), states(school, *ids)) == ((10 * HOUR, 10_00), ["released"] * 10)
    assert school.broken() == []


def test_a_refund_request_stops_the_clock_until_it_is_withdrawn(school: School) -> None:
    contract = paid_under(school, AFTER_ORDER)
    taught(school, contract, 9)
    refund_id = school.asked(contract.contract_id)
    school.at(datetime(2026, 3, 23, 4, tzinfo=UTC))
    taught(school, contract, 1, first_on=date(2026, 3, 23))
    assert release_due(school, date(2026, 12, 1)) == 0
    with school.engine.begin() as conn:
        refund.withdraw(conn, school.number, [refund_id], "guardian:1", school.at(datetime(2026, 3, 25, 4, tzinfo=UTC)))
    assert release_due(school, date(2026, 4, 15)) == 0  # 24 and 25 March do not count
    assert release_due(school, date(2026, 4, 16)) == 1
    assert released(school, contract) == (10 * HOUR, 10_00)
    assert school.broken() == []


@pytest.mark.parametrize("rules", [WEEKLY, MILESTONES])
def test_an_unlawful_hour_is_not_among_them_until_it_is_decided(school: School, rules: dict[str, Scalar]) -> None:
    contract = paid_under(school, rules)
    (late,) = put_down(school, contract, 1, starts=LATE)
    lawful = put_down(school, contract, 9)
    confirm(school, late, *lawful)
    later = CONFIRMED_ON + timedelta(days=30)
    release_due(school, later)
    reached = released(school, contract)[1]
    assert reached == (6_00 if rules is MILESTONES else 9_00)  # nine of ten hours: the second third, or all of them
    assert states(school, late) == ["confirmed"]
    decided(school, Verdict.RELEASED, late)
    assert states(school, late) == ["confirmed"]  # its mode is the calendar's still
    assert release_due(school, later) == 1
    assert (released(school, contract), states(school, late)) == ((10 * HOUR, 10_00), ["released"])
    assert school.broken() == []


def test_an_hour_disputed_after_release_is_not_released_again(school: School) -> None:
    contract = paid_under(school, WEEKLY)
    ids = taught(school, contract, 2)
    later = CONFIRMED_ON + timedelta(days=30)
    release_due(school, later)
    dispute(school, ids[0])
    ids += taught(school, contract, 1)
    assert release_due(school, later + timedelta(days=30)) == 1
    assert (released(school, contract), states(school, *ids)) == (
        (3 * HOUR, 3_00), ["disputed", "released", "released"],
    )  # fmt: skip
    decided(school, Verdict.REVERSED, ids[0])
    assert released(school, contract) == (2 * HOUR, 2_00)
    assert school.broken() == []


def test_what_silence_confirms_waits_for_the_mode_too(school: School) -> None:
    contract = paid_under(school, WEEKLY)
    put_down(school, contract, 2)
    until = datetime(2026, 5, 4, 4, tzinfo=SHANGHAI)
    with school.engine.begin() as conn:
        done = lesson.confirm_silent(conn, school.number, until.date(), school.at(until), 100).outcomes
    assert (told(done), released(school, contract)) == ([(Result.DONE, "")] * 2, (0, 0))
    assert release_due(school, until.date() + timedelta(days=7)) == 1
    assert released(school, contract) == (2 * HOUR, 2_00)


# -- ahead of teaching


def ahead(school: School) -> int:
    school.seal()
    with school.engine.begin() as conn:
        return len(release.ahead(conn, school.number, school.tick()))


def test_a_share_of_a_payment_goes_ahead_once_and_the_hours_meet_it_first(school: School) -> None:
    contract = paid_under(school, AHEAD)
    assert (ahead(school), ahead(school)) == (1, 0)
    balance = school.balance(contract.contract_id)
    assert (balance.due_fen, balance.claim_fen, balance.released_fen) == (300_00, 1_000_00, 0)
    assert told(build(school, BatchKind.PAYOUT)) == [(Result.DONE, "")]
    (batch,) = school.batches()
    assert batch.control_fen == 300_00  # neither set off against the due nor kept by the floor
    taught(school, contract, 2)
    balance = school.balance(contract.contract_id)
    assert (balance.due_fen, balance.claim_fen, balance.released_fen) == (100_00, 800_00, 200_00)
    assert build(school, BatchKind.PAYOUT) == []
    taught(school, contract, 8)
    assert (school.balance(contract.contract_id).due_fen, school.balance(contract.contract_id).claim_fen) == (0, 0)
    assert school.sums()["payable"] == 700_00
    assert school.broken() == []


def test_without_a_share_nothing_goes_ahead(school: School) -> None:
    contract = paid_under(school, {})
    assert ahead(school) == 0
    assert school.balance(contract.contract_id).due_fen == 0


def test_what_is_held_for_a_family_does_not_go_ahead(school: School) -> None:
    contract = paid_under(school, AHEAD)
    school.asked(contract.contract_id)
    assert ahead(school) == 0
    assert school.broken() == []


# -- the balance floor


def test_no_payout_leaves_less_than_all_claims(school: School) -> None:
    contract = paid_under(school, {})
    taught(school, contract, 2)
    school.bank(CUSTODY, debit(150_00, "UNKNOWN"), on=CONFIRMED_ON)  # money left that nobody asked to leave
    assert told(build(school, BatchKind.PAYOUT)) == [(Result.DONE, "")]
    (batch,) = school.batches()
    assert batch.control_fen == 50_00
    assert told(build(school, BatchKind.PAYOUT))[-1] == (Result.REFUSED, "BALANCE_FLOOR")
    assert len(school.batches()) == 1
