"""Spreadsheets of banks: recognised by profile, proved by the running balance, refused by class."""

from dataclasses import replace
from datetime import date
from io import BytesIO
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ledger.errors import BadInput
from ledger.formats import statement_tally, statement_text
from ledger.formats.bank_profile import built_in, find_profile, read_profile
from ledger.formats.statement import read_statement_file
from ledger.terms.bank_profile import BankProfile
from tests.bank_files import ACCOUNT, HEADER, all_of, csv_text, judged, only, rows, xlsx

GOOD = csv_text(rows())
SIGNED = "Date,Amount,Currency,Balance,Description,Reference\n"


def changed(old: str, new: str, text: str = GOOD) -> str:
    assert old in text
    return text.replace(old, new, 1)


def profile(text: str) -> BankProfile:
    return read_profile(text.encode(), "own")


def test_a_corporate_export_is_recognised_read_and_proved() -> None:
    lines, file = all_of(GOOD)
    (one,) = file.statements
    assert (one.format, one.version, one.account, one.currency) == ("csv", "corporate_columns", ACCOUNT, "CNY")
    assert (one.opening_fen, one.closing_fen, one.entries, one.booked_entries) == (50_000_000, 50_101_850, 3, 3)
    assert (one.sum_credits_fen, one.sum_debits_fen, one.proved, one.verdict) == (137_900, 36_050, True, "accept")
    assert (one.from_on, one.to_on, one.newest_first, one.sequence) == (
        date(2026, 3, 2),
        date(2026, 3, 2),
        False,
        None,
    )
    assert one.statement_id.startswith("2026-03-02 ")
    assert one.identity == one.statement_id
    assert file.layout is not None
    assert (file.layout.profile, file.layout.header_at) == ("corporate_columns", "line 4")
    assert file.layout.columns[0] == ("booked_on", "交易时间")
    first = lines[0]
    assert (first.ord, first.amount_fen, first.credit, first.balance_fen) == (1, 128_000, True, 50_128_000)
    assert (first.counterparty_account, first.counterparty_name) == ("6217000099998888777", "欧阳小满")
    assert (first.memo, first.bank_ref, first.booked_on) == ("学费 PP20260302001", "L00001", date(2026, 3, 2))


def test_the_same_rows_in_another_file_say_the_same() -> None:
    digest = only(GOOD).content_digest
    assert only(GOOD.encode("gb18030")).content_digest == digest
    assert only(GOOD.encode("utf-8-sig").replace(b"\n", b"\r\n")).content_digest == digest
    padded = GOOD.replace("6217000099998888777", "`6217000099998888777\t").replace("L0", "　L0")
    assert only(padded).content_digest == digest
    above = [["账号", ACCOUNT], ["币　种：", "人民币"], ["期初余额", "500,000.00"], []]
    book = xlsx([["nothing here"]], [*above, HEADER, *rows()])
    assert only(book).content_digest == digest
    layout = all_of(book)[1].layout
    assert layout is not None
    assert (only(book).format, layout.header_at) == ("xlsx", "row 5")
    assert only(changed("账号：,", "账号：")).content_digest == digest


def test_a_page_break_repeats_the_header_and_blank_rows_are_nothing() -> None:
    broken = changed("2026-03-02 10:00:00,360.50", ",,,\n" + ",".join(HEADER) + "\n2026-03-02 10:00:00,360.50")
    assert only(broken).content_digest == only(GOOD).content_digest


def test_newest_first_is_walked_backwards() -> None:
    turned = csv_text(rows()[::-1])
    one = only(turned)
    assert (one.verdict, one.proved, one.newest_first) == ("accept", True, True)
    assert (one.opening_fen, one.closing_fen) == (50_000_000, 50_101_850)


@pytest.mark.parametrize("turned", [False, True])
def test_a_row_taken_out_holds_the_file_and_is_named(turned: bool) -> None:
    body = rows(moves=[(100 * n, f"K{n}") for n in range(1, 9)])
    body = body[::-1] if turned else body
    del body[5]
    _, file = all_of(csv_text(body, above=" \n"))
    assert (file.verdict, file.class_) == ("hold", "RUNNING_BALANCE_BREAK")
    assert file.fault is not None
    assert (file.fault.where, file.fault.field) == ("line 8", "余额")
    assert (file.statements[0].proved, file.statements[0].opening_fen) == (False, 50_000_000)


def test_a_stated_opening_balance_must_be_the_one_of_the_rows() -> None:
    assert judged(changed("期初余额：,500000.00", "期初余额：,500000.01")) == "reject:BALANCE_MISMATCH"
    below_zero = csv_text(rows(opening_fen=-1_000), above=f"账号,{ACCOUNT}\n期初余额,-10.00\n")
    assert only(below_zero).opening_fen == -1_000


TOTALS = '借方合计,1笔,"360.50",贷方合计,2笔,"1,379.00"\n'


@pytest.mark.parametrize(
    ("verdict", "footer"),
    [
        ("accept", TOTALS),
        ("accept", TOTALS + "\n制表人,李\n"),
        ("reject:ENTRY_COUNT_MISMATCH", changed("1笔", "2笔", TOTALS)),
        ("reject:BALANCE_MISMATCH", changed("360.50", "360.51", TOTALS)),
        ("reject:BALANCE_MISMATCH", changed("360.50", "-360.50", TOTALS)),
        ("reject:BAD_AMOUNT", changed("360.50", "360.505", TOTALS)),
        ("reject:BAD_AMOUNT", changed("360.50", "much", TOTALS)),
        ("reject:BAD_FIELD", TOTALS + ",".join(rows()[0]) + "\n"),
    ],
)
def test_totals_below_the_table_are_compared_and_end_it(verdict: str, footer: str) -> None:
    assert judged(csv_text(rows(), below=footer)) == verdict


@pytest.mark.parametrize(
    ("class_", "old", "new"),
    [
        ("BAD_AMOUNT", "1280.00", "12..80"),
        ("BAD_AMOUNT", "1280.00", "1280.005"),
        ("BAD_AMOUNT", "1280.00", "-1280.00"),
        ("BAD_AMOUNT", "1280.00", "１２８０.00"),
        ("BAD_AMOUNT", "1280.00", "1e3"),
        ("BAD_AMOUNT", "1280.00", '"1,28,0.00"'),
        ("BAD_AMOUNT", ",1280.00", "1.00,1280.00"),
        ("BAD_AMOUNT", ",1280.00", ","),
        ("BAD_AMOUNT", "501280.00", ""),
        ("BAD_DATE", "2026-03-02 10:00:00", "2026-02-30 10:00:00"),
        ("BAD_DATE", "2026-03-02 10:00:00", "yesterday"),
        ("BAD_ACCOUNT", "6217000099998888777", "6.217E+18"),
        ("BAD_ACCOUNT", "6217000099998888777", "105100000017.0"),
        ("BAD_ACCOUNT", ACCOUNT, "6.227E+17"),
        ("BAD_ACCOUNT", "币种：", "账号：,123\n币种："),
        ("BAD_FIELD", "币种：,人民币", "币种：,贝壳"),
        ("BAD_FIELD", "L00001", "2.0260302E+15"),
        ("BAD_FIELD", "L00001", "L" * 65),
        ("BAD_FIELD", "学费 PP20260302001", "学" * 501),
        ("BAD_FIELD", "L00001", "L00001,more"),
        ("BAD_FIELD", "欧阳小满", '"欧阳小满"x'),
        ("BAD_FIELD", "欧阳小满", "欧阳\x07小满"),
        ("BAD_FIELD", "附言,", "余额,"),
        ("DUPLICATE_ENTRY_REF", "L00002", "L00001"),
        ("HEADER_NOT_FOUND", "贷方发生额", "贷"),
        ("BAD_ENCODING", "欧阳小满", "欧阳\x00小满"),
        ("LIMIT_EXCEEDED", "欧阳小满", "x" * 70_000),
        ("LIMIT_EXCEEDED", "欧阳小满", '"' + ("x" * 60 + "\n") * 3_000),
    ],
)
def test_what_is_wrong_has_a_class(class_: str, old: str, new: str) -> None:
    assert judged(changed(old, new)) == f"reject:{class_}"


def test_a_text_without_a_sign_is_empty() -> None:
    with pytest.raises(BadInput, match="EMPTY_FILE"):
        statement_text.read_text(BytesIO(b" \n\t"))


def test_two_encodings_in_one_file_are_refused() -> None:
    mixed = GOOD.encode().replace("欧阳小满".encode(), "欧阳小满".encode("gb18030"), 1)
    assert judged(mixed) == "reject:BAD_ENCODING"


@pytest.mark.parametrize("cell", ["2026-03-02 10:00:00", "1280.00", "501280.00"])
@pytest.mark.parametrize("stray", ["欧阳小满", "6217000099998888777x", "6217000099998888777"])
def test_a_row_out_of_line_shows_no_name_and_no_account(cell: str, stray: str) -> None:
    _, file = all_of(changed(cell, stray))
    assert file.fault is not None
    assert (file.verdict, file.fault.value) == ("reject", "")


def test_a_value_of_a_person_stays_out_of_the_message() -> None:
    _, file = all_of(changed("6217000099998888777", "6.217E+18"))
    assert file.fault is not None
    assert file.fault.value == ""
    assert "对方账号" in file.fault.text("zh")


# -- signs, decimals, currencies, by profile


def test_a_signed_sheet_without_balance_is_read_and_proves_nothing() -> None:
    text = "Buchungstag;Betrag;CCY;IBAN;Ref\n2026-04-02;-1.234,56;EUR;DE89;A\n2026-04-05;+3.500;EUR;DE89;A\n"
    lines, file = all_of(text)
    (one,) = file.statements
    assert (one.version, one.account, one.currency, one.proved) == ("generic_signed", "DE89", "EUR", False)
    assert (one.sum_credits_fen, one.sum_debits_fen, one.opening_fen) == (350_000, 123_456, None)
    assert [line.bank_ref for line in lines] == ["A", ""]  # generic sheets may repeat references
    assert judged(text.replace("DE89;A\n2", "DE88;A\n2")) == "reject:BAD_ACCOUNT"
    assert judged(text.replace("EUR;DE89;A\n2", "USD;DE89;A\n2")) == "reject:CURRENCY_MISMATCH"
    assert judged(text.replace("EUR", "")) == "reject:MISSING_CURRENCY"


def test_a_balance_that_may_chain_proves_where_it_does() -> None:
    row = "2026-03-20,{},EUR,{},Salary,R{}\n"
    chained = SIGNED + row.format("2500.00", "5000.00", 1) + row.format("-1200.00", "3800.00", 2)
    assert (only(chained).proved, only(chained).opening_fen, only(chained).closing_fen) == (True, 250_000, 380_000)
    for old, new in (("3800.00", "3800.01"), ("3800.00", "xx"), ("3800.00", "")):
        loose = only(changed(old, new, chained))
        assert (loose.verdict, loose.proved, loose.opening_fen) == ("accept", False, None)
    empty = only(SIGNED)
    assert (empty.verdict, empty.proved, empty.entries, empty.from_on) == ("accept", False, 0, None)
    assert only(SIGNED + row.format("-5", "-3", 1)).opening_fen == 200


MARKED = """title = "own"
sign = "mark"
currency = "CNY"
unpaid = ["open"]
[columns]
booked_on = ["day"]
amount = ["amount"]
mark = ["way"]
[optional]
state = ["state"]
currency = ["money"]
memo = ["words"]
summary = ["more words"]
[marks]
credit = ["in"]
debit = ["out"]
neither = ["/"]
"""


def test_marks_states_and_lines_that_go_neither_way() -> None:
    text = "day,amount,way,state,money,words,more words\n"
    text += (
        "2026-03-02,¥1.00,in,done,CNY,rent,rent\n2026-03-02,CNY 2.00,out,open,CNY,/,----\n2026-03-03,￥4,/,done,,a,b\n"
    )
    lines, file = all_of(text, profile(MARKED))
    (one,) = file.statements
    assert [(line.status, line.memo) for line in lines] == [("BOOK", "rent"), ("PDNG", ""), ("INFO", "a b")]
    assert (one.entries, one.booked_entries, one.sum_credits_fen, one.sum_debits_fen) == (3, 1, 100, 200)
    assert one.statement_id.startswith("2026-03-02..2026-03-03 ")
    assert judged(text.replace(",in,", ",across,"), profile(MARKED)) == "reject:BAD_FIELD"
    assert judged(text.replace("¥1.00", "-1.00"), profile(MARKED)) == "reject:BAD_AMOUNT"
    assert judged(text.replace("CNY 2.00", "USD 2.00"), profile(MARKED)) == "reject:CURRENCY_MISMATCH"
    assert judged(text) == "reject:HEADER_NOT_FOUND"


def test_card_statements_turn_the_sign_or_say_it_in_words() -> None:
    card = "交易日期,入账日期,交易摘要,入账金额,入账货币\n"
    card += "2025/01/05,2025/01/06,消费,15.90,人民币\n2025/01/04,2025/1/4,退款,-97.20,人民币\n"
    one = only(card)
    assert (one.version, one.sum_credits_fen, one.sum_debits_fen) == ("cgb_card", 9_720, 1_590)
    words = "交易日期,记账日期,交易说明,入账币种/金额\n"
    words += "2025-01-10,2025-01-10,退货 美团,CNY 1.99\n2025-01-11,2025-01-12,消费 美团,CNY2.99\n"
    one = only(words)
    assert (one.version, one.sum_credits_fen, one.sum_debits_fen) == ("bocom_card", 199, 299)
    assert judged(words.replace("消费 美团", "其他")) == "reject:BAD_FIELD"
    assert judged(words.replace("CNY2.99", "twice 3")) == "reject:BAD_AMOUNT"


def test_zero_in_the_other_column_is_as_good_as_nothing() -> None:
    text = "日期,收入,支出,币种\n2026-03-02,0.00,67.00,人民币\n2026-03-02,5.00,0,人民币\n2026-03-02,0,0,CNY\n"
    assert (only(text).sum_credits_fen, only(text).sum_debits_fen, only(text).entries) == (500, 6_700, 3)


def test_numbers_of_a_workbook_are_read_as_what_they_show() -> None:
    head = ["日期", "收入", "支出", "币种", "账户余额"]
    body = [["20260302", 16.78, 0, "人民币", 116.78], ["2026-03-02", 0.0, 66.4, "人民币", 50.38]]
    one = only(xlsx([head, *body]))
    assert (one.sum_credits_fen, one.sum_debits_fen, one.closing_fen, one.proved) == (1_678, 6_640, 5_038, True)
    assert judged(xlsx([head, ["20260302", 0.125, 0, "CNY", 1]])) == "reject:BAD_AMOUNT"


def test_more_than_one_fitting_profile_or_sheet_is_a_question() -> None:
    both = "Date,Amount,Credit,Debit,Currency\n2026-03-02,1,1,,EUR\n"
    assert judged(both) == "reject:PROFILE_UNCLEAR"
    assert judged(both, find_profile("generic_signed")) == "accept"
    assert judged(xlsx([HEADER, *rows()], [HEADER, *rows()])) == "reject:PROFILE_UNCLEAR"
    assert judged(xlsx([["nothing"]], [])) == "reject:HEADER_NOT_FOUND"


def test_more_than_is_read_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(statement_tally, "ENTRIES_MAX", 2)
    assert judged(GOOD) == "reject:LIMIT_EXCEEDED"
    monkeypatch.undo()
    monkeypatch.setattr(statement_text, "LINES_MAX", 3)
    assert judged(GOOD) == "reject:LIMIT_EXCEEDED"


def test_every_profile_that_comes_with_the_product_recognises_its_own_header() -> None:
    for one in built_in():
        header = [names[0] for names in one.needed.values()]
        _, file = all_of(",".join(f'"{name}"' for name in header) + "\n")
        if one.generic:
            _, file = all_of(",".join(f'"{name}"' for name in header) + "\n", one)
        assert file.layout is not None, one.name
        assert file.layout.profile == one.name


# -- profiles as files


@pytest.mark.parametrize(
    ("key", "old", "new"),
    [
        ("", 'title = "own"', "title = "),
        ("colour", 'title = "own"', 'colour = "red"'),
        ("title", 'title = "own"', "title = 1"),
        ("sign", 'sign = "mark"', 'sign = "both"'),
        ("sign", 'sign = "mark"\n', ""),
        ("generic", 'title = "own"', 'generic = "yes"'),
        ("unpaid", '["open"]', '"open"'),
        ("unpaid", '["open"]', '[""]'),
        ("columns.mark", 'mark = ["way"]\n', ""),
        ("columns.way", 'mark = ["way"]', 'way = ["way"]'),
        ("columns.mark", 'mark = ["way"]', "mark = []"),
        ("columns.balance", 'sign = "mark"', 'sign = "mark"\nchain = "must"'),
        ("marks.up", 'credit = ["in"]', 'up = ["in"]'),
        ("columns", MARKED[MARKED.index("[columns]") :], 'columns = "all"\n'),
    ],
)
def test_a_profile_with_a_fault_names_its_key(key: str, old: str, new: str) -> None:
    with pytest.raises(BadInput) as refused:
        profile(changed(old, new, MARKED))
    assert (refused.value.code, refused.value.where, refused.value.field) == ("BAD_PROFILE", "own", key)


def test_a_profile_is_found_by_name_or_by_file(tmp_path: Path) -> None:
    path = tmp_path / "own.toml"
    path.write_text(MARKED)
    assert find_profile(str(path)) == replace(profile(MARKED), name="own")
    assert find_profile("icbc").title.startswith("中国工商银行")
    for name in ("nobody", str(tmp_path / "none.toml"), "own.csv"):
        with pytest.raises(BadInput, match="UNKNOWN_PROFILE"):
            find_profile(name)


CONTENT = csv_text(rows(), below=TOTALS).encode("gb18030")
VERDICTS = {"accept", "reject", "hold"}


@settings(max_examples=400, deadline=None)
@given(st.integers(0, len(CONTENT) - 1), st.integers(0, 40), st.binary(max_size=12))
def test_no_change_of_bytes_makes_it_crash(at: int, gone: int, put: bytes) -> None:
    assert read_statement_file(CONTENT[:at] + put + CONTENT[at + gone :]).verdict in VERDICTS


CELL = st.sampled_from(
    ["", "0", "-1.00", "1,234.50", "2026-03-02", "20260302", "贷", "x", "/", "6.2E+18", "99999999999999999"]
)


@settings(max_examples=300, deadline=None)
@given(st.sampled_from(built_in()), st.lists(st.lists(CELL, max_size=14), max_size=6))
def test_no_cells_make_it_crash(one: BankProfile, body: list[list[str]]) -> None:
    header = [names[0] for names in (*one.needed.values(), *one.optional.values())]
    assert (
        judged(csv_text([[f'"{cell}"' for cell in cells] for cells in body], header=header), one).split(":")[0]
        in VERDICTS
    )


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.integers(-(10**9), 10**9)), min_size=1, max_size=12), st.booleans(), st.data())
def test_a_sheet_is_proved_when_it_chains_and_held_when_a_balance_is_changed(
    moves: list[tuple[int]], turned: bool, drawn: st.DataObject
) -> None:
    body = rows(moves=[(fen, f"K{n}") for n, (fen,) in enumerate(moves)])
    body = body[::-1] if turned else body
    assert only(csv_text(body)).proved
    at = drawn.draw(st.integers(0, len(body) - 1))
    body[at][3] = "99999999.99"
    assert judged(csv_text(body, above=" \n")).split(":")[0] in ({"hold"} if len(body) > 1 else VERDICTS)
