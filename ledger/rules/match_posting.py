"""What the money of a matched line does: it becomes a payment of its contract, as a deposit with a reference would."""

from collections.abc import Collection, Mapping
from uuid import UUID

from ledger.rules import posting, prepayment_limit
from ledger.terms.contract import ContractBalance
from ledger.terms.match import MatchPart, PartAnswer
from ledger.terms.prepayment import ChargeAtBooking


class Assigning:
    """Answers part after part of one account; what a contract was given already counts for the next part.

    What the contract may not take (not open, a limit on prepayment, a loan, over the price) stays in suspense.
    """

    def __init__(
        self,
        contracts: Mapping[UUID, ContractBalance],
        ended: Collection[UUID],
        charges: Mapping[UUID, ChargeAtBooking],
    ) -> None:
        self._contracts, self._ended, self._charges = dict(contracts), ended, charges
        self._taken: dict[UUID, int] = {}

    def answer(self, part: MatchPart) -> PartAnswer:
        """Suspense -> claim, the provider's fee due -> claim, and the hours that this releases. A fee is taken with the
        part it belongs to: where the contract has no room for more than it, nothing is. Money that has left suspense
        since it was matched (sent back) is not there to assign: LINE_SPENT.
        """
        gone = self._taken.get(part.line_id, 0)
        if part.in_suspense_fen - gone < part.amount_fen:
            return PartAnswer(part, (), "LINE_SPENT")
        contract = self._contracts[part.contract_id]
        charge = self._charges.get(part.contract_id)
        refusals = prepayment_limit.at_booking(charge, part.payer) if charge else ()
        gross = part.amount_fen + part.fee_fen
        split = prepayment_limit.assign(
            gross, contract.payable_room_fen, refusals, contract_open=part.contract_id not in self._ended
        )
        code = split.reasons[0] if split.reasons else ""
        taken = split.claim_fen - part.fee_fen
        if taken <= 0:
            return PartAnswer(part, (), code)
        self._taken[part.line_id] = gone + taken
        assigned = posting.suspense_assigned(contract, part.line_id, part.payment_id, taken, part.fee_fen)
        events, self._contracts[part.contract_id] = posting.caught_up(contract, assigned)
        return PartAnswer(part, events, code)
