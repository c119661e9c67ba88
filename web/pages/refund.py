"""P4 to P6: a refund in three steps. What is asked and why, the worksheet to check, declare and send."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final
from uuid import UUID

from flask import Blueprint, redirect, render_template, request, url_for
from sqlalchemy import Connection
from werkzeug.exceptions import BadRequest, NotFound
from werkzeug.wrappers import Response

from ledger.books import contract as contracts
from ledger.errors import Outcome
from ledger.flows import refund as flow
from ledger.formats.plain_text import is_plain
from ledger.reports import family, family_refund
from ledger.reports.family import Movement
from ledger.rules import refund_number
from ledger.terms.calendar import shanghai_day
from ledger.terms.ids import new_id
from ledger.terms.institution import Payee
from ledger.terms.refund import Cause, Worksheet
from ledger.terms.refund_request import RefundAsked
from web import session
from web.pages import shown
from web.pages.course import Taught, taught
from web.pages.login import interrupted, prove
from web.pages.shown import Sheet, Shown, Standing
from web.site import site

pages = Blueprint("refund", __name__)
# Why a family stops, and on whose account that is reckoned. The first is taken when none is named.
REASONS: Final[Mapping[str, Cause]] = {
    "own": Cause.CONSUMER,
    "moved": Cause.NEITHER,
    "ill": Cause.NEITHER,
    "closed": Cause.INSTITUTION,
    "broken": Cause.INSTITUTION,
}
WORDS_MAX: Final = 200
_FORM_LASTS: Final = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Asking:
    """A refund that may be asked, quoted for a reason as of now. ``new_rules``: versions in force now that were not
    in force when the contract was signed.
    """

    course: Shown
    why: str
    worksheet: Worksheet
    sheet: Sheet
    paid: tuple[Movement, ...]
    taught: Taught
    new_rules: tuple[str, ...]


@pages.get("/course/<contract>/refund")
def why(contract: str) -> str | Response:
    """P4: what is asked back, and why."""
    return _step(contract, "refund_why.html")


@pages.get("/course/<contract>/refund/check")
def check(contract: str) -> str | Response:
    """P5: the worksheet for the reason, line by line."""
    return _step(contract, "refund_check.html")


@pages.get("/course/<contract>/refund/send")
def declare(contract: str) -> str | Response:
    """P6: what is declared, and the one button."""
    return _step(contract, "refund_send.html", key=new_id(site().now()), faults=(), words="", payee={})


@pages.post("/course/<contract>/refund/send")
def send(contract: str) -> str | Response | tuple[str, int]:
    """Ask for the refund. Sent twice it is one; where the quote is not the one that was shown, the page asks again."""
    guardian_id = session.guardian_id()
    if guardian_id is None:
        return interrupted()
    if not session.is_fresh():
        return prove()
    here, key, words = site(), _key(request.form.get("key", "")), request.form.get("words", "").strip()
    with here.snapshot() as conn:
        course = _course(conn, guardian_id, contract)
        before = family_refund.claims(conn, guardian_id, course.contract.contract_id)
        if any(one.refund_id == key for one in before):
            return _claim(key)
        asking = _asking(conn, course, request.form.get("why", ""))
        news = family_refund.news(conn, course.contract.institution_id, course.contract.contract_id, _made_at(key))
    if asking is None:
        return _none(course, before)
    payee, faults = typed_payee() if not course.payee else (None, [])
    if request.form.get("agree") != "yes":
        faults.insert(0, "agree")
    if len(words) > WORDS_MAX or not is_plain(words):
        faults.append("words")
    if faults:
        return _page("refund_send.html", asking, key=key, faults=faults, words=words, payee=request.form), 422
    asked = RefundAsked(
        course.contract.contract_id, REASONS[asking.why], f"guardian:{guardian_id}", request.form.get("shown", ""),
        payee, refund_id=key, reason=f"{asking.why}: {words}" if words else asking.why,
    )  # fmt: skip
    outcome = _ask(course, asked)
    if outcome.code == "QUOTE_CHANGED":
        seen = request.form.get("seen", "")
        old_fen = int(seen) if seen.isascii() and seen.isdigit() and len(seen) < 13 else None
        return _page("refund_changed.html", asking, old_fen=old_fen, news=news), 409
    if not outcome.accepted or outcome.entry_id is None:
        return _none(course, (), outcome.code)
    return _claim(outcome.entry_id)


def _ask(course: Shown, asked: RefundAsked) -> Outcome:
    here, contract = site(), course.contract
    law = here.law(contract.place, contract.zone, shanghai_day(here.now()))
    with here.change() as conn:
        (outcome,) = flow.ask(
            conn, here.vault, contract.institution_id, [asked], law.rulebook, law.calendar, here.now()
        )  # fmt: skip
    return outcome


def _step(contract: str, template: str, **more: object) -> str | Response:
    guardian_id = session.guardian_id()
    if guardian_id is None:
        return interrupted()
    with site().snapshot() as conn:
        course = _course(conn, guardian_id, contract)
        before = family_refund.claims(conn, guardian_id, course.contract.contract_id)
        asking = _asking(conn, course, request.args.get("why", ""))
    return _none(course, before) if asking is None else _page(template, asking, **more)


def _course(conn: Connection, guardian_id: UUID, contract: str) -> Shown:
    """The course of the guardian; foreign, unknown and malformed ids get the same 404."""
    contract_id = session.as_id(contract)
    found = shown.read(site(), conn, guardian_id, contract_id) if contract_id is not None else []
    if not found:
        raise NotFound
    return found[0]


def _asking(conn: Connection, course: Shown, why: str) -> Asking | None:
    """The quote for a reason; None where nothing can be asked (``_none`` says why)."""
    if course.standing is not Standing.OPEN or not course.amount_fen or not course.answer_by or not course.arrives:
        return None
    here, contract = site(), course.contract
    why = why if why in REASONS else next(iter(REASONS))
    today = shanghai_day(here.now())
    law = here.law(contract.place, contract.zone, today)
    number, id_ = contract.institution_id, contract.contract_id
    worksheet = flow.quote(conn, number, {id_: REASONS[why]}, law.rulebook, law.calendar, today)[id_]
    paid = tuple(one for one in family.movements(conn, number, id_) if one.counter == "paid")
    (signed,) = contracts.find(conn, number, ids=[id_])
    known = signed.rulebook.split(", ")
    new_rules = tuple(one for one in law.rulebook.versions if one not in known)
    return Asking(course, why, worksheet, shown.quoted_sheet(worksheet), paid, taught(course.lessons), new_rules)


def _page(template: str, asking: Asking, **more: object) -> str:
    return render_template(
        template,
        asking=asking,
        course=asking.course,
        contract=asking.course.contract,
        sheet=asking.sheet,
        reasons=REASONS,
        words_max=WORDS_MAX,
        **_frame(asking.course),
        **more,
    )


def _none(course: Shown, before: Sequence[family_refund.Claim], code: str = "") -> str:
    """Nothing can be asked: a refund is open, nothing was paid, all is taught, or a rule is missing."""
    number = refund_number.number(before[0].refund_id) if course.standing is Standing.ASKED and before else ""
    quoted = course.standing is Standing.OPEN and course.amount_fen
    code = code or course.fault or ("RULE_MISSING" if quoted else "")
    return render_template(
        "refund_none.html", course=course, contract=course.contract, number=number, code=code, **_frame(course)
    )


def _frame(course: Shown) -> dict[str, object]:
    return {"booked_through": shown.booked_through([course]), "today": site().today()}


def _claim(refund_id: UUID) -> Response:
    return redirect(url_for("claim.sent", number=refund_number.number(refund_id)), 303)


def _key(text: str) -> UUID:
    """The id that the form gives its refund: one of ours, of the last day. Raises BadRequest."""
    key = session.as_id(text)
    if key is None or key.version != 7:
        raise BadRequest
    if not site().now() - _FORM_LASTS <= _made_at(key) <= site().now() + timedelta(seconds=1):
        raise BadRequest
    return key


def _made_at(key: UUID) -> datetime:
    return datetime.fromtimestamp((key.int >> 80) / 1000, UTC)


def typed_payee() -> tuple[Payee | None, list[str]]:
    """Where the money goes when no bank line says where it came from: the payee, and the fields that cannot be one."""
    name, account, bank_no = (request.form.get(field, "").strip() for field in ("name", "account", "bank"))
    account = account.replace(" ", "")
    good = {
        "name": 0 < len(name) <= 140 and is_plain(name),
        "account": 0 < len(account) <= 34 and account.isascii() and account.isalnum(),
        "bank": len(bank_no) == 12 and bank_no.isascii() and bank_no.isdigit(),
    }
    faults = [field for field, holds in good.items() if not holds]
    return (None if faults else Payee(name, account, bank_no)), faults
