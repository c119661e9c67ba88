"""Version 0015 on data: a file written under 0014 keeps its bytes, has its format, and counts as placed."""

import shutil
from collections.abc import Iterator
from pathlib import Path
from uuid import UUID

import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.exc import DBAPIError

from ledger.books import payout, role
from ledger.cli.migrate import MIGRATIONS, upgrade
from ledger.terms.payout import PayoutFormat
from tests.conftest import Cluster
from tests.flows.school import VAULT

BATCH, INSTRUCTION = UUID(int=1), UUID(int=2)
LIVE = f"""
    INSERT INTO ledger.institution VALUES
        (7, 'JG7', 'old', '110000', '', 'academic', 'custody', 'office', '010', 'x', 'x', '1', '2026-03-01T00:00Z');
    INSERT INTO ledger.fund VALUES (7, 1, 'custody', '6232', 'bank', '102100099996', 'CNY', 0, '2026-03-01', 'a', 'b');
    INSERT INTO ledger.payout_batch VALUES (7, '{BATCH}', 1, 'payout', 'PO1', '2026-03-05T00:00Z', '2026-03-06', 1, 500,
        'a');
    INSERT INTO ledger.instruction VALUES (7, '{INSTRUCTION}', '{BATCH}', 1, 'payable', NULL, NULL, NULL, NULL, 500,
        'PO100', 'x', 'x', '1', 'm')"""
FILE = "INSERT INTO ledger.payout_file VALUES (7, :b, :token, :digest, '2026-03-05T01:00Z', 'a')"


@pytest.fixture
def at_0014(cluster: Cluster, template: str, tmp_path: Path) -> Iterator[str]:
    """The owner's address of a database at version 0014, its functions left out: its rows are written as the owner."""
    name = f"{template}_0014"
    (tmp_path / "versions").mkdir()
    shutil.copy(MIGRATIONS / "env.py", tmp_path)
    for path in (MIGRATIONS / "versions").glob("00*"):
        if path.name[:4] <= "0014":
            shutil.copy(path, tmp_path / "versions")
    with cluster.session() as conn:
        conn.execute(text(f"CREATE DATABASE {name} TEMPLATE template0"))
        address = cluster.urls(name).owner or ""
        assert upgrade(address, make_roles=True, folder=tmp_path).after == "0014"
        yield address
        conn.execute(text(f"DROP DATABASE {name} WITH (FORCE)"))
        for made in (*role.roles_of(name).logins, f"{name}_ledger"):
            conn.execute(text(f"DROP ROLE IF EXISTS {made}"))


def test_a_file_written_before_is_what_it_was(at_0014: str) -> None:
    engine = create_engine(at_0014)
    token = VAULT.seal_bytes(b"<old/>", "payout_file", "file", BATCH)
    with engine.begin() as conn:
        conn.exec_driver_sql(LIVE)
        conn.execute(text(FILE), {"b": BATCH, "token": token, "digest": b"\x01" * 32})
    upgrade(at_0014)
    with engine.begin() as conn:
        assert payout.written_file(conn, VAULT, 7, BATCH, PayoutFormat.PAIN_09) == b"<old/>"
        assert payout.written_file(conn, VAULT, 7, BATCH, PayoutFormat.CSV) is None
        assert payout.files(conn, 7, BATCH) == {"pain.001.09": True}
        (batch,) = payout.batches(conn, 7)
        assert (batch.written_sha256, batch.placed) == ("01" * 32, True)
    for statement, said in (
        ("INSERT INTO ledger.payout_file SELECT institution_id, batch_id, file_sealed, sha256, written_at, written_by, "
         "'fax' FROM ledger.payout_file", "a payment file has a known format"),
        ("INSERT INTO ledger.payout_placed VALUES (7, '{BATCH}', 'csv', '2026-03-05T01:00Z', 'a')", "foreign key"),
        ("DELETE FROM ledger.payout_placed", "APPEND_ONLY"),
    ):  # fmt: skip
        with engine.connect() as conn, pytest.raises(DBAPIError, match=said):
            conn.execute(text(statement.replace("{BATCH}", str(BATCH))))
    engine.dispose()


def test_a_payment_is_rejected_once_and_only_a_rejection_moves_money(at_0014: str) -> None:
    upgrade(at_0014)
    engine = create_engine(at_0014)
    report = UUID(int=3)
    with engine.begin() as conn:
        conn.exec_driver_sql(LIVE)
        conn.exec_driver_sql(
            f"INSERT INTO ledger.payout_report VALUES (7, '{report}', '{BATCH}', 'BK', 'pain.002.001.10', 'x', 'x', "
            "'2026-03-05T01:00Z', 'a')"
        )
    row = (
        f"(7, '{INSTRUCTION}', {{step}}, '{report}', '{{state}}', '{{kind}}', '{{{{}}}}', '2026-03-05T01:00Z', 'a', "
        "{entry})"
    )
    entry = f"'{UUID(int=4)}'"
    into = "INSERT INTO ledger.instruction_step VALUES "
    first = row.format(step=1, state="RJCT", kind="forward", entry=entry)
    for second, said in (
        (row.format(step=2, state="CANC", kind="forward", entry=entry), "a payment is rejected once"),
        (row.format(step=2, state="ACSC", kind="forward", entry=entry), "only a rejection moves money"),
        (row.format(step=2, state="RJCT", kind="contradicts", entry=entry), "only a rejection moves money"),
        (row.format(step=1, state="ACSP", kind="late", entry="NULL"), "instruction_step_pkey"),
        (row.format(step=2, state="PART", kind="late", entry="NULL"), "a payment state is known"),
    ):
        with engine.connect() as conn, pytest.raises(DBAPIError, match=said):
            conn.execute(text(f"{into}{first}, {second}".replace(":", "\\:")))
    engine.dispose()
