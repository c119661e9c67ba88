"""`custody winddown freeze` and `confirm`: two people close an institution, and nothing is paid to it any more."""

import json
from pathlib import Path
from typing import Any

import pytest

from ledger.cli.main import REFUSED, UNUSABLE
from tests.cli.shop import CODE, SIGNED_ON, Shop, deposit, lesson_row

AT = ("--institution", CODE, "--document", "教停〔2026〕3号")
DAYS = ("--office", "区教委", "--on", "2026-03-20", "--choose-by", "2026-04-10", "--news-on", "2026-04-03")


def answered(shop: Shop, *said: str, code: int = 0) -> dict[str, Any]:
    ran = shop.custody(*said, "--json")
    assert ran.code == code, ran.err
    found: dict[str, Any] = json.loads(ran.out)
    return found


@pytest.fixture
def paid(shop: Shop) -> Shop:
    assert shop.custody("statement", "import", shop.statement("day.xml", deposit(1), on=SIGNED_ON)).code == 0
    return shop


def freeze(shop: Shop) -> None:
    assert answered(shop, "winddown", "freeze", *AT, *DAYS, "--actor", "clerk:li")["result"] == "done"
    assert answered(shop, "winddown", "confirm", *AT, "--actor", "clerk:wang")["result"] == "done"


def test_two_people_close_an_institution(paid: Shop) -> None:
    first = answered(paid, "winddown", "freeze", *AT, *DAYS, "--actor", "clerk:li")
    assert [(one["document"], one["confirmed_by"]) for one in first["orders"]] == [("教停〔2026〕3号", None)]
    assert answered(paid, "winddown", "freeze", *AT, *DAYS, "--actor", "clerk:li")["result"] == "replayed"
    other = ("--office", "别的部门", *DAYS[2:])
    changed = answered(paid, "winddown", "freeze", *AT, *other, "--actor", "clerk:li", code=REFUSED)
    assert (changed["code"], changed["field"]) == ("REQUEST_CONFLICT", "office")
    own = answered(paid, "winddown", "confirm", *AT, "--actor", "clerk:li", code=REFUSED)
    assert own["code"] == "SAME_PERSON"
    done = answered(paid, "winddown", "confirm", *AT, "--actor", "clerk:wang")
    assert done["orders"][0]["confirmed_by"] == "clerk:wang"
    assert answered(paid, "winddown", "confirm", *AT, "--actor", "clerk:zhao")["result"] == "replayed"
    assert "教停〔2026〕3号" in paid.custody("winddown", "confirm", *AT, "--actor", "clerk:zhao").out


def test_what_is_not_there_or_cannot_be_is_refused(paid: Shop) -> None:
    assert answered(paid, "winddown", "confirm", *AT, "--actor", "clerk:wang", code=REFUSED)["code"] == (
        "NOTHING_PROPOSED"
    )
    late = (*DAYS[:2], "--on", "2099-01-01", "--choose-by", "2099-02-01", "--news-on", "2099-02-01")
    assert answered(paid, "winddown", "freeze", *AT, *late, "--actor", "clerk:li", code=REFUSED)["code"] == (
        "DATE_IN_FUTURE"
    )
    ran = paid.custody("winddown", "freeze", "--institution", "JG9", *AT[2:], *DAYS, "--actor", "clerk:li")
    assert (ran.code, "UNKNOWN_INSTITUTION" in ran.err) == (UNUSABLE, True)


def test_nothing_is_paid_to_it_and_no_later_lesson_is_recorded(paid: Shop) -> None:
    paid.taught(lesson_row("L1"))
    lesson = str(paid.ask("SELECT lesson_id FROM ledger.lesson"))
    freeze(paid)
    rows = [lesson_row("L2", on="2026-03-20"), lesson_row("L3", on="2026-03-21")]
    ran = paid.custody("lessons", "import", paid.sheet("l.csv", *rows), "--institution", CODE, "--json", "--actor", "s")
    assert [(one["line"], one["code"]) for one in json.loads(ran.out)["refused"]] == [(3, "INSTITUTION_CLOSED")]
    assert lesson
    built = paid.custody("payout", "build", "--kind", "payout", "--institution", CODE)
    assert "INSTITUTION_CLOSED" in built.err
    assert paid.count("payout_batch") == 0
    refund = answered(paid, "refund", "ask", "--institution", CODE, "--contract", "HT000001", "--cause", "institution")
    assert refund["results"][0]["result"] == "done"  # families ask as before


def test_a_batch_for_it_that_waits_is_stopped_and_one_for_a_family_is_not(paid: Shop) -> None:
    """Built before the order: neither approved after it, nor written when it was approved before."""
    paid.taught(*(lesson_row(f"L{n}") for n in range(4)))
    assert paid.custody("due", "--until", "2026-04-01").code == 0
    build = ("payout", "build", "--institution", CODE, "--actor", "clerk:li", "--kind")
    (batch,) = answered(paid, *build, "payout")["batches"]
    assert batch["control_sum"] == "400.00"
    freeze(paid)
    stopped = answered(paid, "payout", "approve", batch["batch"], "--actor", "clerk:wang", code=REFUSED)
    assert stopped["code"] == "INSTITUTION_CLOSED"
    assert paid.count("approval WHERE subject = 'batch'") == 0


def test_an_approved_batch_for_it_is_not_written(paid: Shop, tmp_path: Path) -> None:
    paid.taught(*(lesson_row(f"L{n}") for n in range(4)))
    assert paid.custody("due", "--until", "2026-04-01").code == 0
    build = ("payout", "build", "--institution", CODE, "--actor", "clerk:li", "--kind")
    (batch,) = answered(paid, *build, "payout")["batches"]
    assert answered(paid, "payout", "approve", batch["batch"], "--actor", "clerk:wang")["result"] == "done"
    freeze(paid)
    ran = paid.custody("payout", "write", batch["batch"], "--out", tmp_path / "out", "--actor", "clerk:wang")
    assert (ran.code, "INSTITUTION_CLOSED" in ran.err, list(tmp_path.glob("out/*"))) == (REFUSED, True, [])
