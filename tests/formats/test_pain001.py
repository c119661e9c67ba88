"""Payment files: valid by the ISO schema, right in their totals, read back by a second reader, the same every time."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime
from importlib.resources import files
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree

from ledger.errors import BadInput
from ledger.formats.pain001 import check_totals, render
from ledger.terms.payment_file import PaymentFile, PaymentInstruction, PaymentPart, PaymentTotals
from ledger.terms.payout import BatchKind

SCHEMA = etree.XMLSchema(etree.fromstring((files("sepaxml") / "schemas" / "pain.001.001.09.xsd").read_bytes()))


def payment(number: int, fen: int = 12_345, **changes: Any) -> PaymentInstruction:
    one = PaymentInstruction(
        end_to_end_id=f"RF20260305{number:05d}",
        amount_fen=fen,
        creditor_name="令狐𠮷",
        creditor_account="6217000099998888777",
        creditor_bank_cnaps="105100000017",
        memo="退费",
    )
    return replace(one, **changes)


def part(*payments: PaymentInstruction, kind: BatchKind = BatchKind.REFUND, **changes: Any) -> PaymentPart:
    one = PaymentPart(
        kind=kind,
        debtor_name="晨光培训学校<托管>&专户",
        debtor_account="622700001234567890",
        debtor_bank_cnaps="102100099996",
        execute_on=date(2026, 3, 6),
        instructions=payments,
    )
    return replace(one, **changes)


def payment_file(
    *parts: PaymentPart, message_id: str = "RF2026030500017", initiator: str = "海淀区资金托管"
) -> PaymentFile:
    return PaymentFile(message_id, datetime(2026, 3, 5, 1, 30, tzinfo=UTC), initiator, parts)


FILE = payment_file(part(payment(1), payment(2, 1)), part(payment(3, 9_999_999), debtor_account="622700001234567891"))
CONTENT = render(FILE)


def code_of(call: Callable[[], object]) -> str:
    with pytest.raises(BadInput) as refused:
        call()
    return refused.value.code


def test_the_file_is_valid_by_the_iso_schema() -> None:
    SCHEMA.assertValid(etree.fromstring(CONTENT))


def test_a_second_reader_reads_what_was_meant() -> None:
    # pyiso20022 does not say that it needs xsdata; where the environment has one without the other, there is no reader.
    xsdata = pytest.importorskip("xsdata.formats.dataclass.parsers", reason="xsdata is not installed")
    pain = pytest.importorskip("pyiso20022.pain.pain_001_001_09")
    order = xsdata.XmlParser().from_bytes(CONTENT, pain.Document).cstmr_cdt_trf_initn
    header = order.grp_hdr
    assert (header.msg_id, header.nb_of_txs, str(header.ctrl_sum)) == ("RF2026030500017", "3", "100123.45")
    assert str(header.cre_dt_tm) == "2026-03-05T09:30:00+08:00"
    assert header.initg_pty.nm == "海淀区资金托管"
    first, second = order.pmt_inf
    assert [one.pmt_inf_id for one in (first, second)] == ["RF2026030500017-1", "RF2026030500017-2"]
    assert (first.pmt_mtd.value, first.btch_bookg, first.nb_of_txs, str(first.ctrl_sum)) == (
        "TRF",
        False,
        "2",
        "123.46",
    )
    assert (str(first.reqd_exctn_dt.dt), first.dbtr.nm) == ("2026-03-06", "晨光培训学校<托管>&专户")
    assert (first.dbtr_acct.id.othr.id, first.dbtr_acct.ccy) == ("622700001234567890", "CNY")
    bank = first.dbtr_agt.fin_instn_id.clr_sys_mmb_id
    assert (bank.clr_sys_id.cd, bank.mmb_id) == ("CNAPS", "102100099996")
    one = first.cdt_trf_tx_inf[0]
    assert (one.pmt_id.end_to_end_id, one.pmt_id.instr_id) == ("RF2026030500001", "RF2026030500001")
    assert (str(one.amt.instd_amt.value), one.amt.instd_amt.ccy) == ("123.45", "CNY")
    assert (one.cdtr.nm, one.cdtr_acct.id.othr.id) == ("令狐𠮷", "6217000099998888777")
    assert one.cdtr_agt.fin_instn_id.clr_sys_mmb_id.mmb_id == "105100000017"
    assert one.rmt_inf.ustrd == ["RF2026030500001 退费"]


def test_rendering_again_gives_the_same_bytes() -> None:
    again = PaymentFile(FILE.message_id, FILE.created_at, FILE.initiator_name, tuple(FILE.parts))
    assert render(again) == CONTENT


def test_a_thousand_refunds_of_three_accounts_are_three_parts() -> None:
    accounts = [f"62270000123456780{n}" for n in range(3)]
    parts = [
        part(*(payment(n, fen=100 + n) for n in range(ord_, 1_000, 3)), debtor_account=account)
        for ord_, account in enumerate(accounts)
    ]
    content = render(payment_file(*parts))
    SCHEMA.assertValid(etree.fromstring(content))
    assert content.count(b"<PmtInf>") == 3
    assert check_totals(content) == PaymentTotals(1_000, sum(100 + n for n in range(1_000)))


def test_payouts_and_refunds_stand_in_parts_of_their_own() -> None:
    mixed = payment_file(part(payment(1)), part(payment(2), kind=BatchKind.PAYOUT))
    assert render(mixed).count(b"<BtchBookg>false</BtchBookg>") == 2


def test_a_memo_may_be_empty() -> None:
    assert b"<Ustrd>RF2026030500001</Ustrd>" in render(payment_file(part(payment(1, memo=""))))


@pytest.mark.parametrize(
    "name", ["", "  ", "名" * 141, "张\x07三", "张\u202e三", "张\n三", "张\ufffe三", "张\u200b三", "\ud800"]
)
def test_names_that_no_bank_should_see_are_refused(name: str) -> None:
    assert code_of(lambda: render(payment_file(part(payment(1, creditor_name=name))))) == "BAD_NAME"
    assert code_of(lambda: render(payment_file(part(payment(1), debtor_name=name)))) == "BAD_NAME"
    assert code_of(lambda: render(payment_file(part(payment(1)), initiator=name))) == "BAD_NAME"


@pytest.mark.parametrize("reference", ["", "R" * 21, "退费1", "R 1", "-1", "R_1", "Ｒ1"])
def test_references_are_twenty_ascii_characters_at_most(reference: str) -> None:
    assert code_of(lambda: render(payment_file(part(payment(1, end_to_end_id=reference))))) == "BAD_REFERENCE"


@pytest.mark.parametrize("message_id", ["", "M" * 31, "M/1", "批次1"])
def test_message_numbers_are_thirty_ascii_characters_at_most(message_id: str) -> None:
    assert code_of(lambda: render(payment_file(part(payment(1)), message_id=message_id))) == "BAD_REFERENCE"


@pytest.mark.parametrize("account", ["", "6.227E+17", "６２２７", "1" * 35])
def test_accounts_are_plain_numbers(account: str) -> None:
    assert code_of(lambda: render(payment_file(part(payment(1, creditor_account=account))))) == "BAD_ACCOUNT"
    assert code_of(lambda: render(payment_file(part(payment(1), debtor_account=account)))) == "BAD_ACCOUNT"


@pytest.mark.parametrize("bank", ["", "10510000001", "1051000000170", "10510000001X", "１０５１０００００１７１"])
def test_bank_numbers_have_twelve_digits(bank: str) -> None:
    assert code_of(lambda: render(payment_file(part(payment(1, creditor_bank_cnaps=bank))))) == "BAD_BANK_NUMBER"
    assert code_of(lambda: render(payment_file(part(payment(1), debtor_bank_cnaps=bank)))) == "BAD_BANK_NUMBER"


@pytest.mark.parametrize("memo", ["备" * 125, "备\x00", "备\u2066注"])
def test_memos_are_short_and_plain(memo: str) -> None:
    assert code_of(lambda: render(payment_file(part(payment(1, memo=memo))))) == "BAD_MEMO"


@pytest.mark.parametrize("fen", [0, -1, -12_345, 10**17])
def test_amounts_are_positive_and_bounded(fen: int) -> None:
    assert code_of(lambda: render(payment_file(part(payment(1, fen))))) == "BAD_AMOUNT"


def test_a_file_needs_payments_and_each_its_own_reference() -> None:
    assert code_of(lambda: render(payment_file())) == "NO_PAYMENTS"
    assert code_of(lambda: render(payment_file(part(payment(1)), part()))) == "NO_PAYMENTS"
    assert code_of(lambda: render(payment_file(part(payment(1), payment(1))))) == "DUPLICATE_REFERENCE"
    assert code_of(lambda: render(payment_file(part(payment(1)), part(payment(1))))) == "DUPLICATE_REFERENCE"


def test_an_instant_without_time_zone_is_a_mistake_of_ours() -> None:
    naive = replace(FILE, created_at=datetime(2026, 3, 5, 9, 30))
    with pytest.raises(ValueError, match="time zone"):
        render(naive)


# What the schema lets pass, or a hand on the file could do, the totals check finds.
TAMPERED = [
    ("PAYMENT_COUNT_MISMATCH", b"<NbOfTxs>3<", b"<NbOfTxs>4<"),
    ("PAYMENT_COUNT_MISMATCH", b"<NbOfTxs>2<", b"<NbOfTxs>1<"),
    ("CONTROL_SUM_MISMATCH", b"<CtrlSum>100123.45<", b"<CtrlSum>100123.46<"),
    ("CONTROL_SUM_MISMATCH", b"<CtrlSum>123.46<", b"<CtrlSum>123.47<"),
    ("CONTROL_SUM_MISMATCH", b'"CNY">123.45<', b'"CNY">223.45<'),
    ("BAD_AMOUNT", b"<CtrlSum>123.46<", b"<CtrlSum>123.460<"),
    ("BAD_AMOUNT", b'"CNY">123.45<', b'"CNY">123.451<'),
    ("BAD_AMOUNT", b'"CNY">123.45<', b'"CNY">0.00<'),
    ("BAD_AMOUNT", b'"CNY">123.45<', b'"USD">123.45<'),
    ("BAD_AMOUNT", b'<InstdAmt Ccy="CNY">123.45</InstdAmt>', b""),
    ("DUPLICATE_REFERENCE", b"<EndToEndId>RF2026030500002<", b"<EndToEndId>RF2026030500001<"),
    ("BAD_REFERENCE", b"<EndToEndId>RF2026030500002<", b"<EndToEndId><"),
    ("BAD_BANK_NUMBER", b"<MmbId>105100000017<", b"<MmbId>10510000001<"),
    ("BAD_NAME", "<Nm>令狐𠮷<".encode(), b"<Nm> <"),
    ("BAD_FIELD", b"CstmrCdtTrfInitn", b"CstmrCdtTrf"),
    ("BAD_FIELD", b"pain.001.001.09", b"pain.001.001.05"),
    ("MALFORMED_XML", b"</Document>", b""),
    ("NO_PAYMENTS", b"PmtInf>", b"Pmt>"),
]


@pytest.mark.parametrize(("code", "old", "new"), TAMPERED)
def test_the_totals_check_finds_what_was_changed(code: str, old: bytes, new: bytes) -> None:
    changed = CONTENT.replace(old, new) if code in ("BAD_FIELD", "NO_PAYMENTS") else CONTENT.replace(old, new, 1)
    assert changed != CONTENT
    assert code_of(lambda: check_totals(changed)) == code


@settings(max_examples=100, deadline=None)
@given(
    st.lists(st.integers(1, 10**12), min_size=1, max_size=8),
    st.text(st.characters(codec="utf-8", exclude_categories=("C", "Z")), min_size=1, max_size=40),
)
def test_every_rendered_file_is_valid_and_adds_up(amounts: list[int], name: str) -> None:
    payments = [payment(n, fen, creditor_name=name) for n, fen in enumerate(amounts)]
    content = render(payment_file(part(*payments)))
    SCHEMA.assertValid(etree.fromstring(content))
    assert check_totals(content) == PaymentTotals(len(amounts), sum(amounts))


# -- version .03, for banks that ask for it

SCHEMA_03 = etree.XMLSchema(etree.fromstring((files("sepaxml") / "schemas" / "pain.001.001.03.xsd").read_bytes()))


def test_the_older_version_is_valid_by_its_schema_and_says_the_same() -> None:
    content = render(FILE, "03")
    SCHEMA_03.assertValid(etree.fromstring(content))
    assert check_totals(content) == check_totals(CONTENT)
    assert b"<ReqdExctnDt>2026-03-06</ReqdExctnDt>" in content
    assert render(FILE, "03") == content


def test_a_second_reader_reads_the_older_version_too() -> None:
    xsdata = pytest.importorskip("xsdata.formats.dataclass.parsers", reason="xsdata is not installed")
    pain = pytest.importorskip("pyiso20022.pain.pain_001_001_03")
    order = xsdata.XmlParser().from_bytes(render(FILE, "03"), pain.Document).cstmr_cdt_trf_initn
    assert (order.grp_hdr.nb_of_txs, str(order.grp_hdr.ctrl_sum)) == ("3", "100123.45")
    assert str(order.pmt_inf[0].reqd_exctn_dt) == "2026-03-06"
    assert order.pmt_inf[0].cdt_trf_tx_inf[0].cdtr.nm == "令狐𠮷"
