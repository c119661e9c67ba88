"""Bank files of other kinds made for the tests: MT940 messages, CSV and XLSX exports, in our own words."""

import io
from collections.abc import Sequence
from datetime import date, timedelta

import xlsxwriter  # type: ignore[import-untyped]  # it ships no types

from ledger.formats.statement import read_statements
from ledger.terms.bank_profile import BankProfile
from ledger.terms.statement import Statement, StatementFile, StatementLine

ACCOUNT = "622700001234567890"
Move = tuple[int, str]  # fen, signed; reference
MOVES: tuple[Move, ...] = ((128_000, "PP20260302001"), (-36_050, "RF20260302001"), (9_900, "PP20260302002"))
HEADER = ("交易时间", "借方发生额", "贷方发生额", "余额", "对方账号", "对方户名", "附言", "交易流水号")


def yuan(fen: int, point: str = ".") -> str:
    """Unsigned: 123450 -> "1234.50"."""
    return f"{abs(fen) // 100}{point}{abs(fen) % 100:02d}"


def mt940(
    *,
    moves: Sequence[Move] = MOVES,
    opening_fen: int = 50_000_000,
    closing_fen: int | None = None,
    number: str = "7/1",
    reference: str = "ST0007",
    account: str = ACCOUNT,
    ends: tuple[str, str] = ("60F", "62F"),
    end: str = "-",
) -> str:
    """One message. ``closing_fen`` None: what the moves reach."""
    closing = opening_fen + sum(fen for fen, _ in moves) if closing_fen is None else closing_fen
    lines = [f":20:{reference}", f":25:{account}", f":28C:{number}", f":{ends[0]}:{_balance(opening_fen)}"]
    for place, (fen, key) in enumerate(moves, 1):
        lines.append(f":61:2603020302{'C' if fen >= 0 else 'D'}{yuan(fen, ',')}NTRF{key}//B{number[0]}{place:04d}")
        lines.append(f":86:?00PAY?20{key}?30105100000017?316217000099998888777?32欧阳小满")
    return "\n".join([*lines, f":{ends[1]}:{_balance(closing)}", end, ""])


def _balance(fen: int) -> str:
    return f"{'C' if fen >= 0 else 'D'}260302CNY{yuan(fen, ',')}"


def rows(moves: Sequence[Move] = MOVES, opening_fen: int = 50_000_000, on: date = date(2026, 3, 2)) -> list[list[str]]:
    """The rows of a corporate export under ``HEADER``, oldest first."""
    balance, found = opening_fen, []
    for place, (fen, key) in enumerate(moves, 1):
        balance += fen
        day, amount = on + timedelta(days=place // 100), yuan(fen)
        found.append([
            f"{day} 10:00:00", amount if fen < 0 else "", amount if fen >= 0 else "",
            f"{'-' if balance < 0 else ''}{yuan(balance)}", "6217000099998888777", "欧阳小满", f"学费 {key}",
            f"L{place:05d}",
        ])  # fmt: skip
    return found


def csv_text(body: Sequence[Sequence[str]], *, header: Sequence[str] = HEADER, above: str = "", below: str = "") -> str:
    """A CSV file: text above the table, header, rows, text below."""
    head = above or f"账号：,{ACCOUNT}\n币种：,人民币\n期初余额：,500000.00\n"
    return head + "".join(",".join(cells) + "\n" for cells in (header, *body)) + below


def xlsx(*sheets: Sequence[Sequence[object]]) -> bytes:
    """A workbook with these sheets; numbers stay numbers."""
    written = io.BytesIO()
    book = xlsxwriter.Workbook(written, {"in_memory": True, "strings_to_numbers": False, "strings_to_formulas": False})
    for cells in sheets:
        sheet = book.add_worksheet()
        for row, values in enumerate(cells):
            sheet.write_row(row, 0, values)
    book.close()
    return written.getvalue()


def all_of(content: bytes | str, profile: BankProfile | None = None) -> tuple[list[StatementLine], StatementFile]:
    """The lines of a file and what it is worth."""
    raw = content.encode() if isinstance(content, str) else content
    found = list(read_statements(io.BytesIO(raw), "file", profile))
    last = found.pop()
    assert isinstance(last, StatementFile)
    return [one for one in found if isinstance(one, StatementLine)], last


def judged(content: bytes | str, profile: BankProfile | None = None) -> str:
    """Verdict and class in the manifest's words."""
    _, file = all_of(content, profile)
    return f"{file.verdict}:{file.class_}" if file.class_ else str(file.verdict)


def only(content: bytes | str, profile: BankProfile | None = None) -> Statement:
    """The only statement of a file."""
    (statement,) = all_of(content, profile)[1].statements
    return statement
