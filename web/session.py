"""Who is looking: a random token in a cookie, and under its SHA-256 a session in the database.

A session ends when nobody looked for 30 minutes, after 8 hours, and at log-out; it is the same for every worker and
outlives a restart. Coming in always makes a new one.
"""

import hmac
import secrets
from typing import Final
from uuid import UUID

from flask import Response, g, request

from ledger.books import login
from ledger.terms.login import PROOF_LASTS, REQUESTS_OF_ADDRESS, REQUESTS_OF_SESSION, WHOLE, Session
from web.site import site

_TOKEN_CHARACTERS: Final = 43
_ADDRESS_V6_GROUPS: Final = 4


def nobody() -> None:
    """Begin a request as nobody."""
    g.session, g.session_token, g.session_cookie = None, "", None


def load() -> bool:
    """Find the session of this request; False where more was asked than anybody may ask."""
    here, token = site(), request.cookies.get(_cookie(), "")
    now = here.clock()
    with here.change() as conn:
        found = login.see(conn, token, now) if len(token) == _TOKEN_CHARACTERS and token.isascii() else None
        limit = (REQUESTS_OF_ADDRESS, address()) if found is None else (REQUESTS_OF_SESSION, token)
        again = login.take(conn, here.vault, [limit], now)
    if found is not None:
        g.session, g.session_token = found, token
    return again is None


def log_in(guardian_id: UUID) -> None:
    """A new session; the one before, if any, ends."""
    here, token = site(), secrets.token_urlsafe(32)
    with here.change() as conn:
        if _token():
            login.end(conn, _token())
        login.begin(conn, token, guardian_id, here.clock())
    g.session, g.session_token, g.session_cookie = Session(guardian_id, here.clock()), token, token


def log_out() -> None:
    """End the session."""
    if _token():
        with site().change() as conn:
            login.end(conn, _token())
    g.session, g.session_token, g.session_cookie = None, "", ""


def guardian_id() -> UUID | None:
    """The guardian of this request; None without a session that goes on."""
    found = _session()
    return None if found is None else found.guardian_id


def is_fresh() -> bool:
    """Whether the code of this session was typed so lately that it counts for sending a refund."""
    found = _session()
    return found is not None and site().clock() - found.begun_at < PROOF_LASTS


def form_token() -> str:
    """What every form of this session carries, so that no other site can send one; "" without a log-in. It is made of
    the session's token and does not tell it.
    """
    return hmac.new(_token().encode(), b"form", "sha256").hexdigest() if _token() else ""


def form_is_ours(token: str) -> bool:
    """Whether a form that was sent carries the token of its session."""
    return hmac.compare_digest(form_token().encode(), token.encode())


def finish(response: Response) -> None:
    """Give the browser the cookie of a session that begins, or take back that of one that ends."""
    token = g.get("session_cookie")
    if token is None:
        return
    seconds = int(WHOLE.total_seconds()) if token else 0
    response.set_cookie(_cookie(), token, max_age=seconds, httponly=True, samesite="Lax", secure=not site().demo)


def address() -> str:
    """Where the request comes from, for limits alone: an IPv4 address, or the network of an IPv6 one."""
    found = request.remote_addr or ""
    return ":".join(found.split(":")[:_ADDRESS_V6_GROUPS]) if ":" in found else found


def as_id(text: object) -> UUID | None:
    """An id written in its one canonical form, or None."""
    try:
        found = UUID(text) if isinstance(text, str) else None
    except ValueError:
        return None
    return found if found is not None and str(found) == text else None


def _session() -> Session | None:
    found: Session | None = g.get("session")
    return found


def _token() -> str:
    return str(g.get("session_token", ""))


def _cookie() -> str:
    # A name with this prefix is taken by browsers over https only, and from no other host. The demo has no https.
    return "custody" if site().demo else "__Host-custody"
