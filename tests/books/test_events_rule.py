"""The allow-list in the database is the "Events" table: written out once more here, and every other pair is refused."""

import random

from sqlalchemy import text

from ledger.terms.journal import OF_A_CONTRACT, AccountClass, Event, Transfer
from tests.conftest import Database
from tests.world import CUSTODY, World

# kind: the pairs of the accounting policy, and which counter of the contract moves where a side is claim
TABLE = {
    "deposit": "bank>claim:paid bank>suspense",
    "provider_deposit": "bank>claim:paid due>claim:paid bank>suspense",
    "deposit_to_suspense": "bank>suspense",
    "suspense_assigned": "suspense>claim:paid due>claim:paid suspense>due suspense>reserve",
    "suspense_sent_back": "suspense>in_transit",
    "suspense_return_booked": "in_transit>bank",
    "suspense_return_rejected": "in_transit>suspense",
    "suspense_returned": "bank>suspense",
    "prepaid_to_institution": "due>claim:paid",
    "deposit_taken_back": "claim>bank:paid difference>bank",
    "deposit_moved": "claim>suspense:paid suspense>claim:paid payable>claim:paid due>claim:paid",
    "hours_released": "claim>due:released claim>payable:released",
    "released_ahead": "due>payable",
    "unreleased": "payable>claim:released due>claim:released",
    "refund_approved": "payable>claim:released due>claim:released claim>refund_due:refunded",
    "compensation_due": "interest>refund_due payable>refund_due due>refund_due",
    "remainder_left": "claim>due:released claim>payable:released",
    "overcharge_returned": "payable>claim:released due>claim:released claim>refund_due:refunded",
    "refund_instructed": "refund_due>in_transit",
    "refund_booked": "in_transit>bank",
    "refund_rejected": "in_transit>refund_due",
    "refund_returned": "bank>refund_due",
    "refund_proved": "refund_due>due",
    "refund_unproved": "due>refund_due",
    "paid_in": "bank>due bank>suspense",
    "set_off": "payable>due",
    "payout_instructed": "payable>in_transit",
    "payout_booked": "in_transit>bank",
    "payout_rejected": "in_transit>payable",
    "payout_returned": "bank>payable",
    "reserve_topped_up": "bank>reserve",
    "reserve_drawn": "reserve>in_transit",
    "reserve_draw_booked": "in_transit>bank",
    "reserve_draw_rejected": "in_transit>reserve",
    "reserve_released": "reserve>in_transit",
    "reserve_release_booked": "in_transit>bank",
    "interest_booked": "bank>interest",
    "interest_paid_over": "interest>payable",
    "contract_moved_out": "claim>in_transit:refunded",
    "contract_moved_out_booked": "in_transit>bank",
    "contract_moved_in": "bank>claim:paid due>claim:paid",
    "taken_over": "suspense>claim:paid suspense>payable due>claim:paid",
    "unordered_debit": "difference>bank",
    "difference_made_good": "bank>difference",
}


def test_the_allow_list_is_the_table(module_database: Database) -> None:
    with module_database.app.connect() as conn:
        rows = conn.execute(
            text("SELECT kind, debit_class, credit_class, claim_counter FROM ledger.posting_rule")
        ).all()
    found: dict[str, set[str]] = {}
    for kind, debit, credit, counter in rows:
        found.setdefault(kind, set()).add(f"{debit}>{credit}" + (f":{counter}" if counter else ""))
    assert found == {kind: set(pairs.split()) for kind, pairs in TABLE.items()}


def test_the_reserve_leaves_for_an_order_alone() -> None:
    from_reserve = {pair for pairs in TABLE.values() for pair in pairs.split() if pair.startswith("reserve>")}
    assert from_reserve == {"reserve>in_transit"}


def test_a_pair_that_is_not_in_the_table_moves_nothing(world: World) -> None:
    contract = world.open_contract(paid_fen=100_00)
    rng = random.Random(4)
    for kind, pairs in TABLE.items():
        allowed = {pair.partition(":")[0] for pair in pairs.split()}
        others = [(d, c) for d in AccountClass for c in AccountClass if d != c and f"{d}>{c}" not in allowed]
        for debit, credit in rng.sample(others, 6):
            named = contract if {debit, credit} & OF_A_CONTRACT else None
            assert world.impossible(Event(kind, CUSTODY, (Transfer(debit, credit, 1, named),))) == "LG002", (
                kind,
                debit,
            )
