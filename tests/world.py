"""A small world for tests: one institution with all three kinds of fund, and as many families as a test asks for."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from itertools import count
from uuid import UUID, uuid4

import pytest
from sqlalchemy import Connection, Engine, text
from sqlalchemy.exc import DBAPIError

from ledger.books import journal, record, register
from ledger.errors import Outcome
from ledger.reports import promises
from ledger.rules import posting
from ledger.terms.contract import ContractBalance, Payment
from ledger.terms.ids import new_id
from ledger.terms.journal import DEBIT_NORMAL, Entry, Event, Violation

DAY = date(2026, 3, 2)
NOW = datetime(2026, 3, 2, 4, 0, tzinfo=UTC)
CUSTODY, RESERVE, HANDS, SECOND_CUSTODY = 1, 2, 3, 4
_ACCOUNTS = {CUSTODY: "6232001000000000118", RESERVE: "6232001000000000226", SECOND_CUSTODY: "6232001000000000334"}


@dataclass
class World:
    """Posts events of one institution and reads its books back. ``number`` is the institution."""

    engine: Engine
    number: int
    clock: datetime
    keys: "count[int]"

    def post(self, *events: Event, key: str = "", fold: bool = True) -> list[Outcome]:
        """Post events in one call as an edge does: seal and ask once more when the answer is ``later``."""
        self.clock += timedelta(milliseconds=5)
        entries = [
            Entry(
                new_id(self.clock + timedelta(milliseconds=n)),
                key or f"k{next(self.keys)}",
                (("event", repr(event)),),
                event,
                DAY,
                "test",
            )
            for n, event in enumerate(events)
        ]
        self.clock += timedelta(milliseconds=len(events))
        with self.engine.begin() as conn:
            outcomes = journal.post(conn, self.number, entries, self.clock)
        if fold and any(outcome.result == "later" for outcome in outcomes):
            block = self.seal()
            with self.engine.begin() as conn:
                outcomes = journal.post(conn, self.number, entries, self.clock, block)
        return outcomes

    def done(self, *events: Event) -> list[UUID]:
        """Post events that must all be accepted; their entry ids."""
        outcomes = self.post(*events)
        assert all(outcome.accepted for outcome in outcomes), outcomes
        return [outcome.entry_id for outcome in outcomes if outcome.entry_id]

    def refused(self, event: Event) -> str:
        """Post an event that must be refused; the code, after making sure that it left no trace."""
        before = self.balances()
        (outcome,) = self.post(event)
        assert outcome.result == "refused", outcome
        assert self.balances() == before
        return outcome.code

    def happens(self, event: Event) -> UUID:
        """Post an event that must be accepted, ask once more under its key, and check every promise; its entry id."""
        key = f"k{next(self.keys)}"
        (first,) = self.post(event, key=key)
        assert first.result == "done", first
        after = self.balances()
        (again,) = self.post(event, key=key)
        assert (again.result, again.code, again.entry_id) == ("replayed", "", first.entry_id)
        assert self.balances() == after
        assert self.broken() == []
        assert first.entry_id
        return first.entry_id

    def impossible(self, event: Event) -> str:
        """Post what no caller may send: the database raises, nothing is written. The SQLSTATE (LG002 to LG005)."""
        before = self.balances()
        with pytest.raises(DBAPIError) as caught:
            self.post(event)
        assert self.balances() == before
        return str(getattr(caught.value.orig, "sqlstate", ""))

    def broken(self, besides: tuple[str, ...] = ("12_cover",)) -> list[Violation]:
        """What is wrong with the promises. Cover is left out: a shortfall is named by a flow, not by a posting."""
        with self.engine.begin() as conn:
            kept = promises.check(conn, [name for name in promises.names() if name not in besides])
        return [violation for promise in kept for violation in promise.violations]

    def seal(self) -> int | None:
        with self.engine.begin() as conn:
            return journal.seal(conn, self.number, self.clock)

    def contract(self, contract_id: UUID) -> ContractBalance:
        with self.engine.begin() as conn:
            return register.read_contracts(conn, self.number, [contract_id])[contract_id]

    def payments(self, contract_id: UUID) -> tuple[Payment, ...]:
        with self.engine.begin() as conn:
            return register.read_payments(conn, self.number, [contract_id]).get(contract_id, ())

    def balances(self) -> dict[tuple[int, str, UUID | None], int]:
        """Every account that is not zero: (fund, class, contract) -> fen, positive on its normal side."""
        with self.engine.begin() as conn:
            rows = conn.execute(text("SELECT * FROM ledger.balances(:i)"), {"i": self.number}).all()
        found = {}
        for fund_no, account_class, contract_id, debit_fen, credit_fen in rows:
            normal = 1 if account_class in DEBIT_NORMAL else -1
            found[fund_no, account_class, contract_id] = normal * (debit_fen - credit_fen)
        return {account: fen for account, fen in found.items() if fen}

    def balance(self, account_class: str, fund_no: int = CUSTODY) -> int:
        return sum(
            fen for (fund, found, _), fen in self.balances().items() if (fund, found) == (fund_no, account_class)
        )

    def open_contract(
        self, price_fen: int = 100_00, hours: int = 10_00, fund_no: int = CUSTODY, paid_fen: int = 0, gifted: int = 0
    ) -> UUID:
        """A family with a signed contract; ``paid_fen`` of it already deposited. Hours in hundredths."""
        contract_id = open_contract(self, price_fen, hours, fund_no, gifted)
        if paid_fen:
            event = posting.prepaid_to_institution if fund_no == HANDS else posting.deposit
            self.done(event(self.contract(contract_id), self.new_id(), paid_fen))
        return contract_id

    def new_id(self) -> UUID:
        self.clock += timedelta(milliseconds=1)
        return new_id(self.clock)


def make_world(engine: Engine, number: int = 1001) -> World:
    """Register an institution with a custody account, a reserve account and its hands."""
    world = World(engine, number, NOW, count(1))
    with engine.begin() as conn:
        _register(conn, number)
    return world


def _register(conn: Connection, number: int) -> None:
    register.insert_institution(
        conn,
        {
            "institution_id": number, "code": f"JG{number}", "name": "测试培训学校", "place": "110000", "zone": "",
            "category": "non_academic", "mode": "both", "office_name": "区教委", "office_phone": "010-0000-0000",
            "payee_name_sealed": b"x", "payee_account_sealed": b"x", "payee_bank": "102100099996",
            "registered_at": NOW,
        },
    )  # fmt: skip
    for fund_no, kind in ((CUSTODY, "custody"), (RESERVE, "reserve"), (HANDS, "hands"), (SECOND_CUSTODY, "custody")):
        bank = _ACCOUNTS.get(fund_no)
        register.open_fund(
            conn,
            number,
            {
                "fund_no": fund_no, "kind": kind, "account_no": bank, "bank_name": bank and "京华银行",
                "bank_no": bank and "102100099996", "currency": "CNY", "opening_fen": 0, "opened_on": DAY,
                "opened_by": "clerk:li", "approved_by": "clerk:wang",
            },
        )  # fmt: skip
    course_id, student_id = UUID(int=number), UUID(int=number)
    record.insert(conn, "course", [{
        "institution_id": number, "course_id": course_id, "code": "YS-1", "name": "硬笔书法", "subject": "书法",
        "stage": "compulsory", "category": "non_academic", "mode": "offline", "class_size": 8, "minutes": 45,
        "lesson_price_fen": 10_00, "cap_verdict": "not_capped", "cap_fen": None, "excess_fen": None,
        "rulebook": "110000", "rulebook_digest": b"\0" * 32, "published_at": NOW,
    }])  # fmt: skip
    record.insert(conn, "student", [{
        "institution_id": number, "student_id": student_id, "name_sealed": b"x", "identity_index": uuid4().bytes,
        "registered_at": NOW,
    }])  # fmt: skip


def open_contract(world: World, price_fen: int, hours: int, fund_no: int, gifted: int = 0) -> UUID:
    """Sign a contract on the world's one course and pupil."""
    contract_id = world.new_id()
    number = next(world.keys)
    with world.engine.begin() as conn:
        register.open_contracts(conn, world.number, [{
            "institution_id": world.number, "contract_id": contract_id, "contract_no": f"HT{number:06d}",
            "payment_reference": f"PP{number:08d}", "course_id": UUID(int=world.number),
            "student_id": UUID(int=world.number), "fund_no": fund_no, "price_fen": price_fen, "list_price_fen": None,
            "hours_bought": hours, "hours_gifted": gifted, "months": None, "first_lesson_on": DAY, "signed_on": DAY,
            "funded_by_loan": False, "rulebook": "110000", "rulebook_digest": b"\0" * 32, "signed_at": NOW,
        }])  # fmt: skip
    return contract_id
