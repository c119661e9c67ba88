"""`custody rulebook whatif` on a school's books: what a draft would have changed; nothing moves."""

import json
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

from ledger.books import contract as contracts
from ledger.books import journal, register
from ledger.cli import edge
from ledger.errors import Result
from ledger.flows import contract, refund
from ledger.formats.price_cap import COLUMNS
from ledger.rules import posting
from ledger.terms.contract import Contract
from ledger.terms.ids import new_ids
from ledger.terms.journal import Entry
from ledger.terms.refund import Cause
from tests.cli.shop import CODE, NUMBER, SIGNED_ON, TAUGHT_ON, Shop, lesson_row
from tests.cli.test_price_contracts import NOW, academic
from tests.samples import SampleLine

TABLES = ("contract", "journal_entry", "refund", "finding", "request")
DRAWN_DAY = "2026-04-20"
ASKED_AT = datetime(2026, 3, 14, 4, tzinfo=UTC)


def draft(folder: Path) -> Path:
    """Prices lowered to 60 yuan, 3,000 yuan at most for non-academic charges, half the floor of the reserve."""
    folder.mkdir()
    row = "Haidian,110108,compulsory,academic,offline,any,60,45,0,2030-01-01,draft,derived,,"
    (folder / "110108-2030-01-01.csv").write_text("\n".join([",".join(COLUMNS), row]), encoding="utf-8")
    toml = """
        prepayment.non_academic_amount_max = { value = "3000.00", source = "draft", confidence = "derived" }
        reserve.floor = { value = "50000.00", source = "draft", confidence = "derived" }
    """
    (folder / "110108-2030-01-01.toml").write_text(toml, encoding="utf-8")
    return folder


def taught(shop: Shop, contract_id: UUID, hours: int) -> None:
    """Hours released, whatever the lessons were."""
    with shop.database.app.begin() as conn:
        balance = register.read_contracts(conn, NUMBER, [contract_id])[contract_id]
        event = posting.hours_released(balance, hours)
        (entry_id,) = new_ids(NOW, 1)
        (outcome,) = journal.post(conn, NUMBER, [Entry(entry_id, "taught", (), event, TAUGHT_ON, "school")], NOW)
    assert outcome.accepted, outcome


def test_a_draft_is_held_against_the_past_and_nothing_moves(shop: Shop, tmp_path: Path) -> None:
    within, _ = academic(shop, {}, {"price_fen": 2_000_00})
    line = SampleLine(3_520_00, ref="D1", end_to_end_id="PX00000000", memo="学费 PX00000000")
    assert shop.custody("statement", "import", shop.statement("day.xml", line, on=SIGNED_ON)).code == 0
    taught(shop, within, 10_00)
    assert shop.custody("seal").code == 0
    kept = shop.counts(*TABLES)
    digests = shop.ask("SELECT string_agg(rulebook_digest::text, ',' ORDER BY contract_no) FROM ledger.contract")
    ran = shop.custody(
        "rulebook", "whatif", "--rulebook-dir", draft(tmp_path / "draft"), "--as-of", DRAWN_DAY, "--json"
    )
    assert (ran.code, ran.err) == (0, "")
    found = json.loads(ran.out)
    changes = [(row["subject"], row["item"], row["before"], row["after"], row["change"]) for row in found["changes"]]
    assert changes == [
        ("price", "SX000000", "within_cap", "above_cap by 1120.00", "1120.00"),
        ("prepayment", "HT000001", "taken", "PREPAYMENT_OVER_AMOUNT", "4000.00"),
        ("prepayment", "HT000002", "taken", "PREPAYMENT_OVER_AMOUNT", "4000.00"),
        ("prepayment", "HT000003", "taken", "PREPAYMENT_OVER_AMOUNT", "4000.00"),
        ("reserve", CODE, "100000.00", "50000.00", "-50000.00"),
        # ten hours at 60 instead of 88
        ("quote", "SX000000 institution", "2640.00", "2920.00", "280.00"),
        ("quote", "SX000000 consumer", "2640.00", "2920.00", "280.00"),
    ]
    assert found["totals"]["price"] == {"looked_at": 5, "changed": 1, "more": "1120.00", "less": "0.00"}
    assert found["totals"]["reserve"] == {"looked_at": 1, "changed": 1, "more": "0.00", "less": "-50000.00"}
    assert found["digests"][0]["before"] != found["digests"][0]["after"]
    assert shop.counts(*TABLES) == kept
    assert digests == shop.ask(
        "SELECT string_agg(rulebook_digest::text, ',' ORDER BY contract_no) FROM ledger.contract"
    )
    assert shop.broken() == []


def test_a_draft_for_another_place_changes_nothing(shop: Shop, tmp_path: Path) -> None:
    folder = draft(tmp_path / "draft")
    here = ("rulebook", "whatif", "--rulebook-dir", folder, "--as-of", DRAWN_DAY)
    assert "0 of 0" in shop.custody(*here, "--place", "310000").out
    assert "prepayment: 3 of 3 (12000.00, 0.00)" in shop.custody(*here, "--place", "110000").out
    assert shop.custody(*here, "--place", "haidian").code == 2
    empty = tmp_path / "empty"
    empty.mkdir()
    ran = shop.custody("rulebook", "whatif", "--rulebook-dir", empty, "--as-of", DRAWN_DAY, "--json")
    assert json.loads(ran.out)["changes"] == []


def test_a_second_pack_counts_the_first_one(shop: Shop, tmp_path: Path) -> None:
    """Twenty hours left of the first when the second is signed: what was open then is what the draft sees."""
    (first,) = academic(shop, {"price_fen": 3_000_00, "hours_bought": 30_00})
    line = SampleLine(3_000_00, ref="D1", end_to_end_id="PX00000000", memo="学费 PX00000000")
    assert shop.custody("statement", "import", shop.statement("day.xml", line, on=SIGNED_ON)).code == 0
    taught(shop, first, 20_00)
    with shop.database.app.begin() as conn:
        (known,) = contracts.find(conn, NUMBER, numbers=["SX000000"])
        (new_id,) = new_ids(NOW, 1)
        again = {name: getattr(known, name) for name in Contract.__slots__} | {
            "contract_id": new_id, "contract_no": "SX000009", "payment_reference": "PX00000009",
            "signed_on": date(2026, 3, 10), "first_lesson_on": date(2026, 3, 12), "hours_bought": 20_00,
        }  # fmt: skip
        rulebook = edge.load_law(None).in_force("110108", "", SIGNED_ON)
        (outcome,) = contract.sign(conn, NUMBER, [Contract(**again)], rulebook, datetime(2026, 3, 10, 4, tzinfo=UTC))
    assert outcome.result is Result.DONE, outcome
    folder = tmp_path / "draft"
    folder.mkdir()
    toml = 'prepayment.earliest_hours_left = { value = "5", source = "draft", confidence = "derived" }\n'
    (folder / "110108-2030-01-01.toml").write_text(toml, encoding="utf-8")
    ran = shop.custody("rulebook", "whatif", "--rulebook-dir", folder, "--as-of", DRAWN_DAY, "--json")
    changes = [(row["item"], row["before"], row["after"]) for row in json.loads(ran.out)["changes"]]
    assert changes == [("SX000009", "taken", "PREPAYMENT_TOO_EARLY")]


def asked_whatif(shop: Shop, folder: Path, toml: str) -> dict[str, Any]:
    """What a draft of a few values for Haidian would change by the drawn day."""
    folder.mkdir()
    (folder / "110108-2030-01-01.toml").write_text(toml, encoding="utf-8")
    ran = shop.custody("rulebook", "whatif", "--rulebook-dir", folder, "--as-of", DRAWN_DAY, "--json")
    assert (ran.code, ran.err) == (0, "")
    found: dict[str, Any] = json.loads(ran.out)
    return found


def changed(found: dict[str, Any], subject: str) -> list[tuple[str, str, str, str]]:
    return [
        (row["item"], row["before"], row["after"], row["change"])
        for row in found["changes"]
        if row["subject"] == subject
    ]


def test_a_past_refund_is_quoted_as_it_was_asked(shop: Shop, tmp_path: Path) -> None:
    """Two hours were put down when it was asked; one that was withdrawn is not looked at."""
    dear: dict[str, Any] = {"price_fen": 3_200_00, "list_price_fen": 88_00}
    academic(shop, dear, {})
    lines = [
        SampleLine(fen, ref=f"D{n}", end_to_end_id=f"PX0000000{n}", memo=f"学费 PX0000000{n}")
        for n, fen in enumerate((3_200_00, 3_520_00))
    ]
    assert shop.custody("statement", "import", shop.statement("day.xml", *lines, on=SIGNED_ON)).code == 0
    shop.taught(*(lesson_row(f"L{n}", "SX000000", date(2026, 3, 9 + n)) for n in range(2)), at=ASKED_AT)
    shop.asked_refund("SX000000", ASKED_AT, Cause.CONSUMER)
    withdrawn = UUID(shop.asked_refund("SX000001", ASKED_AT, Cause.INSTITUTION))
    with shop.database.app.begin() as conn:
        refund.withdraw(conn, NUMBER, [withdrawn], "guardian:1", ASKED_AT)
    kept = shop.counts(*TABLES)
    toml = """
        refund.cooling_off_days = { value = 12, source = "draft", confidence = "derived" }
        refund.days_after_class = { value = 5, source = "draft", confidence = "derived" }
    """
    found = asked_whatif(shop, tmp_path / "draft", toml)
    # 3,200 less two hours at the list price, which the other contract paid; within twelve days at the paid price
    assert changed(found, "refund") == [("SX000000 consumer 2026-03-14", "3024.00", "3040.00", "16.00")]
    assert changed(found, "refund_dates") == [(
        "SX000000 consumer 2026-03-14",
        "answer_by 2026-03-20, pay_by 2026-03-30, delayed_after 2026-04-14",
        "answer_by 2026-03-20, pay_by 2026-03-19, delayed_after 2026-04-03", "0.00",
    )]  # fmt: skip
    assert found["totals"]["refund"] == {"looked_at": 1, "changed": 1, "more": "16.00", "less": "0.00"}
    assert (found["totals"]["quote"]["looked_at"], changed(found, "quote")) == (4, [])
    assert shop.ask("SELECT amount_fen FROM ledger.refund_now WHERE state = 'asked'") == 3_024_00
    assert shop.counts(*TABLES) == kept


def test_a_quote_of_today_is_the_one_a_family_would_see(shop: Shop, tmp_path: Path) -> None:
    """Hours put down and not confirmed count, the pupil's earlier lessons of the subject take the seven days."""
    within, _ = academic(shop, {}, {"price_fen": 3_000_00})
    line = SampleLine(3_520_00, ref="D1", end_to_end_id="PX00000000", memo="学费 PX00000000")
    assert shop.custody("statement", "import", shop.statement("day.xml", line, on=SIGNED_ON)).code == 0
    shop.taught(lesson_row("L1", "SX000000"))
    (folder := tmp_path / "cap").mkdir()
    row = "Haidian,110108,compulsory,academic,offline,any,80,45,0,2030-01-01,draft,derived,,"
    (folder / "110108-2030-01-01.csv").write_text("\n".join([",".join(COLUMNS), row]), encoding="utf-8")
    ran = shop.custody("rulebook", "whatif", "--rulebook-dir", folder, "--as-of", DRAWN_DAY, "--json")
    law = edge.load_law(None)
    on = date.fromisoformat(DRAWN_DAY)
    with shop.database.app.begin() as conn:
        (institution,) = edge.institutions(conn, CODE)
        rulebook, calendar = edge.law_of(law, institution, on)
        (sheet,) = refund.quote(conn, NUMBER, {within: Cause.CONSUMER}, rulebook, calendar, on).values()
    assert sheet.refund_fen == 3_432_00
    # 40 x 8 above the cap, then 39 of 40 hours at 80
    assert changed(json.loads(ran.out), "quote") == [
        ("SX000000 institution", "3432.00", "3440.00", "8.00"),
        ("SX000000 consumer", "3432.00", "3440.00", "8.00"),
    ]


def test_a_draft_notice_moves_dates(shop: Shop, tmp_path: Path) -> None:
    academic(shop, {})
    line = SampleLine(3_520_00, ref="D1", end_to_end_id="PX00000000", memo="学费 PX00000000")
    assert shop.custody("statement", "import", shop.statement("day.xml", line, on=SIGNED_ON)).code == 0
    shop.asked_refund("SX000000", ASKED_AT)
    (folder := tmp_path / "notice").mkdir()
    days = "date,kind,name,source\n2026-03-16,holiday,draft,draft\n"
    (folder / "calendar-110000.csv").write_text(days, encoding="utf-8")
    ran = shop.custody("rulebook", "whatif", "--rulebook-dir", folder, "--as-of", DRAWN_DAY, "--json")
    (moved,) = changed(json.loads(ran.out), "refund_dates")
    assert moved[1].startswith("answer_by 2026-03-20,")
    assert moved[2].startswith("answer_by 2026-03-23,")


def test_a_draft_may_look_back_further_than_the_law(shop: Shop, tmp_path: Path) -> None:
    academic(shop, {})
    line = SampleLine(3_520_00, ref="D1", end_to_end_id="PX00000000", memo="学费 PX00000000")
    assert shop.custody("statement", "import", shop.statement("day.xml", line, on=SIGNED_ON)).code == 0
    assert shop.custody("seal").code == 0
    rule = 'reserve.{} = {{ value = {}, source = "draft", confidence = "derived" }}\n'
    values = {"formula": '"share_of_recent_payments"', "percent": '"100"', "floor": '"10.00"', "rolling_months": "1"}
    toml = "".join(rule.format(key, value) for key, value in values.items())
    # paid on 2 March: no recent payment of the month before 20 April, and one of the two months before
    found = asked_whatif(shop, tmp_path / "short", toml)
    assert changed(found, "reserve") == [(CODE, "100000.00", "10.00", "-99990.00")]
    found = asked_whatif(shop, tmp_path / "long", toml.replace("value = 1,", "value = 2,"))
    assert changed(found, "reserve") == [(CODE, "100000.00", "3520.00", "-96480.00")]
