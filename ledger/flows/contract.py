"""Sign contracts: limits on prepayment are counted over all open contracts of the pupil in the subject."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from datetime import date, datetime
from uuid import UUID

from sqlalchemy import Connection

from ledger.books import contract as contracts
from ledger.books import record, register
from ledger.errors import Outcome, Result
from ledger.reports import price as prices
from ledger.rules import prepayment_limit, price_cap
from ledger.terms.calendar import shanghai_day
from ledger.terms.contract import Contract
from ledger.terms.ids import new_ids
from ledger.terms.prepayment import Charge, Funding
from ledger.terms.price_cap import Category
from ledger.terms.rulebook import Rulebook

# What makes a second asking under the same contract number another contract.
_ASKED = tuple(
    name for name in Contract.__slots__ if name not in ("contract_id", "rulebook", "rulebook_digest", "institution_id")
)


def sign(
    conn: Connection, institution_id: int, asked: Sequence[Contract], rulebook: Rulebook, now: datetime
) -> list[Outcome]:
    """Sign contracts in order; each counts for the next. Refused with the first limit that is passed; a price above the
    guided cap is signed with a finding, CONTRACT_ABOVE_CAP.

    A contract number known already is replayed, or a conflict that names the field.
    """
    known = {
        found.contract_no: found
        for found in contracts.find(conn, institution_id, numbers=[c.contract_no for c in asked])
    }
    courses = contracts.courses(conn, institution_id, [c.course_id for c in asked])
    standing: dict[tuple[UUID, str], list[Charge]] = defaultdict(list)
    for held in contracts.open_charges(conn, institution_id, [c.student_id for c in asked]):
        standing[held.student_id, held.subject].append(_standing(held))
    limits = prepayment_limit.limits(rulebook)
    outcomes, rows, signed_now = [], [], []
    for contract in asked:
        if contract.contract_no in known:
            outcomes.append(_again(contract, known[contract.contract_no]))
            continue
        course = courses[contract.course_id]
        charge = _charge(contract, course.category)
        others = standing[contract.student_id, course.subject]
        refusals = prepayment_limit.check(charge, others, limits)
        if refusals:
            outcomes.append(
                Outcome(Result.REFUSED, refusals[0].code, detail=f"{refusals[0].measured} > {refusals[0].limit}")
            )
            continue
        others.append(charge)
        signed = replace(
            contract, rulebook=", ".join(rulebook.versions), rulebook_digest=bytes.fromhex(rulebook.digest)
        )
        known[contract.contract_no] = signed
        signed_now.append(signed)
        rows.append({**{name: getattr(signed, name) for name in Contract.__slots__}, "signed_at": now})
        outcomes.append(Outcome(Result.DONE))
    register.open_contracts(conn, institution_id, rows)
    above = _above_cap(conn, institution_id, [contract.contract_id for contract in signed_now], rulebook, now)
    record.insert(conn, "finding", above)
    return outcomes


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


def _again(asked: Contract, known: Contract) -> Outcome:
    differs = next((name for name in _ASKED if getattr(asked, name) != getattr(known, name)), "")
    return Outcome(Result.CONFLICT, "REQUEST_CONFLICT", differs) if differs else Outcome(Result.REPLAYED)


def _charge(contract: Contract, category: str) -> Charge:
    return Charge(
        contract_id=contract.contract_no,
        category=Category(category),
        charged_on=contract.signed_on,
        first_lesson_on=contract.first_lesson_on,
        price_fen=contract.price_fen,
        hours=contract.hours_bought + contract.hours_gifted,
        hours_left=contract.hours_bought + contract.hours_gifted,
        months=contract.months,
        funding=Funding.LOAN if contract.funded_by_loan else Funding.OWN,
    )


def _standing(charge: contracts.OpenCharge) -> Charge:
    return Charge(
        contract_id=str(charge.contract_id),
        category=Category(charge.category),
        charged_on=charge.signed_on,
        first_lesson_on=charge.first_lesson_on,
        price_fen=charge.price_fen,
        hours=charge.hours,
        hours_left=charge.hours_left,
        months=charge.months,
    )
