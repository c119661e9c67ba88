"""Which language a page is in, and sentences that come from below in both."""

from pathlib import Path

import flask_babel  # type: ignore[import-untyped]  # the package brings no types
from flask import Flask, request

from ledger.errors import Message

COOKIE = "lang"
TRANSLATIONS = Path(__file__).resolve().parent / "translations"
LANGUAGES = ("zh", "en")
_HTML = {"zh": "zh-CN", "en": "en"}


def install(app: Flask) -> None:
    """Give the application's templates ``_`` and the language of each request."""
    app.config["BABEL_TRANSLATION_DIRECTORIES"] = str(TRANSLATIONS)
    flask_babel.Babel(app, locale_selector=choose, default_locale="en")


def gettext(sentence: str, **words: object) -> str:
    """A sentence in the language of this page."""
    return str(flask_babel.gettext(sentence, **words))


def ngettext(one: str, many: str, count: int, **words: object) -> str:
    """The same by number."""
    return str(flask_babel.ngettext(one, many, count, **words))


def choose() -> str:
    """The language of this request: asked for in the address, chosen before, or the browser's; Chinese otherwise."""
    for wanted in (request.args.get("lang"), request.cookies.get(COOKIE)):
        if wanted in LANGUAGES:
            return wanted
    for wanted, _ in request.accept_languages:
        code = wanted.lower().partition("-")[0]
        if code in LANGUAGES:
            return code
    return "zh"


def current() -> str:
    """``zh`` or ``en``."""
    locale = flask_babel.get_locale()
    return "en" if locale is not None and locale.language == "en" else "zh"


def html_tag() -> str:
    """The value of a ``lang`` attribute."""
    return _HTML[current()]


def said(message: Message) -> str:
    """A sentence that exists in both languages, in the one of this page."""
    return message.zh if current() == "zh" else message.en
