"""The demo's bank: keeps its own accounts in a file, executes our payment files, and writes camt.053 statements.

It knows nothing of the ledger: what passes between the two are files, as between a real bank and a custodian.
"""

import json
import os
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import date
from pathlib import Path
from xml.sax.saxutils import escape

from lxml import etree

from ledger.money import fen_from_text, yuan

_NS = "urn:iso:std:iso:20022:tech:xsd:camt.053.001.08"


@dataclass(frozen=True, slots=True)
class BankLine:
    """One entry the bank books. ``credit``: money comes in. ``code``: family/sub-family of the bank
    transaction code.
    """

    amount_fen: int
    credit: bool
    end_to_end_id: str
    name: str
    account: str
    bank_no: str
    memo: str
    code: str = "RCDT/DMCT"


@dataclass(frozen=True, slots=True)
class Ordered:
    """A payment the bank was ordered to make."""

    debtor_account: str
    end_to_end_id: str
    amount_fen: int
    name: str
    account: str
    bank_no: str
    memo: str


class Bank:
    """State lives in ``folder``/bank.json: closing balance and number of the last statement per account, open
    orders.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._path = folder / "bank.json"
        self._state: dict[str, dict[str, int]] = {}
        self._orders: list[Ordered] = []
        self._taken: list[str] = []
        if self._path.exists():
            kept = json.loads(self._path.read_text(encoding="utf-8"))
            self._state, self._taken = kept["accounts"], kept["taken"]
            self._orders = [Ordered(**order) for order in kept["orders"]]
            written = folder / "statements" / kept["writing"] if kept["writing"] else None
            if written is not None and written.with_suffix(".part").exists():  # killed between booking and renaming
                os.replace(written.with_suffix(".part"), written)

    def take_order(self, name: str, content: bytes) -> None:
        """Accept a pain.001 file once (by its name); its payments are booked with the next statement of the account."""
        if name in self._taken:
            return
        root = etree.fromstring(content)
        find = "{*}"
        for part in root.iter(f"{find}PmtInf"):
            debtor = part.findtext(f"{find}DbtrAcct/{find}Id/{find}Othr/{find}Id") or ""
            for payment in part.iter(f"{find}CdtTrfTxInf"):
                self._orders.append(
                    Ordered(
                        debtor_account=debtor,
                        end_to_end_id=payment.findtext(f"{find}PmtId/{find}EndToEndId") or "",
                        amount_fen=fen_from_text(payment.findtext(f"{find}Amt/{find}InstdAmt")),
                        name=payment.findtext(f"{find}Cdtr/{find}Nm") or "",
                        account=payment.findtext(f"{find}CdtrAcct/{find}Id/{find}Othr/{find}Id") or "",
                        bank_no=payment.findtext(f"{find}CdtrAgt//{find}MmbId") or "",
                        memo=payment.findtext(f"{find}RmtInf/{find}Ustrd") or "",
                    )
                )
        self._taken.append(name)
        self._save()

    def orders(self, account: str) -> list[Ordered]:
        """Payments of an account not booked yet."""
        return [order for order in self._orders if order.debtor_account == account]

    def statement(self, account: str, on: date, lines: Sequence[BankLine]) -> Path:
        """Book ``lines`` and every open order of the account, and write the day's statement; written once,
        then kept.
        """
        path = self._folder / "statements" / f"{on:%Y%m%d}-{account}.xml"
        if path.exists():
            return path
        booked = [*lines, *(_executed(order) for order in self.orders(account))]
        last = self._state.get(account, {"closing_fen": 0, "sequence": 0})
        total = sum(line.amount_fen if line.credit else -line.amount_fen for line in booked)
        now = {"closing_fen": last["closing_fen"] + total, "sequence": last["sequence"] + 1}
        path.parent.mkdir(parents=True, exist_ok=True)
        draft = path.with_suffix(".part")
        draft.write_bytes(_render(account, on, last["closing_fen"], now["closing_fen"], now["sequence"], booked))
        self._state[account] = now
        self._orders = [order for order in self._orders if order.debtor_account != account]
        self._save(writing=path.name)
        os.replace(draft, path)
        return path

    def _save(self, writing: str = "") -> None:
        self._folder.mkdir(parents=True, exist_ok=True)
        orders = [asdict(order) for order in self._orders]
        kept = {"accounts": self._state, "orders": orders, "taken": self._taken, "writing": writing}
        draft = self._path.with_suffix(".part")
        draft.write_text(json.dumps(kept, ensure_ascii=False), encoding="utf-8")
        os.replace(draft, self._path)


def _executed(order: Ordered) -> BankLine:
    return BankLine(
        order.amount_fen, False, order.end_to_end_id, order.name, order.account, order.bank_no, order.memo, "ICDT/DMCT"
    )


def _render(account: str, on: date, opening: int, closing: int, sequence: int, lines: Sequence[BankLine]) -> bytes:
    day = on.isoformat()
    entries = "".join(_entry(account, on, n, line) for n, line in enumerate(lines, 1))
    return f"""<?xml version="1.0" encoding="UTF-8"?>
<Document xmlns="{_NS}"><BkToCstmrStmt>
<GrpHdr><MsgId>M{on:%Y%m%d}{account[-10:]}</MsgId><CreDtTm>{day}T23:50:00+08:00</CreDtTm></GrpHdr>
<Stmt><Id>S{on:%Y%m%d}-{account[-10:]}</Id><ElctrncSeqNb>{sequence}</ElctrncSeqNb>
<CreDtTm>{day}T23:50:00+08:00</CreDtTm>
<FrToDt><FrDtTm>{day}T00:00:00+08:00</FrDtTm><ToDtTm>{day}T23:59:59+08:00</ToDtTm></FrToDt>
<Acct><Id><Othr><Id>{account}</Id></Othr></Id><Ccy>CNY</Ccy></Acct>
{_balance("OPBD", opening, day)}{_balance("CLBD", closing, day)}
<TxsSummry><TtlNtries><NbOfNtries>{len(lines)}</NbOfNtries><Sum>{yuan(sum(line.amount_fen for line in lines))}</Sum>
</TtlNtries></TxsSummry>
{entries}</Stmt></BkToCstmrStmt></Document>
""".encode()


def _balance(code: str, fen: int, day: str) -> str:
    sign = "DBIT" if fen < 0 else "CRDT"
    return (
        f'<Bal><Tp><CdOrPrtry><Cd>{code}</Cd></CdOrPrtry></Tp><Amt Ccy="CNY">{yuan(abs(fen))}</Amt>'
        f"<CdtDbtInd>{sign}</CdtDbtInd><Dt><Dt>{day}</Dt></Dt></Bal>\n"
    )


def _entry(account: str, on: date, n: int, line: BankLine) -> str:
    reference = f"{on:%Y%m%d}{account[-8:]}{n:06d}"
    side = "CRDT" if line.credit else "DBIT"
    family, sub = line.code.split("/")
    role = "Dbtr" if line.credit else "Cdtr"
    party = ""
    if line.account:
        party = (
            f"<RltdPties><{role}><Pty><Nm>{escape(line.name)}</Nm></Pty></{role}><{role}Acct><Id><Othr><Id>{line.account}"
            f"</Id></Othr></Id></{role}Acct></RltdPties><RltdAgts><{role}Agt><FinInstnId><ClrSysMmbId><ClrSysId><Cd>CNAPS"
            f"</Cd></ClrSysId><MmbId>{line.bank_no}</MmbId></ClrSysMmbId></FinInstnId></{role}Agt></RltdAgts>"
        )
    amount = f'<Amt Ccy="CNY">{yuan(line.amount_fen)}</Amt><CdtDbtInd>{side}</CdtDbtInd>'
    return (
        f"<Ntry>{amount}<Sts><Cd>BOOK</Cd></Sts><BookgDt><Dt>{on}</Dt></BookgDt><ValDt><Dt>{on}</Dt></ValDt>"
        f"<AcctSvcrRef>{reference}</AcctSvcrRef><BkTxCd><Domn><Cd>PMNT</Cd><Fmly><Cd>{family}</Cd><SubFmlyCd>{sub}"
        f"</SubFmlyCd></Fmly></Domn></BkTxCd><NtryDtls><TxDtls><Refs><EndToEndId>{line.end_to_end_id or 'NOTPROVIDED'}"
        f"</EndToEndId></Refs>{amount}{party}<RmtInf><Ustrd>{escape(line.memo)}</Ustrd></RmtInf></TxDtls></NtryDtls></Ntry>\n"
    )
