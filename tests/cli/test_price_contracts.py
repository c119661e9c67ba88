"""`custody price contracts` on a school's books: a verdict per contract, and list prices nobody paid."""

import json
from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import text

from ledger.cli import edge
from ledger.errors import Result
from ledger.flows import contract
from ledger.flows import register as registered
from ledger.settings import read_settings
from ledger.terms.contract import Contract
from ledger.terms.ids import new_ids
from ledger.terms.institution import CourseOffer, Family
from ledger.terms.price_cap import Category, Course, Mode, Stage
from tests.cli.shop import CODE, NUMBER, SIGNED_ON, TAUGHT_ON, Shop

NOW = datetime(2026, 3, 2, 4, tzinfo=UTC)
MATHS = "SX-1"


def academic(shop: Shop, *sold: dict[str, Any]) -> list[UUID]:
    """Contracts of an academic course at 88 yuan an hour, the cap of Beijing: 40 hours, with what ``sold`` changes."""
    course_id, *ids = new_ids(NOW, 1 + 3 * len(sold))
    law = edge.load_law(None)
    rulebook = law.in_force("110108", "", SIGNED_ON)
    offer = CourseOffer(
        course_id, MATHS, "数学", "数学", Course(Stage.COMPULSORY, Category.ACADEMIC, Mode.OFFLINE, 8, 45, 88_00)
    )
    families = [
        Family(ids[3 * n], f"诸葛{n}", f"11010820160101{n:04d}", ids[3 * n + 1], f"诸葛家长{n}", f"1390000{n:04d}")
        for n in range(len(sold))
    ]
    made = []
    for n, changed in enumerate(sold):
        fields: dict[str, Any] = {
            "institution_id": NUMBER, "contract_id": ids[3 * n + 2], "contract_no": f"SX{n:06d}",
            "payment_reference": f"PX{n:08d}", "course_id": course_id, "student_id": ids[3 * n], "fund_no": 1,
            "price_fen": 3_520_00, "list_price_fen": None, "hours_bought": 40_00, "hours_gifted": 0, "months": None,
            "first_lesson_on": TAUGHT_ON, "signed_on": SIGNED_ON, "funded_by_loan": False, "rulebook": "",
            "rulebook_digest": b"",
        }  # fmt: skip
        made.append(Contract(**{**fields, **changed}))
    vault = edge.open_vault(read_settings())
    with shop.database.app.begin() as conn:
        done = registered.courses(conn, NUMBER, [offer], rulebook, NOW)
        registered.families(conn, vault, NUMBER, families, NOW)
        done += contract.sign(conn, NUMBER, made, rulebook, NOW)
    assert all(outcome.result is Result.DONE for outcome in done), done
    return [one.contract_id for one in made]


def judged(shop: Shop, as_of: str = "2026-04-20") -> tuple[int, dict[str, Any]]:
    ran = shop.custody("price", "contracts", "--as-of", as_of, "--json")
    found: dict[str, Any] = json.loads(ran.out)
    return ran.code, found


def test_every_contract_has_a_verdict(shop: Shop) -> None:
    academic(shop, {}, {"price_fen": 4_000_00}, {"price_fen": 3_600_00, "hours_gifted": 2_00})
    code, found = judged(shop)
    assert (code, found["contracts"]) == (1, 6)
    assert found["counts"] == {"within_cap": 2, "above_cap": 1, "no_cap_set": 0, "not_capped": 3}
    (above,) = [row for row in found["rows"] if row["verdict"] == "above_cap"]
    assert (above["contract"], above["price"], above["cap"], above["excess"]) == (
        "SX000001", "100.00", "88.00", "480.00",
    )  # fmt: skip
    assert (above["band"], above["rulebook_digest"]) == ("<10", above["signed_under"])
    assert found["excess"] == "480.00"
    assert found["penalties"][0]["facts"][0]["value"] == 5
    assert "SX000001" in shop.custody("price", "contracts", "--as-of", "2026-04-20").out
    assert shop.custody("price", "contracts", "--as-of", "2026-04-20", "--institution", "NONE").code == 2


def test_a_contract_above_the_cap_is_found_when_it_is_signed(shop: Shop) -> None:
    _, above, _ = academic(shop, {}, {"price_fen": 4_000_00}, {"price_fen": 3_600_00, "hours_gifted": 2_00})
    with shop.database.app.connect() as conn:
        (finding,) = conn.execute(text("SELECT contract_id, ref, code, facts FROM ledger.finding")).all()
    assert (finding.contract_id, finding.ref, finding.code) == (above, above, "CONTRACT_ABOVE_CAP")
    assert finding.facts == {
        "price_fen": 4_000_00, "cap_fen": 88_00, "excess_fen": 480_00, "source": finding.facts["source"],
        "rulebook_digest": judged(shop)[1]["rows"][-2]["signed_under"],
    }  # fmt: skip


def test_a_day_before_the_signing_sees_no_contract(shop: Shop) -> None:
    assert judged(shop, "2026-03-01") == (0, judged(shop, "2026-03-01")[1])
    assert judged(shop, "2026-03-01")[1]["contracts"] == 0


def test_a_lower_price_counts_from_its_day(shop: Shop) -> None:
    (sold,) = academic(shop, {"price_fen": 4_000_00})
    with shop.database.owner.begin() as conn:
        conn.execute(
            text("""INSERT INTO ledger.contract_price VALUES (:i, :c, '2026-04-01', 352000, 'law', 'office')"""),
            {"i": NUMBER, "c": sold},
        )
    assert judged(shop, "2026-03-31")[1]["counts"]["above_cap"] == 1
    assert judged(shop, "2026-04-01")[1]["counts"]["above_cap"] == 0


def test_a_list_price_nobody_paid_is_a_finding(shop: Shop) -> None:
    academic(shop, {"price_fen": 3_200_00, "list_price_fen": 110_00, "signed_on": date(2026, 3, 4)})
    code, found = judged(shop)
    assert code == 1
    assert found["false_list_prices"] == [
        {
            "code": "FALSE_LIST_PRICE", "institution": CODE, "contract": "SX000000", "course": MATHS,
            "list_price": "110.00", "price": "80.00", "promotion_on": "2026-03-04", "last_sale_on": None,
        }
    ]  # fmt: skip
    assert "110.00" in shop.custody("price", "contracts", "--as-of", "2026-04-20").out
