"""What every page works with: the books, the keys, the rules in force, and the day it is."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, datetime

from flask import current_app
from sqlalchemy import Connection, Engine

from ledger.terms.calendar import CalendarDays
from ledger.terms.rulebook import Rulebook, Rulebooks
from ledger.vault import Vault
from web.sender import Sender

_NAME = "custody"


@dataclass(frozen=True, slots=True)
class Law:
    """What holds for a place on a day."""

    rulebook: Rulebook
    calendar: CalendarDays


@dataclass(frozen=True, slots=True)
class Site:
    """``today`` is the legal day (Asia/Shanghai) that pages are made for, ``now`` the instant (UTC) at which a form
    that was sent counts; ``demo``: the invented world is shown. ``clock`` is the real instant (UTC), also in the
    demo, whose world stands still: sessions and codes end by it. ``sender``: None shows codes on the page (demo only).
    """

    engine: Engine
    vault: Vault
    rulebooks: Rulebooks
    demo: bool
    today: Callable[[], date]
    now: Callable[[], datetime]
    clock: Callable[[], datetime]
    sender: Sender | None
    _laws: dict[tuple[str, str, date], Law] = field(default_factory=dict)

    @contextmanager
    def snapshot(self) -> Iterator[Connection]:
        """A read-only transaction that sees one state of the books, so that every figure of a page fits the others."""
        with self.engine.connect() as conn:
            conn.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
            with conn.begin():
                yield conn

    @contextmanager
    def change(self) -> Iterator[Connection]:
        """A transaction of one flow: committed when it returns its outcomes, refusals included."""
        with self.engine.begin() as conn:
            yield conn

    def law(self, place: str, zone: str, on: date) -> Law:
        """The rulebook and calendar of a place on a day, kept for the next page. Raises BadInput as ``in_force``."""
        key = (place, zone, on)
        if key not in self._laws:
            found = Law(self.rulebooks.in_force(place, zone, on), self.rulebooks.calendar(place))
            if any(known[2] != on for known in self._laws):
                self._laws.clear()
            self._laws[key] = found
        return self._laws[key]

    def attach(self) -> dict[str, "Site"]:
        """How the application keeps it (``app.extensions``)."""
        return {_NAME: self}


def site() -> Site:
    """The site of the application that answers this request."""
    found = current_app.extensions[_NAME]
    assert isinstance(found, Site)
    return found
