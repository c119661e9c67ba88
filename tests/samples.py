"""Bank files made for the tests: valid camt.053 statements in our own words, to be broken one place at a time."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from io import BytesIO
from xml.sax.saxutils import escape

from ledger.formats import camt053 as reader
from ledger.formats.statement import read_statement_file
from ledger.terms.statement import Statement, StatementLine

ACCOUNT = "622700001234567890"
DAY = date(2026, 3, 2)


@dataclass(frozen=True)
class SampleLine:
    """One entry. ``parts_fen``: amounts of its TxDtls; () gives one of the entry's amount, None gives none at all."""

    amount_fen: int
    credit: bool = True
    ref: str = ""
    end_to_end_id: str = "PP20260302001"
    name: str = "欧阳小满"
    account: str = "6217000099998888777"
    bank: str = "105100000017"
    memo: str = "学费 PP20260302001"
    status: str = "BOOK"
    reversal: bool | None = None
    parts_fen: tuple[int, ...] | None = ()


LINES = (
    SampleLine(128_000, ref="B0001"),
    SampleLine(
        36_050, credit=False, ref="B0002", end_to_end_id="RF20260302001", name="龘思源", memo="退费 RF20260302001"
    ),
    SampleLine(9_900, ref="B0003", end_to_end_id="PP20260302002", memo="学费 PP20260302002"),
)


def camt053(
    *,
    account: str = ACCOUNT,
    statement_id: str = "ST-0007",
    sequence: int | None = 7,
    opening_fen: int = 50_000_000,
    closing_fen: int | None = None,
    lines: Sequence[SampleLine] = LINES,
    on: date = DAY,
    version: str = "08",
    message_id: str = "MSG-0007",
    opening_kind: str = "OPBD",
    summary: bool = True,
    encoding: str = "UTF-8",
) -> bytes:
    """A whole file with one statement. ``closing_fen`` None: what the booked lines reach; another one breaks it."""
    text = message(
        statement(
            account=account,
            statement_id=statement_id,
            sequence=sequence,
            opening_fen=opening_fen,
            closing_fen=closing_fen,
            lines=lines,
            on=on,
            version=version,
            opening_kind=opening_kind,
            summary=summary,
        ),
        on=on,
        version=version,
        message_id=message_id,
    )
    return f'<?xml version="1.0" encoding="{encoding}"?>\n{text}'.encode(encoding)


def message(*statements: str, on: date = DAY, version: str = "08", message_id: str = "MSG-0007") -> str:
    """The envelope around statements, without a declaration."""
    header = f"<GrpHdr><MsgId>{message_id}</MsgId><CreDtTm>{on}T23:10:00+08:00</CreDtTm></GrpHdr>"
    namespace = f"urn:iso:std:iso:20022:tech:xsd:camt.053.001.{version}"
    return f'<Document xmlns="{namespace}"><BkToCstmrStmt>{header}\n{"".join(statements)}</BkToCstmrStmt></Document>\n'


def statement(
    *,
    account: str = ACCOUNT,
    statement_id: str = "ST-0007",
    sequence: int | None = 7,
    opening_fen: int = 50_000_000,
    closing_fen: int | None = None,
    lines: Sequence[SampleLine] = LINES,
    on: date = DAY,
    version: str = "08",
    opening_kind: str = "OPBD",
    summary: bool = True,
) -> str:
    """One Stmt element."""
    booked = sum(line.amount_fen if line.credit else -line.amount_fen for line in lines if line.status == "BOOK")
    closing = opening_fen + booked if closing_fen is None else closing_fen
    number = "" if sequence is None else f"<ElctrncSeqNb>{sequence}</ElctrncSeqNb>"
    total = sum(line.amount_fen for line in lines)
    counts = f"<TtlNtries><NbOfNtries>{len(lines)}</NbOfNtries><Sum>{_yuan(total)}</Sum></TtlNtries>"
    return (
        f"<Stmt><Id>{statement_id}</Id>{number}<CreDtTm>{on}T23:10:00+08:00</CreDtTm>"
        f"<FrToDt><FrDtTm>{on}T00:00:00+08:00</FrDtTm><ToDtTm>{on}T23:59:59+08:00</ToDtTm></FrToDt>"
        f"<Acct>{_account(account)}<Ccy>CNY</Ccy></Acct>\n"
        f"{balance(opening_kind, opening_fen, on)}\n{balance('CLBD', closing, on)}\n"
        f"{f'<TxsSummry>{counts}</TxsSummry>' if summary else ''}\n"
        f"{''.join(entry(line, on, version) for line in lines)}</Stmt>\n"
    )


def balance(kind: str, fen: int, on: date = DAY) -> str:
    """One Bal element."""
    return (
        f'<Bal><Tp><CdOrPrtry><Cd>{kind}</Cd></CdOrPrtry></Tp><Amt Ccy="CNY">{_yuan(abs(fen))}</Amt>'
        f"{_sign(fen >= 0)}<Dt><Dt>{on}</Dt></Dt></Bal>"
    )


def entry(line: SampleLine, on: date = DAY, version: str = "08") -> str:
    """One Ntry element, in the shape of its version."""
    status = f"<Cd>{line.status}</Cd>" if version >= "08" else line.status
    reversal = "" if line.reversal is None else f"<RvslInd>{str(line.reversal).lower()}</RvslInd>"
    code = "RCDT" if line.credit else "ICDT"
    reference = f"<AcctSvcrRef>{line.ref}</AcctSvcrRef>" if line.ref else ""
    amounts = (line.amount_fen,) if line.parts_fen == () else line.parts_fen
    details = "".join(_part(line, fen, version) for fen in amounts or ())
    return (
        f'<Ntry><Amt Ccy="CNY">{_yuan(line.amount_fen)}</Amt>{_sign(line.credit)}{reversal}<Sts>{status}</Sts>'
        f"<BookgDt><Dt>{on}</Dt></BookgDt><ValDt><Dt>{on}</Dt></ValDt>{reference}"
        f"<BkTxCd><Domn><Cd>PMNT</Cd><Fmly><Cd>{code}</Cd><SubFmlyCd>DMCT</SubFmlyCd></Fmly></Domn></BkTxCd>"
        f"{f'<NtryDtls>{details}</NtryDtls>' if details else ''}</Ntry>\n"
    )


def changed(old: str, new: str, content: bytes | None = None, count: int = 1) -> bytes:
    """The sample with its first ``old`` replaced; the old text must be there."""
    text = (content or camt053()).decode()
    assert old in text, old
    return text.replace(old, new, count).encode()


def judged(content: bytes) -> str:
    """Verdict and class of a file checked by itself, "reject:BAD_DATE"."""
    checked = read_statement_file(content)
    return f"{checked.verdict}:{checked.class_}" if checked.class_ else str(checked.verdict)


def read(content: bytes) -> tuple[list[StatementLine], list[Statement]]:
    """The lines and the statements of a file that can be read as a whole."""
    found = list(reader.read(BytesIO(content)))
    lines = [one for one in found if isinstance(one, StatementLine)]
    return lines, [one for one in found if isinstance(one, Statement)]


def _part(line: SampleLine, fen: int, version: str) -> str:
    money = f'<Amt Ccy="CNY">{_yuan(fen)}</Amt>'
    if version == "02":
        money = f"<AmtDtls><TxAmt>{money}</TxAmt></AmtDtls>"
    else:
        money += _sign(line.credit)
    role = "Dbtr" if line.credit else "Cdtr"
    name = f"<Nm>{escape(line.name)}</Nm>"
    person = f"<Pty>{name}</Pty>" if version >= "08" else name
    bank = f"<ClrSysMmbId><ClrSysId><Cd>CNAPS</Cd></ClrSysId><MmbId>{line.bank}</MmbId></ClrSysMmbId>"
    return (
        f"<TxDtls><Refs><EndToEndId>{line.end_to_end_id}</EndToEndId></Refs>{money}"
        f"<RltdPties><{role}>{person}</{role}><{role}Acct>{_account(line.account)}</{role}Acct></RltdPties>"
        f"<RltdAgts><{role}Agt><FinInstnId>{bank}</FinInstnId></{role}Agt></RltdAgts>"
        f"<RmtInf><Ustrd>{escape(line.memo)}</Ustrd></RmtInf></TxDtls>"
    )


def _account(number: str) -> str:
    return f"<Id><Othr><Id>{number}</Id></Othr></Id>"


def _sign(credit: bool) -> str:
    return f"<CdtDbtInd>{'CRDT' if credit else 'DBIT'}</CdtDbtInd>"


def _yuan(fen: int) -> str:
    return f"{fen // 100}.{fen % 100:02d}"
