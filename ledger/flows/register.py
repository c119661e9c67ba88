"""Register institutions, funds, courses and families. Personal fields are sealed here, before they reach the books."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import Connection

from ledger.books import journal, record, register
from ledger.errors import InvariantBroken, Outcome, Result
from ledger.rules import posting, price_cap
from ledger.terms.calendar import shanghai_day
from ledger.terms.ids import new_id
from ledger.terms.institution import CourseOffer, Family, Fund, Institution, Payee
from ledger.terms.journal import Entry, FundKind
from ledger.terms.price_cap import FeeLine, PriceVerdict, Verdict
from ledger.terms.rulebook import Rulebook
from ledger.terms.takeover import opening_key
from ledger.vault import Vault


def institution(conn: Connection, vault: Vault, new: Institution, payee: Payee, now: datetime) -> Outcome:
    """Register an institution with the account its earnings are paid to; registered already: replayed or conflict."""
    known = register.find_institution(conn, new.institution_id)
    if known is not None:
        return (
            Outcome(Result.REPLAYED)
            if known == new
            else Outcome(Result.CONFLICT, "REGISTERED_OTHERWISE", "institution")
        )
    register.insert_institution(
        conn,
        {
            **{name: getattr(new, name) for name in Institution.__slots__},
            "payee_name_sealed": vault.seal(payee.name, "institution", "payee_name", new.institution_id),
            "payee_account_sealed": vault.seal(payee.account, "institution", "payee_account", new.institution_id),
            "payee_bank": payee.bank_no,
            "registered_at": now,
        },
    )
    return Outcome(Result.DONE)


def fund(conn: Connection, new: Fund, opened_by: str, approved_by: str, now: datetime) -> Outcome:
    """Open an account of an institution; two people. What it already holds waits in suspense until a take-over
    explains it.

    Refused SAME_PERSON; opened already: replayed or conflict.
    """
    if opened_by == approved_by:
        return Outcome(Result.REFUSED, "SAME_PERSON")
    known = register.read_funds(conn, new.institution_id).get(new.fund_no)
    if known is not None:
        return Outcome(Result.REPLAYED) if known == new else Outcome(Result.CONFLICT, "REGISTERED_OTHERWISE", "fund")
    if new.account_no is not None and register.funds_by_account(conn, [new.account_no]):
        return Outcome(Result.CONFLICT, "REGISTERED_OTHERWISE", "account_no")
    row = {name: getattr(new, name) for name in Fund.__slots__ if name != "institution_id"}
    register.open_fund(conn, new.institution_id, {**row, "opened_by": opened_by, "approved_by": approved_by})
    if new.opening_fen > 0 and new.kind is not FundKind.HANDS:
        item = new_id(now)
        event = posting.deposit_to_suspense(new.fund_no, item, new.opening_fen)
        key = opening_key(new.fund_no)
        entry = Entry(new_id(now), key, (("amount", str(new.opening_fen)),), event, new.opened_on, opened_by, item)
        (outcome,) = journal.post(conn, new.institution_id, [entry], now)
        if not outcome.accepted:
            raise InvariantBroken("NOT_POSTED", f"{key}: {outcome.code}")
    return Outcome(Result.DONE)


def courses(
    conn: Connection, institution_id: int, offers: Sequence[CourseOffer], rulebook: Rulebook, now: datetime,
    *, sold_before: bool = False,
) -> list[Outcome]:  # fmt: skip
    """Publish courses; each price is checked against the cap in force. Above the cap: refused PRICE_ABOVE_CAP,
    with a finding; one ``sold_before`` these books has contracts that run, so it is kept, with the same finding. Fees
    besides a capped price are findings of their own; the course is published.
    """
    known = register.course_ids(conn, institution_id, [offer.code for offer in offers])
    outcomes, rows, findings = [], [], []
    for offer in offers:
        if offer.code in known:
            outcomes.append(Outcome(Result.REPLAYED))
            continue
        verdict = price_cap.check(offer.course, rulebook)
        if verdict.verdict is Verdict.ABOVE_CAP:
            findings.append(_price_finding(institution_id, offer, verdict, rulebook, now))
            if not sold_before:
                outcomes.append(Outcome(Result.REFUSED, "PRICE_ABOVE_CAP", "price", detail=str(verdict.excess_fen)))
                continue
        refused = price_cap.extra_fees(verdict, offer.fees, rulebook)
        findings += [_fee_finding(institution_id, offer, fee, rulebook, now) for fee in refused]
        rows.append(_course_row(institution_id, offer, verdict, rulebook, now))
        outcomes.append(Outcome(Result.DONE))
    record.insert(conn, "course", rows)
    record.insert(conn, "finding", findings)
    return outcomes


def families(
    conn: Connection, vault: Vault, institution_id: int, new: Sequence[Family], now: datetime
) -> dict[UUID, UUID]:
    """Register pupils with their guardians; those known already (by identity number, by phone) are taken as they are.

    Answers the id in the books of each family's student, by the id the caller proposed.
    """
    students = register.student_ids(conn, institution_id, [vault.index(f.identity_no, "identity") for f in new])
    guardians = register.guardian_ids(conn, [vault.index(f.phone, "phone") for f in new])
    student_rows, guardian_rows, bonds, answer = [], [], [], {}
    for family in new:
        identity, phone = vault.index(family.identity_no, "identity"), vault.index(family.phone, "phone")
        if phone not in guardians:
            guardians[phone] = family.guardian_id
            guardian_rows.append({
                "guardian_id": family.guardian_id, "phone_index": phone, "registered_at": now,
                "name_sealed": vault.seal(family.guardian_name, "guardian", "name", family.guardian_id),
                "phone_sealed": vault.seal(family.phone, "guardian", "phone", family.guardian_id),
            })  # fmt: skip
        if identity not in students:
            students[identity] = family.student_id
            student_rows.append({
                "institution_id": institution_id, "student_id": family.student_id, "identity_index": identity,
                "name_sealed": vault.seal(family.student_name, "student", "name", family.student_id),
                "registered_at": now,
            })  # fmt: skip
            bonds.append({
                "institution_id": institution_id, "student_id": family.student_id, "guardian_id": guardians[phone],
            })  # fmt: skip
        answer[family.student_id] = students[identity]
    record.insert(conn, "guardian", guardian_rows)
    record.insert(conn, "student", student_rows)
    record.insert(conn, "guardianship", bonds)
    return answer


def _course_row(
    institution_id: int, offer: CourseOffer, verdict: PriceVerdict, rulebook: Rulebook, now: datetime
) -> dict[str, object]:
    course = offer.course
    return {
        "institution_id": institution_id, "course_id": offer.course_id, "code": offer.code, "name": offer.name,
        "subject": offer.subject, "stage": course.stage, "category": course.category, "mode": course.mode,
        "class_size": course.class_size, "minutes": course.minutes, "lesson_price_fen": course.price_fen,
        "cap_verdict": verdict.verdict, "cap_fen": verdict.holds.cap_fen if verdict.holds else None,
        "excess_fen": verdict.excess_fen, "rulebook": ", ".join(rulebook.versions),
        "rulebook_digest": bytes.fromhex(rulebook.digest), "published_at": now,
    }  # fmt: skip


def _price_finding(
    institution_id: int, offer: CourseOffer, verdict: PriceVerdict, rulebook: Rulebook, now: datetime
) -> dict[str, object]:
    assert verdict.holds is not None, "a price above the cap has a cap"
    return {
        "institution_id": institution_id, "finding_id": new_id(now), "code": "PRICE_ABOVE_CAP", "ref": offer.course_id,
        "contract_id": None, "found_on": shanghai_day(now),
        "facts": {"course": offer.code, "price_fen": offer.course.price_fen, "cap_fen": verdict.holds.cap_fen,
                  "excess_fen": verdict.excess_fen, "source": verdict.holds.row.source,
                  "rulebook_digest": rulebook.digest},
    }  # fmt: skip


def _fee_finding(
    institution_id: int, offer: CourseOffer, fee: FeeLine, rulebook: Rulebook, now: datetime
) -> dict[str, object]:
    return {
        "institution_id": institution_id, "finding_id": new_id(now), "code": "EXTRA_FEE", "ref": offer.course_id,
        "contract_id": None, "found_on": shanghai_day(now),
        "facts": {"course": offer.code, "fee": fee.name, "amount_fen": fee.amount_fen,
                  "rulebook_digest": rulebook.digest},
    }  # fmt: skip
