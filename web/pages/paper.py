"""P10: the receipt of a payment and the decision on a refund, in both languages, as a page and as a tagged PDF."""

from importlib.util import find_spec
from pathlib import Path
from typing import Final
from uuid import UUID

import segno
from flask import Blueprint, current_app, render_template, url_for
from werkzeug.exceptions import NotFound
from werkzeug.wrappers import Response

from ledger.books import refund_payer
from ledger.formats.capital_amount import capitals
from ledger.reports import family, family_refund
from ledger.reports.family import Movement
from web import session
from web.format import tail
from web.pages import shown
from web.pages.login import interrupted
from web.pages.public import here as public_page
from web.pages.refund_claim import Followed, followed
from web.pages.shown import Shown
from web.site import site

pages = Blueprint("paper", __name__)
# The library that writes PDF is an extra: without it there is the page, which prints.
HAS_PDF: Final = find_spec("weasyprint") is not None
_STYLE: Final = Path(__file__).resolve().parent.parent / "static" / "paper.css"


@pages.get("/claim/<number>/decision")
def decision(number: str) -> str | Response:
    """The decision, once two people have approved the refund."""
    found = _decided(number)
    return found if isinstance(found, Response) else _decision(found, pdf=False)


@pages.get("/claim/<number>/decision.pdf")
def decision_pdf(number: str) -> Response:
    """The same as a file."""
    found = _decided(number)
    return found if isinstance(found, Response) else _file(_decision(found, pdf=True), f"{found.number}.pdf")


@pages.get("/course/<contract>/receipt/<payment>")
def receipt(contract: str, payment: str) -> str | Response:
    """What was paid for a course, when, and into which account."""
    found = _paid(contract, payment)
    return found if isinstance(found, Response) else _receipt(*found, pdf=False)


@pages.get("/course/<contract>/receipt/<payment>/receipt.pdf")
def receipt_pdf(contract: str, payment: str) -> Response:
    """The same as a file."""
    found = _paid(contract, payment)
    if isinstance(found, Response):
        return found
    return _file(_receipt(*found, pdf=True), f"{found[0].contract.contract_no}-{found[1].on}.pdf".replace("/", "-"))


def _decided(number: str) -> Followed | Response:
    found = followed(number)
    if isinstance(found, Followed) and not found.decided:
        raise NotFound
    return found


def _decision(found: Followed, *, pdf: bool) -> str:
    course, refund = found.course, found.refund
    number = course.contract.institution_id
    with site().snapshot() as conn:
        approval = family_refund.approval(conn, number, refund.refund_id)
    return _paper(
        "paper_decision.html", course, pdf=pdf, found=found, refund=refund, sheet=course.sheet, approval=approval,
        amount_fen=refund.amount_fen, download=url_for("paper.decision_pdf", number=found.number),
        back=url_for("claim.status", number=found.number),
    )  # fmt: skip


def _paid(contract: str, payment: str) -> tuple[Shown, Movement, str] | Response:
    """The guardian's payment and the tail of the account it came from; anything else gets the same 404."""
    guardian_id, here = session.guardian_id(), site()
    if guardian_id is None:
        return interrupted()
    contract_id, payment_id = session.as_id(contract), session.as_id(payment)
    if contract_id is None or payment_id is None:
        raise NotFound
    with here.snapshot() as conn:
        courses = shown.read(here, conn, guardian_id, contract_id)
        if not courses:
            raise NotFound
        number = courses[0].contract.institution_id
        of = [one for one in family.movements(conn, number, contract_id) if one.payment_id == payment_id]
        if not of:
            raise NotFound
        lines = refund_payer.lines(conn, number, [contract_id]).get(contract_id, [])
    paid = Movement(of[0].on, of[0].kind, "paid", sum(one.amount_fen for one in of), payment_id)
    sealed = [one for one in lines if one.payment_id == payment_id and one.account_sealed]
    return courses[0], paid, _payer(sealed)


def _payer(lines: list[refund_payer.PayerLine]) -> str:
    accounts = [
        site().vault.open(one.account_sealed, one.table, "payer_account", one.row_id)
        for one in lines
        if one.account_sealed is not None
    ]
    return tail(accounts[0]) if accounts else ""


def _receipt(course: Shown, paid: Movement, payer: str, *, pdf: bool) -> str:
    contract_id, payment_id = course.contract.contract_id, paid.payment_id
    return _paper(
        "paper_receipt.html", course, pdf=pdf, paid=paid, payer=payer, amount_fen=paid.amount_fen,
        download=url_for("paper.receipt_pdf", contract=contract_id, payment=payment_id),
        back=url_for("course.one_course", contract=contract_id),
    )  # fmt: skip


def _paper(template: str, course: Shown, *, pdf: bool, **more: object) -> str:
    guardian_id, here, contract = session.guardian_id(), site(), course.contract
    assert isinstance(guardian_id, UUID), "papers are for somebody who is logged in"
    with here.snapshot() as conn:
        sealed = family.guardian_name(conn, guardian_id)
        code = family.institution_code(conn, contract.institution_id)
    address = public_page(code)
    return render_template(
        template,
        **more,
        course=course,
        contract=contract,
        guardian="" if sealed is None else here.vault.open(sealed, "guardian", "name", guardian_id),
        code=code,
        address=address,
        # A file carries its picture and its style; a page of ours may not, and takes both from here.
        picture=segno.make(address, error="m", micro=False).svg_data_uri(scale=3)
        if pdf
        else url_for("public.picture", code=code),
        style=_STYLE.read_text(encoding="utf-8") if pdf else "",
        pdf=pdf,
        has_pdf=HAS_PDF,
        capitals=capitals,
        today=here.today(),
    )


def _file(page: str, name: str) -> Response:
    """A page as a tagged PDF (PDF/UA-1). It fetches nothing: not from the net, not from a disk."""
    try:
        from weasyprint import HTML, URLFetcher
    except (ImportError, OSError):  # the library, or the system's own that it draws text with
        raise NotFound from None
    nothing = URLFetcher(allowed_protocols=("data",), allow_redirects=False, fail_on_errors=True)
    content = HTML(string=page, url_fetcher=nothing).write_pdf(pdf_variant="pdf/ua-1")
    response = current_app.response_class(content, content_type="application/pdf")
    response.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    return response
