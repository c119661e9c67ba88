"""Version 0009 carries forward what version 0008 had sealed: hashed in its order, whole, and open to every check."""

import shutil
from collections.abc import Iterator
from pathlib import Path
from uuid import UUID

import pytest
from sqlalchemy import Connection, create_engine, make_url, text

from ledger.books import journal, role
from ledger.cli.migrate import MIGRATIONS, upgrade
from ledger.flows.verify import verify
from tests.conftest import Cluster
from tests.world import NOW

ENTRIES = [UUID(int=n) for n in (11, 12, 13, 14)]


@pytest.fixture
def at_0008(cluster: Cluster, template: str, tmp_path: Path) -> Iterator[str]:
    """The owner's address of a database at version 0008, its functions left out: its rows are written as the owner."""
    name = f"{template}_old"
    (tmp_path / "versions").mkdir()
    shutil.copy(MIGRATIONS / "env.py", tmp_path)
    for path in (MIGRATIONS / "versions").glob("000[1-8]_*"):
        shutil.copy(path, tmp_path / "versions")
    with cluster.session() as conn:
        conn.execute(text(f"CREATE DATABASE {name} TEMPLATE template0"))
        address = cluster.urls(name).owner or ""
        assert upgrade(address, make_roles=True, folder=tmp_path).after == "0008"
        yield address
        conn.execute(text(f"DROP DATABASE {name} WITH (FORCE)"))
        for made in (*role.roles_of(name).logins, f"{name}_ledger"):
            conn.execute(text(f"DROP ROLE IF EXISTS {made}"))


def live(conn: Connection) -> None:
    """One custody account: three deposits without owner in two blocks, one that waits, and one refusal."""
    conn.execute(
        text("""
        INSERT INTO ledger.institution VALUES
            (7, 'JG7', 'old', '110000', '', 'academic', 'custody', 'office', '010', 'x', 'x', '1', '2026-03-01T00:00Z');
        INSERT INTO ledger.fund VALUES
            (7, 1, 'custody', '6232', 'bank', '102100099996', 'CNY', 0, '2026-03-01', 'a', 'b');
        INSERT INTO ledger.close VALUES (7, 1, '2026-02-28');
        INSERT INTO ledger.seal_state VALUES (7, 2, '2026-03-03T00:00Z');
        INSERT INTO ledger.balance (institution_id, fund_no, class, guarded)
        SELECT 7, 1, class, lane = 'guarded_hot' FROM ledger.class_rule WHERE lane <> 'cold' AND class <> 'reserve';
        UPDATE ledger.balance SET debit_fen = 111 WHERE class = 'bank';
        UPDATE ledger.balance SET credit_fen = 111 WHERE class = 'suspense'""")
    )
    for n, entry in enumerate(ENTRIES):
        row = {"e": entry, "k": UUID(int=100 + n), "fen": 10**n, "item": UUID(int=200 + n), "day": f"2026-03-0{n + 1}"}
        conn.execute(
            text("""INSERT INTO ledger.request VALUES (7, :k, '\\x0102030405060708', :e);
                    INSERT INTO ledger.journal_entry
                    VALUES (7, 1, :day, :e, '2026-03-01T00:00Z', 0, NULL, NULL, NULL, NULL, NULL, NULL,
                            'deposit_to_suspense', 'a');
                    INSERT INTO ledger.transfer VALUES (7, 1, :e, :fen, 'bank', 'suspense', NULL, NULL, :item);
                    INSERT INTO ledger.item_balance VALUES (7, :item, 'suspense', 1, NULL, 0, :fen)""".replace(
                ":day", f"'{row['day']}'").replace(":k", f"'{row['k']}'").replace(":e,", f"'{entry}',").replace(
                ":e)", f"'{entry}')").replace(":fen", str(row["fen"])).replace(":item", f"'{row['item']}'"))
        )  # fmt: skip
    conn.execute(
        text(f"""
        INSERT INTO ledger.request VALUES (7, '{UUID(int=99)}', '\\x01', '{UUID(int=9)}');
        INSERT INTO ledger.refusal VALUES (7, '{UUID(int=99)}', 'CLAIM_TOO_SMALL');
        INSERT INTO ledger.inbox VALUES (7, '{ENTRIES[3]}');
        INSERT INTO ledger.block VALUES (7, 1, 2, '2026-03-02T00:00Z'), (7, 2, 1, '2026-03-03T00:00Z');
        INSERT INTO ledger.block_item
        VALUES (7, '{ENTRIES[0]}', 1, 1), (7, '{ENTRIES[1]}', 1, 2), (7, '{ENTRIES[2]}', 2, 1)
        """)
    )


def test_old_blocks_become_a_chain(at_0008: str) -> None:
    engine = create_engine(at_0008)
    with engine.begin() as conn:
        live(conn)
    upgrade(at_0008)
    with engine.begin() as conn:
        found = verify(conn)
        assert found.first_fault is None
        assert (found.entries, found.blocks, found.unsealed) == (4, 2, 2)  # the refusal waits for its block
        assert journal.seal(conn, 7, NOW) == 3
        found = verify(conn)
        assert found.first_fault is None
        assert (found.blocks, found.unsealed) == (3, 0)
        sizes = conn.execute(text("SELECT entries, tree_size FROM ledger.block ORDER BY block_no")).all()
        assert [tuple(row) for row in sizes] == [(2, 2), (1, 3), (2, 5)]
    with engine.connect() as conn:
        conn.execute(text("ALTER TABLE ledger.transfer DISABLE TRIGGER ALL"))
        conn.execute(text("UPDATE ledger.transfer SET amount_fen = 2 WHERE amount_fen = 1"))
        assert [fault.kind for fault in verify(conn).faults] == ["item_changed"]
        conn.rollback()
    engine.dispose()
    assert make_url(at_0008).database == "custody_test_old"
