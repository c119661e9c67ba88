"""The institution that the ledger's cases run on: one custody account, contracts that never run out, hours taught."""

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from itertools import count
from typing import Final
from uuid import UUID

from sqlalchemy import Engine
from sqlalchemy.engine import URL

from ledger.books import journal, record, register
from ledger.books.engine import open_engine
from ledger.books.transaction import post_alone
from ledger.errors import Outcome, Result
from ledger.flows import register as registering
from ledger.rules import posting
from ledger.settings import CLONE
from ledger.terms.contract import ContractBalance
from ledger.terms.ids import new_id, new_ids
from ledger.terms.institution import Fund, Institution, Payee
from ledger.terms.journal import Entry, FundKind
from ledger.vault import Vault, make_signing_key
from scripts.benchmark.case import Case, Run
from scripts.benchmark.server import TEMPLATE, Server, Session, server

HOME: Final = CLONE / ".bench" / "home"
NUMBER, FUND = 1001, 1
PLACE: Final = "110108"  # where the institution is
DAY: Final = date(2026, 3, 2)
OPENED_AT: Final = datetime(2026, 3, 2, 4, tzinfo=UTC)
CONTRACTS: Final = 10_000
PRICE_FEN, HOURS = 50_000_00, 9_999_00
SET: Final = 10_000
_AT_ONCE: Final = 2_000


class Teaching:
    """Class hours delivered, one contract after the other, as the flow of lessons releases them.

    Keeps the running total of its contracts itself: nobody else may teach them meanwhile.
    """

    def __init__(self, balances: Sequence[ContractBalance]) -> None:
        self._balances = list(balances)
        self._next = 0

    def deliveries(self, many: int, now: datetime, on: date = DAY) -> list[Entry]:
        """``many`` hours of different lessons, to be asked for at ``now`` with the accounting day ``on``."""
        made = []
        for entry_id, lesson_id in zip(new_ids(now, many), new_ids(now, many), strict=True):
            balance = self._balances[self._next]
            event = posting.hours_released(balance, 1_00)
            self._balances[self._next] = posting.after_release(balance, event)
            self._next = (self._next + 1) % len(self._balances)
            asked = (("lesson", str(lesson_id)),)
            made.append(Entry(entry_id, f"release {lesson_id} 1", asked, event, on, "custody:due", lesson_id))
        return made


@dataclass(slots=True)
class Books:
    """One copy of the bench's database, with the application's engine on it."""

    server: Server
    database: str
    engine: Engine
    contracts: list[UUID]
    teaching: Teaching
    _ticks: "count[int]" = field(default_factory=lambda: count(1))

    @property
    def app_url(self) -> URL:
        return self.server.login(self.database)

    def owner(self) -> Session:
        return self.server.session(self.database)

    def now(self) -> datetime:
        """The bench's clock: a second later each time it is asked."""
        return OPENED_AT + timedelta(seconds=next(self._ticks))

    def deliveries(self, many: int, on: date = DAY) -> list[Entry]:
        return self.teaching.deliveries(many, self.now(), on)

    def post(self, entries: Sequence[Entry]) -> None:
        """One set as an edge asks for it. Raises RuntimeError where an entry is not accepted as new."""
        post(self.engine, entries, self.now())

    def seal(self, at: datetime | None = None) -> None:
        with self.engine.begin() as conn:
            journal.seal(conn, NUMBER, at or self.now())

    def balances(self) -> list[ContractBalance]:
        """All contracts as they stand, in order."""
        with self.engine.connect() as conn:
            return list(register.read_contracts(conn, NUMBER, self.contracts).values())


def post(engine: Engine, entries: Sequence[Entry], now: datetime) -> None:
    """Post a set in a transaction of its own, the way every edge does; all of it must be new."""
    require_new(posted(engine, entries, now))


def posted(engine: Engine, entries: Sequence[Entry], now: datetime) -> Sequence[Outcome]:
    """What became of a set."""
    return post_alone(engine, NUMBER, entries, now)


def require_new(outcomes: Sequence[Outcome]) -> None:
    """Raises RuntimeError where an entry was not accepted as new."""
    refused = next((outcome for outcome in outcomes if outcome.result is not Result.DONE), None)
    if refused is not None:
        raise RuntimeError(f"the bench's own entry was not accepted: {refused}")


@dataclass(slots=True)
class Stage:
    """A running server whose template holds the institution; every case gets a copy."""

    run: Run
    server: Server
    sealing_key: bytes = field(default_factory=lambda: os.urandom(32))
    signing_key: bytes = field(default_factory=make_signing_key)
    contracts: list[UUID] = field(default_factory=list)

    @contextmanager
    def books(self) -> Iterator[Books]:
        """A copy of the books as they were before any case."""
        with self.server.copied() as name:
            engine = open_engine(self.server.login(name))
            made = Books(self.server, name, engine, self.contracts, Teaching([]))
            made.teaching = Teaching(made.balances())
            try:
                yield made
            finally:
                engine.dispose()


CaseMaker = Callable[[Stage], Iterator[Case]]


def measure(run: Run, makers: Mapping[str, CaseMaker], contracts: int = CONTRACTS) -> Iterator[Case]:
    """The cases of every wanted maker, each as soon as it is measured, on one server, with so many ``contracts``."""
    wanted = {name: maker for name, maker in makers.items() if run.wants(name)}
    if not wanted:
        return
    run.say("starting a server of our own ...")
    with server(HOME) as running:
        run.server.update(running.settings)
        stage = Stage(run, running)
        found(stage, contracts)
        for name, maker in wanted.items():
            run.say(f"{name} ...")
            yield from maker(stage)


def found(stage: Stage, contracts: int) -> None:
    """Register the institution in the template, with its contracts, all paid, and everything sealed."""
    stage.server.make_template()
    engine = open_engine(stage.server.login(TEMPLATE))
    try:
        _register(engine, Vault({1: stage.sealing_key}, 1))
        for start in range(0, contracts, _AT_ONCE):
            stage.contracts += _sign(engine, range(start, min(start + _AT_ONCE, contracts)))
        with engine.begin() as conn:
            journal.seal(conn, NUMBER, OPENED_AT)
    finally:
        engine.dispose()
    stage.contracts.sort()
    with stage.server.session(TEMPLATE) as conn:
        conn.execute("VACUUM ANALYZE")


def _register(engine: Engine, vault: Vault) -> None:
    institution = Institution(
        institution_id=NUMBER, code="BENCH", name="测速培训学校", place=PLACE, zone="", category="non_academic",
        mode="custody", office_name="校外培训科", office_phone="010-0000-0000",
    )  # fmt: skip
    fund = Fund(NUMBER, FUND, FundKind.CUSTODY, "6232001000000000118", "京华银行", "102100099996", "CNY", 0, DAY)
    payee = Payee(institution.name, "6222000010010000001", "103290000014")
    with engine.begin() as conn:
        registering.institution(conn, vault, institution, payee, OPENED_AT)
        registering.fund(conn, fund, "clerk:li", "clerk:wang", OPENED_AT)
        record.insert(conn, "course", [{
            "institution_id": NUMBER, "course_id": UUID(int=1), "code": "KC1", "name": "硬笔书法", "subject": "书法",
            "stage": "compulsory", "category": "non_academic", "mode": "offline", "class_size": 8, "minutes": 45,
            "lesson_price_fen": 500, "cap_verdict": "not_capped", "cap_fen": None, "excess_fen": None,
            "rulebook": "000000", "rulebook_digest": b"\0" * 32, "published_at": OPENED_AT,
        }])  # fmt: skip


def contract_no(number: int) -> str:
    """The contract number of the n-th contract."""
    return f"HT{number:07d}"


def _sign(engine: Engine, numbers: range) -> list[UUID]:
    """Contracts with a pupil each, longer than the law allows: a speed must not end with the hours. All are paid."""
    ids, pupils = new_ids(OPENED_AT, len(numbers)), new_ids(OPENED_AT, len(numbers))
    students = [{
        "institution_id": NUMBER, "student_id": pupil, "name_sealed": b"x", "identity_index": pupil.bytes,
        "registered_at": OPENED_AT,
    } for pupil in pupils]  # fmt: skip
    rows = [{
        "institution_id": NUMBER, "contract_id": contract_id, "contract_no": contract_no(number),
        "payment_reference": f"PP{number:07d}", "course_id": UUID(int=1), "student_id": pupil, "fund_no": FUND,
        "price_fen": PRICE_FEN, "list_price_fen": None, "hours_bought": HOURS, "hours_gifted": 0, "months": None,
        "first_lesson_on": DAY, "signed_on": DAY, "funded_by_loan": False, "rulebook": "000000",
        "rulebook_digest": b"\0" * 32, "signed_at": OPENED_AT,
    } for number, contract_id, pupil in zip(numbers, ids, pupils, strict=True)]  # fmt: skip
    with engine.begin() as conn:
        record.insert(conn, "student", students)
        register.open_contracts(conn, NUMBER, rows)
        signed = register.read_contracts(conn, NUMBER, ids)
    paid = [
        Entry(entry_id, f"deposit {one}", (), posting.deposit(signed[one], new_id(OPENED_AT), PRICE_FEN), DAY, "bank")
        for entry_id, one in zip(new_ids(OPENED_AT, len(ids)), ids, strict=True)
    ]
    post(engine, paid, OPENED_AT)
    return ids
