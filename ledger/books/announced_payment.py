"""Announced payments in the books."""

from collections.abc import Collection, Mapping
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, text

from ledger.terms.announced_payment import AnnouncedPayment
from ledger.vault import Vault

# What must not differ when a number comes again, in the order in which a difference is told.
SAID = ("contract_id", "amount_fen", "fee_fen", "paid_on", "match_key", "batch_key", "payer_account_index")


def lock(conn: Connection, institution_id: int) -> None:
    """One announcement at a time per institution: two at once would each miss the other's numbers. Key space as
    ``books.contract.lock_signing``.
    """
    conn.execute(text("SELECT pg_advisory_xact_lock(:i, 99998)"), {"i": institution_id})


def by_number(conn: Connection, institution_id: int, numbers: Collection[str]) -> dict[str, Mapping[str, Any]]:
    """What was said of payments (``SAID``), by their number; unknown ones are left out."""
    rows = conn.execute(
        text(f"""SELECT payment_no, {", ".join(SAID)} FROM ledger.announced_payment
                 WHERE institution_id = :i AND payment_no = ANY (CAST(:n AS text[]))"""),
        {"i": institution_id, "n": list(numbers)},
    )
    return {row.payment_no: {**row._mapping} for row in rows}


def payment_row(vault: Vault, payment_id: UUID, payment: AnnouncedPayment) -> dict[str, object]:
    """A payment as it is stored: who paid is sealed, the account blindly indexed as bank lines' are."""

    def sealed(value: str, column: str) -> bytes | None:
        return vault.seal(value, "announced_payment", column, payment_id) if value else None

    return {
        "payment_id": payment_id, "payment_no": payment.payment_no, "amount_fen": payment.amount_fen,
        "fee_fen": payment.fee_fen, "paid_on": payment.paid_on,
        "payer_name_sealed": sealed(payment.payer_name, "payer_name"),
        "payer_account_sealed": sealed(payment.payer_account, "payer_account"),
        "payer_account_index": vault.index(payment.payer_account, "account") if payment.payer_account else None,
        "payer_bank": payment.payer_bank or None,
    }  # fmt: skip
