"""Who is looking: a signed cookie with a guardian's id. The demo sets it with one click; nothing else does yet."""

import hmac
import secrets
from datetime import timedelta
from uuid import UUID

from flask import Flask, session

_GUARDIAN = "guardian"
_FORM = "form"
_LASTS = timedelta(hours=8)


def configure(app: Flask, key: bytes) -> None:
    """Sign cookies with ``key`` (one per server start, so a restart logs everybody out)."""
    app.config.update(
        SECRET_KEY=key,
        SESSION_COOKIE_NAME="custody",
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Lax",
        PERMANENT_SESSION_LIFETIME=_LASTS,
        SESSION_REFRESH_EACH_REQUEST=False,
    )


def log_in(guardian_id: UUID) -> None:
    """Remember the guardian until the browser closes, eight hours at most."""
    session.clear()
    session[_GUARDIAN] = str(guardian_id)
    session[_FORM] = secrets.token_urlsafe(32)


def log_out() -> None:
    """Forget the guardian."""
    session.clear()


def guardian_id() -> UUID | None:
    """The guardian of this request; None without a cookie or with one that we did not sign."""
    return as_id(session.get(_GUARDIAN))


def form_token() -> str:
    """What every form of this session carries, so that no other site can send one; "" without a log-in."""
    return str(session.get(_FORM, ""))


def form_is_ours(token: str) -> bool:
    """Whether a form that was sent carries the token of its session."""
    return hmac.compare_digest(form_token().encode(), token.encode())


def as_id(text: object) -> UUID | None:
    """An id written in its one canonical form, or None."""
    try:
        found = UUID(text) if isinstance(text, str) else None
    except ValueError:
        return None
    return found if found is not None and str(found) == text else None
