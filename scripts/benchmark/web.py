"""``scripts/bench web``: parents' pages from the server that ``custody serve`` starts, 100,000 contracts in the books.

The design's limits: a first page view under 100 kB with all it loads, and under 150 ms from the server. The yardstick
is the stylesheet from the same server: what a page costs beside the way to it.
"""

import multiprocessing
import re
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from http.client import HTTPConnection, HTTPResponse
from typing import Final
from urllib.parse import urlencode
from uuid import UUID

from ledger.cli import serve
from ledger.settings import Settings, read_settings
from ledger.vault import Vault
from scripts.benchmark import families, lessons
from scripts.benchmark.case import Case, Run, compared
from scripts.benchmark.world import OPENED_AT, CaseMaker, Stage, measure

CONTRACTS: Final = 100_000
FAMILIES: Final = 100
KILOBYTE: Final = 1_000
HOST: Final = "127.0.0.1"
STYLESHEET: Final = "/static/custody.css"
_WARMING: Final = 20
_START_SECONDS: Final = 30.0
_LOADED: Final = re.compile(r'(?:href|src)="(/static/[^"#]+)')
_COURSE: Final = re.compile(r'href="(/course/[^"?#]+)')


@dataclass(slots=True)
class Browser:
    """One family's: it keeps its connection and its cookie."""

    connection: HTTPConnection
    cookie: str = ""

    def ask(self, path: str, form: dict[str, str] | None = None) -> str:
        """The body of a page, or of the cookie's next one after a form. Raises RuntimeError for what is no page."""
        headers = {"Cookie": self.cookie, "Accept-Language": "zh"}
        body = None if form is None else urlencode(form)
        if body is not None:
            headers["Content-Type"] = "application/x-www-form-urlencoded"
        self.connection.request("GET" if body is None else "POST", path, body, headers)
        answer: HTTPResponse = self.connection.getresponse()
        text = answer.read().decode()
        if answer.status not in (200, 303):
            raise RuntimeError(f"{path} was answered {answer.status}")
        self.cookie = (answer.headers["Set-Cookie"] or self.cookie).partition(";")[0]
        return text


def pages(stage: Stage) -> Iterator[Case]:
    """Every family logs in and looks at its money and at its course, one after the other."""
    with stage.books() as books:
        vault = Vault({1: stage.sealing_key}, 1)
        known = families.write(books.engine, vault, stage.run.sized(FAMILIES, 2), lessons.law_on(OPENED_AT))
        books.seal()
        url = books.app_url.render_as_string(hide_password=False)
        with _serving(url, stage) as port:
            for guardian in known[:_WARMING]:  # a worker's first answers load what all others use
                _look(port, guardian)
            views = [_look(port, guardian) for guardian in known]
    plain = [view.stylesheet_ms for view in views]
    for name, waits in (
        ("my money", [view.money_ms for view in views]),
        ("course", [view.course_ms for view in views]),
    ):
        slowest = sorted(waits)[len(waits) * 99 // 100]
        yield Case(f"{name}, 99th percentile", slowest, "ms", "limit", gate=150, reach=50, at_most=True)
        yield compared(name, "ms", "stylesheet", waits, plain, None, None, less_is_better=True)
    largest = max(view.size for view in views) / KILOBYTE
    yield Case("first page view with all it loads", largest, "kB", "limit", gate=100, reach=60, at_most=True)


@dataclass(frozen=True, slots=True)
class View:
    """Milliseconds of the three answers, and bytes of the first page with all it loads, nothing compressed."""

    money_ms: float
    course_ms: float
    stylesheet_ms: float
    size: int


def _look(port: int, guardian: UUID) -> View:
    with closing(HTTPConnection(HOST, port)) as connection:
        browser = Browser(connection)
        browser.ask("/demo/login", {"guardian": str(guardian)})
        money, money_ms = _timed(lambda: browser.ask("/money"))
        found = _COURSE.search(money)
        if found is None:
            raise RuntimeError("the family's page names no course")
        _, course_ms = _timed(lambda: browser.ask(found[1]))
        _, stylesheet_ms = _timed(lambda: browser.ask(STYLESHEET))
        loaded = sum(len(browser.ask(path).encode()) for path in set(_LOADED.findall(money)))
        return View(money_ms, course_ms, stylesheet_ms, len(money.encode()) + loaded)


def _timed(work: Callable[[], str]) -> tuple[str, float]:
    began = time.perf_counter()
    answer = work()
    return answer, (time.perf_counter() - began) * 1000


@contextmanager
def _serving(url: str, stage: Stage) -> Iterator[int]:
    """The server in a process of its own, with the bench's keys; the port it listens on."""
    home = stage.run.folder / "web"
    home.mkdir(exist_ok=True)
    key = home / "key"
    key.write_text(stage.sealing_key.hex(), encoding="ascii")
    key.chmod(0o600)
    with closing(socket.create_server((HOST, 0))) as free:
        port = int(free.getsockname()[1])
    settings = replace(read_settings(), database_url=url, key_file=key)
    server = multiprocessing.get_context("spawn").Process(target=_serve, args=[url, settings, port])
    server.start()
    try:
        _until_it_listens(port)
        yield port
    finally:
        server.terminate()
        server.join()


def _serve(url: str, settings: Settings, port: int) -> None:
    serve.serve_pages(url, settings, host=HOST, port=port, demo=True)


def _until_it_listens(port: int) -> None:
    until = time.monotonic() + _START_SECONDS
    while True:
        try:
            socket.create_connection((HOST, port), 1).close()
            return
        except OSError:
            if time.monotonic() > until:
                raise
            time.sleep(0.1)


CASES: Final[dict[str, CaseMaker]] = {"pages": pages}


def run(order: Run) -> Iterator[Case]:
    """The pages, with the contracts of everybody else in the books."""
    yield from measure(order, CASES, order.sized(CONTRACTS, 10))
