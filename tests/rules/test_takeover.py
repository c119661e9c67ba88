"""What of running books cannot be true, how money lies on payments, and what a take-over came to."""

from dataclasses import replace
from datetime import UTC, date, datetime

import pytest

from ledger.formats.takeover_file import read_running_books
from ledger.rules import posting, posting_payment, takeover
from ledger.terms.contract import ContractBalance
from ledger.terms.ids import id_stream
from ledger.terms.takeover import RunningBooks, RunningContract
from tests.running_books import as_bytes, changed_at, running_books

TODAY = date(2026, 3, 2)


def books(*changes: tuple[str, object]) -> RunningBooks:
    said = running_books()
    for path, value in changes:
        said = changed_at(said, path, value)
    return read_running_books(as_bytes(said), "f", id_stream(datetime(2026, 3, 2, 4, tzinfo=UTC)))


def balance(running: RunningContract) -> ContractBalance:
    price = running.price_fen
    return ContractBalance(running.contract_id, 1, price, running.hours_total, price_signed_fen=price)


def test_a_file_that_fits_is_not_refused() -> None:
    assert takeover.refusals(books(), 5_000_00, TODAY) == []
    assert takeover.already_known(books(), {"HT1"}, {"PP1"}) == []


@pytest.mark.parametrize(
    ("path", "value", "code", "where", "detail"),
    [
        ("account.opened_on", "2026-03-03", "DATE_IN_FUTURE", "account.opened_on", ""),
        ("contracts.0.signed_on", "2026-03-02", "DATE_IN_FUTURE", "contracts[0].signed_on", ""),
        ("contracts.1.payments.0.paid_on", "2026-03-02", "DATE_IN_FUTURE", "contracts[1].payments[0].paid_on", ""),
        ("contracts.0.price", "3999.99", "PRICE_EXCEEDED", "contracts[0].payments", "4000.00 > 3999.99"),
        ("contracts.2.hours_taught", "20.5", "LESSON_OVER_HOURS", "contracts[2].hours_taught", "20.5 > 20"),
        ("contracts.1.in_custody", "2000.01", "CUSTODY_OVER_PAID", "contracts[1].in_custody", "2000.01 > 2000.00"),
        ("earned", "300.01", "TAKEOVER_OVER_BALANCE", "account.balance", "5000.01 > 5000.00"),
    ],
)
def test_what_cannot_be_true_is_refused(path: str, value: str, code: str, where: str, detail: str) -> None:
    found = takeover.refusals(books((path, value)), 5_000_00, TODAY)
    assert [(one.code, one.where, one.detail) for one in found if one.code == code] == [(code, where, detail)]


def test_every_reason_is_told_at_once() -> None:
    wrong = books(("contracts.0.price", "1.00"), ("contracts.1.in_custody", "9999.00"))
    assert [one.code for one in takeover.refusals(wrong, 0, TODAY)] == [
        "PRICE_EXCEEDED", "CUSTODY_OVER_PAID", "TAKEOVER_OVER_BALANCE"
    ]  # fmt: skip


def test_contracts_that_are_in_the_books_are_named() -> None:
    found = takeover.already_known(books(), {"TK000002"}, {"TP00000003", "TP00000002"})
    assert [(one.code, one.where) for one in found] == [
        ("CONTRACT_KNOWN", "contracts[1].number"), ("CONTRACT_KNOWN", "contracts[1].payment_reference"),
        ("CONTRACT_KNOWN", "contracts[2].payment_reference"),
    ]  # fmt: skip


def test_the_newest_payment_is_the_one_the_account_holds() -> None:
    first = books().contracts[0]
    newest, oldest = first.payments[1].payment_id, first.payments[0].payment_id
    assert takeover.on_payments(first) == [(newest, 1_500_00, 0), (oldest, 2_000_00, 500_00)]
    little = replace(first, in_custody_fen=1_000_00)
    assert takeover.on_payments(little) == [(newest, 1_000_00, 500_00), (oldest, 0, 2_500_00)]


def test_what_it_came_to_is_added_up_from_what_was_posted() -> None:
    file, events = books(), []
    opening = file.contracts[0].contract_id
    for running in file.contracts:
        contract = balance(running)
        events.append(posting_payment.taken_over(contract, opening, takeover.on_payments(running)))
        events.append(posting.hours_released(takeover.after(contract, running), running.hours_taught))
    events.append(posting_payment.payable_taken_over(1, opening, file.earned_fen))
    found = takeover.result(3, events, 100_00, 2)
    assert (found.contracts, found.unexplained_fen, found.findings) == (3, 100_00, 2)
    assert (found.paid_fen, found.released_fen, found.claim_fen) == (8_000_00, 3_000_00, 5_000_00)
    # of 1,000 earned by the first the bank holds 500; 800 of the second and nothing of the third is still to come
    assert (found.due_fen, found.payable_fen) == (800_00, 800_00)
