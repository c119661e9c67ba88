"""Running books of an institution: one JSON file per account, read strictly.

Keys: ``institution`` (number, code, name, place, zone, category, mode, office_name, office_phone, payee), ``account``
(fund, kind, number, bank_name, bank_no, balance, opened_on), ``earned``, ``courses`` and ``contracts``, each with its
student, guardian and payments. Amounts are yuan and hours are class hours, both as decimal strings; days YYYY-MM-DD.
"""

from collections.abc import Iterator
from datetime import date
from typing import Final
from uuid import UUID

from ledger.errors import BadInput
from ledger.formats.strict_json import Part, read_object
from ledger.terms.institution import CourseOffer, Family, Fund, Institution, Payee
from ledger.terms.journal import FundKind
from ledger.terms.price_cap import Category, Course, Mode, Stage
from ledger.terms.takeover import RunningBooks, RunningContract, RunningPayment

BYTES_MAX: Final = 32 * 1024 * 1024
HOURS_MAX: Final = 100_000  # hundredths: one lesson stands for all of them, and holds no more
_BOOKS: Final = ("institution", "account", "earned", "courses", "contracts")
_INSTITUTION: Final = (
    "number", "code", "name", "place", "zone", "category", "mode", "office_name", "office_phone", "payee",
)  # fmt: skip
_PAYEE: Final = ("name", "account", "bank_no")
_ACCOUNT: Final = ("fund", "kind", "number", "bank_name", "bank_no", "balance", "opened_on")
_COURSE: Final = (
    "code", "name", "subject", "stage", "category", "mode", "class_size", "minutes", "lesson_price",
)  # fmt: skip
_CONTRACT: Final = (
    "number", "payment_reference", "course", "student", "guardian", "price", "list_price_per_hour", "hours_bought",
    "hours_gifted", "months", "first_lesson_on", "signed_on", "payments", "hours_taught", "in_custody",
)  # fmt: skip
_STUDENT: Final = ("name", "identity_no")
_GUARDIAN: Final = ("name", "phone")
_PAYMENT: Final = ("paid_on", "amount", "payer")


def read_running_books(content: bytes, file: str, ids: Iterator[UUID]) -> RunningBooks:
    """Read one file; ``ids`` gives everything in it the id it will be kept under.

    Raises BadInput with the path of what does not fit, like ``contracts[3].payments[0].amount``; TWICE_IN_FILE for a
    number, a reference or a course that stands there twice, UNKNOWN_COURSE for a contract of a course that does not.
    """
    books = Part(file, "", read_object(content, file))
    books.only(_BOOKS)
    of = books.part("institution", _INSTITUTION)
    courses = tuple(_course(one, next(ids)) for one in books.parts("courses", _COURSE))
    contracts = tuple(_contract(one, ids) for one in books.parts("contracts", _CONTRACT))
    number = of.whole("number", 99_999_999)
    found = RunningBooks(
        institution=_institution(of, number),
        payee=_payee(of.part("payee", _PAYEE)),
        fund=_fund(books.part("account", _ACCOUNT), number),
        courses=courses,
        contracts=contracts,
        earned_fen=books.fen_or_none("earned") or 0,
    )
    _once(file, "courses", "code", [one.code for one in courses])
    _once(file, "contracts", "number", [one.contract_no for one in contracts])
    _once(file, "contracts", "payment_reference", [one.payment_reference for one in contracts])
    known = {one.code for one in courses}
    for place, one in enumerate(contracts):
        if one.course_code not in known:
            raise BadInput("UNKNOWN_COURSE", where=file, field=f"contracts[{place}].course", value=one.course_code)
    return found


def _once(file: str, part: str, key: str, values: list[str]) -> None:
    seen: set[str] = set()
    for place, value in enumerate(values):
        if value in seen:
            raise BadInput("TWICE_IN_FILE", where=file, field=f"{part}[{place}].{key}", value=value)
        seen.add(value)


def _institution(part: Part, number: int) -> Institution:
    place = part.line("place")
    if not (len(place) == 6 and place.isascii() and place.isdigit()):
        raise part.refusal("BAD_PLACE", "place")
    return Institution(
        institution_id=number,
        code=part.line("code", 20),
        name=part.line("name"),
        place=place,
        zone=part.line("zone") if "zone" in part.keys else "",
        category=part.choice("category", list(Category)),
        mode=part.choice("mode", ("custody", "reserve", "both")),
        office_name=part.line("office_name"),
        office_phone=part.line("office_phone", 40),
    )


def _payee(part: Part) -> Payee:
    return Payee(part.personal("name"), part.personal("account", 40), part.line("bank_no", 12))


def _fund(part: Part, number: int) -> Fund:
    """The account; the institution's hands (reserve mode) have neither a bank nor a balance."""
    kind = FundKind(part.choice("kind", (FundKind.CUSTODY, FundKind.HANDS)))
    at_bank = kind is FundKind.CUSTODY
    for key in ("number", "bank_name", "bank_no", "balance"):
        if not at_bank and key in part.keys:
            raise part.refusal("CASE_UNKNOWN_KEY", key)
    return Fund(
        institution_id=number,
        fund_no=part.whole("fund", 32_000),
        kind=kind,
        account_no=part.line("number", 40) if at_bank else None,
        bank_name=part.line("bank_name") if at_bank else None,
        bank_no=part.line("bank_no", 12) if at_bank else None,
        currency="CNY",
        opening_fen=part.fen("balance") if at_bank else 0,
        opened_on=part.day("opened_on"),
    )


def _course(part: Part, course_id: UUID) -> CourseOffer:
    course = Course(
        Stage(part.choice("stage", list(Stage))),
        Category(part.choice("category", list(Category))),
        Mode(part.choice("mode", list(Mode))),
        part.whole("class_size", 10_000),
        part.whole("minutes", 300),
        part.fen("lesson_price"),
    )
    return CourseOffer(course_id, part.line("code", 40), part.line("name"), part.line("subject"), course)


def _contract(part: Part, ids: Iterator[UUID]) -> RunningContract:
    payments = [_payment(one) for one in part.parts("payments", _PAYMENT)]
    bought = part.hours("hours_bought")
    if not bought:
        raise part.refusal("BAD_HOURS", "hours_bought")
    return RunningContract(
        contract_id=next(ids),
        contract_no=part.line("number", 60),
        payment_reference=part.line("payment_reference", 60),
        course_code=part.line("course", 40),
        family=_family(part, next(ids), next(ids)),
        price_fen=_amount(part, "price"),
        list_price_fen=part.fen_or_none("list_price_per_hour"),
        hours_bought=bought,
        hours_gifted=part.hours_or_none("hours_gifted") or 0,
        months=part.whole("months", 120) if "months" in part.keys else None,
        first_lesson_on=part.day("first_lesson_on"),
        signed_on=part.day("signed_on"),
        # newest last: ids are in the order of payment, and a refund goes back on the newest first
        payments=tuple(
            RunningPayment(next(ids), day, fen, payer) for day, fen, payer in sorted(payments, key=lambda one: one[0])
        ),
        hours_taught=_hours_taught(part),
        in_custody_fen=part.fen("in_custody"),
    )


def _hours_taught(part: Part) -> int:
    taught = part.hours("hours_taught")
    if taught > HOURS_MAX:
        raise part.refusal("BAD_HOURS", "hours_taught")
    return taught


def _family(part: Part, student_id: UUID, guardian_id: UUID) -> Family:
    student, guardian = part.part("student", _STUDENT), part.part("guardian", _GUARDIAN)
    identity = student.personal("identity_no", 40)
    return Family(
        student_id, student.personal("name"), identity, guardian_id, guardian.personal("name"),
        guardian.personal("phone", 40),
    )  # fmt: skip


def _payment(part: Part) -> tuple[date, int, Payee | None]:
    payer = _payee(part.part("payer", _PAYEE)) if "payer" in part.keys else None
    return part.day("paid_on"), _amount(part, "amount"), payer


def _amount(part: Part, key: str) -> int:
    found = part.fen(key)
    if not found:
        raise part.refusal("BAD_AMOUNT", key)
    return found
