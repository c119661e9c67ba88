"""What the camt.053 reader refuses, and by which class."""

import pytest

from ledger.formats.statement import read_statement_file
from tests.samples import ACCOUNT, DAY, LINES, balance, changed, entry, judged, message, read, statement
from tests.samples import camt053 as sample


def place(content: bytes) -> tuple[str, str]:
    fault = read_statement_file(content).fault
    assert fault is not None
    return fault.where, fault.field


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
    ("MALFORMED_XML", b"<x:Document/>"),
    ("UNSUPPORTED_MESSAGE", b"<html><body>please log in</body></html>"),
    ("UNSUPPORTED_MESSAGE", b"\x1f\x8b\x08\x00\x00"),
    ("UNSUPPORTED_MESSAGE", b"%PDF-1.7\n"),
    ("UNSUPPORTED_MESSAGE", b"PK\x03\x04\x14\x00"),
    ("UNSUPPORTED_MESSAGE", b"\xd0\xcf\x11\xe0\xa1\xb1"),
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


def test_the_first_version_of_a_report_has_its_own_envelope() -> None:
    text = sample(summary=False).decode().replace("camt.053.001.08", "camt.052.001.01")
    text = text.replace("BkToCstmrStmt", "BkToCstmrAcctRptV01").replace("<Stmt>", "<Rpt>").replace("</Stmt>", "</Rpt>")
    _, (one,) = read(text.encode())
    assert (one.verdict, one.version) == ("info_only", "camt.052.001.01")
    assert judged(text.replace("AcctRptV01", "AcctRpt").encode()) == "reject:BAD_FIELD"
