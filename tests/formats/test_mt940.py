"""MT940: pages, reversals, envelopes, Chinese text, and everything that makes a statement unbelievable."""

from collections.abc import Callable
from datetime import date

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ledger.formats import mt940 as reader
from ledger.formats import mt940_field, statement_tally
from ledger.formats.statement import read_statement_file
from tests.bank_files import ACCOUNT, all_of, judged, mt940, only

GOOD = mt940()


def changed(old: str, new: str, text: str = GOOD) -> str:
    assert old in text
    return text.replace(old, new, 1)


def test_a_statement_is_read_with_all_it_says() -> None:
    lines, file = all_of(GOOD)
    (one,) = file.statements
    assert (one.format, one.version, one.account, one.statement_id) == ("mt", "MT940", ACCOUNT, "ST0007")
    assert (one.sequence, one.currency, one.opening_fen, one.closing_fen) == (7, "CNY", 50_000_000, 50_101_850)
    assert (one.entries, one.booked_entries, one.sum_credits_fen, one.sum_debits_fen) == (3, 3, 137_900, 36_050)
    assert (one.verdict, one.proved, one.from_on, one.to_on) == ("accept", True, date(2026, 3, 2), date(2026, 3, 2))
    first, second, _ = lines
    assert (first.ord, first.amount_fen, first.credit, first.status) == (1, 128_000, True, "BOOK")
    assert (first.booked_on, first.value_on, first.bank_ref) == (date(2026, 3, 2), date(2026, 3, 2), "B70001")
    assert (first.end_to_end_id, first.memo, first.bank_code) == ("PP20260302001", "PP20260302001", "NTRF")
    assert (first.counterparty_name, first.counterparty_account) == ("欧阳小满", "6217000099998888777")
    assert (first.counterparty_bank, first.reversal, second.credit) == ("105100000017", False, False)


@pytest.mark.parametrize("encoding", ["utf-8", "gb18030", "utf-8-sig"])
@pytest.mark.parametrize("newline", ["\n", "\r\n"])
def test_chinese_text_line_ends_and_frames_make_no_difference(encoding: str, newline: str) -> None:
    raw = f"\x01\n{GOOD}\x03".replace("\n", newline).encode(encoding)
    lines, file = all_of(raw)
    assert (file.verdict, lines[0].counterparty_name) == ("accept", "欧阳小满")
    assert file.statements[0].content_digest == only(GOOD).content_digest


@pytest.mark.parametrize("block", ["{1:F01ICBKCNBJAXXX0000000000}{2:O9401200260302ICBKCNBJ}{4:", "{1:F01X}{4:"])
def test_swift_blocks_stand_around_the_text(block: str) -> None:
    day = mt940(end="-}{5:{CHK:1}}")
    text = f"{block}\n{day}$\n".replace("\n$", "")
    assert only(text).content_digest == only(GOOD).content_digest
    two = f"{block}\n{mt940(end='-}' + block)}\n{mt940(reference='ST0008', number='8/1')}"
    assert [one.sequence for one in all_of(two)[1].statements] == [7, 8]
    assert judged(two) == "accept"


def test_pages_are_joined_and_may_be_many() -> None:
    pages = (
        mt940(moves=((100, "A"), (200, "B")), number="7/1", ends=("60F", "62M"))
        + mt940(moves=((-50, "C"),), number="7/2", opening_fen=50_000_300, ends=("60M", "62M"), reference="ST0007-2")
        + mt940(moves=((1, "D"),), number="7/3", opening_fen=50_000_250, ends=("60M", "62F"))
    )
    lines, file = all_of(pages)
    (one,) = file.statements
    assert (one.verdict, one.statement_id, one.entries) == ("accept", "ST0007", 4)
    assert (one.opening_fen, one.closing_fen) == (50_000_000, 50_000_251)
    assert [line.ord for line in lines] == [1, 2, 3, 4]


PAGE = mt940(moves=((100, "A"),), ends=("60F", "62M"))
NEXT = {"moves": ((100, "B"),), "number": "7/2", "opening_fen": 50_000_100, "ends": ("60M", "62F")}


@pytest.mark.parametrize(
    ("class_", "pages"),
    [
        ("INCOMPLETE_STATEMENT", PAGE),
        ("INCOMPLETE_STATEMENT", PAGE + mt940(**(NEXT | {"number": "7/3"}))),  # type: ignore[arg-type]  # by name
        ("INCOMPLETE_STATEMENT", PAGE + mt940(**(NEXT | {"number": "8/2"}))),  # type: ignore[arg-type]  # by name
        ("INCOMPLETE_STATEMENT", PAGE + mt940(**(NEXT | {"account": "999"}))),  # type: ignore[arg-type]  # by name
        ("INCOMPLETE_STATEMENT", PAGE + mt940(**(NEXT | {"ends": ("60F", "62F")}))),  # type: ignore[arg-type]  # by name
        ("MISSING_BALANCE", PAGE + ":20:X\n-\n"),
        ("INCOMPLETE_STATEMENT", PAGE + ":20:X\n:62F:C260302CNY500001,\n-\n"),
        ("INCOMPLETE_STATEMENT", mt940(ends=("60M", "62F"))),
        ("BALANCE_MISMATCH", PAGE + mt940(**(NEXT | {"opening_fen": 50_000_101}))),  # type: ignore[arg-type]  # by name
        ("BALANCE_MISMATCH", mt940(ends=("60F", "62M"), closing_fen=1)),
        ("BALANCE_MISMATCH", PAGE + mt940(**(NEXT | {"closing_fen": 1}))),  # type: ignore[arg-type]  # by name
        ("CURRENCY_MISMATCH", changed("CNY500001", "USD500001", PAGE)),
        ("CURRENCY_MISMATCH", PAGE + changed("CNY", "USD", mt940(**NEXT))),  # type: ignore[arg-type]  # by name
    ],
)
def test_pages_that_do_not_fit_are_refused(class_: str, pages: str) -> None:
    assert judged(pages) == f"reject:{class_}"


def test_marks_say_the_sign_and_reversals_turn_it() -> None:
    text = GOOD
    for old, new in (("0302C1280,00", "0302RC1280,00"), ("0302D360,50", "0302RD360,5"), ("0302C99,00", "0302CY99,")):
        text = changed(old, new, text)
    text = changed(":62F:C260302CNY501018,50", ":62F:C260302CNY499179,50", text)
    lines, file = all_of(text)
    assert file.verdict == "accept"
    assert [(line.credit, line.reversal, line.amount_fen) for line in lines] == [
        (False, True, 128_000),
        (True, True, 36_050),
        (True, False, 9_900),
    ]
    assert (file.statements[0].sum_credits_fen, file.statements[0].sum_debits_fen) == (45_950, 128_000)


@pytest.mark.parametrize(
    ("class_", "old", "new"),
    [
        ("BAD_AMOUNT", "C1280,00", "C1280.00"),
        ("BAD_AMOUNT", "C1280,00", "C1280"),
        ("BAD_AMOUNT", "C1280,00", "C1.280,00"),
        ("BAD_AMOUNT", "C1280,00", "C1280,001"),
        ("BAD_FIELD", "C1280,00", "C"),
        ("BAD_AMOUNT", "CNY500000,00", "CNY500000.00"),
        ("BAD_FIELD", "C1280,00", "X1280,00"),
        ("BAD_FIELD", "C1280,00", "CR1280,00"),  # R is the third letter of EUR, not of CNY
        ("BAD_FIELD", "C1280,00NTRFPP20260302001//B70001", "C1280,00"),
        ("BAD_FIELD", "NTRFPP20260302001", "NTRF" + "P" * 36),
        ("BAD_FIELD", ":61:2603020302C1280,00", ":61:26030C1280,00"),
        ("BAD_FIELD", ":60F:C", ":60F:X"),
        ("BAD_FIELD", ":60F:C260302CNY500000,00", ":60F:C2603USD"),
        ("MISSING_CURRENCY", "CNY500000,00", "500000,00"),
        ("BAD_DATE", ":61:2603020302", ":61:2602300302"),
        ("BAD_DATE", ":61:2603020302", ":61:2603021332"),
        ("BAD_DATE", ":60F:C260302", ":60F:C261302"),
        ("BAD_DATE", ":60F:C260302", ":60F:C26O302"),
        ("BAD_FIELD", ":28C:7/1", ":28C:7-1"),
        ("BAD_FIELD", ":28C:7/1", ":28C:7/1\n2"),
        ("BAD_FIELD", ":28C:7/1\n", ""),
        ("BAD_FIELD", ":28C:7/1", ":28C:7/1\n:28C:7/1"),
        ("BAD_FIELD", ":25:", ":60F:C260302CNY1,\n:25:"),
        ("BAD_FIELD", ":86:?00PAY", ":86:once\n:86:?00PAY"),
        ("BAD_FIELD", ":20:", "hello\n:20:"),
        ("BAD_ACCOUNT", f":25:{ACCOUNT}", ":25:6.23E+18"),
        ("BAD_ACCOUNT", f":25:{ACCOUNT}\n", ""),
        ("BAD_ACCOUNT", "?316217000099998888777", "?316.217E+18"),
        ("INCOMPLETE_STATEMENT", ":20:ST0007\n", ""),
        ("INCOMPLETE_STATEMENT", GOOD[: GOOD.index(":61:")], ""),
        ("MISSING_BALANCE", ":60F:C260302CNY500000,00\n", ""),
        ("MISSING_BALANCE", ":62F:C260302CNY501018,50\n", ""),
        ("BALANCE_MISMATCH", "CNY501018,50", "CNY501018,51"),
        ("CURRENCY_MISMATCH", ":62F:C260302CNY", ":62F:C260302USD"),
        ("UNSUPPORTED_MESSAGE", ":20:", "{1:F01X}{2:O9501200}{4:\n:20:"),
        ("LIMIT_EXCEEDED", ":86:?00PAY", ":86:" + "more\n" * 300),
        ("LIMIT_EXCEEDED", ":86:?00PAY", ":86:" + "m" * 3_000),
        ("BAD_ENCODING", "PAY", "PAY\x00"),
    ],
)
def test_what_is_wrong_has_a_class(class_: str, old: str, new: str) -> None:
    assert judged(changed(old, new)) == f"reject:{class_}"


def test_fragments_and_files_without_statements_are_refused() -> None:
    assert judged(":62F:C100323EUR42570,04\n-") == "reject:INCOMPLETE_STATEMENT"
    assert judged(":20:D140902049\n") == "reject:MISSING_BALANCE"
    assert judged(":61:1409010902DR1,62NTRFNONREF\n") == "reject:INCOMPLETE_STATEMENT"
    assert judged("{1:F01X}{2:O940}{4:\n-}\n") == "reject:NO_STATEMENT"
    assert judged(changed(":61:", "-\n:61:")) == "reject:MISSING_BALANCE"


def test_one_bad_statement_rejects_the_file_and_is_named() -> None:
    both = GOOD + mt940(reference="B", closing_fen=1)
    _, file = all_of(both)
    assert [str(one.verdict) for one in file.statements] == ["accept", "reject"]
    assert (file.verdict, file.class_) == ("reject", "BALANCE_MISMATCH")
    assert judged(GOOD + GOOD) == "reject:CONFLICTING_STATEMENT"


def test_banks_that_write_the_same_reference_every_day_are_told_apart() -> None:
    days = mt940(reference="STARTUMS") + mt940(reference="STARTUMS", number="8/1")
    first, second = all_of(days)[1].statements
    assert first.statement_id == second.statement_id == "STARTUMS"
    assert (first.identity, second.identity) == ("STARTUMS 7 2026-03-02", "STARTUMS 8 2026-03-02")
    assert only(mt940(number="0")).sequence is None


def test_a_reference_that_repeats_counts_for_its_first_line_only() -> None:
    lines, file = all_of(GOOD.replace("//B70002", "//B70001").replace("//B70003", ""))
    assert (file.verdict, [line.bank_ref for line in lines]) == ("accept", ["B70001", "", ""])


def test_the_entry_date_takes_its_year_from_the_value_date() -> None:
    for written, expected in (("2601011231", date(2025, 12, 31)), ("2512310101", date(2026, 1, 1)), ("240229", date(2024, 2, 29)), ("2403010229", date(2024, 2, 29)), ("991231    ", date(1999, 12, 31))):  # fmt: skip  # noqa: E501 (one table)
        lines, _ = all_of(changed(":61:2603020302", f":61:{written}"))
        assert lines[0].booked_on == expected


def test_free_text_is_joined_where_a_full_line_was_wrapped() -> None:
    wrapped = "P" * 64 + "A" + "\n" + "B rest\n\nend"
    free = changed(":86:?00PAY?20PP20260302001?30105100000017?316217000099998888777?32欧阳小满", f":86:{wrapped}")
    line = all_of(free)[0][0]
    assert (line.memo, line.counterparty_account) == ("P" * 64 + "AB rest end", "")
    none = changed(":86:?00PAY?20PP20260302001?30105100000017?316217000099998888777?32欧阳小满\n", "supplement\n")
    assert all_of(none)[0][0].memo == "supplement"


def test_the_end_to_end_id_in_the_text_counts_before_the_one_of_the_line() -> None:
    tagged = changed("?20PP20260302001", "?20EREF+RF-77?21 SVWZ+back")
    assert all_of(tagged)[0][0].end_to_end_id == "RF-77"
    for nothing in ("?20EREF+NOTPROVIDED", "?20none"):
        assert all_of(changed("?20PP20260302001", nothing))[0][0].end_to_end_id == "PP20260302001"
    assert all_of(changed("NTRFPP20260302001", "NTRFNONREF"))[0][0].end_to_end_id == ""


def test_what_only_looks_like_a_field_goes_on_and_own_fields_are_passed_over() -> None:
    wrapped = changed("?32欧阳小满", "?602017-01-01T13\n:12:11?32欧阳小满")
    assert all_of(wrapped)[0][0].memo.endswith("2017-01-01T13:12:11")
    own = changed(":60F:", ":NS:22owner\n23words\n:60F:")
    assert only(own).content_digest == only(GOOD).content_digest
    after = changed("-\n", ":64:C260302CNY1,\n:65:C260303CNY1,\n:86:all the best\n-\n")
    assert only(after).content_digest == only(GOOD).content_digest
    with_bank = changed(f":25:{ACCOUNT}", f":25P:{ACCOUNT}\nICBKCNBJ")
    assert only(with_bank).account == ACCOUNT


MT942 = """:20:ST0007
:25:622700001234567890
:28C:7/1
:34F:CNYD0,00
:34F:CNYC0,00
:13D:2603021200+0800
:61:2603020302C12,00NTRFNONREF//B1
:86:on the way
:90D:0CNY0,
:90C:1CNY12,00
-
"""


def test_mt942_is_for_information() -> None:
    one = only(MT942)
    assert (one.version, one.verdict, one.proved, one.currency) == ("MT942", "info_only", False, "CNY")
    assert (one.entries, one.sum_credits_fen, one.opening_fen) == (1, 1_200, None)
    assert judged("{1:F01X}{2:O9421200}{4:\n" + MT942) == "info_only"
    assert judged(changed(":34F:CNYD0,00", ":34F:none", MT942)) == "reject:BAD_FIELD"
    assert judged(changed(":20:ST0007\n", "", MT942)) == "reject:INCOMPLETE_STATEMENT"


def test_more_than_is_read_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(statement_tally, "ENTRIES_MAX", 2)
    assert judged(GOOD) == "reject:LIMIT_EXCEEDED"
    monkeypatch.undo()
    monkeypatch.setattr(reader, "STATEMENTS_MAX", 1)
    assert judged(GOOD + mt940(reference="B")) == "reject:LIMIT_EXCEEDED"
    monkeypatch.undo()
    monkeypatch.setattr(mt940_field, "FIELD_LINES_MAX", 1)
    assert judged(changed("欧阳小满", "欧阳\n小满")) == "reject:LIMIT_EXCEEDED"
    monkeypatch.undo()
    huge = 99_999_999_999_999_99
    assert judged(mt940(moves=[(huge, "A")] * 12, closing_fen=0)) == "reject:BAD_AMOUNT"


CONTENT = (PAGE + mt940(**NEXT)).encode()  # type: ignore[arg-type]  # by name
LINES = GOOD.splitlines()
VERDICTS = {"accept", "reject", "info_only"}


@settings(max_examples=300, deadline=None)
@given(st.integers(0, len(CONTENT) - 1), st.integers(0, 40), st.binary(max_size=12))
def test_no_change_of_bytes_makes_it_crash(at: int, gone: int, put: bytes) -> None:
    assert read_statement_file(CONTENT[:at] + put + CONTENT[at + gone :]).verdict in VERDICTS


@settings(max_examples=200, deadline=None)
@given(st.permutations(LINES))
def test_no_order_of_lines_makes_it_crash(lines: list[str]) -> None:
    assert read_statement_file("\n".join(lines).encode()).verdict in VERDICTS


@settings(max_examples=100, deadline=None)
@given(st.lists(st.integers(-(10**9), 10**9), max_size=8), st.integers(-(10**9), 10**9))
def test_a_statement_is_accepted_when_it_adds_up_and_never_otherwise(moves: list[int], opening: int) -> None:
    named = [(fen, f"K{n}") for n, fen in enumerate(moves)]
    good: Callable[..., str] = mt940
    assert judged(good(moves=named, opening_fen=opening)) == "accept"
    wrong = opening + sum(moves) + 1
    assert judged(good(moves=named, opening_fen=opening, closing_fen=wrong)) == "reject:BALANCE_MISMATCH"
