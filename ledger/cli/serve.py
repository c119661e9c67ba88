"""`custody serve`: the web pages, answered by a few workers, until it is told to stop."""

import os
import signal
import socket
from datetime import UTC, date, datetime, time
from types import FrameType
from typing import Any

import click
from flask import Flask
from gunicorn.app.base import BaseApplication  # type: ignore[import-untyped]  # the package brings no types
from gunicorn.arbiter import Arbiter  # type: ignore[import-untyped]  # the package brings no types
from werkzeug.middleware.proxy_fix import ProxyFix

from ledger.books.engine import open_engine
from ledger.cli.edge import now, open_vault
from ledger.cli.main import answer
from ledger.cli.postgres import open_books
from ledger.cli.price import rulebook_dirs
from ledger.formats.rulebook import BUILT_IN, load_rulebooks
from ledger.reports import family
from ledger.settings import NotReady, Settings, read_settings
from ledger.terms.calendar import SHANGHAI, shanghai_day
from ledger.terms.rulebook import Rulebooks
from web.app import create_app
from web.sender import Folder

WORKERS, THREADS = 2, 4
# How long a worker may take to end the answers it is giving.
GRACE_SECONDS = 10
# The hour at which the demo's clock stands when it is started: its books were written before.
_EVENING = time(20)
# The longest first line of a request that gunicorn reads; the pages refuse far shorter ones, with a page.
LINE_BYTES_MAX = 8190


@click.command()
@click.option("--host", default="127.0.0.1", show_default=True, help="Address of this machine to listen on.")
@click.option("--port", type=click.IntRange(1, 65535), default=8000, show_default=True)
@click.option("--demo", is_flag=True, help="Show the demo world: log in as one of its families with a click.")
@click.option("--proxies", type=click.IntRange(0, 5), default=0, help="How many proxies of ours stand in front.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object before serving.")
def serve(host: str, port: int, demo: bool, proxies: int, as_json: bool) -> int:
    """Serve the web pages until interrupted."""
    settings = read_settings()
    if demo and settings.database_url:
        raise NotReady("DEMO_REFUSES_DATABASE")
    with open_books(settings) as engine:
        url = engine.url.render_as_string(hide_password=False)
        engine.dispose()  # a connection must not be shared with the workers that are forked off
        require_free(host, port)
        answer({"url": f"http://{host}:{port}", "demo": demo}, as_json, _print)
        serve_pages(url, settings, host=host, port=port, demo=demo, proxies=proxies)
    return 0


def serve_pages(
    database_url: str,
    settings: Settings,
    *,
    host: str = "127.0.0.1",
    port: int = 8000,
    demo: bool = False,
    proxies: int = 0,
) -> None:
    """Serve until SIGINT, SIGTERM or SIGHUP. Call it from the main thread, with no connection open.

    In the demo the clock stands at the last day its books know. ``proxies``: how many of ours tell, each, where a
    request came from; 0 believes nobody. Raises NotReady ADDRESS_TAKEN, PAGES_NOT_STARTED,
    and as ``open_engine`` and ``open_vault``.
    """
    require_free(host, port)
    pages = _Pages(database_url, settings, demo=demo, proxies=proxies)
    pages.check()
    options = {
        "bind": f"{host}:{port}",
        "workers": WORKERS,
        "worker_class": "gthread",
        "threads": THREADS,
        "graceful_timeout": GRACE_SECONDS,
        "loglevel": "warning",
        "limit_request_line": LINE_BYTES_MAX,
        "proc_name": "custody serve",
        "control_socket_disable": True,
        "when_ready": _end_with_the_terminal,
    }
    master, code = os.getpid(), 1
    try:
        _Server(pages, options).run()
    except SystemExit as ended:
        code = ended.code if isinstance(ended.code, int) else 1
    finally:
        # A worker that ends comes back through here. What surrounds us (the embedded server) is the master's to stop.
        if os.getpid() != master:
            os._exit(code & 0xFF)
    if code:
        raise NotReady("PAGES_NOT_STARTED")


def require_free(host: str, port: int) -> None:
    """Raises NotReady ADDRESS_TAKEN where nothing can listen."""
    try:
        with socket.create_server((host, port)):
            pass
    except (OSError, OverflowError) as fault:
        raise NotReady("ADDRESS_TAKEN", f"{host}:{port}") from fault


class _Pages:
    """Makes the application in every worker: keys and rules are shared, connections are each worker's own."""

    def __init__(self, database_url: str, settings: Settings, *, demo: bool, proxies: int) -> None:
        self._url, self._settings, self._demo, self._proxies = database_url, settings, demo, proxies
        self._vault = open_vault(settings)
        self._rulebooks = _rulebooks(demo)
        self._stands_at: date | None = None
        self._started_at = now(settings)

    def check(self) -> None:
        """See, before any worker starts, that the books answer; and where the demo's clock stands."""
        engine = open_engine(self._url)
        try:
            if self._demo:
                with engine.connect() as conn:
                    self._stands_at = family.last_day(conn)
        finally:
            engine.dispose()

    def make(self) -> Flask:
        app = create_app(
            open_engine(self._url, pool_size=THREADS),
            self._vault,
            self._rulebooks,
            demo=self._demo,
            today=self._today,
            now=self._now,
            sender=None if self._settings.outgoing is None else Folder(self._settings.outgoing),
        )
        if self._proxies:
            app.wsgi_app = ProxyFix(app.wsgi_app, x_for=self._proxies, x_proto=self._proxies)  # type: ignore[method-assign]  # how Flask wants it wrapped
        return app

    def _today(self) -> date:
        return self._stands_at or shanghai_day(now(self._settings))

    def _now(self) -> datetime:
        """The instant it is; in the demo the evening of its last day, from when the server was started on."""
        at = now(self._settings)
        if self._stands_at is None:
            return at
        return datetime.combine(self._stands_at, _EVENING, SHANGHAI).astimezone(UTC) + (at - self._started_at)


def _rulebooks(demo: bool) -> Rulebooks:
    return load_rulebooks([*rulebook_dirs(None), *([BUILT_IN / "demo"] if demo else [])])


class _Server(BaseApplication):  # type: ignore[misc]  # the package brings no types
    """gunicorn without a command line or a configuration file of its own."""

    def __init__(self, pages: _Pages, options: dict[str, Any]) -> None:
        self._pages, self._options = pages, options
        super().__init__()

    def load_config(self) -> None:
        for name, value in self._options.items():
            self.cfg.set(name, value)

    def load(self) -> Flask:
        return self._pages.make()


def _end_with_the_terminal(arbiter: Arbiter) -> None:
    """gunicorn would start its workers anew when the terminal is closed; we end."""

    def end(_number: int, frame: FrameType | None) -> None:
        arbiter.signal(signal.SIGTERM, frame)

    signal.signal(signal.SIGHUP, end)


def _print(result: dict[str, Any]) -> None:
    click.echo(f"Pages: {result['url']} (Ctrl-C ends it)")
