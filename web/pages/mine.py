"""What is kept about a guardian and the children, to take along: one JSON file."""

import json
from typing import Any

from flask import Blueprint, Response, render_template
from sqlalchemy import Connection
from werkzeug.wrappers import Response as Answer

from ledger.books import evidence
from ledger.money import hours_text, yuan
from ledger.reports import family, family_refund
from ledger.reports.family import FamilyContract
from ledger.rules import refund_number
from web import session
from web.pages.login import interrupted, prove
from web.site import site

pages = Blueprint("mine", __name__)


@pages.get("/mine")
def ask() -> str | Answer:
    """What the file holds, and the button."""
    return interrupted() if session.guardian_id() is None else render_template("mine.html", today=site().today())


@pages.post("/mine")
def take() -> Answer:
    """The file, for whoever has typed a code just now."""
    guardian_id, here = session.guardian_id(), site()
    if guardian_id is None:
        return interrupted()
    if not session.is_fresh():
        return prove()
    with here.snapshot() as conn:
        name, phone = family.guardian_name(conn, guardian_id), family.guardian_phone(conn, guardian_id)
        courses = [_contract(conn, one) for one in family.contracts(conn, guardian_id)]
        refunds = [_refund(conn, one) for one in family_refund.claims(conn, guardian_id)]
    kept = {
        "made_for": here.today().isoformat(),
        "guardian": {
            "name": name and here.vault.open(name, "guardian", "name", guardian_id),
            "phone": phone and here.vault.open(phone, "guardian", "phone", guardian_id),
        },
        "contracts": courses,
        "refunds": refunds,
    }
    answer = Response(json.dumps(kept, ensure_ascii=False, indent=2), content_type="application/json")
    answer.headers["Content-Disposition"] = f'attachment; filename="custody-{here.today()}.json"'
    return answer


def _contract(conn: Connection, one: FamilyContract) -> dict[str, Any]:
    """A contract with its payments, its lessons, and what was said of them. Amounts in yuan, hours as written."""
    number, vault = one.institution_id, site().vault
    lessons = family.lessons(conn, number, [one.contract_id])[one.contract_id]
    return {
        "contract": one.contract_no, "student": vault.open(one.student_sealed, "student", "name", one.student_id),
        "school": one.institution, "course": one.course, "signed_on": one.signed_on.isoformat(),
        "price": yuan(one.price_fen), "hours": hours_text(one.hours_total), "in_custody": yuan(one.claim_fen),
        "reference": one.payment_reference,
        "money": [
            {"on": moved.on.isoformat(), "what": moved.counter, "kind": moved.kind, "amount": yuan(moved.amount_fen)}
            for moved in family.movements(conn, number, one.contract_id)
        ],
        "lessons": [
            {"on": lesson.taught_on.isoformat(), "hours": hours_text(lesson.hours), "state": lesson.state.value,
             "teacher": lesson.teacher, "attendance": lesson.attendance, "said": [
                 {"on": piece.given_on.isoformat(), "words": piece.words, "photo_sha256": piece.sha256}
                 for piece in evidence.of_lesson(conn, vault, number, lesson.lesson_id)
             ]}
            for lesson in lessons
        ],
    }  # fmt: skip


def _refund(conn: Connection, claim: family_refund.Claim) -> dict[str, Any]:
    steps = family_refund.steps(conn, claim.institution_id, claim.refund_id)
    return {
        "number": refund_number.number(claim.refund_id),
        "steps": [{"at": step.at.isoformat(), "state": step.state.value, "by_you": step.by_family,
                   "said": step.reason} for step in steps],
    }  # fmt: skip
