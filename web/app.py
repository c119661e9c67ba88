"""The web application: pages, languages, headers, and a page for everything that goes wrong."""

from collections.abc import Callable
from datetime import UTC, date, datetime
from http import HTTPStatus
from io import BytesIO
from typing import Any
from urllib.parse import urlsplit

from flask import Flask, Response, current_app, g, make_response, render_template, request, url_for
from flask import Request as FlaskRequest
from sqlalchemy import Engine
from sqlalchemy.exc import DBAPIError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolEmpty
from werkzeug.exceptions import BadRequest, HTTPException, RequestURITooLarge, TooManyRequests

from ledger.errors import message
from ledger.settings import NotReady
from ledger.terms.rulebook import Rulebooks
from ledger.vault import Vault
from web import format, language, session
from web.pages import (
    closed,
    course,
    dispute,
    login,
    mine,
    money,
    paper,
    public,
    refund,
    refund_account,
    refund_claim,
    share,
)
from web.pages import demo as demo_pages
from web.sender import Sender
from web.site import Site, site

QUERY_BYTES_MAX = 1000
FORM_BYTES_MAX = 10_000
PART_BYTES_MAX = 256 * 1024  # what is read at once of a form with a photo
VIEW_COOKIE = "view"
_YEAR_SECONDS = 366 * 86400
_RETRY_SECONDS = "60"
HEADERS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; "
    "frame-ancestors 'none'; base-uri 'none'",
    "X-Content-Type-Options": "nosniff",
    # With "no-referrer" browsers would send forms from an unknown origin, and it is the origin that is checked.
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
}
# What is wrong with a request, as a code of ledger.errors; any other 4xx is unreadable.
CODES = {
    HTTPStatus.NOT_FOUND: "PAGE_NOT_FOUND",
    HTTPStatus.METHOD_NOT_ALLOWED: "METHOD_NOT_ALLOWED",
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: "REQUEST_TOO_LARGE",
    HTTPStatus.REQUEST_URI_TOO_LONG: "REQUEST_TOO_LARGE",
    HTTPStatus.TOO_MANY_REQUESTS: "REQUESTS_TOO_MANY",
}


class Request(FlaskRequest):
    """A request whose files stay in memory: what families show is never written to a disk unsealed."""

    def _get_file_stream(self, *_args: Any, **_kwargs: Any) -> BytesIO:
        return BytesIO()


def create_app(
    engine: Engine,
    vault: Vault,
    rulebooks: Rulebooks,
    *,
    demo: bool,
    today: Callable[[], date],
    now: Callable[[], datetime],
    clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    sender: Sender | None = None,
) -> Flask:
    """Make the application. ``today`` gives the legal day (Asia/Shanghai) that pages are made for, ``now`` the instant
    (UTC) at which what is sent counts.

    ``demo``: pages open with a click on a family too, show codes instead of sending them and carry the DEMO ribbon.
    ``clock`` is the real instant (UTC) by which sessions, codes and limits end. ``sender`` brings codes to phones;
    without one, and not in the demo, there are no parents' pages.
    """
    app = Flask(__name__)
    app.request_class = Request
    app.extensions |= Site(engine, vault, rulebooks, demo, today, now, clock, None if demo else sender).attach()
    app.config.update(
        MAX_CONTENT_LENGTH=FORM_BYTES_MAX,
        MAX_FORM_MEMORY_SIZE=FORM_BYTES_MAX,
        MAX_FORM_PARTS=20,
        SEND_FILE_MAX_AGE_DEFAULT=300,
    )
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True
    app.jinja_env.globals |= {"format": format, "said": language.said, "sentence": format.sentence}
    app.jinja_env.globals["form_token"] = session.form_token
    language.install(app)
    app.before_request(_refuse_huge)
    if demo or sender is not None:
        app.before_request(_load_session)
        app.before_request(_refuse_foreign_form)
    app.context_processor(_frame)
    app.after_request(_finish)
    app.register_error_handler(HTTPException, _refused)
    app.register_error_handler(Exception, _broken)
    app.register_blueprint(public.pages)
    if demo or sender is not None:
        for module in (login, money, course, dispute, refund, refund_claim, refund_account, paper, share, mine, closed):
            app.register_blueprint(module.pages)
    if demo:
        app.register_blueprint(demo_pages.pages)
    elif sender is not None:
        app.add_url_rule("/", "start", login.start, methods=["GET"])
    return app


def _refuse_huge() -> None:
    if len(request.query_string) > QUERY_BYTES_MAX:
        raise RequestURITooLarge
    if request.endpoint in ("dispute.send", "dispute.more"):  # the only forms that carry a photo
        request.max_content_length = dispute.FORM_BYTES
        request.max_form_memory_size = PART_BYTES_MAX
    # Browsers say where a form was sent from; one of another site may not log anybody in.
    if request.method != "POST":
        return
    if request.headers.get("Sec-Fetch-Site", "same-origin") not in ("same-origin", "none"):
        raise BadRequest
    if urlsplit(request.headers.get("Origin", request.host_url)).netloc != request.host:
        raise BadRequest


def _load_session() -> None:
    """Pages know who looks. What is the same for everybody, or is not there, asks nothing of the books."""
    session.nobody()
    if request.endpoint not in (None, "static") and not session.load():
        raise TooManyRequests


def _refuse_foreign_form() -> None:
    """Whoever is logged in sends only forms that our pages of this session made. Becoming somebody needs none: a code
    page may stand in another window, made before that session.
    """
    inside = request.method == "POST" and request.endpoint not in (None, "demo.log_in", "login.ask", "login.enter")
    if inside and session.guardian_id() is not None and not session.form_is_ours(request.form.get("token", "")):
        raise BadRequest


def _frame() -> dict[str, object]:
    """What the frame of every page needs."""
    html_lang = language.html_tag()
    other = "zh" if html_lang == "en" else "en"
    elder = (request.args.get("view") or request.cookies.get(VIEW_COOKIE)) == "elder"
    return {
        "demo": site().demo,
        "html_lang": html_lang,
        "elder": elder,
        "other_language": _here(lang=other),
        "other_view": _here(view="plain" if elder else "elder"),
        "front": "/",
        "gap": "" if html_lang == "zh-CN" else " ",  # between two sentences
    }


def _here(**query: Any) -> str:
    """This page with another query; the start where it cannot be asked for again."""
    if g.get("failed") or request.endpoint is None or request.method not in ("GET", "HEAD"):
        return f"/?{'&'.join(f'{k}={v}' for k, v in query.items())}"
    return url_for(request.endpoint, **(request.view_args or {}), **query)


def _finish(response: Response) -> Response:
    """Security headers on everything; pages are never stored; a chosen language or view is remembered."""
    response.headers.update(HEADERS)
    session.finish(response)
    if request.endpoint != "static":
        response.headers["Cache-Control"] = "no-store"
        response.vary.update(("Accept-Language", "Cookie"))
    for name, allowed in ((language.COOKIE, language.LANGUAGES), (VIEW_COOKIE, ("plain", "elder"))):
        chosen = request.args.get(name)
        if chosen in allowed:
            response.set_cookie(name, chosen, max_age=_YEAR_SECONDS, httponly=True, samesite="Lax")
    return response


def _refused(fault: HTTPException) -> Response:
    status = fault.code or HTTPStatus.INTERNAL_SERVER_ERROR
    if status < HTTPStatus.BAD_REQUEST:
        return make_response(fault.get_response())  # a redirect
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return _error_page(HTTPStatus.INTERNAL_SERVER_ERROR, "PAGE_BROKEN")
    code = CODES.get(HTTPStatus(status), "REQUEST_UNREADABLE")
    if code == "PAGE_NOT_FOUND" and not site().demo and site().sender is None:
        code = "LOGIN_LATER"
    response = _error_page(HTTPStatus(status), code)
    if status == HTTPStatus.TOO_MANY_REQUESTS:
        response.headers["Retry-After"] = _RETRY_SECONDS
    if allow := fault.get_response().headers.get("Allow"):
        response.headers["Allow"] = allow
    return response


def _broken(fault: Exception) -> Response:
    """A fault of ours, or a database that does not answer: the page says which, the log says what."""
    lost = isinstance(fault, DBAPIError) and fault.connection_invalidated
    if lost or isinstance(fault, NotReady | OperationalError | PoolEmpty):
        current_app.logger.error("books unreachable: %s", type(fault).__name__)
        response = _error_page(HTTPStatus.SERVICE_UNAVAILABLE, "BOOKS_UNREACHABLE")
        response.headers["Retry-After"] = _RETRY_SECONDS
        return response
    current_app.logger.exception("page broken: %s", request.endpoint)
    return _error_page(HTTPStatus.INTERNAL_SERVER_ERROR, "PAGE_BROKEN")


def _error_page(status: HTTPStatus, code: str) -> Response:
    g.failed = True
    text = message(code, language.current())
    return make_response(render_template("error.html", status=int(status), code=code, text=text), status)
