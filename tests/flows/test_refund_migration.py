"""Version 0012 on data: refunds asked under 0010 read as before, and what 0012 adds defends itself."""

import shutil
from collections.abc import Iterator
from pathlib import Path
from uuid import UUID

import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.exc import DBAPIError

from ledger.books import refund as refunds
from ledger.books import role
from ledger.cli.migrate import MIGRATIONS, upgrade
from ledger.terms.refund import Cause
from ledger.terms.refund_request import RefundState
from tests.conftest import Cluster

COURSE, STUDENT, CONTRACT, REFUND = (UUID(int=n) for n in range(1, 5))
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
    INSERT INTO ledger.refund VALUES (7, '{REFUND}', '{CONTRACT}', NULL, 'consumer', 300000, NULL,
        '{{"refund_fen": 300000, "lines": [], "alternatives": []}}', 'x', 'x', 'x', '2026-03-20', 'guardian:1',
        '2026-03-27', '2026-04-07', 'x', 'x', '1');
    INSERT INTO ledger.refund_step VALUES (7, '{REFUND}', 1, 'asked', '2026-03-20T00:00Z', 'guardian:1', '', NULL),
        (7, '{REFUND}', 2, 'objected', '2026-03-21T00:00Z', 'school', '', NULL)"""


@pytest.fixture
def at_0010(cluster: Cluster, template: str, tmp_path: Path) -> Iterator[str]:
    """The owner's address of a database at version 0010, its functions left out: its rows are written as the owner."""
    name = f"{template}_0010"
    (tmp_path / "versions").mkdir()
    shutil.copy(MIGRATIONS / "env.py", tmp_path)
    for path in (MIGRATIONS / "versions").glob("00*"):
        if path.name[:4] <= "0010":
            shutil.copy(path, tmp_path / "versions")
    with cluster.session() as conn:
        conn.execute(text(f"CREATE DATABASE {name} TEMPLATE template0"))
        address = cluster.urls(name).owner or ""
        assert upgrade(address, make_roles=True, folder=tmp_path).after == "0010"
        yield address
        conn.execute(text(f"DROP DATABASE {name} WITH (FORCE)"))
        for made in (*role.roles_of(name).logins, f"{name}_ledger"):
            conn.execute(text(f"DROP ROLE IF EXISTS {made}"))


def test_refunds_asked_before_read_as_before(at_0010: str) -> None:
    engine = create_engine(at_0010)
    with engine.begin() as conn:
        conn.exec_driver_sql(LIVE)
        before = conn.execute(text("SELECT * FROM ledger.refund_now")).one()._mapping
    upgrade(at_0010)
    with engine.connect() as conn:
        after = conn.execute(text("SELECT * FROM ledger.refund_now")).one()._mapping
        assert {name: after[name] for name in before} == dict(before)
        assert (after["asked_cause"], after["decision_id"], after["dates"]) == ("consumer", None, None)
        found = refunds.by_id(conn, 7, [REFUND])[REFUND]
    assert (found.cause, found.amount_fen, found.state) == (Cause.CONSUMER, 300_000, RefundState.OBJECTED)
    assert (found.parts.principal_fen, found.delayed_after) == (300_000, None)
    with engine.connect() as conn:
        conn.execute(
            text("""INSERT INTO ledger.refund_date VALUES
                    (7, :r, 1, '2026-03-26', '2026-04-06', '2026-04-20', '[]', '2026-03-22T00:00Z')"""),
            {"r": REFUND},
        )
        moved = refunds.by_id(conn, 7, [REFUND])[REFUND]
        assert (str(moved.answer_by), str(moved.pay_by), str(moved.delayed_after)) == (
            "2026-03-26", "2026-04-06", "2026-04-20",
        )  # fmt: skip
        with pytest.raises(DBAPIError, match="APPEND_ONLY"):
            conn.execute(text("UPDATE ledger.refund_date SET pay_by = '2027-01-01'"))
    engine.dispose()
