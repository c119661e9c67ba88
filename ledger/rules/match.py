"""What a booked bank line is. Automatic only where it is certain; everything else waits in suspense or as a break.

R0 our own end-to-end id; R1 the payment reference of one contract; interest by the bank's code; the rest is money of
unknown origin (suspense) or a debit nobody ordered (difference, a break with owner and due day).
"""

import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Final
from uuid import UUID

from ledger.rules import contract_move, posting, posting_payment, prepayment_limit
from ledger.terms.contract import ContractBalance
from ledger.terms.institution import Fund
from ledger.terms.journal import AccountClass, Event, FundKind
from ledger.terms.match import KnownInstruction, LineAnswer, MatchFacts, OpenLine

# Two capitals and at least six digits: PP a family's payment, RS a reserve top-up, BK the institution pays in.
_KEY: Final = re.compile(r"(?<![A-Z0-9])([A-Z]{2})-?([0-9]{6,16})(?![0-9])")
# Which text of the rules R1 to R5 (migrations/functions/09_match.sql) a run was made by.
RULES_VERSION: Final = "1"
TOP_UP, PAY_IN = "RS", "BK"
# What takes a contract's money out of an account: it leaves, and the bank books it.
_MOVED: Final = ("contract_moved_out", "contract_moved_out_booked")
_BOOKED: Final = {
    "suspense": "suspense_return_booked",
    "draw": "reserve_draw_booked",
    "release": "reserve_release_booked",
    "refund": "refund_booked",
    "payout": "payout_booked",
    "move": "contract_moved_out_booked",
}
# What a debit that fits no instruction is: the break it opens, and the code it is reported under.
_FINDING: Final = {
    "wrong_amount": "WRONG_AMOUNT",
    "double_execution": "DOUBLE_EXECUTION",
    "unordered_debit": "UNORDERED_DEBIT",
}


def match_key(texts: Iterable[str]) -> str:
    """The first payment reference in the texts of a line ("" when there is none), without blanks, in capitals."""
    for written in texts:
        plain = re.sub(r"\s", "", unicodedata.normalize("NFKC", written)).upper()
        found = _KEY.search(plain)
        if found:
            return found[1] + found[2]
    return ""


class Matching:
    """Answers line after line of one account; money already answered for counts for the next line."""

    def __init__(self, facts: MatchFacts) -> None:
        self._facts = facts
        self._fund_no = facts.fund.fund_no
        self._contracts = dict(facts.contracts)
        self._dues = list(facts.dues)
        self._arrivals = dict(facts.arrivals)
        self._states = {key: known.state for key, known in facts.instructions.items()}

    def answer(self, line: OpenLine, break_id: UUID) -> LineAnswer:
        """What ``line`` is. ``break_id``: the id of the break, should it need one."""
        return self._credit(line) if line.credit else self._debit(line, break_id)

    def _debit(self, line: OpenLine, break_id: UUID) -> LineAnswer:
        known = self._facts.instructions.get(line.end_to_end_id)
        if known is not None and known.fund_no == self._fund_no:
            if self._states[line.end_to_end_id] == "in_transit" and known.amount_fen == line.amount_fen:
                self._states[line.end_to_end_id] = "booked"
                kind = _BOOKED[known.purpose]
                event = posting_payment.booked(kind, self._fund_no, known.instruction_id, line.amount_fen)
                return LineAnswer(line, "R0", kind, (event,), known.instruction_id, known)
            broken = "wrong_amount" if self._states[line.end_to_end_id] == "in_transit" else "double_execution"
        else:
            broken = "unordered_debit"
        event = posting_payment.unordered_debit(self._fund_no, break_id, line.amount_fen)
        return LineAnswer(line, "NONE", "unordered_debit", (event,), break_id, finding=_FINDING[broken], broken=broken)

    def _credit(self, line: OpenLine) -> LineAnswer:
        known = self._facts.instructions.get(line.end_to_end_id)
        if known is not None and known.amount_fen == line.amount_fen:
            if known.fund_no == self._fund_no and self._states[line.end_to_end_id] == "booked":
                return self._returned(line, known)
            if known.fund_no != self._fund_no and known.purpose == "draw":
                return self._paid_in(line, "R0", known.instruction_id)
            if known.instruction_id in self._arrivals:
                arrival = self._arrivals.pop(known.instruction_id)
                events = contract_move.arrived(arrival)
                return LineAnswer(line, "R0", events[0].kind, events, known.instruction_id, arrival=arrival)
        if line.match_key.startswith(TOP_UP) and self._facts.fund.kind is FundKind.RESERVE:
            event = posting_payment.reserve_topped_up(self._fund_no, line.amount_fen)
            return LineAnswer(line, "R1", "reserve_topped_up", (event,))
        if line.match_key.startswith(PAY_IN) and self._facts.fund.kind is FundKind.CUSTODY:
            return self._paid_in(line, "R1", None)
        contract = self._contracts.get(line.match_key)
        if contract is not None and contract.fund_no == self._fund_no:
            return self._deposit(line, contract)
        if line.bank_code.rsplit("/", 1)[-1] == "INTR":
            event = posting_payment.interest_booked(self._fund_no, line.amount_fen)
            return LineAnswer(line, "CODE", "interest_booked", (event,))
        return self._suspense(line, "OWNER_UNKNOWN")

    def _suspense(self, line: OpenLine, finding: str, ref: UUID | None = None) -> LineAnswer:
        event = posting.deposit_to_suspense(self._fund_no, line.line_id, line.amount_fen)
        return LineAnswer(line, "NONE", "deposit_to_suspense", (event,), ref, finding=finding)

    def _deposit(self, line: OpenLine, contract: ContractBalance) -> LineAnswer:
        """To the contract up to its price; hours taught meanwhile are released in the same breath.

        What the contract may not take (not open, a limit on prepayment, a loan, over the price) waits in suspense.
        """
        charge = self._facts.charges.get(contract.contract_id)
        refusals = prepayment_limit.at_booking(charge, line.payer) if charge else ()
        is_open = contract.contract_id not in self._facts.ended
        split = prepayment_limit.assign(line.amount_fen, contract.payable_room_fen, refusals, contract_open=is_open)
        finding = split.reasons[0] if split.reasons else ""
        if split.claim_fen == 0:
            return self._suspense(line, finding, contract.contract_id)
        events, contract = posting.caught_up(contract, posting.deposit(contract, line.line_id, line.amount_fen))
        self._contracts[line.match_key] = contract
        return LineAnswer(line, "R1", "deposit", events, contract.contract_id, finding=finding)

    def _returned(self, line: OpenLine, known: KnownInstruction) -> LineAnswer:
        """Back to where the payment came from; a reserve draw that comes back is the reserve's again."""
        self._states[line.end_to_end_id] = "returned"
        if known.source in posting_payment.PAYMENT_KINDS:
            event = posting_payment.returned(
                known.source,
                self._fund_no,
                known.instruction_id,
                line.amount_fen,
                contract_id=known.contract_id if known.source is AccountClass.REFUND_DUE else None,
                line_id=known.line_id,
            )
            return LineAnswer(line, "R0", event.kind, (event,), known.instruction_id, known)
        if known.source is AccountClass.CLAIM:  # the contract stays where it was
            undo = self._facts.undo.get(known.instruction_id, ())
            if len(undo) != len(_MOVED):  # it has arrived, or was booked a moment ago: a person looks
                return self._suspense(line, "OWNER_UNKNOWN")
            events = tuple(posting_payment.reversal(event, entry_id) for entry_id, event in undo)
            return LineAnswer(line, "R0", "contract_move_returned", events, known.instruction_id, known)
        event = posting_payment.reserve_topped_up(self._fund_no, line.amount_fen)
        return LineAnswer(line, "R0", "reserve_topped_up", (event,), known.instruction_id, known)

    def _paid_in(self, line: OpenLine, rule: str, ref: UUID | None) -> LineAnswer:
        event = posting_payment.paid_in(self._fund_no, line.line_id, line.amount_fen, self._dues)
        self._dues = posting_payment.dues_after(self._dues, line.amount_fen)
        return LineAnswer(line, rule, "paid_in", (event,), ref)


def keys_of(lines: Sequence[OpenLine]) -> tuple[list[str], list[str]]:
    """The payment references and end-to-end ids to look up for some lines."""
    return (
        sorted({line.match_key for line in lines if line.match_key}),
        sorted({line.end_to_end_id for line in lines if line.end_to_end_id}),
    )


def taken_along(known: Iterable[KnownInstruction], fund_no: int) -> tuple[list[UUID], list[UUID]]:
    """The payments that take a contract's money along: out of this account, and out of another."""
    moving = [one for one in known if one.purpose == "move"]
    return (
        [one.instruction_id for one in moving if one.fund_no == fund_no],
        [one.instruction_id for one in moving if one.fund_no != fund_no],
    )


def refund_settled(contract: ContractBalance, fund: Fund, line: OpenLine) -> tuple[list[Event], ContractBalance]:
    """What a booked or returned refund does to its contract beside the bank's entry, and the contract after it."""
    from_reserve, amount = contract.fund_no != fund.fund_no, line.amount_fen
    if line.credit:
        if not from_reserve:
            return [], contract
        back = replace(contract, due_fen=contract.due_fen + amount, refund_due_fen=contract.refund_due_fen + amount)
        return [posting_payment.refund_unproved(contract, amount)], back
    events = []
    if from_reserve:
        events.append(posting_payment.refund_proved(contract, amount))
        contract = replace(contract, due_fen=contract.due_fen - amount, refund_due_fen=contract.refund_due_fen - amount)
    rest = posting_payment.remainder_left(contract, contract.free_fen)
    return [*events, rest], posting.after_release(contract, rest)
