"""Version 0018 on data: contracts and lessons of 0017 read as before, and what 0018 adds defends itself."""

import shutil
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from uuid import UUID

import pytest
from sqlalchemy import Connection, create_engine, text
from sqlalchemy.exc import DBAPIError

from ledger.books import contract as contracts
from ledger.books import lesson as lessons
from ledger.books import lesson_deadline, role
from ledger.books import release as releases
from ledger.cli.migrate import MIGRATIONS, upgrade
from ledger.formats.contract_rules import read_rules
from ledger.terms.contract_rules import ContractRules
from ledger.terms.lesson import LessonState
from tests.conftest import Cluster

COURSE, STUDENT, CONTRACT, SILENT, DISPUTED = (UUID(int=n) for n in range(1, 6))
LIVE = f"""
    INSERT INTO ledger.institution VALUES
        (7, 'JG7', 'old', '110000', '', 'academic', 'custody', 'office', '010', 'x', 'x', '1', '2026-03-01T00:00Z');
    INSERT INTO ledger.fund VALUES (7, 1, 'custody', '6232', 'bank', '102100099996', 'CNY', 0, '2026-03-01', 'a', 'b');
    INSERT INTO ledger.course VALUES (7, '{COURSE}', 'YS', 'name', 'art', 'compulsory', 'non_academic', 'offline', 8,
        45, 10000, 'not_capped', NULL, NULL, 'x', 'x', '2026-03-01T00:00Z');
    INSERT INTO ledger.student VALUES (7, '{STUDENT}', 'x', 'x', '2026-03-01T00:00Z');
    INSERT INTO ledger.contract_balance (institution_id, contract_id, fund_no, price_fen, hours_total, paid_fen)
        VALUES (7, '{CONTRACT}', 1, 400000, 4000, 400000);
    INSERT INTO ledger.contract VALUES (7, '{CONTRACT}', 'HT1', 'PP1', '{COURSE}', '{STUDENT}', 1, 400000, NULL, 4000,
        0, NULL, '2026-03-09', '2026-03-02', false, 'x', 'x', '2026-03-02T00:00Z');
    INSERT INTO ledger.lesson (institution_id, lesson_id, contract_id, lesson_no, taught_on, starts_at, minutes, hours,
        teacher, room, mode, attendance, flags, answer_until, recorded_at, recorded_by)
    SELECT 7, id, '{CONTRACT}', no, '2026-03-09', '16:00', 45, 100, 't', 'r', 'offline', 'present', '{{}}',
        '2026-03-30', '2026-03-09T12:00Z', 'school'
    FROM (VALUES ('{SILENT}'::uuid, 'L1'), ('{DISPUTED}', 'L2')) v (id, no);
    INSERT INTO ledger.lesson_step VALUES
        (7, '{SILENT}', 1, 'recorded', '2026-03-09T12:00Z', 'school', '', NULL),
        (7, '{DISPUTED}', 1, 'recorded', '2026-03-09T12:00Z', 'school', '', NULL),
        (7, '{DISPUTED}', 2, 'disputed', '2026-03-10T12:00Z', 'guardian:1', 'not taught', NULL)"""
FORBIDDEN = {
    "APPEND_ONLY": f"""
        INSERT INTO ledger.lesson_date VALUES (7, '{SILENT}', 1, '2026-03-31', false, '2026-03-20T00:00Z');
        UPDATE ledger.lesson_date SET answer_until = '2026-03-01'""",
    "a decision releases or reverses": f"""
        INSERT INTO ledger.lesson_decision VALUES
            (7, '{COURSE}', '{SILENT}', 'perhaps', 'x', 'a', '2026-03-20T00:00Z')""",
    "a decision says why": f"""
        INSERT INTO ledger.lesson_decision VALUES
            (7, '{COURSE}', '{SILENT}', 'released', '', 'a', '2026-03-20T00:00Z')""",
    "lesson_dispute_institution_id_lesson_id_step_fkey": f"""
        INSERT INTO ledger.lesson_dispute VALUES (7, '{SILENT}', 9, false, NULL)""",
    "a receipt is for an amount": f"""
        INSERT INTO ledger.cash_receipt VALUES
            (7, 'R', '{CONTRACT}', 0, '2026-03-06', '2026-03-11', 'a', '2026-03-20T00:00Z')""",
    "cash is due after it was received": f"""
        INSERT INTO ledger.cash_receipt VALUES
            (7, 'R', '{CONTRACT}', 1, '2026-03-06', '2026-03-05', 'a', '2026-03-20T00:00Z')""",
    "gift money is not negative": f"""
        INSERT INTO ledger.contract SELECT (jsonb_populate_record(c, '{{"contract_id": "{COURSE}", "contract_no": "HT2",
            "payment_reference": "PP2", "gift_money_fen": -1}}')).* FROM ledger.contract c""",
}


@pytest.fixture
def at_0017(cluster: Cluster, template: str, tmp_path: Path) -> Iterator[str]:
    """The owner's address of a database at version 0017, its functions left out: its rows are written as the owner."""
    name = f"{template}_0017"
    (tmp_path / "versions").mkdir()
    shutil.copy(MIGRATIONS / "env.py", tmp_path)
    for path in (MIGRATIONS / "versions").glob("00*"):
        if path.name[:4] <= "0017":
            shutil.copy(path, tmp_path / "versions")
    with cluster.session() as conn:
        conn.execute(text(f"CREATE DATABASE {name} TEMPLATE template0"))
        address = cluster.urls(name).owner or ""
        assert upgrade(address, make_roles=True, folder=tmp_path).after == "0017"
        yield address
        conn.execute(text(f"DROP DATABASE {name} WITH (FORCE)"))
        for made in (*role.roles_of(name).logins, f"{name}_ledger"):
            conn.execute(text(f"DROP ROLE IF EXISTS {made}"))


def test_contracts_and_lessons_of_before_read_as_before(at_0017: str) -> None:
    engine = create_engine(at_0017)
    with engine.begin() as conn:
        conn.exec_driver_sql(LIVE)
        before = _all(conn)
    upgrade(at_0017)
    with engine.connect() as conn:
        after = _all(conn)
        for table, rows in before.items():
            assert [{name: row[name] for name in rows[0]} for row in after[table]] == rows
        (contract,) = contracts.find(conn, 7, numbers=["HT1"])
        assert (contract.rules, contract.gift_money_fen, contract.charged_states) == (None, None, None)
        assert read_rules(contracts.rules(conn, 7, [CONTRACT])[CONTRACT]) == ContractRules()  # by the hour, no limits
        found = lessons.by_id(conn, 7, [SILENT, DISPUTED])
        assert [(found[one].state, found[one].is_cleared) for one in (SILENT, DISPUTED)] == [
            (LessonState.RECORDED, False), (LessonState.DISPUTED, False),
        ]  # fmt: skip
        assert [one.lesson_id for one in lessons.waiting_for_decision(conn, 7)] == [DISPUTED]
        assert lessons.unanswered(conn, 7, date(2026, 3, 30), 9) == []
        assert [key for _, key in lessons.unanswered(conn, 7, date(2026, 3, 31), 9)] == [SILENT]
        (open_days,) = lesson_deadline.open_days(conn, 7)
        assert (open_days.due_on, open_days.provisional, open_days.count) == (date(2026, 3, 30), False, 1)
        assert (releases.waiting_contracts(conn, 7), releases.payments_ahead(conn, 7)) == ([], [])
    for said, statement in FORBIDDEN.items():
        with pytest.raises(DBAPIError, match=said), engine.begin() as conn:
            conn.exec_driver_sql(statement)
    engine.dispose()


def _all(conn: Connection) -> dict[str, list[dict[str, object]]]:
    keys = {
        "contract": "contract_id",
        "lesson": "lesson_id",
        "lesson_step": "lesson_id, step",
        "lesson_now": "lesson_id",
    }
    return {
        table: [dict(row._mapping) for row in conn.execute(text(f"SELECT * FROM ledger.{table} ORDER BY {key}"))]
        for table, key in keys.items()
    }
