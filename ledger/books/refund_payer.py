"""Who paid: the account every payment of a contract came from, and what of a refund goes back on which payment."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import Connection, text

from ledger.terms.institution import Payee
from ledger.vault import Vault


@dataclass(frozen=True, slots=True)
class PayerLine:
    """Where a payment came from: sealed fields of its bank line, or of what was announced where the line is a
    provider's settlement. ``table`` and ``row_id``: where they are sealed.
    """

    payment_id: UUID
    table: str
    row_id: UUID
    name_sealed: bytes | None
    account_sealed: bytes | None
    bank_no: str | None

    def payee(self, vault: Vault) -> Payee | None:
        """The payer as somebody to pay; None where the bank does not say all of it."""
        if not (self.name_sealed and self.account_sealed and self.bank_no):
            return None
        return Payee(
            vault.open(self.name_sealed, self.table, "payer_name", self.row_id),
            vault.open(self.account_sealed, self.table, "payer_account", self.row_id),
            self.bank_no,
        )


def lines(conn: Connection, institution_id: int, contract_ids: Sequence[UUID]) -> dict[UUID, list[PayerLine]]:
    """Who made each payment of some contracts, newest first; payments made without the bank are left out.

    A payment that was matched is not its line: its matches say which line it was. Of a provider's settlement (R4, or a
    fee kept) the line names the provider, so the payer is the one that was announced.
    """
    rows = conn.execute(
        text("""SELECT DISTINCT ON (p.contract_id, p.item_id) p.contract_id, p.item_id, s.*
                FROM ledger.item_balance p CROSS JOIN LATERAL (
                    SELECT 'statement_line' AS in_table, l.line_id AS row_id, l.payer_name_sealed,
                           l.payer_account_sealed, l.payer_bank
                    FROM ledger.statement_line l
                    WHERE l.institution_id = p.institution_id AND l.line_id = p.item_id
                    UNION ALL
                    SELECT 'statement_line', l.line_id, l.payer_name_sealed, l.payer_account_sealed, l.payer_bank
                    FROM ledger.match_now m
                    JOIN ledger.statement_line l ON l.institution_id = m.institution_id AND l.line_id = m.line_id
                    WHERE m.institution_id = p.institution_id AND m.payment_id = p.item_id
                      AND m.rule <> 'R4' AND m.fee_fen = 0
                    UNION ALL
                    SELECT 'announced_payment', a.payment_id, a.payer_name_sealed, a.payer_account_sealed, a.payer_bank
                    FROM ledger.match_now m
                    JOIN ledger.announced_payment a ON a.institution_id = m.institution_id
                                                   AND a.payment_id = m.payment_id
                    WHERE m.institution_id = p.institution_id AND m.payment_id = p.item_id
                      AND (m.rule = 'R4' OR m.fee_fen > 0)
                    UNION ALL
                    SELECT 'taken_over_payment', o.payment_id, o.payer_name_sealed, o.payer_account_sealed, o.payer_bank
                    FROM ledger.taken_over_payment o
                    WHERE o.institution_id = p.institution_id AND o.payment_id = p.item_id) s
                WHERE p.institution_id = :i AND p.class = 'claim' AND p.contract_id = ANY (CAST(:ids AS uuid[]))
                ORDER BY p.contract_id, p.item_id DESC, s.row_id DESC"""),
        {"i": institution_id, "ids": list(contract_ids)},
    )
    found: dict[UUID, list[PayerLine]] = {}
    for row in rows:
        found.setdefault(row.contract_id, []).append(
            PayerLine(
                row.item_id, row.in_table, row.row_id, row.payer_name_sealed, row.payer_account_sealed, row.payer_bank
            )
        )
    return found


def back(
    conn: Connection, institution_id: int, refunds: Sequence[tuple[UUID, UUID]]
) -> dict[UUID, list[tuple[UUID, int]]]:
    """What of some approved refunds (each with its contract) goes back on which payment, in fen, newest first."""
    rows = conn.execute(
        text("""SELECT e.ref AS refund_id, t.debit_item AS payment_id, sum(t.amount_fen)::bigint AS fen
                FROM ledger.transfer t JOIN ledger.journal_entry e USING (institution_id, entry_id)
                WHERE t.institution_id = :i AND t.contract_id = ANY (CAST(:contracts AS uuid[]))
                  AND t.debit_class = 'claim' AND t.credit_class = 'refund_due'
                  AND e.ref = ANY (CAST(:refunds AS uuid[]))
                GROUP BY 1, 2 ORDER BY 1, 2 DESC"""),
        {"i": institution_id, "refunds": [one for one, _ in refunds], "contracts": [one for _, one in refunds]},
    )
    found: dict[UUID, list[tuple[UUID, int]]] = {}
    for row in rows:
        found.setdefault(row.refund_id, []).append((row.payment_id, row.fen))
    return found


def sent(conn: Connection, vault: Vault, institution_id: int, refund_ids: Sequence[UUID]) -> dict[UUID, dict[str, int]]:
    """What some refunds have paid or are paying to which account, in fen: not what was rejected or came back."""
    rows = conn.execute(
        text("""SELECT i.refund_id, i.instruction_id, i.payee_account_sealed, i.amount_fen
                FROM ledger.instruction_now i
                WHERE i.institution_id = :i AND i.refund_id = ANY (CAST(:ids AS uuid[]))
                  AND i.state IN ('in_transit', 'booked')"""),
        {"i": institution_id, "ids": list(refund_ids)},
    )
    found: dict[UUID, dict[str, int]] = {}
    for row in rows:
        account = vault.open(row.payee_account_sealed, "instruction", "payee_account", row.instruction_id)
        accounts = found.setdefault(row.refund_id, {})
        accounts[account] = accounts.get(account, 0) + row.amount_fen
    return found


def in_transit(conn: Connection, institution_id: int, refund_ids: Sequence[UUID]) -> dict[UUID, int]:
    """How many payments of some refunds the bank has not answered yet."""
    rows = conn.execute(
        text("""SELECT i.refund_id, count(*) AS payments FROM ledger.instruction_now i
                WHERE i.institution_id = :i AND i.refund_id = ANY (CAST(:ids AS uuid[])) AND i.state = 'in_transit'
                GROUP BY 1"""),
        {"i": institution_id, "ids": list(refund_ids)},
    )
    return {row.refund_id: row.payments for row in rows}
