"""From version 0013 on, on data: blocks get their sums, and a contract keeps what it was signed under."""

import shutil
from collections.abc import Iterator
from pathlib import Path
from uuid import UUID

import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.exc import DBAPIError

from ledger.books import contract as contracts
from ledger.books import role
from ledger.cli.migrate import MIGRATIONS, upgrade
from ledger.formats.contract_rules import read_rules
from ledger.reports import promises
from ledger.terms.contract_rules import ContractRules
from tests.conftest import Cluster

COURSE, STUDENT, CONTRACT, ENTRY, KEY = (UUID(int=n) for n in range(1, 6))
LIVE = f"""
    INSERT INTO ledger.institution VALUES
        (7, 'JG7', 'old', '110000', '', 'academic', 'custody', 'office', '010', 'x', 'x', '1', '2026-03-01T00:00Z');
    INSERT INTO ledger.fund VALUES (7, 1, 'custody', '6232', 'bank', '102100099996', 'CNY', 0, '2026-03-01', 'a', 'b');
    INSERT INTO ledger.course VALUES (7, '{COURSE}', 'KC', 'course', 'subject', 'compulsory', 'non_academic', 'offline',
        8, 45, 500, 'not_capped', NULL, NULL, '000000', 'x', '2026-03-01T00:00Z');
    INSERT INTO ledger.student VALUES (7, '{STUDENT}', 'x', 'x', '2026-03-01T00:00Z');
    INSERT INTO ledger.contract_balance (institution_id, contract_id, fund_no, price_fen, hours_total, paid_fen)
        VALUES (7, '{CONTRACT}', 1, 500, 100, 500);
    INSERT INTO ledger.contract VALUES (7, '{CONTRACT}', 'HT1', 'PP1', '{COURSE}', '{STUDENT}', 1, 500, NULL, 100, 0,
        NULL, '2026-03-09', '2026-03-02', false, '000000', 'x', '2026-03-02T00:00Z');
    INSERT INTO ledger.request VALUES (7, '{KEY}', 'x', '{ENTRY}');
    INSERT INTO ledger.journal_entry (institution_id, fund_no, effective_on, entry_id, recorded_at, hours, kind, actor)
        VALUES (7, 1, '2026-03-02', '{ENTRY}', '2026-03-02T00:00Z', 0, 'deposit', 'bank');
    INSERT INTO ledger.transfer VALUES (7, 1, '{ENTRY}', 500, 'bank', 'claim', '{CONTRACT}', NULL, '{ENTRY}');
    INSERT INTO ledger.block_item (institution_id, entry_id, block_no, request_key, mark)
        VALUES (7, '{ENTRY}', 1, '{KEY}', 1)"""


@pytest.fixture
def at_0013(cluster: Cluster, template: str, tmp_path: Path) -> Iterator[str]:
    """The owner's address of a database at version 0013, its functions left out: its rows are written as the owner."""
    name = f"{template}_0013"
    (tmp_path / "versions").mkdir()
    shutil.copy(MIGRATIONS / "env.py", tmp_path)
    for path in (MIGRATIONS / "versions").glob("00*"):
        if path.name[:4] <= "0013":
            shutil.copy(path, tmp_path / "versions")
    with cluster.session() as conn:
        conn.execute(text(f"CREATE DATABASE {name} TEMPLATE template0"))
        address = cluster.urls(name).owner or ""
        assert upgrade(address, make_roles=True, folder=tmp_path).after == "0013"
        yield address
        conn.execute(text(f"DROP DATABASE {name} WITH (FORCE)"))
        for made in (*role.roles_of(name).logins, f"{name}_ledger"):
            conn.execute(text(f"DROP ROLE IF EXISTS {made}"))


def test_what_was_there_is_there_and_has_what_it_lacked(at_0013: str) -> None:
    engine = create_engine(at_0013)
    with engine.begin() as conn:
        conn.exec_driver_sql(LIVE)
    upgrade(at_0013)
    with engine.begin() as conn:
        sums = conn.exec_driver_sql("SELECT class::text, debit_fen, credit_fen FROM ledger.block_sum ORDER BY 1").all()
        assert [tuple(row) for row in sums] == [("bank", 500, 0), ("claim", 0, 500)]
        assert [one.violations for one in promises.check(conn, ["14_block_sums"])] == [()]
        assert read_rules(contracts.rules(conn, 7, [CONTRACT])[CONTRACT]) == ContractRules()
        (found,) = contracts.find(conn, 7, ids=[CONTRACT])
        assert (found.price_fen, found.charged_states) == (500, None)
    for statement, said in (
        ("UPDATE ledger.block_sum SET debit_fen = 1", "APPEND_ONLY"),
        (f"INSERT INTO ledger.cash_receipt VALUES (7, 'S1', '{CONTRACT}', 0, '2026-03-02', '2026-03-02', 'a', now())",
         "a receipt is for an amount"),
    ):  # fmt: skip
        with engine.connect() as conn, pytest.raises(DBAPIError, match=said):
            conn.execute(text(statement))
    engine.dispose()
