"""Statements against the history of their account."""

from dataclasses import replace
from datetime import date

import pytest

from ledger.formats.statement import read_statement_file
from ledger.rules.statement import (
    Judged,
    Judging,
    is_overtaken,
    join_all,
    joining,
    judge_against_history,
    of_account,
    opening_gap,
)
from ledger.rules.statement_line import line_refs
from ledger.terms.statement import AccountHistory, KnownRef, KnownStatement, Statement, StatementLine, Verdict
from tests.bank_files import all_of, csv_text, rows
from tests.samples import SampleLine, camt053, read

OPENING = 50_000_000
LAST = KnownStatement("ST-0006", "c" * 64, 6, OPENING, date(2026, 3, 1), "f" * 64)


def sample(**changes: object) -> Statement:
    (one,) = read_statement_file(camt053()).statements
    return replace(one, **changes)  # type: ignore[arg-type]  # each test names fields of its own


def judged(
    statement: Statement, *history: KnownStatement, registered: int | None = None, sha256: str = "0" * 64
) -> tuple[str, str | None]:
    found = judge_against_history(statement, sha256, history, registered)
    return found.verdict, found.fault.code if found.fault else None


def test_the_next_statement_is_accepted() -> None:
    assert judged(sample(), LAST) == ("accept", None)


def test_the_first_statement_chains_to_the_registered_opening() -> None:
    assert judged(sample(), registered=OPENING) == ("accept", None)
    assert judged(sample(), registered=OPENING + 1) == ("hold", "OPENING_DISCONTINUITY")
    assert judged(sample(), registered=None) == ("hold", "OPENING_DISCONTINUITY")


@pytest.mark.parametrize("sequence", [5, 6, 8, 107])
def test_any_other_number_is_a_gap(sequence: int) -> None:
    assert judged(sample(sequence=sequence), LAST) == ("hold", "SEQUENCE_GAP")


def test_a_gap_is_named_before_the_balance_that_follows_from_it() -> None:
    assert judged(sample(sequence=8, opening_fen=1), LAST) == ("hold", "SEQUENCE_GAP")


def test_numbers_that_banks_do_not_give_are_not_judged() -> None:
    assert judged(sample(sequence=None), LAST) == ("accept", None)
    assert judged(sample(), replace(LAST, sequence=None)) == ("accept", None)


def test_numbers_may_begin_again_with_the_year() -> None:
    before = replace(LAST, sequence=365, to_on=date(2025, 12, 31))
    assert judged(sample(sequence=1), before) == ("accept", None)
    assert judged(sample(sequence=2), before) == ("hold", "SEQUENCE_GAP")
    assert judged(sample(sequence=1), replace(before, to_on=date(2026, 1, 1))) == ("hold", "SEQUENCE_GAP")
    assert judged(sample(sequence=1, to_on=None), before) == ("hold", "SEQUENCE_GAP")


@pytest.mark.parametrize("closing_fen", [OPENING + 1, OPENING - 1, None])
def test_an_opening_that_is_not_the_last_closing_is_held(closing_fen: int | None) -> None:
    assert judged(sample(), replace(LAST, closing_fen=closing_fen)) == ("hold", "OPENING_DISCONTINUITY")


def test_the_fault_shows_both_balances() -> None:
    found = judge_against_history(sample(), "", [replace(LAST, closing_fen=None)], None)
    assert found.fault is not None
    assert found.fault.value == "500000.00 <> none"


def test_a_statement_known_by_file_or_content_changes_nothing() -> None:
    one = sample()
    known = KnownStatement(one.statement_id, one.content_digest, 7, one.closing_fen, one.to_on, "a" * 64)
    assert judged(one, LAST, known, sha256="a" * 64) == ("idempotent", "ALREADY_IMPORTED")
    assert judged(one, LAST, known, sha256="b" * 64) == ("idempotent", "DUPLICATE_STATEMENT")


def test_the_same_id_with_other_content_is_refused() -> None:
    one = sample()
    known = KnownStatement(one.statement_id, "d" * 64, 7, one.closing_fen, one.to_on, "a" * 64)
    assert judged(one, LAST, known) == ("reject", "CONFLICTING_STATEMENT")


def test_a_file_of_two_statements_is_known_for_each_of_them() -> None:
    other = replace(LAST, file_sha256="a" * 64)
    assert judged(sample(), other, sha256="a" * 64) == ("accept", None)


def test_nothing_chains_to_a_held_statement_until_it_is_released() -> None:
    held = KnownStatement("ST-0008", "e" * 64, 8, 7_777, date(2026, 3, 3), "b" * 64, believed=False)
    assert judged(sample(), LAST, held) == ("accept", None)
    eighth = sample(statement_id="ST-0009", sequence=9, opening_fen=7_777)
    assert judged(eighth, LAST, held) == ("hold", "SEQUENCE_GAP")
    assert judged(eighth, LAST, replace(held, believed=True)) == ("accept", None)
    assert judged(sample(statement_id="ST-0008"), LAST, held) == ("reject", "CONFLICTING_STATEMENT")


def test_a_held_statement_joins_when_the_missing_one_has_come() -> None:
    seventh, eighth = sample(), sample(statement_id="ST-0008", sequence=8, opening_fen=50_101_850)
    assert judged(eighth, LAST) == ("hold", "SEQUENCE_GAP")
    seventh_known = KnownStatement("ST-0007", seventh.content_digest, 7, seventh.closing_fen, seventh.to_on, "b" * 64)
    assert judged(eighth, LAST, seventh_known) == ("accept", None)


def test_what_is_rejected_or_for_information_stays_so() -> None:
    (broken,) = read_statement_file(camt053(closing_fen=1)).statements
    assert judged(broken, LAST) == ("reject", "BALANCE_MISMATCH")
    assert judged(sample(verdict=Verdict.INFO_ONLY), LAST) == ("info_only", None)


def test_what_is_held_by_itself_stays_held_for_that_and_never_joins_by_itself() -> None:
    (held,) = read_statement_file(camt053(lines=(SampleLine(9, parts_fen=(1,)),))).statements
    assert judged(held, LAST) == ("hold", "DETAIL_SUM_MISMATCH")
    assert judged(held, replace(LAST, sequence=1)) == ("hold", "DETAIL_SUM_MISMATCH")


def test_a_format_without_balances_is_not_chained_by_them() -> None:
    assert judged(sample(proved=False, opening_fen=None, sequence=None), LAST) == ("accept", None)


# -- whose it is, what joins


def test_a_statement_that_names_no_account_is_of_the_one_given() -> None:
    assert of_account(sample(account=""), "1").account == "1"
    assert of_account(sample(), "").account == of_account(sample(), sample().account).account == sample().account
    other = of_account(sample(), "1")
    assert (other.verdict, other.class_) == ("reject", "OTHER_ACCOUNT")
    rejected = sample(verdict=Verdict.REJECT, fault=None)
    assert of_account(rejected, "1") is rejected


HELD = KnownStatement(
    "ST-0008", "d" * 64, 8, 70, date(2026, 3, 3), "e" * 64, believed=False, opening_fen=OPENING, class_="SEQUENCE_GAP",
    refs=frozenset({"A"}),
)  # fmt: skip
MISSING = replace(LAST, statement_id="ST-0007", sequence=7)


def test_a_held_statement_joins_once_number_and_balance_follow() -> None:
    assert joining([HELD], {}) is None
    assert joining([LAST, HELD], {}) is None
    assert joining([LAST, HELD, MISSING], {}) == HELD
    assert joining([LAST, HELD, replace(MISSING, closing_fen=OPENING + 1)], {}) is None
    assert joining([LAST, replace(HELD, class_="DETAIL_SUM_MISMATCH"), MISSING], {}) is None
    assert joining([LAST, HELD, MISSING], {"A": KnownRef(2, 0)}) == HELD
    assert joining([LAST, HELD, MISSING], {"A": KnownRef(1, 1)}) is None


def test_what_joins_lets_the_next_one_join() -> None:
    later = replace(HELD, statement_id="ST-0009", sequence=9, opening_fen=70, closing_fen=80)
    refs = {"A": KnownRef(1, 0)}
    history = [LAST, replace(later, refs=frozenset({"B"})), HELD, MISSING]
    assert [one.statement_id for one in join_all(history, refs)] == ["ST-0008", "ST-0009"]
    assert [one.believed for one in history] == [True] * 4
    assert refs == {"A": KnownRef(2, 1), "B": KnownRef(1, 1)}


def test_a_gap_between_balances_and_a_later_day_are_told() -> None:
    assert opening_gap(HELD, [LAST], 5) == 0
    assert opening_gap(HELD, [], 5) == OPENING - 5
    assert not is_overtaken(HELD, [LAST])
    assert not is_overtaken(HELD, [])
    assert is_overtaken(HELD, [replace(LAST, to_on=date(2026, 3, 4))])
    assert not is_overtaken(replace(HELD, to_on=None), [LAST])
    assert not is_overtaken(HELD, [replace(LAST, to_on=None)])


def known(*statements: KnownStatement, currency: str = "CNY", **refs: KnownRef) -> dict[str, AccountHistory]:
    return {sample().account: AccountHistory(currency, OPENING, statements, refs)}


def of_file(
    one: Statement, lines: list[StatementLine], accounts: dict[str, AccountHistory], *, kept: bool = False
) -> Judged:
    return Judging("0", accounts, kept=kept).judge(one, lines, line_refs(lines))


def test_a_file_is_judged_by_the_accounts_it_is_of() -> None:
    lines, (one,) = read(camt053())
    assert of_file(one, lines, {}).statement.class_ == "UNKNOWN_ACCOUNT"
    assert of_file(one, lines, known(currency="EUR")).statement.class_ == "CURRENCY_MISMATCH"
    info = replace(one, verdict=Verdict.INFO_ONLY)
    assert of_file(info, lines, known()).statement is info
    taken = of_file(one, lines, known(LAST))
    assert (taken.statement.verdict, taken.kept, taken.joined) == ("accept", range(len(lines)), ())
    twice = of_file(one, lines, known(LAST, B0002=KnownRef(1, 1))).statement
    assert (twice.verdict, twice.class_) == ("hold", "DUPLICATE_ENTRY_REF")
    assert of_file(one, lines, known(LAST, B0002=KnownRef(1, 0))).statement.verdict == "accept"


def test_the_statement_that_was_missing_joins_what_was_held() -> None:
    lines, (one,) = read(camt053())
    held = replace(HELD, opening_fen=one.closing_fen)
    assert of_file(one, lines, known(LAST, held)).joined == ("ST-0008",)


def test_a_file_of_no_balances_counts_once() -> None:
    lines, (one,) = read(camt053())
    unproved = replace(one, opening_fen=None, closing_fen=None, proved=False)
    assert of_file(unproved, lines, known(LAST)).statement.verdict == "accept"
    again = of_file(unproved, lines, known(LAST), kept=True).statement
    assert (again.verdict, again.class_) == ("idempotent", "ALREADY_IMPORTED")


def test_of_an_export_only_what_is_new_is_left() -> None:
    lines, file = all_of(csv_text(rows()))
    (one,) = file.statements
    accounts = {one.account: AccountHistory("CNY", OPENING, (), {"L00001": KnownRef(1, 1)})}
    left = of_file(one, lines, accounts)
    assert (left.statement.verdict, left.statement.class_, left.kept) == (
        "hold", "OPENING_DISCONTINUITY", range(1, len(lines)),
    )  # fmt: skip
    before = replace(LAST, closing_fen=OPENING + 128_000)
    joined = Judging("0", {one.account: replace(accounts[one.account], statements=(before,))}).judge(
        one, lines, line_refs(lines)
    )
    assert (joined.statement.verdict, joined.statement.opening_fen) == ("accept", OPENING + 128_000)
    every = {f"L0000{n}": KnownRef(1, 1) for n in (1, 2, 3)}
    nothing = Judging("0", {one.account: replace(accounts[one.account], refs=every)}).judge(
        one, lines, line_refs(lines)
    )
    assert (nothing.statement.verdict, nothing.statement.class_) == ("idempotent", "DUPLICATE_STATEMENT")
