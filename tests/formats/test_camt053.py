"""What the camt.053 reader reads, on files of our own."""

from datetime import date
from importlib.resources import files

import pytest
from lxml import etree

from ledger.formats.statement import read_statement_file
from ledger.terms.statement import Fault, LineDetail, StatementLine
from tests.samples import ACCOUNT, DAY, LINES, SampleLine, balance, changed, judged, message, read, statement
from tests.samples import camt053 as sample

VERSIONS = ("02", "04", "06", "08", "10")

TAGS = sorted({part.split(">")[0].split(" ")[0].strip("/") for part in sample().decode().split("<")[2:]})


@pytest.mark.parametrize("version", VERSIONS)
def test_the_sample_is_valid_by_the_iso_schema(version: str) -> None:
    schema_file = files("camt053") / "xsd" / f"camt.053.001.{version}.xsd"
    schema = etree.XMLSchema(etree.fromstring(schema_file.read_bytes()))
    content = sample(
        version=version, lines=(*LINES, SampleLine(300, ref="B0004", parts_fen=(100, 200), reversal=False))
    )
    schema.assertValid(etree.fromstring(content))


@pytest.mark.parametrize("version", VERSIONS)
def test_a_sound_statement_is_accepted_with_its_figures(version: str) -> None:
    checked = read_statement_file(sample(version=version), "day.xml")
    (one,) = checked.statements
    assert (checked.name, checked.verdict, checked.class_, one.class_) == ("day.xml", "accept", None, None)
    assert (one.format, one.version, one.account) == ("camt", f"camt.053.001.{version}", ACCOUNT)
    assert (one.statement_id, one.sequence, one.currency) == ("ST-0007", 7, "CNY")
    assert (one.opening_fen, one.closing_fen) == (50_000_000, 50_101_850)
    assert (one.entries, one.booked_entries, one.sum_credits_fen, one.sum_debits_fen) == (3, 3, 137_900, 36_050)
    assert (one.booked_credits_fen, one.booked_debits_fen, one.proved) == (137_900, 36_050, True)
    assert (one.from_on, one.to_on, one.closing_on) == (DAY, DAY, DAY)


@pytest.mark.parametrize("version", VERSIONS)
def test_a_line_carries_all_that_matching_needs(version: str) -> None:
    lines, _ = read(sample(version=version))
    assert lines[1] == StatementLine(
        ord=2,
        amount_fen=36_050,
        credit=False,
        status="BOOK",
        booked_on=DAY,
        value_on=DAY,
        bank_ref="B0002",
        end_to_end_id="RF20260302001",
        counterparty_account="6217000099998888777",
        counterparty_name="龘思源",
        counterparty_bank="105100000017",
        memo="退费 RF20260302001",
        bank_code="PMNT/ICDT/DMCT",
        reversal=False,
        detail_count=1,
    )


def test_an_empty_day_is_a_statement_too() -> None:
    lines, (one,) = read(sample(lines=()))
    assert (lines, one.entries, one.verdict) == ([], 0, "accept")


def test_an_overdrawn_opening_is_negative() -> None:
    _, (one,) = read(sample(opening_fen=-123_456))
    assert (one.opening_fen, one.closing_fen, one.verdict) == (-123_456, -21_606, "accept")


def test_without_a_sequence_or_a_period_the_balances_give_the_days() -> None:
    content = changed("<FrToDt>", "<Frozen>", sample(sequence=None)).replace(b"</FrToDt>", b"</Frozen>")
    _, (one,) = read(content)
    assert (one.sequence, one.from_on, one.to_on, one.verdict) == (None, DAY, DAY, "accept")


def test_the_previous_closing_may_open() -> None:
    assert judged(sample(opening_kind="PRCD")) == "accept"
    both = changed("<Bal>", balance("PRCD", 50_000_000) + "<Bal>")
    assert judged(both) == "accept"
    other = changed("<Bal>", balance("PRCD", 50_000_001) + "<Bal>")
    assert judged(other) == "reject:BALANCE_MISMATCH"


def test_other_balances_are_information() -> None:
    content = changed("<TxsSummry>", balance("CLAV", 7) + balance("ITBD", 8) + "<TxsSummry>")
    assert judged(content) == "accept"


def test_only_booked_lines_count_for_the_balance() -> None:
    pending = [SampleLine(500, ref=f"P{n}", status=status) for n, status in enumerate(("PDNG", "INFO", "FUTR"))]
    lines, (one,) = read(sample(lines=(*LINES, *pending)))
    assert [line.status for line in lines[3:]] == ["PDNG", "INFO", "PDNG"]
    assert (one.verdict, one.entries, one.booked_entries) == ("accept", 6, 3)
    assert (one.sum_credits_fen, one.booked_credits_fen) == (139_400, 137_900)


def test_a_bank_may_count_only_what_is_booked() -> None:
    content = sample(lines=(*LINES, SampleLine(500, ref="P1", status="PDNG")))
    booked = content.replace(b"<NbOfNtries>4</NbOfNtries><Sum>1744.50", b"<NbOfNtries>3</NbOfNtries><Sum>1739.50")
    assert booked != content
    assert judged(booked) == "accept"
    mixed = content.replace(b"<NbOfNtries>4</NbOfNtries><Sum>1744.50", b"<NbOfNtries>3</NbOfNtries><Sum>1744.50")
    assert judged(mixed) == "reject:BALANCE_MISMATCH"


def test_a_pending_line_needs_no_booking_day() -> None:
    content = changed(
        f"<Sts><Cd>PDNG</Cd></Sts><BookgDt><Dt>{DAY}</Dt></BookgDt>",
        "<Sts><Cd>PDNG</Cd></Sts>",
        sample(lines=(SampleLine(500, status="PDNG"),)),
    )
    lines, (one,) = read(content)
    assert (lines[0].booked_on, one.verdict) == (None, "accept")


def test_a_reversal_keeps_its_sign_and_turns_the_parties() -> None:
    content = sample(lines=(SampleLine(700, ref="R1", reversal=True),)).replace(b"Dbtr", b"Cdtr")
    lines, (one,) = read(content)
    assert (lines[0].credit, lines[0].reversal, lines[0].counterparty_name) == (True, True, "欧阳小满")
    assert (one.sum_credits_fen, one.verdict) == (700, "accept")


def test_parts_are_allocations_of_the_line() -> None:
    lines, (one,) = read(sample(lines=(SampleLine(1_000, ref="B1", parts_fen=(300, 300, 400)),)))
    (line,) = lines
    assert (one.entries, one.sum_credits_fen, one.verdict) == (1, 1_000, "accept")
    assert (line.detail_count, line.end_to_end_id, line.counterparty_name, line.memo) == (3, "", "", "")
    assert line.details[2] == LineDetail(
        400, True, "PP20260302001", "6217000099998888777", "欧阳小满", "学费 PP20260302001"
    )


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("parts", [(300, 300), (300, 300, 401), (999,)])
def test_parts_that_do_not_add_up_hold_the_statement(version: str, parts: tuple[int, ...]) -> None:
    content = sample(version=version, lines=(SampleLine(5), SampleLine(1_000, ref="B1", parts_fen=parts)))
    _, (one,) = read(content)
    assert (one.verdict, one.proved) == ("hold", True)
    assert one.fault == Fault("DETAIL_SUM_MISMATCH", "Stmt[1]/Ntry[2]", "TxDtls")


def test_parts_without_an_amount_in_the_statements_currency_are_not_compared() -> None:
    lines = (SampleLine(1_000, ref="B1", parts_fen=(300, 300)),)
    foreign = sample(lines=lines).decode().replace('<Amt Ccy="CNY">3.00', '<Amt Ccy="EUR">3.00')
    assert judged(foreign.encode()) == "accept"
    one_known = sample(lines=lines).decode().replace('<Amt Ccy="CNY">3.00', '<Amt Ccy="EUR">3.00', 1)
    assert judged(one_known.encode()) == "accept"
    too_much = one_known.replace('<Amt Ccy="CNY">3.00', '<Amt Ccy="CNY">30.00')
    assert judged(too_much.encode()) == "hold:DETAIL_SUM_MISMATCH"


def test_a_part_of_the_other_sign_is_taken_off() -> None:
    content = sample(lines=(SampleLine(1_000, ref="B1", parts_fen=(1_026, 26)),))
    fee = '<Amt Ccy="CNY">0.26</Amt><CdtDbtInd>'
    assert judged(changed(fee + "CRDT", fee + "DBIT", content)) == "accept"
    assert judged(content) == "hold:DETAIL_SUM_MISMATCH"


def test_parts_of_a_pending_line_hold_nothing() -> None:
    assert judged(sample(lines=(SampleLine(1_000, status="PDNG", parts_fen=(1,)),))) == "accept"


def test_a_line_without_parts_has_what_the_entry_says() -> None:
    content = sample(lines=(SampleLine(1_000, ref="NONREF", parts_fen=None), SampleLine(1, ref="NONREF")))
    content = changed("</BkTxCd></Ntry>", "</BkTxCd><AddtlNtryInf>利息</AddtlNtryInf></Ntry>", content)
    lines, (one,) = read(content)
    assert (lines[0].memo, lines[0].detail_count, lines[0].bank_ref, one.verdict) == ("利息", 0, "", "accept")


@pytest.mark.parametrize(
    ("remittance", "memo"),
    [
        ("<RmtInf><Ustrd>甲</Ustrd><Ustrd>乙</Ustrd></RmtInf>", "甲 乙"),
        ("<RmtInf><Strd><CdtrRefInf><Ref>RF18</Ref></CdtrRefInf></Strd><Strd/></RmtInf>", "RF18"),
        ("<RmtInf><Else/></RmtInf><AddtlTxInf>附言</AddtlTxInf>", "附言"),
        ("", ""),
    ],
)
def test_the_memo_comes_from_where_the_bank_puts_it(remittance: str, memo: str) -> None:
    content = sample(lines=(SampleLine(1_000, end_to_end_id="NOTPROVIDED"),))
    lines, _ = read(changed("<RmtInf><Ustrd>学费 PP20260302001</Ustrd></RmtInf>", remittance, content))
    assert (lines[0].memo, lines[0].end_to_end_id) == (memo, "")


def test_a_bank_code_of_its_own_is_kept() -> None:
    code = "<Domn><Cd>PMNT</Cd><Fmly><Cd>RCDT</Cd><SubFmlyCd>DMCT</SubFmlyCd></Fmly></Domn>"
    lines, _ = read(changed(code, "<Prtry><Cd>544</Cd></Prtry>"))
    assert lines[0].bank_code == "544"
    lines, _ = read(changed(f"<BkTxCd>{code}</BkTxCd>", ""))
    assert lines[0].bank_code == ""


def test_an_iban_is_an_account_too() -> None:
    _, (one,) = read(changed(f"<Othr><Id>{ACCOUNT}</Id></Othr>", "<IBAN>DE02120300000000202051</IBAN>"))
    assert (one.account, one.verdict) == ("DE02120300000000202051", "accept")


@pytest.mark.parametrize(
    ("written", "day"),
    [
        ("<Dt>2026-03-02</Dt>", date(2026, 3, 2)),
        ("<Dt>2026-03-02+08:00</Dt>", date(2026, 3, 2)),
        ("<DtTm>2026-03-02T23:30:00</DtTm>", date(2026, 3, 2)),
        ("<DtTm>2026-03-02T23:30:00.000000000+08:00</DtTm>", date(2026, 3, 2)),
        ("<DtTm>2026-03-02T16:30:00Z</DtTm>", date(2026, 3, 3)),
    ],
)
def test_a_day_is_a_day_in_china(written: str, day: date) -> None:
    lines, _ = read(changed(f"<BookgDt><Dt>{DAY}</Dt>", f"<BookgDt>{written}"))
    assert lines[0].booked_on == day


def test_two_statements_of_two_accounts_in_one_file() -> None:
    content = message(statement(), statement(account="6230000000000001", statement_id="X", opening_fen=1)).encode()
    lines, statements = read(content)
    assert [line.ord for line in lines] == [1, 2, 3, 1, 2, 3]
    assert [(one.ord, one.account, one.verdict) for one in statements] == [
        (1, ACCOUNT, "accept"),
        (2, "6230000000000001", "accept"),
    ]


def test_a_file_is_as_bad_as_its_worst_statement() -> None:
    wrong = statement(account="6230000000000001", closing_fen=1)
    checked = read_statement_file(message(statement(), wrong).encode())
    assert (checked.verdict, checked.class_) == ("reject", "BALANCE_MISMATCH")
    assert [one.verdict for one in checked.statements] == ["accept", "reject"]
    held = statement(account="6230000000000001", lines=(SampleLine(9, parts_fen=(1,)),))
    assert judged(message(held, statement()).encode()) == "hold:DETAIL_SUM_MISMATCH"


@pytest.mark.parametrize("encoding", ["UTF-8", "GB18030", "GBK", "UTF-16", "UTF-16LE", "UTF-16BE", "utf-8-sig"])
def test_honest_encodings_are_read(encoding: str) -> None:
    declared = "UTF-8" if encoding == "utf-8-sig" else encoding
    text = sample().decode().replace('encoding="UTF-8"', f'encoding="{declared}"')
    text = text.replace("龘思源", "龘思源" if encoding != "GBK" else "邓思源")
    lines, (one,) = read(text.encode(encoding))
    assert (lines[0].counterparty_name, one.verdict) == ("欧阳小满", "accept")


def test_a_prefix_instead_of_a_default_namespace() -> None:
    text = sample().decode().replace("</", "</c:").replace("<?", "<_").replace("<c:", "<")
    for tag in [*TAGS, "Document"]:
        text = (
            text.replace(f"<{tag}>", f"<c:{tag}>").replace(f"<{tag} ", f"<c:{tag} ").replace(f"</{tag}>", f"</c:{tag}>")
        )
    text = text.replace("<_", "<?").replace("xmlns=", "xmlns:c=").replace("</c:c:", "</c:")
    assert judged(text.encode()) == "accept"


def test_a_comment_or_cdata_does_not_cut_a_value_in_two() -> None:
    cut = changed('<Amt Ccy="CNY">1280.00', '<Amt Ccy="CNY">12<!-- 99 -->80<![CDATA[.00]]>')
    assert judged(cut) == "accept"


# -- the digest


def test_the_digest_is_of_the_content_not_of_the_message() -> None:
    _, (first,) = read(sample())
    _, (again,) = read(sample(message_id="RESENT", version="04", encoding="GB18030"))
    assert len(first.content_digest) == 64
    assert first.content_digest == again.content_digest


@pytest.mark.parametrize(
    "other",
    [
        sample(statement_id="ST-0008"),
        sample(sequence=8),
        sample(opening_fen=50_000_100),
        sample(account="6230000000000001"),
        sample(lines=LINES[::-1]),
        changed("欧阳小满", "欧阳大满"),
        changed("学费", "书费"),
        sample(lines=(*LINES[:2], SampleLine(9_900, ref="B0003", parts_fen=(9_900, 0)))),
    ],
)
def test_other_content_has_another_digest(other: bytes) -> None:
    assert read(sample())[1][0].content_digest != read(other)[1][0].content_digest
