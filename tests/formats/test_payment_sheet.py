"""Payment batches as spreadsheets: the same bytes every time, ids as text, nothing a formula, sums that fit."""

import csv
import io
import zipfile
from collections.abc import Callable

import pytest
from lxml import etree
from python_calamine import CalamineWorkbook

from ledger.errors import BadInput
from ledger.formats import payment_sheet
from ledger.formats.payment_sheet import check_totals, render_csv, render_xlsx
from ledger.terms.payment_file import PaymentFile, PaymentTotals
from tests.formats.test_pain001 import code_of, part, payment, payment_file

FILE = payment_file(
    part(payment(1), payment(2, 1, creditor_name="=HYPERLINK(1)")), part(payment(3, 9_999_999, memo=""))
)


def from_csv(content: bytes) -> list[list[str]]:
    return list(csv.reader(io.StringIO(content.decode("utf-8-sig"), newline=""), strict=True))


def from_xlsx(content: bytes) -> list[list[str]]:
    (name,) = CalamineWorkbook.from_filelike(io.BytesIO(content)).sheet_names
    return [
        [str(cell) for cell in row]
        for row in CalamineWorkbook.from_filelike(io.BytesIO(content)).get_sheet_by_name(name).to_python()
    ]


@pytest.mark.parametrize(("render", "read"), [(render_csv, from_csv), (render_xlsx, from_xlsx)])
def test_another_reader_reads_what_was_meant(
    render: Callable[[PaymentFile], bytes], read: Callable[[bytes], list[list[str]]]
) -> None:
    content = render(FILE)
    assert render(payment_file(*FILE.parts)) == content
    rows = [[cell.removesuffix("\t").removeprefix("'") for cell in row if cell] for row in read(content)]
    assert rows[:4] == [
        ["批次号", "RF2026030500017"],
        ["生成时间", "2026-03-05 09:30:00"],
        ["笔数", "3"],
        ["总金额", "100123.45"],
    ]
    first, second, third, total = rows[6:]
    assert first == [
        "1", "622700001234567890", "晨光培训学校<托管>&专户", "6217000099998888777", "令狐𠮷", "105100000017", "123.45",
        "CNY", "RF2026030500001 退费", "RF2026030500001", "2026-03-06",
    ]  # fmt: skip
    assert (second[4], second[6], third[8]) == ("=HYPERLINK(1)", "0.01", "RF2026030500003")
    assert total == ["合计", "3笔", "100123.45"]
    assert len(rows[5]) == len(first)


def test_nothing_is_a_number_or_a_formula_for_a_spreadsheet() -> None:
    text = render_csv(FILE).decode("utf-8-sig")
    assert ",'=HYPERLINK(1)," in text
    assert "6217000099998888777\t," in text
    with zipfile.ZipFile(io.BytesIO(render_xlsx(FILE))) as archive:
        sheet = etree.fromstring(archive.read("xl/worksheets/sheet1.xml"))
        times = {member.date_time for member in archive.infolist()}
    cells = [element for element in sheet.iter("*") if etree.QName(element).localname == "c"]
    assert {cell.get("t") for cell in cells} == {"inlineStr"}
    assert not [element for element in sheet.iter("*") if etree.QName(element).localname == "f"]
    assert len(times) == 1


def test_the_sheet_is_checked_as_the_xml_file_is(monkeypatch: pytest.MonkeyPatch) -> None:
    assert check_totals(FILE) == PaymentTotals(3, 10_012_345)
    twice = payment_file(part(payment(1), payment(1)))
    for render in (render_csv, render_xlsx):
        assert code_of(lambda render=render: render(twice)) == "DUPLICATE_REFERENCE"  # type: ignore[misc]  # a default
    monkeypatch.setattr(payment_sheet, "ROWS_MAX", 2)
    with pytest.raises(BadInput, match="LIMIT_EXCEEDED"):
        render_csv(FILE)
