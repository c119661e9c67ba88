"""Payment batches as a spreadsheet, for banks that take no pain.001: CSV or XLSX, the same bytes every time.

Every cell is text: a number keeps its zeros, an amount its decimals, and nothing a person wrote is a formula.
"""

import csv
import io
from collections.abc import Iterator, Sequence
from datetime import datetime
from itertools import chain
from typing import Final

import xlsxwriter  # type: ignore[import-untyped]  # it ships no types

from ledger.errors import BadInput
from ledger.formats import pain001
from ledger.formats.plain_text import FORMULA
from ledger.money import yuan
from ledger.terms.calendar import shanghai_time
from ledger.terms.payment_file import PaymentFile, PaymentInstruction, PaymentPart, PaymentTotals

ROWS_MAX: Final = 100_000
_COLUMNS: Final = (
    "序号",
    "付款账号",
    "付款户名",
    "收款账号",
    "收款户名",
    "收款行号",
    "金额",
    "币种",
    "附言",
    "参考号",
    "期望日",
)


def render_csv(file: PaymentFile) -> bytes:
    """UTF-8 with a byte order mark; long numbers end in TAB, so that a spreadsheet keeps them as text.

    Raises BadInput as ``pain001.render`` does: the sheet holds what that file would hold.
    """
    written = io.StringIO(newline="")
    sheet = csv.writer(written, lineterminator="\r\n")
    for cells in _rows(file):
        sheet.writerow([_csv_text(cell) for cell in cells])
    return written.getvalue().encode("utf-8-sig")


def render_xlsx(file: PaymentFile) -> bytes:
    """One sheet. Its times are the batch's own. Raises BadInput as ``render_csv`` does."""
    written = io.BytesIO()
    book = xlsxwriter.Workbook(
        written,
        {"constant_memory": True, "strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False},
    )
    book.set_properties({"title": file.message_id, "created": _wall_clock(file.created_at)})
    sheet = book.add_worksheet("payments")
    sheet.set_column(1, len(_COLUMNS) - 1, 24)
    for row, cells in enumerate(_rows(file)):
        for column, cell in enumerate(cells):
            sheet.write_string(row, column, cell)
    book.close()
    return written.getvalue()


def check_totals(file: PaymentFile) -> PaymentTotals:
    """Counts and sums of a batch by the check of the XML file. Raises what ``pain001.render`` raises."""
    return pain001.check_totals(pain001.render(file))


def _rows(file: PaymentFile) -> Iterator[Sequence[str]]:
    """Head of the batch with count and sum, the table, and the sum again below it."""
    totals = check_totals(file)
    if totals.payments > ROWS_MAX:
        raise BadInput("LIMIT_EXCEEDED", field="payments", value=ROWS_MAX)
    created = _wall_clock(file.created_at).isoformat(sep=" ", timespec="seconds")
    head = (
        ("批次号", file.message_id),
        ("生成时间", created),
        ("笔数", str(totals.payments)),
        ("总金额", yuan(totals.sum_fen)),
        (),
        _COLUMNS,
    )
    payments = ((part, payment) for part in file.parts for payment in part.instructions)
    body = (_cells(ord_, part, payment) for ord_, (part, payment) in enumerate(payments, 1))
    return chain(head, body, (("合计", f"{totals.payments}笔", yuan(totals.sum_fen)),))


def _cells(ord_: int, part: PaymentPart, payment: PaymentInstruction) -> Sequence[str]:
    """A payment in the order of the columns."""
    return (
        str(ord_),
        part.debtor_account,
        part.debtor_name,
        payment.creditor_account,
        payment.creditor_name,
        payment.creditor_bank_cnaps,
        yuan(payment.amount_fen),
        "CNY",
        f"{payment.end_to_end_id} {payment.memo}".rstrip(" "),
        payment.end_to_end_id,
        part.execute_on.isoformat(),
    )


def _csv_text(cell: str) -> str:
    if cell.startswith(FORMULA):
        return f"'{cell}"
    return f"{cell}\t" if cell.isdigit() and len(cell) > 11 else cell


def _wall_clock(instant: datetime) -> datetime:
    return shanghai_time(instant).replace(tzinfo=None)
