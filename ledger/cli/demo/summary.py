"""What the demo shows at its end: figures from the books, every promise, and where the files lie."""

from dataclasses import asdict, dataclass
from typing import Any

from rich.console import Console
from rich.table import Table
from sqlalchemy import Connection, text

from ledger.money import yuan_grouped
from ledger.reports import promises
from ledger.terms.journal import Promise


@dataclass(frozen=True, slots=True)
class AccountLine:
    """Bank against ledger for one bank account; ``bank_fen`` None before its first statement."""

    institution: str
    mode: str
    account_no: str
    bank_fen: int | None
    ledger_fen: int

    @property
    def agrees(self) -> bool:
        return self.bank_fen == self.ledger_fen


@dataclass(frozen=True, slots=True)
class Summary:
    """Everything ``custody demo --once`` prints. Amounts in fen."""

    entries: int
    transfers: int
    classes: dict[str, int]
    debit_fen: int
    credit_fen: int
    accounts: tuple[AccountLine, ...]
    promises: tuple[Promise, ...]
    refunds: dict[str, int]
    payments: dict[str, int]
    breaks: int
    findings: dict[str, int]

    @property
    def sound(self) -> bool:
        """Debits equal credits, every account agrees with its bank, and every promise holds."""
        return (
            self.debit_fen == self.credit_fen
            and all(line.agrees for line in self.accounts)
            and not any(promise.violations for promise in self.promises)
        )


def read(conn: Connection) -> Summary:
    """Read the summary from the books."""

    def counts(sql: str) -> dict[str, int]:
        return {row[0]: int(row[1]) for row in conn.execute(text(sql))}

    totals = conn.execute(
        text("""SELECT count(DISTINCT (institution_id, entry_id)) AS entries, count(*) / 2 AS transfers,
                       coalesce(sum(debit_fen), 0) AS debit, coalesce(sum(credit_fen), 0) AS credit
                FROM ledger.posting""")
    ).one()
    accounts = conn.execute(
        text("""SELECT i.code, i.mode, f.account_no, s.closing_fen, b.debit_fen - b.credit_fen AS book
                FROM ledger.institution i JOIN ledger.fund f USING (institution_id)
                JOIN LATERAL ledger.balances(i.institution_id) b ON b.fund_no = f.fund_no AND b.class = 'bank'
                LEFT JOIN LATERAL (SELECT closing_fen FROM ledger.statement_now s
                                   WHERE s.institution_id = i.institution_id AND s.fund_no = f.fund_no AND s.believed
                                   ORDER BY s.place DESC LIMIT 1) s ON true
                ORDER BY i.code, f.fund_no""")
    )
    return Summary(
        entries=int(totals.entries),
        transfers=int(totals.transfers),
        classes=counts("""SELECT b.class,
                                 sum((b.debit_fen - b.credit_fen) * CASE WHEN r.debit_normal THEN 1 ELSE -1 END)
                          FROM ledger.institution i CROSS JOIN LATERAL ledger.balances(i.institution_id) b
                          JOIN ledger.class_rule r USING (class) GROUP BY b.class ORDER BY b.class"""),
        debit_fen=int(totals.debit),
        credit_fen=int(totals.credit),
        accounts=tuple(AccountLine(row.code, row.mode, row.account_no, row.closing_fen, row.book) for row in accounts),
        promises=tuple(promises.check(conn)),
        refunds=counts("SELECT state, count(*) FROM ledger.refund_now GROUP BY state ORDER BY state"),
        payments=counts(
            """SELECT batch_kind || ' ' || state, count(*) FROM ledger.instruction_now GROUP BY 1 ORDER BY 1"""
        ),
        breaks=int(conn.scalar(text("SELECT count(*) FROM ledger.break")) or 0),
        findings=counts("SELECT code, count(*) FROM ledger.finding GROUP BY code ORDER BY code"),
    )


def as_json(summary: Summary) -> dict[str, Any]:
    """The summary as one JSON object; amounts stay integer fen, named so."""
    return {**asdict(summary), "sound": summary.sound}


def show(summary: Summary, console: Console) -> None:
    """Print the summary for a person."""
    console.print(f"\n[bold]Journal[/]  {summary.entries:,} entries, {summary.transfers:,} transfers")
    table = Table("account class", "balance, yuan", title="Money per account class", title_justify="left", box=None)
    table.columns[1].justify = "right"
    for name, fen in summary.classes.items():
        table.add_row(name, yuan_grouped(fen))
    console.print(table)
    equal = "=" if summary.debit_fen == summary.credit_fen else "IS NOT"
    console.print(f"debits {yuan_grouped(summary.debit_fen)} {equal} credits {yuan_grouped(summary.credit_fen)}\n")
    table = Table(
        "institution", "mode", "account", "bank", "ledger", "", title="Bank = ledger", title_justify="left", box=None
    )
    table.columns[3].justify = table.columns[4].justify = "right"
    for line in summary.accounts:
        bank = "no statement" if line.bank_fen is None else yuan_grouped(line.bank_fen)
        table.add_row(
            line.institution,
            line.mode,
            line.account_no,
            bank,
            yuan_grouped(line.ledger_fen),
            "=" if line.agrees else "DIFFERS",
        )
    console.print(table)
    institutions = {line.institution for line in summary.accounts}
    agree = sum(all(line.agrees for line in summary.accounts if line.institution == one) for one in institutions)
    console.print(f"{agree} of {len(institutions)} institutions agree with their bank to the fen\n")
    table = Table("what must hold", "checked", "violations", title="Promises", title_justify="left", box=None)
    table.columns[1].justify = table.columns[2].justify = "right"
    for promise in summary.promises:
        table.add_row(promise.name, f"{promise.checked:,}", str(len(promise.violations)))
    console.print(table)
    for title, found in (
        ("Refunds", summary.refunds),
        ("Payments out", summary.payments),
        ("Findings", summary.findings),
    ):
        console.print(
            f"{title}: " + (", ".join(f"{count} {name}" for name, count in found.items()) or "none"), soft_wrap=True
        )
    console.print(f"Breaks for a person: {summary.breaks}")
