"""The certificate of a closed day, or of a reopening: one JSON document in one spelling, signed over its very bytes.

Keys in order, amounts as yuan with two decimals, no personal field. ``openssl`` checks the signature; each certificate
names the one before it by its SHA-256.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from ledger.formats.checkpoint import IsSigned, instant
from ledger.money import yuan
from ledger.terms.close import Certificate, CloseFacts, CloseProposal, DayStatement
from ledger.terms.reconcile import Break
from ledger.terms.seal import Block

FORMAT: Final = "custody certificate 1"


def facts_as_json(facts: CloseFacts) -> dict[str, Any]:
    """What a close freezes: figures, statements with their digests, open items and breaks, late lines of earlier days.

    Balances are debit positive; ``accounts`` and ``items`` stand on the normal side of each.
    """
    figures, reserve = facts.figures, facts.reserve
    return {
        "institution": facts.institution,
        "fund": facts.fund_no,
        "account": facts.account_no,
        "day": facts.on.isoformat(),
        "closed_before": facts.closed_through.isoformat(),
        "figures": {
            "bank": None if figures.bank_fen is None else yuan(figures.bank_fen),
            "books": yuan(figures.book_fen),
            "difference": None if figures.difference_fen is None else yuan(figures.difference_fen),
            "accounts": {name: yuan(fen) for name, fen in figures.classes.items()},
            "items": {name: yuan(fen) for name, fen in figures.items_fen.items()},
        },
        "statements": [_statement(one) for one in facts.statements],
        "items": [
            {"item": str(one.item_id), "account": one.account, "name": one.name, "amount": yuan(one.fen)}
            for one in facts.items
        ],
        "breaks": [_break(one) for one in figures.breaks],
        "late": [
            {
                "statement": one.statement_id, "line": one.ord, "booked_on": one.booked_on.isoformat(),
                "counted_on": one.effective_on.isoformat(),
                "amount": yuan(one.amount_fen if one.credit else -one.amount_fen), "kind": one.kind,
            }
            for one in facts.late
        ],
        "reserve": None
        if reserve is None
        else {
            "required": None if reserve.required_fen is None else yuan(reserve.required_fen),
            "held": yuan(reserve.held_fen),
        },
    }  # fmt: skip


def _statement(one: DayStatement) -> dict[str, Any]:
    return {
        "statement": one.statement_id, "sequence": one.sequence, "opening": yuan(one.opening_fen),
        "closing": yuan(one.closing_fen), "from": one.first_on.isoformat(), "to": one.last_on.isoformat(),
        "lines": one.lines, "file_sha256": one.file_sha256,
    }  # fmt: skip


def _break(one: Break) -> dict[str, Any]:
    return {
        "break": str(one.break_id), "kind": one.kind, "amount": yuan(one.amount_fen), "owner": one.owner,
        "reason": one.reason, "opened_on": one.opened_on.isoformat(), "due_on": one.due_on.isoformat(),
        "contract": one.contract_no,
    }  # fmt: skip


def digest(document: Mapping[str, Any]) -> bytes:
    """The SHA-256 of a document in its one spelling: what one person proposes and another approves."""
    return hashlib.sha256(render(document)).digest()


def document(
    facts: Mapping[str, Any], proposal: CloseProposal, record: int, previous: Certificate | None, block: Block | None,
    approved_by: str, signed_at: datetime, key: int, voids: Sequence[Certificate] = (),
) -> dict[str, Any]:  # fmt: skip
    """The whole certificate. ``facts``: of a close those of ``facts_as_json``, of a reopening account and institution.

    ``block``: the sealed block up to which all entries of the fund were counted; None before the first entry.
    """
    return {
        "format": FORMAT,
        "record": record,
        "action": proposal.action.value,
        "through": proposal.through.isoformat(),
        "previous": None if previous is None else previous.sha256.hex(),
        "voids": [one.sha256.hex() for one in voids],
        "reason": proposal.reason,
        "facts": dict(facts),
        "block": None
        if block is None
        else {"number": block.number, "hash": block.hash.hex(), "sealed_at": instant(block.sealed_at)},
        "signers": [
            {"role": "clerk", "name": proposal.proposed_by, "at": instant(proposal.proposed_at)},
            {"role": "approver", "name": approved_by, "at": instant(signed_at)},
        ],
        "key": key,
        "signed_at": instant(signed_at),
    }


def render(document: Mapping[str, Any]) -> bytes:
    """The document as a file: JSON in UTF-8, its keys in order."""
    return (json.dumps(document, ensure_ascii=False, indent=2, sort_keys=True) + "\n").encode()


def fault_of(chain: Sequence[Certificate], keys: Mapping[int, bytes], is_signed: IsSigned) -> tuple[str, int] | None:
    """The first thing in the certificates of an account that does not hold, and its record; None when all does.

    Kinds: certificate_missing, certificate_changed, certificate_chain_broken, key_unknown, signature_wrong.
    """
    before: Certificate | None = None
    for number, one in enumerate(chain, 1):
        if one.record != number:
            return "certificate_missing", number
        if hashlib.sha256(one.content).digest() != one.sha256 or not _says(one):
            return "certificate_changed", number
        if one.previous != (None if before is None else before.sha256):
            return "certificate_chain_broken", number
        if one.key not in keys:
            return "key_unknown", number
        if not is_signed(keys[one.key], one.content.decode(), one.signature):
            return "signature_wrong", number
        before = one
    return None


def _says(one: Certificate) -> bool:
    """Whether the bytes are a certificate in its one spelling and say what the row beside them says."""
    try:
        said = json.loads(one.content.decode())
        names = [signer["name"] for signer in said["signers"]]
        row = (
            FORMAT, one.record, one.action.value, one.through.isoformat(), one.previous.hex() if one.previous else None,
            [one.proposed_by, one.approved_by], one.key,
        )  # fmt: skip
        told = (
            said["format"], said["record"], said["action"], said["through"], said["previous"], names, said["key"],
        )  # fmt: skip
        return render(said) == one.content and row == told
    except (ValueError, TypeError, KeyError, RecursionError):
        return False
