"""P7 and P8: a refund that was asked. Its number and next days, and who has it now, until when, whom to call."""

from dataclasses import dataclass

from flask import Blueprint, redirect, render_template, request, url_for
from werkzeug.exceptions import NotFound
from werkzeug.wrappers import Response

from ledger.books import refund as refunds
from ledger.books import refund_payee as payees
from ledger.books import transaction
from ledger.flows import refund as flow
from ledger.flows import refund_argue, seal
from ledger.formats import calendar_file, pain002
from ledger.formats.plain_text import is_plain
from ledger.reports import family_refund
from ledger.rules import refund_number
from ledger.rules import refund_payee as payee_rules
from ledger.terms.refund_payee import PayeeChange
from ledger.terms.refund_request import CLOSED, Refund, RefundState
from web import session
from web.format import tail
from web.language import current, gettext
from web.pages import shown
from web.pages.login import interrupted
from web.pages.refund import WORDS_MAX
from web.pages.shown import Shown
from web.site import site

pages = Blueprint("claim", __name__)
_DECIDED = frozenset({RefundState.APPROVED, RefundState.IN_TRANSIT, RefundState.PAID, RefundState.RETURNED})
_BEFORE_APPROVAL = frozenset({RefundState.ASKED, RefundState.AGREED, RefundState.OBJECTED})


@dataclass(frozen=True, slots=True)
class Followed:
    """A refund with all that its pages say. ``provisional``: the dates (by code) of a year without holiday
    notice; ``change``: another account that was entered and not used yet.
    """

    number: str
    course: Shown
    refund: Refund
    steps: tuple[family_refund.Step, ...]
    payments: tuple[family_refund.Payment, ...]
    payee: str
    change: PayeeChange | None
    provisional: frozenset[str]

    @property
    def changeable(self) -> bool:
        return payee_rules.changeable(self.refund.state)

    @property
    def withdrawable(self) -> bool:
        return self.refund.state in _BEFORE_APPROVAL

    @property
    def decided(self) -> bool:
        return self.refund.state in _DECIDED

    @property
    def over(self) -> bool:
        return self.refund.state in CLOSED

    def at(self, *states: RefundState) -> family_refund.Step | None:
        """The newest step into one of some states."""
        return next((step for step in reversed(self.steps) if step.state in states), None)

    @property
    def bank_reasons(self) -> list[str]:
        """What the bank said when it did not pay, in words."""
        step = self.at(RefundState.RETURNED)
        said = [pain002.reason_text(code, current()) for code in (step.reason.split()[1:] if step else ())]
        return [words for words in said if words]


@pages.get("/claim/<number>")
def status(number: str) -> str | Response:
    """P8: where the refund is."""
    found = followed(number)
    return found if isinstance(found, Response) else _page("refund_claim.html", found)


@pages.get("/claim/<number>/sent")
def sent(number: str) -> str | Response:
    """P7: it was sent; what happens next."""
    found = followed(number)
    return found if isinstance(found, Response) else _page("refund_sent.html", found)


@pages.get("/claim/<number>/dates.ics")
def dates(number: str) -> Response:
    """The two days as a calendar file."""
    found = followed(number)
    if isinstance(found, Response):
        return found
    text = gettext(
        "Refund %(number)s. Questions: %(phone)s", number=found.number, phone=found.course.contract.office_phone
    )
    days = [
        ("answer", found.refund.answer_by, gettext("Last day for the school to answer")),
        ("money", found.refund.pay_by, gettext("Last day for the refund to arrive")),
    ]
    events = [calendar_file.DayEvent(f"{found.number}-{code}", on, title, text) for code, on, title in days]
    answer = Response(calendar_file.render(events, site().now()), content_type=calendar_file.MEDIA_TYPE)
    answer.headers["Content-Disposition"] = f'attachment; filename="{found.number}.ics"'
    return answer


@pages.post("/claim/<number>/withdraw")
def withdraw(number: str) -> str | Response | tuple[str, int]:
    """Take the refund back before it is approved; the page says where it stands then."""
    found, here = followed(number), site()
    if isinstance(found, Response):
        return found
    if request.form.get("sure") != "yes":
        return _page("refund_claim.html", found, faults=["sure"]), 422
    institution, id_, actor = found.course.contract.institution_id, found.refund.refund_id, _actor()
    with here.change() as conn:
        seal.seal(conn, institution, here.now())
    transaction.ask(
        here.engine, institution, here.now(), lambda conn, _: flow.withdraw(conn, institution, [id_], actor, here.now())
    )
    return redirect(url_for("claim.status", number=found.number), 303)


@pages.post("/claim/<number>/argue")
def argue(number: str) -> str | Response | tuple[str, int]:
    """The family's word against the objection it was shown."""
    found, here, words = followed(number), site(), request.form.get("words", "").strip()
    if isinstance(found, Response):
        return found
    if not 0 < len(words) <= WORDS_MAX or not is_plain(words):
        return _page("refund_claim.html", found, faults=["words"], words=words), 422
    seen = request.form.get("step", "")
    step = int(seen) if seen.isascii() and seen.isdigit() and len(seen) < 5 else 0
    with here.change() as conn:
        refund_argue.argue(
            conn, found.course.contract.institution_id, found.refund.refund_id, step, words, _actor(), here.now()
        )
    return redirect(url_for("claim.status", number=found.number), 303)


def _actor() -> str:
    return f"guardian:{session.guardian_id()}"


def followed(number: str) -> Followed | Response:
    """The guardian's refund; foreign, unknown and malformed numbers get the same 404."""
    guardian_id, here = session.guardian_id(), site()
    if guardian_id is None:
        return interrupted()
    wanted = refund_number.canonical(number)
    with here.snapshot() as conn:
        known = family_refund.claims(conn, guardian_id) if wanted is not None else []
        claim = next((one for one in known if refund_number.number(one.refund_id) == wanted), None)
        if claim is None or wanted is None:
            raise NotFound
        (course,) = shown.read(here, conn, guardian_id, claim.contract_id)
        number_, id_ = claim.institution_id, claim.refund_id
        changes = payees.changes(conn, here.vault, number_, [id_]).get(id_, [])
        standing = [one for one in changes if one.cancelled_by is None]
        confirmed = [one for one in standing if one.confirmed_by is not None]
        kept = refunds.dates(conn, number_, [id_]).get(id_, [])
        return Followed(
            wanted,
            course,
            refunds.by_id(conn, number_, [id_])[id_],
            tuple(family_refund.steps(conn, number_, id_)),
            tuple(family_refund.payments(conn, number_, id_)),
            tail(confirmed[-1].payee.account) if confirmed else course.payee,
            standing[-1] if standing and not standing[-1].used else None,
            frozenset(one["code"] for one in kept if one["provisional"]),
        )


def _page(template: str, found: Followed, **more: object) -> str:
    return render_template(
        template,
        **{"faults": (), "words": ""} | more,
        found=found,
        refund=found.refund,
        course=found.course,
        contract=found.course.contract,
        words_max=WORDS_MAX,
        booked_through=shown.booked_through([found.course]),
        today=site().today(),
    )
