"""The camt.053 reader on our own files: what it reads, what it refuses, and that nothing makes it crash."""

import gc
import subprocess
import sys
import time
import tracemalloc
from datetime import date
from importlib.resources import files
from io import BytesIO
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree

from ledger.formats import camt053, camt053_statement, strict_xml
from ledger.formats.statement import read_statement_file
from ledger.terms.statement import LineDetail, Statement, StatementLine
from tests.samples import ACCOUNT, DAY, LINES, SampleLine, balance, entry, message, statement
from tests.samples import camt053 as sample

VERSIONS = ("02", "04", "06", "08", "10")


def judged(content: bytes) -> str:
    checked = read_statement_file(content)
    return f"{checked.verdict}:{checked.class_}" if checked.class_ else str(checked.verdict)


def place(content: bytes) -> tuple[str, str]:
    fault = read_statement_file(content).fault
    assert fault is not None
    return fault.where, fault.field


def read(content: bytes) -> tuple[list[StatementLine], list[Statement]]:
    found = list(camt053.read(BytesIO(content)))
    lines = [one for one in found if isinstance(one, StatementLine)]
    return lines, [one for one in found if isinstance(one, Statement)]


def changed(old: str, new: str, content: bytes | None = None, count: int = 1) -> bytes:
    """The sample with its first ``old`` replaced; the old text must be there."""
    text = (content or sample()).decode()
    assert old in text, old
    return text.replace(old, new, count).encode()


# -- what is read


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
    assert (one.verdict, one.class_, one.proved) == ("hold", "DETAIL_SUM_MISMATCH", True)
    assert place(content) == ("Stmt[1]/Ntry[2]", "TxDtls")


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


# -- what is refused

WHOLE_FILE: list[tuple[str, bytes]] = [
    ("EMPTY_FILE", b""),
    ("EMPTY_FILE", b" \r\n\t"),
    ("EMPTY_FILE", b"\xef\xbb\xbf"),
    ("MALFORMED_XML", sample()[:-40]),
    ("MALFORMED_XML", sample()[: len(sample()) // 2]),
    ("MALFORMED_XML", sample() + b"<more/>"),
    ("MALFORMED_XML", sample() + b"\xe6"),
    ("MALFORMED_XML", b"\n" + sample()),
    ("MALFORMED_XML", b"<"),
    ("MALFORMED_XML", b"hello"),
    ("MALFORMED_XML", b"\x00" * 9_000),
    ("MALFORMED_XML", changed("欧阳", "欧\x00阳")),
    ("MALFORMED_XML", changed("欧阳", "欧\x0b阳")),
    ("MALFORMED_XML", changed("欧阳", "欧&#11;阳")),
    ("MALFORMED_XML", changed("欧阳", "&nobody;")),
    ("MALFORMED_XML", changed("<TxsSummry>", "<a>" * 3_000 + "</a>" * 3_000 + "<TxsSummry>")),
    ("MALFORMED_XML", b"<?xml version='1.0'?><!-- " + b"x" * 70_000 + b" -->" + sample()),
    ("MALFORMED_XML", b"<!-- " + b"x" * 65_524 + b" --><!DOCTYPE a><a/>"),
    ("MALFORMED_XML", sample().replace(b"<Document", b"<!doctype Document><Document")),
    ("MALFORMED_XML", sample().replace(b"<BkToCstmrStmt>", b"<!DOCTYPE Document><BkToCstmrStmt>")),
    ("DTD_FORBIDDEN", sample().replace(b"<Document", b"<!DOCTYPE Document><Document")),
    ("DTD_FORBIDDEN", sample().replace(b"<Document", b"<!-- a --><?b c?>\n<!DOCTYPE Document><Document")),
    ("DTD_FORBIDDEN", b'<!DOCTYPE D [<!ENTITY a "b"><!ENTITY c "&a;&a;&a;">]><D>&c;</D>'),
    ("DTD_FORBIDDEN", '<?xml version="1.0" encoding="UTF-16"?><!DOCTYPE D><D/>'.encode("utf-16")),
    ("DTD_FORBIDDEN", b'<!DOCTYPE D SYSTEM "file:///etc/hostname"><D/>'),
    ("BAD_ENCODING", sample().decode().encode("gb18030")),
    ("BAD_ENCODING", sample().replace(b'"UTF-8"', b'"GB18030"') + b"\xff\xff"),
    ("BAD_ENCODING", sample().replace(b'"UTF-8"', b'"US-ASCII"')),
    ("BAD_ENCODING", sample().replace(b'"UTF-8"', b'"ISO-8859-1"')),
    ("BAD_ENCODING", sample().replace(b'"UTF-8"', b'"Shift_JIS"')),
    ("BAD_ENCODING", sample().replace(b'"UTF-8"', b'"UTF-16"')),
    ("BAD_ENCODING", sample().decode().encode("utf-16")),
    ("BAD_ENCODING", b"\xef\xbb\xbf" + sample(encoding="GB18030")),
    ("UNSUPPORTED_MESSAGE", sample().replace(b"camt.053.001.08", b"camt.053.001.03")),
    ("UNSUPPORTED_MESSAGE", sample().replace(b"camt.053.001.08", b"pain.002.001.10")),
    ("UNSUPPORTED_MESSAGE", sample().replace(b' xmlns="urn:iso:std:iso:20022:tech:xsd:camt.053.001.08"', b"")),
    ("UNSUPPORTED_MESSAGE", sample().replace(b"Document", b"Envelope")),
    ("UNSUPPORTED_MESSAGE", b"<html><body>please log in</body></html>"),
    ("UNSUPPORTED_MESSAGE", b"\x1f\x8b\x08\x00\x00"),
    ("UNSUPPORTED_MESSAGE", b"%PDF-1.7\n"),
    ("UNSUPPORTED_MESSAGE", b"PK\x03\x04\x14\x00"),
    ("UNSUPPORTED_MESSAGE", b"\xd0\xcf\x11\xe0\xa1\xb1"),
    ("UNSUPPORTED_MESSAGE", b"{1:F01BANKCNBJ0000000000}{2:I940}{4:\r\n:20:X"),
    ("UNSUPPORTED_MESSAGE", b":20:STARTUMS\r\n:25:622700\r\n"),
    ("UNSUPPORTED_MESSAGE", "交易日期,金额\n2026-03-02,1.00\n".encode("gb18030")),
    ("NO_STATEMENT", message().encode()),
    ("NO_STATEMENT", b"<Document><!-- nothing --></Document>"),
    ("BAD_FIELD", message().replace("BkToCstmrStmt", "BkToCstmrAcctRpt").encode()),
    ("BAD_FIELD", message().replace("</GrpHdr>", f"</GrpHdr><Other>{statement()}</Other>").encode()),
    ("BAD_FIELD", changed("</GrpHdr>", "</GrpHdr><GrpHdr/>")),
    ("BAD_FIELD", message(entry(LINES[0])).encode()),
    ("BAD_FIELD", f"{message('<Document><BkToCstmrStmt>' + statement() + '</BkToCstmrStmt></Document>')}".encode()),
    (
        "INCOMPLETE_STATEMENT",
        changed("</GrpHdr>", "<MsgPgntn><PgNb>1</PgNb><LastPgInd>false</LastPgInd></MsgPgntn></GrpHdr>"),
    ),
    ("BAD_FIELD", changed("</GrpHdr>", "<MsgPgntn><PgNb>1</PgNb><LastPgInd>no</LastPgInd></MsgPgntn></GrpHdr>")),
]


@pytest.mark.parametrize(("class_", "content"), WHOLE_FILE)
def test_a_file_that_is_no_statement_file_is_refused_whole(class_: str, content: bytes) -> None:
    checked = read_statement_file(content)
    assert (checked.verdict, checked.class_, checked.statements) == ("reject", class_, ())


AMT = '<Ntry><Amt Ccy="CNY">1280.00</Amt>'
OPENING = balance("OPBD", 50_000_000)
CLOSING = balance("CLBD", 50_101_850)
SOME_DAY = f"<BookgDt><Dt>{DAY}</Dt></BookgDt>"
IN_STATEMENT: list[tuple[str, str, str]] = [
    ("BAD_AMOUNT", AMT, '<Ntry><Amt Ccy="CNY">1,280.00</Amt>'),
    ("BAD_AMOUNT", AMT, '<Ntry><Amt Ccy="CNY">-1280.00</Amt>'),
    ("BAD_AMOUNT", AMT, '<Ntry><Amt Ccy="CNY">-0.00</Amt>'),
    ("BAD_AMOUNT", AMT, '<Ntry><Amt Ccy="CNY">１２８０.00</Amt>'),
    ("BAD_AMOUNT", AMT, '<Ntry><Amt Ccy="CNY">12<x/>80.00</Amt>'),
    ("BAD_AMOUNT", AMT, '<Ntry><Amt Ccy="CNY"/>'),
    ("BAD_AMOUNT", AMT, "<Ntry>"),
    ("BAD_AMOUNT", AMT, '<Ntry><b:Amt xmlns:b="urn:b" Ccy="CNY">1280.00</b:Amt>'),
    ("BAD_AMOUNT", "<Sum>1739.50</Sum>", "<Sum>all</Sum>"),
    ("BAD_FIELD", AMT, AMT + '<Amt Ccy="CNY">1280.00</Amt>'),
    ("MISSING_CURRENCY", AMT, "<Ntry><Amt>1280.00</Amt>"),
    ("MISSING_CURRENCY", AMT, '<Ntry><Amt Ccy="">1280.00</Amt>'),
    ("MISSING_CURRENCY", OPENING, OPENING.replace(' Ccy="CNY"', "")),
    ("BAD_FIELD", AMT, '<Ntry><Amt Ccy="cny">1280.00</Amt>'),
    ("CURRENCY_MISMATCH", AMT, '<Ntry><Amt Ccy="USD">1280.00</Amt>'),
    ("CURRENCY_MISMATCH", CLOSING, CLOSING.replace("CNY", "USD")),
    ("CURRENCY_MISMATCH", "<Ccy>CNY</Ccy>", "<Ccy>USD</Ccy>"),
    ("BAD_FIELD", "<CdtDbtInd>CRDT</CdtDbtInd><Sts>", "<CdtDbtInd>C</CdtDbtInd><Sts>"),
    ("BAD_FIELD", "<CdtDbtInd>CRDT</CdtDbtInd><Sts>", "<Sts>"),
    ("BAD_FIELD", "<Sts><Cd>BOOK</Cd></Sts>", "<Sts><Cd>DONE</Cd></Sts>"),
    ("BAD_FIELD", "<Sts><Cd>BOOK</Cd></Sts>", "<Sts><Prtry>BOOK</Prtry></Sts>"),
    ("BAD_FIELD", "<Sts><Cd>BOOK</Cd></Sts>", ""),
    ("BAD_FIELD", "<Sts>", "<RvslInd>maybe</RvslInd><Sts>"),
    ("BAD_FIELD", "B0001", "B" * 36),
    ("BAD_FIELD", "欧阳小满", "满" * 141),
    ("BAD_FIELD", "PP20260302001", "<b/>"),
    ("BAD_DATE", SOME_DAY, "<BookgDt><Dt>2026-02-30</Dt></BookgDt>"),
    ("BAD_DATE", SOME_DAY, "<BookgDt><Dt>02.03.2026</Dt></BookgDt>"),
    ("BAD_DATE", SOME_DAY, "<BookgDt><DtTm>2026-03-02T25:00:00</DtTm></BookgDt>"),
    ("BAD_DATE", SOME_DAY, "<BookgDt><DtTm>9999-12-31T23:00:00-08:00</DtTm></BookgDt>"),
    ("BAD_DATE", SOME_DAY, "<BookgDt><DtTm>2026-03-02</DtTm></BookgDt>"),
    ("BAD_DATE", SOME_DAY, f"<BookgDt><Dt>{DAY}</Dt><DtTm>{DAY}T00:00:00</DtTm></BookgDt>"),
    ("BAD_DATE", SOME_DAY, "<BookgDt><Nm>x</Nm></BookgDt>"),
    ("BAD_DATE", SOME_DAY, "<BookgDt/>"),
    ("BAD_DATE", SOME_DAY, ""),
    ("BAD_DATE", f"</CdtDbtInd><Dt><Dt>{DAY}</Dt></Dt>", "</CdtDbtInd>"),
    ("BAD_DATE", "<FrDtTm>2026-03-02", "<FrDtTm>2026-03-05"),
    ("BAD_FIELD", "<Id>ST-0007</Id>", ""),
    ("BAD_FIELD", "<Id>ST-0007</Id>", "<Id> </Id>"),
    ("BAD_FIELD", "<Id>ST-0007</Id>", "<Id>A</Id><Id>B</Id>"),
    ("BAD_FIELD", "<ElctrncSeqNb>7<", "<ElctrncSeqNb>-7<"),
    ("BAD_FIELD", "<Tp><CdOrPrtry><Cd>OPBD</Cd></CdOrPrtry></Tp>", ""),
    ("BAD_FIELD", "<NbOfNtries>3<", "<NbOfNtries>three<"),
    ("BAD_FIELD", OPENING, OPENING + OPENING),
    ("BAD_ACCOUNT", f"<Id>{ACCOUNT}</Id>", "<Id>6.227E+17</Id>"),
    ("BAD_ACCOUNT", f"<Id>{ACCOUNT}</Id>", ""),
    ("BAD_ACCOUNT", f"<Acct><Id><Othr><Id>{ACCOUNT}</Id></Othr></Id><Ccy>CNY</Ccy></Acct>", ""),
    ("MISSING_BALANCE", OPENING, ""),
    ("MISSING_BALANCE", CLOSING, ""),
    ("MISSING_BALANCE", CLOSING, CLOSING.replace("CLBD", "CLAV")),
    ("BALANCE_MISMATCH", CLOSING, balance("CLBD", 50_101_851)),
    ("BALANCE_MISMATCH", CLOSING, balance("CLBD", 50_101_849)),
    ("BALANCE_MISMATCH", CLOSING, CLOSING.replace("CRDT", "DBIT")),
    ("BALANCE_MISMATCH", OPENING, balance("OPBD", 0)),
    ("BALANCE_MISMATCH", "<Sum>1739.50</Sum>", "<Sum>1739.51</Sum>"),
    ("ENTRY_COUNT_MISMATCH", "<NbOfNtries>3<", "<NbOfNtries>4<"),
    ("DUPLICATE_ENTRY_REF", "B0002", "B0001"),
    (
        "INCOMPLETE_STATEMENT",
        "<ElctrncSeqNb>",
        "<StmtPgntn><PgNb>1</PgNb><LastPgInd>false</LastPgInd></StmtPgntn><ElctrncSeqNb>",
    ),
    ("INCOMPLETE_STATEMENT", "OPBD</Cd></CdOrPrtry>", "OPBD</Cd></CdOrPrtry><SubTp><Cd>INTM</Cd></SubTp>"),
    ("BAD_FIELD", "<NtryDtls>", "<NtryDtls><Deep>"),
    ("BAD_FIELD", "<Ntry>", "<Ntry><Ntry/>"),
    ("BAD_FIELD", "<Ntry>", "<Stmt></Stmt><Ntry>"),
    ("BAD_FIELD", "<Ntry>", "<GrpHdr/><Ntry>"),
    ("BAD_FIELD", "<TxDtls>", "<TxDtls><TxDtls/>"),
]


@pytest.mark.parametrize(("class_", "old", "new"), IN_STATEMENT)
def test_a_broken_statement_is_rejected_with_its_class(class_: str, old: str, new: str) -> None:
    content = changed(old, new)
    if "<Deep>" in new:
        content = content.replace(b"</NtryDtls>", b"</Deep></NtryDtls>", 1)
    checked = read_statement_file(content)
    assert (checked.verdict, checked.class_) == ("reject", class_)
    assert [(one.verdict, one.proved) for one in checked.statements] == [("reject", False)]


@pytest.mark.parametrize(
    ("total", "verdict"),
    [
        ("<TtlCdtNtries><NbOfNtries>2</NbOfNtries><Sum>1379.00</Sum></TtlCdtNtries>", "accept"),
        ("<TtlCdtNtries><NbOfNtries>2</NbOfNtries><Sum>1379.01</Sum></TtlCdtNtries>", "reject:BALANCE_MISMATCH"),
        ("<TtlCdtNtries><NbOfNtries>3</NbOfNtries></TtlCdtNtries>", "reject:ENTRY_COUNT_MISMATCH"),
        ("<TtlDbtNtries><NbOfNtries>1</NbOfNtries><Sum>360.5</Sum></TtlDbtNtries>", "accept"),
        ("<TtlDbtNtries><NbOfNtries>1</NbOfNtries><Sum>0</Sum></TtlDbtNtries>", "reject:BALANCE_MISMATCH"),
        ("<TtlNtries><TtlNetNtry><Amt>1018.50</Amt><CdtDbtInd>CRDT</CdtDbtInd></TtlNetNtry></TtlNtries>", "accept"),
        (
            "<TtlNtries><TtlNetNtry><Amt>1018.50</Amt><CdtDbtInd>DBIT</CdtDbtInd></TtlNetNtry></TtlNtries>",
            "reject:BALANCE_MISMATCH",
        ),
        ("<TtlNtries><TtlNetNtryAmt>1018.50</TtlNetNtryAmt><CdtDbtInd>CRDT</CdtDbtInd></TtlNtries>", "accept"),
        ("<TtlNtries><TtlNetNtryAmt>1018.50</TtlNetNtryAmt></TtlNtries>", "reject:BAD_FIELD"),
        ("<TtlNtriesPerBkTxCd><NbOfNtries>99</NbOfNtries></TtlNtriesPerBkTxCd><Nm/>", "accept"),
    ],
)
def test_the_banks_own_totals_are_checked(total: str, verdict: str) -> None:
    content = changed("<Ntry>", f"<TxsSummry>{total}</TxsSummry><Ntry>", sample(summary=False))
    assert judged(content) == verdict


def test_a_fault_names_its_place() -> None:
    second = changed("360.50</Amt><CdtDbtInd>DBIT</CdtDbtInd><Sts>", "360.5x</Amt><CdtDbtInd>DBIT</CdtDbtInd><Sts>")
    assert place(second) == ("Stmt[1]/Ntry[2]", "Amt")
    part = changed(
        "99.00</Amt><CdtDbtInd>CRDT</CdtDbtInd><RltdPties>", "99.00</Amt><CdtDbtInd>X</CdtDbtInd><RltdPties>"
    )
    assert place(part) == ("Stmt[1]/Ntry[3]/TxDtls[1]", "CdtDbtInd")
    assert place(changed("<Id>ST-0007</Id>", "<Id>" + "7" * 36 + "</Id>")) == ("Stmt[1]/Id", "Id")
    assert place(sample()[:-40])[0].startswith("line ")


def test_a_statement_that_breaks_midway_has_no_figures() -> None:
    (one,) = read_statement_file(changed(AMT, "<Ntry>")).statements
    assert (one.account, one.statement_id, one.entries, one.sum_credits_fen) == (ACCOUNT, "ST-0007", None, None)
    assert one.content_digest == ""


def test_the_same_statement_twice_in_a_file_is_a_conflict() -> None:
    assert judged(message(statement(), statement()).encode()) == "reject:CONFLICTING_STATEMENT"


@pytest.mark.parametrize(("kind", "envelope", "name"), [("052", "AcctRpt", "Rpt"), ("054", "DbtCdtNtfctn", "Ntfctn")])
def test_reports_and_notifications_are_for_information(kind: str, envelope: str, name: str) -> None:
    text = sample(closing_fen=1, summary=False).decode().replace("camt.053", f"camt.{kind}")
    text = text.replace("BkToCstmrStmt", f"BkToCstmr{envelope}").replace("<Stmt>", f"<{name}>")
    content = text.replace("</Stmt>", f"</{name}>").replace(SOME_DAY, "").encode()
    lines, (one,) = read(content)
    assert (one.verdict, one.proved, one.entries, one.version) == ("info_only", False, 3, f"camt.{kind}.001.08")
    assert [line.booked_on for line in lines] == [None, None, None]
    assert judged(content) == "info_only"
    assert judged(content.replace(b'<Amt Ccy="CNY">', b"<Amt>")) == "reject:MISSING_CURRENCY"


# -- limits


def test_more_than_is_read_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(camt053_statement, "ENTRIES_MAX", 2)
    assert judged(sample()) == "reject:LIMIT_EXCEEDED"
    monkeypatch.undo()
    monkeypatch.setattr(camt053_statement, "PARTS_MAX", 2)
    assert judged(sample(lines=(SampleLine(3, parts_fen=(1, 1, 1)),))) == "reject:LIMIT_EXCEEDED"
    monkeypatch.undo()
    monkeypatch.setattr(camt053, "STATEMENTS_MAX", 1)
    two = message(statement(), statement(statement_id="B")).encode()
    assert judged(two) == "reject:LIMIT_EXCEEDED"
    monkeypatch.undo()
    monkeypatch.setattr(strict_xml, "FILE_BYTES_MAX", 1_000)
    assert judged(sample()) == "reject:LIMIT_EXCEEDED"


def test_elements_that_nobody_asked_for_do_not_pile_up() -> None:
    junk = changed("<TxsSummry>", "<Junk/>" * 350_000 + "<TxsSummry>")
    assert judged(junk) == "reject:LIMIT_EXCEEDED"


def test_a_batch_entry_may_have_many_parts_in_one_or_many_details() -> None:
    content = sample(lines=(SampleLine(5_000, ref="B1", parts_fen=(1,) * 5_000),))
    lines, (one,) = read(content)
    assert (one.verdict, lines[0].detail_count, len(lines[0].details)) == ("accept", 5_000, 5_000)
    apart = content.replace(b"</TxDtls><TxDtls>", b"</TxDtls></NtryDtls><NtryDtls><Btch/><TxDtls>")
    lines_apart, (one_apart,) = read(apart)
    assert (one_apart.content_digest, lines_apart) == (one.content_digest, lines)


def test_an_entrys_amount_does_not_stand_between_its_details() -> None:
    content = sample(lines=(SampleLine(2, ref="B1", parts_fen=(1, 1)),))
    between = changed("</TxDtls><TxDtls>", '</TxDtls></NtryDtls><Amt Ccy="CNY">9.00</Amt><NtryDtls><TxDtls>', content)
    assert judged(between) == "accept"
    moved = changed('<Ntry><Amt Ccy="CNY">0.02</Amt>', "<Ntry>", between)
    assert judged(moved) == "reject:BAD_AMOUNT"


def test_sums_beyond_what_the_books_hold_are_refused() -> None:
    huge = 99_999_999_999_999_999
    lines = (SampleLine(huge), SampleLine(huge), SampleLine(huge, credit=False), SampleLine(huge, credit=False))
    assert judged(sample(lines=lines, summary=False)) == "reject:BAD_AMOUNT"


def test_memory_does_not_grow_with_the_entries() -> None:
    small, big = (peak_bytes(many_entries(count)) for count in (500, 5_000))
    # The references of the entries are remembered, about 100 bytes each; their lines, 1,000 bytes each, are not.
    assert big - small < 4_500 * 300


def many_entries(count: int) -> bytes:
    return sample(lines=[SampleLine(100, ref=f"B{n:08d}") for n in range(count)])


def peak_bytes(content: bytes) -> int:
    gc.collect()
    tracemalloc.start()
    try:
        assert judged(content) == "accept"
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


# -- anything at all

CONTENT = sample()
TEXT = CONTENT.decode()


@settings(max_examples=300, deadline=None)
@given(st.integers(0, len(CONTENT) - 1), st.integers(0, 40), st.binary(max_size=12))
def test_no_change_of_bytes_makes_it_crash(at: int, gone: int, put: bytes) -> None:
    checked = read_statement_file(CONTENT[:at] + put + CONTENT[at + gone :])
    assert checked.verdict in ("accept", "hold", "reject")
    assert (checked.verdict == "reject") == (checked.class_ is not None and checked.class_ != "DETAIL_SUM_MISMATCH")


TAGS = sorted({part.split(">")[0].split(" ")[0].strip("/") for part in TEXT.split("<")[2:]})


@settings(max_examples=300, deadline=None)
@given(st.sampled_from(TAGS), st.sampled_from(TAGS), st.booleans(), st.text(max_size=6))
def test_no_misplaced_element_makes_it_crash(old: str, new: str, all_of_them: bool, put: str) -> None:
    count = -1 if all_of_them else 1
    text = TEXT.replace(f"<{old}>", f"<{new}>", count).replace(f"</{old}>", f"</{new}>{put}", count)
    checked = read_statement_file(text.encode("utf-8", errors="replace"))
    assert checked.verdict in ("accept", "hold", "reject")


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=300), st.sampled_from([b"", b"<", b"<?xml ", b"<Document ", b"\xff\xfe", b"<!--"]))
def test_no_bytes_at_all_make_it_crash(tail: bytes, head: bytes) -> None:
    assert read_statement_file(head + tail).verdict == "reject"


@settings(max_examples=150, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 10**9), st.booleans(), st.sampled_from(["BOOK", "PDNG"])), max_size=12))
def test_a_statement_is_accepted_when_it_adds_up_and_never_otherwise(moves: list[tuple[int, bool, str]]) -> None:
    lines = [SampleLine(fen, credit=credit, status=status) for fen, credit, status in moves]
    assert judged(sample(lines=lines)) == "accept"
    _, (one,) = read(sample(lines=lines))
    assert one.closing_fen is not None
    for wrong in (one.closing_fen + 1, one.closing_fen - 1):
        assert judged(sample(lines=lines, closing_fen=wrong)) == "reject:BALANCE_MISMATCH"


CHECK = """
import sys
from pathlib import Path
from ledger.formats.statement import read_statement_file
checked = read_statement_file(Path(sys.argv[1]))
# Not ru_maxrss: that one is inherited from the process that runs the tests.
(peak,) = [line.split()[1] for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM")]
print(checked.verdict, checked.statements[0].entries, int(peak) // 1024)
"""


@pytest.mark.full
def test_a_hundred_thousand_entries_in_time_and_memory(tmp_path: Path) -> None:
    big = tmp_path / "big.xml"
    big.write_bytes(many_entries(100_000))
    assert big.stat().st_size > 75_000_000
    started = time.monotonic()
    done = subprocess.run([sys.executable, "-c", CHECK, str(big)], capture_output=True, text=True, check=True)
    seconds = time.monotonic() - started
    verdict, entries, peak_mb = done.stdout.split()
    assert (verdict, entries) == ("accept", "100000")
    assert seconds <= 20
    assert int(peak_mb) <= 150
