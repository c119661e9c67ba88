"""P1: come in by phone and code. The same page asks for a code again before a refund is sent, and when a session ended
while somebody was typing: what was typed is kept, sealed, in the form itself and is there again afterwards.
"""

import json
import re
import secrets
from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime, timedelta
from math import ceil
from typing import Final

from flask import Blueprint, make_response, redirect, render_template, request, url_for
from werkzeug.exceptions import BadRequest
from werkzeug.wrappers import Response

from ledger.errors import InvariantBroken
from ledger.flows import login as flow
from ledger.reports import family
from ledger.terms.login import CODE_DIGITS, WHOLE
from web import session
from web.language import gettext
from web.site import site

pages = Blueprint("login", __name__)
_PHONE = re.compile(r"(?:\+?86)?(1[0-9]{10})", re.ASCII)
_IGNORED = re.compile(r"[\s\-()–\u2010\u2011]")
_KEPT: Final = ("page", "kept", 0)  # what the sealed text is bound to
_MINUTE: Final = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Kept:
    """What the log-in carries along. ``form``: fields that were typed into the page at ``path``, None for a page that
    is only looked at. ``guardian``: who must type the code, "" for anybody. ``at``: when, in seconds (UTC).
    """

    path: str = ""
    form: dict[str, str] | None = None
    phone: str = ""
    guardian: str = ""
    at: int = field(default=0)


def start() -> Response:
    """The front door: who has a session goes to the money, everybody else to the phone."""
    return phone() if session.guardian_id() is None else redirect(url_for("money.my_money"), 303)


@pages.get("/login")
def phone() -> Response:
    """Ask for the phone."""
    return _phone_page(Kept())


@pages.post("/login")
def ask() -> Response:
    """Make a code for the phone and send it; the answer is the same for every phone."""
    kept, typed = _kept(), request.form.get("phone", "")
    found = _PHONE.fullmatch(_IGNORED.sub("", typed))
    if found is None:
        return _phone_page(kept, "LOGIN_PHONE_UNREADABLE", typed, status=422)
    return _send(replace(kept, phone=found[1]))


@pages.post("/login/code")
def enter() -> Response:
    """Try the code; then on to where the person wanted to go."""
    kept, here = _kept(), site()
    if not kept.phone:
        raise BadRequest
    if request.form.get("again"):
        return _send(kept)
    typed = _IGNORED.sub("", request.form.get("code", ""))
    with here.change() as conn:
        entered = flow.enter(conn, here.vault, kept.phone, session.address(), typed, here.clock())
    if entered.guardian_id is None:
        if entered.code == "LOGIN_PHONE_UNKNOWN":
            return _phone_page(kept, entered.code, kept.phone, status=422)
        return _code_page(kept, entered.code, tries_left=entered.tries_left, status=422)
    if kept.guardian not in ("", str(entered.guardian_id)):
        raise BadRequest
    session.log_in(entered.guardian_id)
    if kept.form is None:
        return redirect(kept.path or url_for("money.my_money"), 303)
    return _answer("login_go_on.html", 200, path=kept.path, fields=kept.form)


@pages.post("/logout")
def log_out() -> Response:
    """End the session."""
    session.log_out()
    return redirect("/", 303)


def interrupted() -> Response:
    """What somebody without a session gets for a page that needs one; what was typed is kept."""
    if request.method == "POST":
        return _phone_page(replace(_here(), phone=""), "LOGIN_ENDED")
    if site().demo:
        return redirect(url_for("demo.front"), 303)
    return _phone_page(Kept(path=request.path))


def prove() -> Response:
    """Ask the guardian of this session for a code before what was sent counts."""
    here, guardian_id = site(), session.guardian_id()
    assert guardian_id is not None
    with here.snapshot() as conn:
        sealed = family.guardian_phone(conn, guardian_id)
    if sealed is None:
        raise BadRequest
    number = here.vault.open(sealed, "guardian", "phone", guardian_id)
    return _send(replace(_here(), phone=number, guardian=str(guardian_id)))


def _here() -> Kept:
    return Kept(request.path, {name: text for name, text in request.form.items() if name != "token"})


def _send(kept: Kept) -> Response:
    here, code = site(), f"{secrets.randbelow(10**CODE_DIGITS):0{CODE_DIGITS}}"
    with here.change() as conn:
        again = flow.ask(conn, here.vault, kept.phone, session.address(), code, here.clock())
    if again is not None:
        page = _code_page if kept.guardian else _phone_page
        return page(kept, "LOGIN_TOO_OFTEN", status=429, minutes=_minutes(again))
    if here.sender is not None:
        words = gettext("%(code)s is your code for Lesson Fee Custody, for 10 minutes. Tell it to nobody.", code=code)
        here.sender.send(kept.phone, words)
    return _code_page(kept, shown=code if here.sender is None else "")


def _minutes(again: datetime) -> int:
    return max(1, ceil((again - site().clock()) / _MINUTE))


def _phone_page(kept: Kept, fault: str = "", typed: str = "", *, status: int = 200, minutes: int = 0) -> Response:
    return _answer(
        "login_phone.html", status, kept=_sealed(kept), fault=fault, typed=typed or kept.phone, minutes=minutes,
        keeps=kept.form is not None,
    )  # fmt: skip


def _code_page(
    kept: Kept, fault: str = "", *, status: int = 200, shown: str = "", tries_left: int = 0, minutes: int = 0
) -> Response:
    return _answer(
        "login_code.html", status, kept=_sealed(kept), fault=fault, shown=shown, tries_left=tries_left,
        minutes=minutes, phone=f"{kept.phone[:3]}****{kept.phone[-4:]}", again=bool(kept.guardian),
    )  # fmt: skip


def _answer(template: str, status: int, **more: object) -> Response:
    return make_response(render_template(template, **more), status)


def _sealed(kept: Kept) -> str:
    text = json.dumps(asdict(replace(kept, at=int(site().clock().timestamp()))), ensure_ascii=False)
    return urlsafe_b64encode(site().vault.seal(text, *_KEPT)).decode()


def _kept() -> Kept:
    """What the form carries. Only what we sealed, not too long ago, is believed: it says where to go afterwards."""
    text = request.form.get("kept", "")
    if not text:
        return Kept()
    try:
        kept = Kept(**json.loads(site().vault.open(urlsafe_b64decode(text), *_KEPT)))
    except (InvariantBroken, ValueError):
        raise BadRequest from None
    if site().clock().timestamp() - kept.at > WHOLE.total_seconds():
        return Kept()
    return kept
