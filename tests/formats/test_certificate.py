"""Certificates: one spelling, one chain, and what does not hold is named with its record."""

import hashlib
import json
from dataclasses import replace
from datetime import UTC, date, datetime

import pytest

from ledger import vault
from ledger.formats import certificate as format_
from ledger.terms.close import (
    Certificate,
    CloseAction,
    CloseFacts,
    CloseProposal,
    DayStatement,
    LateLine,
    OpenItem,
    ReserveStanding,
)
from ledger.terms.ids import new_id
from ledger.terms.reconcile import Break, DayFigures
from ledger.terms.seal import Block

AT = datetime(2026, 3, 3, 9, 30, tzinfo=UTC)
DAY, NEXT = date(2026, 3, 2), date(2026, 3, 3)
KEY = bytes(range(32))
PUBLIC = vault.public_key(KEY)
BLOCK = Block(7, "JG7", 3, 1, 5, b"r", b"p", b"\x01" * 32, b"\x01" * 32, AT, ())
FACTS = CloseFacts(
    "JG7", 1, "6232", DAY, date(2026, 2, 28),
    DayFigures(7, "6232", DAY, "S-1", 900, 900, {"bank": 900, "claim": 890, "suspense": 10}, {"suspense": 10},
               (Break(new_id(AT), "shortfall", 5, "institution", "DUE_FROM_INSTITUTION", DAY, NEXT, "HT1"),)),
    (DayStatement("S-1", 4, 0, 900, DAY, DAY, 2, "00", True, ""),), (),
    (OpenItem(new_id(AT), "suspense", "S-1 2", 10),),
    (LateLine("S-1", 1, date(2026, 2, 27), DAY, 300, True, "deposit"),
     LateLine("S-1", 2, date(2026, 2, 27), DAY, 300, False, "refund_booked")),
    ReserveStanding(100_000, 90_000),
)  # fmt: skip


def proposal(number: int, action: CloseAction = CloseAction.CLOSE, through: date = DAY) -> CloseProposal:
    reason = "" if action is CloseAction.CLOSE else "对账单更正"
    return CloseProposal(number, action, through, b"d", reason, AT, "clerk:li", False)


def made(record: int, before: Certificate | None, asked: CloseProposal, block: Block | None = BLOCK) -> Certificate:
    voids = [before] if before is not None and asked.action is CloseAction.REOPEN else []
    facts = format_.facts_as_json(FACTS)
    said = format_.document(facts, asked, record, before, block, "clerk:wang", AT, 1, voids)
    content = format_.render(said)
    return Certificate(
        1, record, asked.action, asked.through, content, format_.digest(said),
        None if before is None else before.sha256, 1, vault.sign(KEY, content.decode()), "clerk:li", "clerk:wang", AT,
    )  # fmt: skip


FIRST = made(1, None, proposal(1), block=None)
SECOND = made(2, FIRST, proposal(2, CloseAction.REOPEN))


def fault(*chain: Certificate) -> tuple[str, int] | None:
    return format_.fault_of(chain, {1: PUBLIC}, vault.is_signed)


def test_a_certificate_says_all_it_freezes() -> None:
    said = json.loads(FIRST.content)
    facts = said["facts"]
    assert facts["figures"]["accounts"] == {"bank": "9.00", "claim": "8.90", "suspense": "0.10"}
    assert (facts["figures"]["difference"], facts["items"][0]["amount"]) == ("0.00", "0.10")
    assert [one["amount"] for one in facts["late"]] == ["3.00", "-3.00"]
    assert (facts["breaks"][0]["contract"], facts["reserve"]) == ("HT1", {"required": "1000.00", "held": "900.00"})
    assert (said["block"], said["previous"], said["voids"]) == (None, None, [])
    later = json.loads(SECOND.content)
    assert (later["previous"], later["voids"]) == (FIRST.sha256.hex(), [FIRST.sha256.hex()])
    assert later["block"] == {"number": 3, "hash": "01" * 32, "sealed_at": "2026-03-03T09:30:00.000000Z"}
    assert hashlib.sha256(SECOND.content).digest() == SECOND.sha256


def test_what_is_not_known_is_null() -> None:
    figures = replace(FACTS.figures, bank_fen=None)
    facts = format_.facts_as_json(replace(FACTS, figures=figures, reserve=None))
    assert (facts["figures"]["bank"], facts["figures"]["difference"], facts["reserve"]) == (None, None, None)
    facts = format_.facts_as_json(replace(FACTS, reserve=ReserveStanding(None, 0)))
    assert facts["reserve"] == {"required": None, "held": "0.00"}


def test_a_chain_that_holds_has_no_fault() -> None:
    assert fault(FIRST, SECOND) is None
    assert fault() is None


def resigned(one: Certificate, content: bytes) -> Certificate:
    return replace(
        one, content=content, sha256=hashlib.sha256(content).digest(), signature=vault.sign(KEY, content.decode())
    )


@pytest.mark.parametrize(
    ("second", "kind"),
    [
        (replace(SECOND, record=3), "certificate_missing"),
        (replace(SECOND, content=SECOND.content + b" "), "certificate_changed"),
        (resigned(SECOND, SECOND.content + b" "), "certificate_changed"),
        (resigned(SECOND, b"[]"), "certificate_changed"),
        (resigned(SECOND, b"nothing"), "certificate_changed"),
        (replace(SECOND, proposed_by="clerk:zhao"), "certificate_changed"),
        (replace(SECOND, through=NEXT), "certificate_changed"),
        (made(2, resigned(FIRST, b"{}"), proposal(2)), "certificate_chain_broken"),
        (replace(SECOND, signature=b"\x00" * 64), "signature_wrong"),
    ],
)
def test_the_first_fault_is_named(second: Certificate, kind: str) -> None:
    assert fault(FIRST, second) == (kind, 2)


def test_a_key_that_is_not_listed_signs_nothing() -> None:
    assert format_.fault_of([FIRST], {2: PUBLIC}, vault.is_signed) == ("key_unknown", 1)
