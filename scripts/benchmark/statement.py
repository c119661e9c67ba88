"""How long and how much memory a large statement takes from file to judged lines (not stored).

Each format in a process of its own, so that one's memory is not another's. Reach for camt.053 with 100,000 entries
(93 MB), storing included: 20 seconds, 150 MB.
"""

import tempfile
import time
from collections.abc import Callable, Iterator
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from ledger.formats.statement import read_statements
from ledger.terms.statement import StatementFile, StatementLine
from scripts.benchmark.case import Case, Run

ENTRIES = 100_000
OPENING_FEN, AMOUNT_FEN = 50_000_000, 128_050
ACCOUNT = "622700001234567890"


def run(order: Run) -> Iterator[Case]:
    """Seconds of CPU and the peak of memory, for each format."""
    for name in FORMATS:
        if order.wants(name):
            order.say(f"{name} ...")
            found = measure(name, order.sized(ENTRIES, 10))
            if found["verdict"] != "accept":
                raise RuntimeError(f"the bench's own file was not accepted: {found['verdict']}")
            size = f"{found['entries']:,} entries, {found['megabytes']} MB"
            yield Case(f"{name}: {size}", found["cpu_seconds"], "s CPU", "limit", reach=20.0, at_most=True)
            yield Case(
                f"{name}: {size}, memory", found["peak_megabytes"], "MB", "limit", gate=200.0, reach=150.0, at_most=True
            )


def measure(name: str, entries: int) -> dict[str, Any]:
    """Write a file of a format, read it in a fresh process, and say what that took."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"statement.{name}"
        with path.open("wb") as written:
            written.writelines(FORMATS[name](entries))
        with get_context("spawn").Pool(1) as pool:
            return pool.apply(_read, (path,))


def _read(path: Path) -> dict[str, Any]:
    started = time.process_time()
    lines, file = 0, None
    with path.open("rb") as source:
        for found in read_statements(source, path.name):
            lines += isinstance(found, StatementLine)
            file = found if isinstance(found, StatementFile) else file
    assert file is not None
    status = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    (peak,) = (int(line.split()[1]) for line in status if line.startswith("VmHWM"))
    return {
        "entries": lines,
        "megabytes": path.stat().st_size // 1_000_000,
        "cpu_seconds": round(time.process_time() - started, 1),
        "peak_megabytes": peak // 1024,
        "verdict": file.verdict.value,
    }


def _yuan(fen: int) -> str:
    return f"{fen // 100}.{fen % 100:02d}"


def camt053(entries: int, account: str = ACCOUNT, opening_fen: int = OPENING_FEN) -> Iterator[bytes]:
    """camt.053.001.08 with all that a bank writes for a transfer, about 930 bytes an entry."""
    balance = (
        '<Bal><Tp><CdOrPrtry><Cd>{}</Cd></CdOrPrtry></Tp><Amt Ccy="CNY">{}</Amt><CdtDbtInd>CRDT</CdtDbtInd>'
        "<Dt><Dt>2026-03-02</Dt></Dt></Bal>\n"
    )
    yield (
        '<?xml version="1.0" encoding="UTF-8"?>\n<Document xmlns="urn:iso:std:iso:20022:tech:xsd:camt.053.001.08">'
        "<BkToCstmrStmt><GrpHdr><MsgId>M1</MsgId><CreDtTm>2026-03-02T23:00:00+08:00</CreDtTm></GrpHdr><Stmt><Id>S1</Id>"
        f"<ElctrncSeqNb>1</ElctrncSeqNb><Acct><Id><Othr><Id>{account}</Id></Othr></Id><Ccy>CNY</Ccy></Acct>\n"
    ).encode()
    yield balance.format("OPBD", _yuan(opening_fen)).encode()
    yield balance.format("CLBD", _yuan(opening_fen + entries * AMOUNT_FEN)).encode()
    for n in range(entries):
        yield (
            f'<Ntry><NtryRef>{n}</NtryRef><Amt Ccy="CNY">{_yuan(AMOUNT_FEN)}</Amt><CdtDbtInd>CRDT</CdtDbtInd>'
            "<Sts><Cd>BOOK</Cd></Sts><BookgDt><Dt>2026-03-02</Dt></BookgDt><ValDt><Dt>2026-03-02</Dt></ValDt>"
            f"<AcctSvcrRef>20260302A{n:08d}</AcctSvcrRef><BkTxCd><Domn><Cd>PMNT</Cd><Fmly><Cd>RCDT</Cd>"
            "<SubFmlyCd>DMCT</SubFmlyCd></Fmly></Domn></BkTxCd><NtryDtls><TxDtls><Refs>"
            f"<EndToEndId>PP20260302{n:06d}</EndToEndId></Refs>"
            f'<Amt Ccy="CNY">{_yuan(AMOUNT_FEN)}</Amt><CdtDbtInd>CRDT</CdtDbtInd><RltdPties><Dbtr><Pty>'
            f"<Nm>欧阳小满</Nm></Pty></Dbtr><DbtrAcct><Id><Othr><Id>6217000099{n:09d}</Id></Othr></Id></DbtrAcct></RltdPties><RltdAgts>"
            "<DbtrAgt><FinInstnId><ClrSysMmbId><ClrSysId><Cd>CNAPS</Cd></ClrSysId><MmbId>105100000017</MmbId>"
            f"</ClrSysMmbId></FinInstnId></DbtrAgt></RltdAgts><RmtInf><Ustrd>学费 PP20260302{n:06d}</Ustrd></RmtInf>"
            "</TxDtls></NtryDtls><AddtlNtryInf>网上银行转账 跨行汇款 预收费监管专户 实时到账"
            " 手续费零 经办网点 北京海淀支行营业部</AddtlNtryInf></Ntry>\n"
        ).encode()
    yield b"</Stmt></BkToCstmrStmt></Document>\n"


def mt940(entries: int) -> Iterator[bytes]:
    """MT940 with a structured narrative for each line."""

    def balance(fen: int) -> str:
        return f"C260302CNY{_yuan(fen).replace('.', ',')}"

    yield f":20:S1\r\n:25:{ACCOUNT}\r\n:28C:1/1\r\n:60F:{balance(OPENING_FEN)}\r\n".encode()
    for n in range(entries):
        yield (
            f":61:2603020302C{_yuan(AMOUNT_FEN).replace('.', ',')}NTRFPP{n:08d}//A{n:08d}\r\n"
            f":86:?00PAY?20学费 PP20260302{n:06d}?30105100000017?316217000099{n:09d}?32欧阳小满\r\n"
        ).encode("gb18030")
    yield f":62F:{balance(OPENING_FEN + entries * AMOUNT_FEN)}\r\n-\r\n".encode()


def csv(entries: int) -> Iterator[bytes]:
    """A corporate export with a running balance, in GB18030."""
    yield f"账号：,{ACCOUNT}\n交易时间,借方发生额,贷方发生额,余额,对方账号,对方户名,附言,交易流水号\n".encode("gb18030")
    for n in range(entries):
        balance = _yuan(OPENING_FEN + (n + 1) * AMOUNT_FEN)
        yield (
            f"2026-03-02 10:00:00,,{_yuan(AMOUNT_FEN)},{balance},6217000099{n:09d},欧阳小满,"
            f"学费 PP20260302{n:06d},20260302A{n:08d}\n"
        ).encode("gb18030")


FORMATS: dict[str, Callable[[int], Iterator[bytes]]] = {"camt053": camt053, "mt940": mt940, "csv": csv}
