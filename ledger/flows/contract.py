"""Sign contracts: limits on prepayment are counted over all open contracts of the pupil in the subject."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime
from uuid import UUID

from sqlalchemy import Connection

from ledger.books import closed, finding, record, register
from ledger.books import contract as contracts
from ledger.books.finding import NewFinding
from ledger.errors import Outcome, Result
from ledger.formats.contract_rules import write_rules
from ledger.reports import price as prices
from ledger.rules import lesson as lesson_rules
from ledger.rules import prepayment_limit, price_cap, release
from ledger.terms.calendar import CalendarDays, shanghai_day
from ledger.terms.contract import Contract
from ledger.terms.contract_rules import ContractRules
from ledger.terms.ids import new_ids
from ledger.terms.prepayment import Charge
from ledger.terms.price_cap import Category
from ledger.terms.rulebook import Rulebook

# What makes a second asking under the same contract number another contract.
_ASKED = tuple(
    name
    for name in Contract.__slots__
    if name not in ("contract_id", "rulebook", "rulebook_digest", "institution_id", "rules")
)
_NO_VACATIONS = CalendarDays()


def sign(
    conn: Connection, institution_id: int, asked: Sequence[Contract], rulebook: Rulebook, now: datetime,
    calendar: CalendarDays = _NO_VACATIONS,
) -> list[Outcome]:  # fmt: skip
    """Sign contracts in order; each counts for the next. Refused with the first limit that is passed; a price above the
    guided cap is signed with a finding, CONTRACT_ABOVE_CAP.

    A contract number known already is replayed, or a conflict that names the field. Two signings for one pupil and
    subject wait for each other. The school vacations of ``calendar`` tell where a term ends.
    """
    if closed.standing(conn, institution_id) is not None:
        return [Outcome(Result.REFUSED, "INSTITUTION_CLOSED") for _ in asked]
    courses = contracts.courses(conn, institution_id, [c.course_id for c in asked])
    same = prepayment_limit.same_subjects(rulebook)
    subjects = {course_id: prepayment_limit.subject_key(course.subject, same) for course_id, course in courses.items()}
    pupils = {f"{c.student_id} {subjects[c.course_id]}" for c in asked}
    contracts.lock_signing(conn, institution_id, pupils | {f"number {c.contract_no}" for c in asked})
    known = {
        found.contract_no: found
        for found in contracts.find(conn, institution_id, numbers=[c.contract_no for c in asked])
    }
    standing: dict[tuple[UUID, str], list[Charge]] = defaultdict(list)
    for held in contracts.open_charges(conn, institution_id, {c.student_id for c in asked}):
        subject = prepayment_limit.subject_key(held.subject, same)
        standing[held.student_id, subject].append(prepayment_limit.standing(held))
    limits = prepayment_limit.limits(rulebook)
    outcomes, rows, signed_now = [], [], []
    for contract in asked:
        if contract.contract_no in known:
            outcomes.append(_again(contract, known[contract.contract_no]))
            continue
        course = courses[contract.course_id]
        charge = prepayment_limit.charge(
            contract, Category(course.category), course.lesson_price_fen, calendar.vacations
        )
        others = standing[contract.student_id, subjects[contract.course_id]]
        refusals = prepayment_limit.check(charge, others, limits)
        if refusals:
            outcomes.append(
                Outcome(Result.REFUSED, refusals[0].code, detail=f"{refusals[0].measured} > {refusals[0].limit}")
            )
            continue
        others.append(charge)
        signed = _under(contract, rulebook)
        known[contract.contract_no] = signed
        signed_now.append(signed)
        rows.append({**{name: getattr(signed, name) for name in Contract.__slots__}, "signed_at": now})
        outcomes.append(Outcome(Result.DONE))
    register.open_contracts(conn, institution_id, rows)
    above = _above_cap(conn, institution_id, [contract.contract_id for contract in signed_now], rulebook, now)
    record.insert(conn, "finding", above)
    return outcomes


def take_over(
    conn: Connection, institution_id: int, asked: Sequence[tuple[Contract, int]], rulebooks: Mapping[date, Rulebook],
    now: datetime, calendar: CalendarDays,
) -> int:  # fmt: skip
    """Open contracts that were signed before these books, each with its hours left (hundredths), under what was in
    force on the day it was signed (``rulebooks``). They run: a limit that is passed and a price above the cap are
    findings, nothing is refused. How many findings. The caller has looked for their numbers, ``sign`` under its locks.
    """
    courses = contracts.courses(conn, institution_id, [contract.course_id for contract, _ in asked])
    before: dict[tuple[UUID, str], list[Charge]] = defaultdict(list)
    rows, found, by_day = [], [], defaultdict[date, list[UUID]](list)
    for contract, hours_left in sorted(asked, key=lambda one: (one[0].signed_on, one[0].contract_no)):
        rulebook, course = rulebooks[contract.signed_on], courses[contract.course_id]
        category, fen = Category(course.category), course.lesson_price_fen
        charge = prepayment_limit.charge(contract, category, fen, calendar.vacations)
        subject = prepayment_limit.subject_key(course.subject, prepayment_limit.same_subjects(rulebook))
        others = before[contract.student_id, subject]
        found += [
            NewFinding(
                one.code, contract.contract_id,
                {"measured": one.measured, "limit": one.limit, "taken_over": True}, contract.contract_id,
            )
            for one in prepayment_limit.check(charge, others, prepayment_limit.limits(rulebook))
        ]  # fmt: skip
        others += [replace(charge, hours_left=hours_left)] if hours_left else []
        signed = _under(contract, rulebook)
        rows.append({**{name: getattr(signed, name) for name in Contract.__slots__}, "signed_at": now})
        by_day[contract.signed_on].append(contract.contract_id)
    register.open_contracts(conn, institution_id, rows)
    above = [
        row
        for day, ids in by_day.items()
        for row in _above_cap(conn, institution_id, ids, rulebooks[day], now)
    ]  # fmt: skip
    record.insert(conn, "finding", above)
    return len(above) + len(finding.write_new(conn, institution_id, found, shanghai_day(now), now))


def _above_cap(
    conn: Connection, institution_id: int, ids: Sequence[UUID], rulebook: Rulebook, now: datetime
) -> list[dict[str, object]]:
    """A finding for each contract that charges more than the guided cap; it stands: the overcharge comes back."""
    facts = prices.contracts(conn, institution_id, date.max, ids) if ids else ()
    judged = [price_cap.check_contract(contract, rulebook) for contract in facts]
    above = [one for one in judged if one.excess_fen]
    rows: list[dict[str, object]] = []
    for one, finding_id in zip(above, new_ids(now, len(above)), strict=True):
        contract, holds = one.contract, one.verdict.holds
        assert holds is not None, "a price above the cap has a cap"
        rows.append({
            "institution_id": institution_id, "finding_id": finding_id, "code": "CONTRACT_ABOVE_CAP",
            "ref": contract.contract_id, "contract_id": contract.contract_id, "found_on": shanghai_day(now),
            "facts": {"price_fen": contract.price_fen, "cap_fen": holds.cap_fen, "excess_fen": one.excess_fen,
                      "source": holds.row.source, "rulebook_digest": rulebook.digest},
        })  # fmt: skip
    return rows


def _under(contract: Contract, rulebook: Rulebook) -> Contract:
    """The contract with what the rulebook says of it: its release, limits and attendance stay these for life."""
    kept = ContractRules(
        release=release.terms(rulebook),
        prepayment=prepayment_limit.limits(rulebook),
        same_subjects=prepayment_limit.same_subjects(rulebook),
        charged_states=lesson_rules.charged_states(contract.charged_states, rulebook),
    )
    return replace(
        contract,
        rulebook=", ".join(rulebook.versions),
        rulebook_digest=bytes.fromhex(rulebook.digest),
        rules=write_rules(kept),
    )


def _again(asked: Contract, known: Contract) -> Outcome:
    differs = next((name for name in _ASKED if getattr(asked, name) != getattr(known, name)), "")
    return Outcome(Result.CONFLICT, "REQUEST_CONFLICT", differs) if differs else Outcome(Result.REPLAYED)
