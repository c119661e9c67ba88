"""Contract clauses about refunds, by code."""

import re
from dataclasses import dataclass
from enum import StrEnum
from fractions import Fraction
from typing import Final

from ledger.errors import Message


class ClauseKind(StrEnum):
    """The first two are better for the family and honoured; the others are void (SPC 2025 no. 4, art. 9)."""

    GIFT_HOURS_USED_FIRST = "gift_hours_used_first"
    DISCOUNTED_PRICE_ON_ANY_CAUSE = "discounted_price_on_any_cause"
    NO_REFUND = "no_refund"
    EXPIRY_FORFEITS = "expiry_forfeits"
    LIST_PRICE_CLAWBACK = "list_price_clawback"
    BREACH_FEE = "breach_fee"
    HANDLING_FEE = "handling_fee"
    PLANNING_FEE = "planning_fee"


HONOURED: Final = frozenset({ClauseKind.GIFT_HOURS_USED_FIRST, ClauseKind.DISCOUNTED_PRICE_ON_ANY_CAUSE})
_FEE = re.compile(r"(breach_fee|handling_fee|planning_fee)_([0-9]{1,7}(?:\.[0-9]{1,2})?)(_percent)?")
_MEANINGS: Final = {
    ClauseKind.GIFT_HOURS_USED_FIRST: Message(en="gift hours count as used first", zh="先扣赠送课时"),
    ClauseKind.DISCOUNTED_PRICE_ON_ANY_CAUSE: Message(
        en="taught hours count at the price paid, whatever the cause", zh="无论何种原因均按优惠价扣课"
    ),
    ClauseKind.NO_REFUND: Message(en="no refund", zh="概不退款"),
    ClauseKind.EXPIRY_FORFEITS: Message(en="hours lapse on expiry", zh="过期作废"),
    ClauseKind.LIST_PRICE_CLAWBACK: Message(en="taught hours are charged at list price", zh="退费按原价扣课"),
    ClauseKind.BREACH_FEE: Message(en="breach fee", zh="违约金"),
    ClauseKind.HANDLING_FEE: Message(en="handling fee", zh="手续费"),
    ClauseKind.PLANNING_FEE: Message(en="planning fee", zh="规划费"),
}


@dataclass(frozen=True, slots=True)
class Clause:
    """A clause as coded; a fee has either ``fee_percent`` or ``fee_fen``."""

    code: str
    kind: ClauseKind
    fee_percent: Fraction | None = None
    fee_fen: int | None = None

    @property
    def is_honoured(self) -> bool:
        return self.kind in HONOURED

    @property
    def meaning(self) -> Message:
        return _MEANINGS[self.kind]


def read_clause(code: str) -> Clause | None:
    """A clause from its code (``breach_fee_20_percent``, ``handling_fee_500``); None for one outside the list."""
    fee = _FEE.fullmatch(code)
    if fee is None:
        known = code in list(ClauseKind) and not code.endswith("_fee")
        return Clause(code, ClauseKind(code)) if known else None
    kind, number = ClauseKind(fee[1]), Fraction(fee[2])
    if fee[3]:
        return Clause(code, kind, fee_percent=number)
    return Clause(code, kind, fee_fen=int(number * 100)) if kind is ClauseKind.HANDLING_FEE else None
