"""`custody due` and `custody seal`: what the calendar decides, once, and the blocks it goes into."""

import json
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from shutil import copytree
from typing import Any

from ledger.books import contract as contracts
from ledger.cli import due as command
from ledger.cli import edge
from ledger.cli.main import UNUSABLE
from ledger.errors import Result
from ledger.flows import contract, release
from ledger.terms.calendar import shanghai_day
from ledger.terms.ids import new_ids
from tests.cli.shop import CODE, DEMO_RULES, NUMBER, PRICE_FEN, SIGNED_ON, Shop, deposit, lesson_row
from tests.rules.rulebooks import with_values, without

# 15 working days of silence after 2026-03-09: the last day to answer is 30 March.
LAST_DAY, NEXT_DAY = date(2026, 3, 30), date(2026, 3, 31)


def due(shop: Shop, until: date) -> dict[str, Any]:
    ran = shop.custody("due", "--until", until.isoformat(), "--json")
    assert (ran.code, ran.err) == (0, "")
    found: dict[str, Any] = json.loads(ran.out)
    return found


def pay_and_teach(shop: Shop, lessons: int) -> None:
    day = shop.statement("day.xml", deposit(1), on=SIGNED_ON)
    assert shop.custody("statement", "import", day).code == 0
    shop.taught(*(lesson_row(f"L{n}") for n in range(lessons)))


def test_silence_confirms_on_the_day_after_the_last_one_and_releases_the_hour(shop: Shop) -> None:
    pay_and_teach(shop, 2)
    assert shop.ask("SELECT DISTINCT answer_until FROM ledger.lesson") == LAST_DAY
    assert due(shop, LAST_DAY)["confirmed"] == 0
    answer = due(shop, NEXT_DAY)
    assert (answer["confirmed"], answer["agreed"], answer["overdue"]) == (2, 0, 0)
    # an hour released on confirmation is not counted again as released by the calendar
    nothing = dict.fromkeys(command.COUNTS, 0)
    assert answer["institutions"] == [{"institution": CODE, **nothing, "confirmed": 2}]
    assert shop.ask("SELECT sum(released_fen) FROM ledger.contract_balance") == 2 * PRICE_FEN // 40
    assert due(shop, NEXT_DAY)["confirmed"] == 0
    assert shop.broken() == []


def test_a_flagged_lesson_is_never_confirmed_by_silence(shop: Shop) -> None:
    day = shop.statement("day.xml", deposit(1), on=SIGNED_ON)
    shop.custody("statement", "import", day)
    shop.taught(lesson_row("L1").replace("16:00", "20:00"))
    assert due(shop, date(2026, 11, 1))["confirmed"] == 0


def test_more_lessons_than_one_set_are_done_set_after_set(shop: Shop, monkeypatch: Any) -> None:
    monkeypatch.setattr(command, "SET_MAX", 2)
    pay_and_teach(shop, 5)
    assert due(shop, NEXT_DAY)["confirmed"] == 5
    assert shop.ask("SELECT count(*) FROM ledger.lesson_now WHERE state = 'released'") == 5


def test_an_institutions_silence_agrees_and_a_late_refund_is_marked_once(shop: Shop) -> None:
    pay_and_teach(shop, 1)
    shop.asked_refund("HT000001", datetime(2026, 3, 16, 4, tzinfo=UTC))
    answer_by, pay_by = shop.ask("SELECT answer_by FROM ledger.refund"), shop.ask("SELECT pay_by FROM ledger.refund")
    assert (answer_by, pay_by) == (date(2026, 3, 23), date(2026, 3, 31))  # 5 working days; 15 days
    assert due(shop, answer_by)["agreed"] == 0
    answer = due(shop, date(2026, 3, 24))
    assert (answer["agreed"], answer["overdue"]) == (1, 0)
    assert shop.ask("SELECT state || ' ' || state_actor FROM ledger.refund_now") == "agreed custody:due"
    assert due(shop, pay_by)["overdue"] == 0
    assert [due(shop, date(2026, 4, 1))["overdue"] for _ in range(2)] == [1, 0]
    assert shop.ask("SELECT string_agg(code, ' ') FROM ledger.finding") == "REFUND_OVERDUE"


def test_a_day_that_has_not_come_decides_nothing_in_real_books(shop: Shop) -> None:
    pay_and_teach(shop, 1)
    ran = shop.custody("due", "--until", "2099-01-01", "--json")
    assert (ran.code, ran.out) == (UNUSABLE, "")
    assert "DATE_IN_FUTURE" in ran.err
    assert shop.ask("SELECT count(*) FROM ledger.lesson_step") == 1


def test_people_get_a_table(shop: Shop) -> None:
    pay_and_teach(shop, 1)
    ran = shop.custody("due", "--until", NEXT_DAY.isoformat())
    assert [line.split() for line in ran.out.splitlines()] == [
        ["institution", *command.COUNTS], [CODE, "1", *"000000"], ["all", "1", *"000000"],
    ]  # fmt: skip


def test_sealing_takes_what_waits_and_then_nothing(shop: Shop) -> None:
    pay_and_teach(shop, 1)
    first = json.loads(shop.custody("seal", "--json").out)
    assert first == {"institutions": [{"institution": CODE, "block": 1}], "signed": 1}
    assert shop.count("inbox") == 0
    assert json.loads(shop.custody("seal", "--institution", CODE, "--json").out) == {**first, "signed": 0}
    assert shop.custody("seal").out.split() == ["institution", "block", CODE, "1"]
    assert shop.custody("seal", "--institution", "JG9999").code == UNUSABLE


def test_a_sealer_at_work_is_not_waited_for(shop: Shop) -> None:
    with shop.database.owner.begin() as conn:
        conn.exec_driver_sql("SELECT * FROM ledger.seal_state FOR UPDATE")
        ran = shop.custody("seal", "--json")
    assert json.loads(ran.out) == {"institutions": [{"institution": CODE, "block": None}], "signed": 0}


def test_the_clock_of_a_test_is_after_these_days() -> None:
    """The days above are past for real: a machine whose clock is wrong should say so here, not somewhere odd."""
    assert datetime.now(UTC).date() > NEXT_DAY


def test_what_the_calendar_releases_is_counted_apart_from_what_silence_confirms(shop: Shop) -> None:
    law = edge.load_law(None)
    now = datetime(2026, 3, 2, 4, tzinfo=UTC)
    with shop.database.app.begin() as conn:
        (institution,) = edge.institutions(conn, CODE)
        rulebook, _ = edge.law_of(law, institution, SIGNED_ON)
        weekly = without(rulebook, *(key for key in rulebook.values if key.startswith("prepayment.")))
        weekly = with_values(weekly, {"release.mode": "periodic", "release.period_days": 7})
        (first,) = contracts.find(conn, NUMBER, numbers=["HT000001"])
        (new_id,) = new_ids(now, 1)
        asked = replace(first, contract_id=new_id, contract_no="HT000009", payment_reference="PP00000009")
        (outcome,) = contract.sign(conn, NUMBER, [asked], weekly, now)
    assert outcome.result is Result.DONE, outcome
    day = shop.statement("day.xml", deposit(9), on=SIGNED_ON)
    assert shop.custody("statement", "import", day).code == 0
    shop.taught(lesson_row("L1", "HT000009"), lesson_row("L2", "HT000009", on="2026-03-08"))
    answers = [due(shop, until) for until in (NEXT_DAY, NEXT_DAY)]
    assert [(one["confirmed"], one["released"]) for one in answers] == [(2, 0), (0, 0)]
    a_week_later = shanghai_day(datetime.now(UTC)) + timedelta(days=7)
    with shop.database.app.begin() as conn:
        calendar = law.calendar("110108")
        assert len(release.due(conn, NUMBER, a_week_later - timedelta(days=1), calendar, datetime.now(UTC))) == 0
        assert len(release.due(conn, NUMBER, a_week_later, calendar, datetime.now(UTC))) == 1
    assert shop.ask("SELECT string_agg(state, ' ') FROM ledger.lesson_now") == "released released"


def test_lessons_that_cannot_both_be_true_are_found_once(shop: Shop) -> None:
    pay_and_teach(shop, 2)  # one pupil, twice at the same hour
    assert [due(shop, NEXT_DAY)["signals"] for _ in range(2)] == [1, 0]
    assert shop.ask("SELECT string_agg(code, ' ') FROM ledger.finding") == "LESSON_STUDENT_TWICE"


def test_a_notice_in_a_folder_of_rulebooks_moves_an_open_last_day(shop: Shop, tmp_path: Path) -> None:
    day = shop.statement("day.xml", deposit(1), on=SIGNED_ON)
    assert shop.custody("statement", "import", day).code == 0
    shop.taught(lesson_row("L1"), at=datetime(2090, 12, 13, 4, tzinfo=UTC))  # a year no notice is known of
    assert shop.ask("SELECT provisional FROM ledger.lesson_date") is True
    last = shop.ask("SELECT answer_until FROM ledger.lesson_date")
    rules = tmp_path / "rules"
    copytree(DEMO_RULES, rules)
    days_off = [f"{last},holiday,a day off,test", f"{last + timedelta(days=1)},holiday,a day off,test"]
    (rules / "calendar-cn.csv").write_text("\n".join(["date,kind,name,source", *days_off, ""]), "utf-8")
    words = ("due", "--until", "2026-03-10", "--rulebook-dir", rules, "--json")
    assert [json.loads(shop.custody(*words).out)["moved"] for _ in range(2)] == [1, 0]
    assert shop.ask("SELECT max(answer_until) FROM ledger.lesson_date") > last
