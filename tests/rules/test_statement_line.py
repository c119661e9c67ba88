"""Overlapping exports: a row counts once, two equal real payments count twice."""

from hypothesis import given
from hypothesis import strategies as st

from ledger.rules.statement_line import line_keys, line_refs, without_known
from ledger.terms.statement import Statement, StatementLine
from tests.bank_files import all_of, csv_text, rows

MOVES = [(100, "A"), (100, "B"), (-50, "C"), (100, "D"), (7, "E")]


def export(first: int, last: int, *, turned: bool = False, refs: bool = True) -> tuple[list[StatementLine], Statement]:
    """The rows from ``first`` to ``last`` of one history."""
    body = rows(moves=MOVES)[first:last]
    if not refs:
        body = [[*cells[:7], ""] for cells in body]
    lines, file = all_of(csv_text(body[::-1] if turned else body, above=" \n"))
    return lines, file.statements[0]


def keys_of(lines: list[StatementLine]) -> list[tuple[str, int]]:
    return line_keys(line_refs(lines))


@given(st.integers(1, 4), st.integers(0, 4), st.booleans(), st.booleans())
def test_two_overlapping_exports_bring_every_row_once(cut: int, start: int, turned: bool, refs: bool) -> None:
    start = min(start, cut)
    first, _ = export(0, cut, refs=refs)
    known = set(keys_of(first))
    lines, statement = export(start, 5, turned=turned, refs=refs)
    left = without_known(statement, lines, line_refs(lines), known)
    assert len(first) + len(left.kept) == 5
    assert left.statement.opening_fen == first[-1].balance_fen
    assert left.statement.closing_fen == statement.closing_fen
    assert left.statement.verdict == "accept"


def test_equal_payments_are_told_apart_by_which_of_them_it_is() -> None:
    twins = "Date,Amount,Currency\n2026-03-02,5.00,EUR\n2026-03-02,5.00,EUR\n2026-03-02,6.00,EUR\n"
    lines, _ = all_of(twins)
    first, second, third = keys_of(lines)
    assert (first[0], first[1], second[1]) == (second[0], 1, 2)
    assert third[1] == 1


def test_an_export_that_is_known_whole_changes_nothing() -> None:
    lines, statement = export(0, 5)
    left = without_known(statement, lines, line_refs(lines), set(keys_of(lines)))
    assert (left.statement.verdict, left.statement.class_, left.kept) == ("idempotent", "DUPLICATE_STATEMENT", range(0))


def test_known_rows_with_unknown_ones_before_them_are_held() -> None:
    lines, statement = export(0, 5)
    left = without_known(statement, lines, line_refs(lines), set(keys_of(lines[2:3])))
    assert (left.statement.verdict, left.statement.class_, len(left.kept)) == ("hold", "OPENING_DISCONTINUITY", 5)
    unbalanced, _ = all_of("Date,Amount,Currency,Ref\n2026-03-02,5.00,EUR,A\n2026-03-02,6.00,EUR,B\n")
    assert (
        without_known(statement, unbalanced, line_refs(unbalanced), {("A", 1)}).statement.class_
        == "OPENING_DISCONTINUITY"
    )
