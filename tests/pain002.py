"""Status reports of a bank made for the tests, in our own words."""

from collections.abc import Mapping

_ISO = "urn:iso:std:iso:20022:tech:xsd:pain.002.001."


def pain002(
    order: str, payments: Mapping[str, str | None], *, group: str = "", message_id: str = "BK-0001", reason: str = "",
    words: str = "", version: str = "10",
) -> bytes:  # fmt: skip
    """A report on our message ``order``: state by end-to-end id; ``reason`` and ``words`` stand at every rejection.

    ``group``: the state of the whole message.
    """
    why = f"<StsRsnInf><Rsn><Cd>{reason}</Cd></Rsn><AddtlInf>{words}</AddtlInf></StsRsnInf>" if reason else ""
    listed = "".join(
        f"<TxInfAndSts><OrgnlEndToEndId>{id_}</OrgnlEndToEndId>"
        + (f"<TxSts>{state}</TxSts>" if state else "")
        + (why if state == "RJCT" else "")
        + "</TxInfAndSts>"
        for id_, state in payments.items()
    )
    part = f"<OrgnlPmtInfAndSts><OrgnlPmtInfId>{order}-1</OrgnlPmtInfId>{listed}</OrgnlPmtInfAndSts>" if listed else ""
    status = f"<GrpSts>{group}</GrpSts>" if group else ""
    return (
        f'<Document xmlns="{_ISO}{version}"><CstmrPmtStsRpt><GrpHdr><MsgId>{message_id}</MsgId>'
        "<CreDtTm>2026-03-24T10:00:00+08:00</CreDtTm></GrpHdr><OrgnlGrpInfAndSts>"
        f"<OrgnlMsgId>{order}</OrgnlMsgId><OrgnlMsgNmId>pain.001.001.09</OrgnlMsgNmId>{status}"
        f"{why if group == 'RJCT' else ''}</OrgnlGrpInfAndSts>{part}</CstmrPmtStsRpt></Document>"
    ).encode()
