"""Changes of a refund's account in the books."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import Connection, text

from ledger.terms.institution import Payee
from ledger.terms.refund_payee import PayeeChange
from ledger.vault import Vault


def changes(
    conn: Connection, vault: Vault, institution_id: int, refund_ids: Sequence[UUID]
) -> dict[UUID, list[PayeeChange]]:
    """Every change of some refunds' accounts, oldest first, by refund."""
    rows = conn.execute(
        text("""SELECT p.*, EXISTS (SELECT FROM ledger.instruction x WHERE x.institution_id = p.institution_id
                                    AND x.refund_id = p.refund_id AND x.instruction_id > p.change_id) AS used
                FROM ledger.refund_payee_now p
                WHERE p.institution_id = :i AND p.refund_id = ANY (CAST(:ids AS uuid[])) ORDER BY p.change_id"""),
        {"i": institution_id, "ids": list(refund_ids)},
    )
    found: dict[UUID, list[PayeeChange]] = {}
    for row in rows:
        payee = open_payee(
            vault, row.change_id, bytes(row.payee_name_sealed), bytes(row.payee_account_sealed), row.payee_bank
        )
        found.setdefault(row.refund_id, []).append(
            PayeeChange(
                row.change_id, row.refund_id, payee, row.reason, row.returned, row.entered_by, row.entered_at,
                row.confirmed_by, row.usable_at, row.cancelled_by, row.used,
            )
        )  # fmt: skip
    return found


def open_payee(vault: Vault, change_id: UUID, name_sealed: bytes, account_sealed: bytes, bank_no: str) -> Payee:
    """The payee of a change."""
    return Payee(
        vault.open(name_sealed, "refund_payee", "payee_name", change_id),
        vault.open(account_sealed, "refund_payee", "payee_account", change_id),
        bank_no,
    )
