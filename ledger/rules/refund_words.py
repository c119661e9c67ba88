"""The words of a refund worksheet, in both languages: labels of lines, rules by article, notes."""

from collections.abc import Mapping, Sequence
from typing import Final

from ledger.errors import Message
from ledger.money import hours_text, yuan_grouped
from ledger.terms.refund import DisputedPart, Note

LABELS: Final[Mapping[str, Message]] = {
    "overcharge": Message(en="Charged above the price cap, comes back first", zh="超出政府指导价的部分，先行退还"),
    "paid": Message(en="You paid", zh="您已支付"),
    "paid_lawful": Message(en="You paid, at the capped price", zh="您已支付（按最高限价）"),
    "hours_at_paid_price": Message(en="Lessons taught, at the price paid", zh="已上课，按实付单价"),
    "hours_at_list_price": Message(en="Lessons taught, at the list price", zh="已上课，按原价"),
    "hours_at_market_price": Message(en="Lessons taught, at the market price at signing", zh="已上课，按订约时市场价"),
    "hours_at_price_cap": Message(en="Lessons taught, at the price cap", zh="已上课，按最高限价"),
    "face_value_at_paid_price": Message(en="Value used, less the gifted share", zh="已消费金额，按实付比例"),
    "face_value": Message(en="Value used", zh="已消费金额"),
    "days_served": Message(en="Days served", zh="已过服务天数"),
    "months_used": Message(en="Months served", zh="已过服务月数"),
    "progress": Message(en="Part of the course delivered", zh="已完成课程比例"),
    "floor": Message(en="Nothing more may be claimed from you", zh="超出部分不得向您追讨"),
    "better_term": Message(en="Contract term that is better for you", zh="合同约定对您更有利"),
    "seven_days": Message(en="Paid within the last seven days, at the price paid", zh="七日内付款，按实付价返还"),
    "cost_institution": Message(en="Reasonable cost of the institution", zh="机构的合理费用"),
    "cost_parent": Message(en="Your reasonable cost", zh="您的合理费用"),
    "cost_refused": Message(en="Cost claimed, not taken", zh="主张的费用，不予计算"),
    "interest": Message(en="Interest from the end of the contract", zh="利息（自合同终止起算）"),
}


def _spc(article: str, chinese: str, en: str, zh: str) -> Message:
    return Message(en=f"SPC interpretation 2025 no. 4, art. {article}: {en}", zh=f"法释〔2025〕4号第{chinese}：{zh}")


RULES: Final[Mapping[str, Message]] = {
    "paid": _spc("15(1)", "15条第1款", "a refund starts from what was paid", "从实际支付的预付款算起"),
    "art9": _spc("9", "9条", "the term is void, nothing is charged for it", "该条款无效，不扣费"),
    "art9_clawback": _spc(
        "9 and 19", "9条、第19条", "the term adds nothing to what the law says", "该条款不改变法定计算方式"
    ),
    "art14": _spc("14", "14条", "money paid within seven days comes back", "付款七日内可请求返还本金"),
    "art15_1": _spc("15(1)", "15条第1款", "less the price of what was delivered", "扣减已提供服务的价款"),
    "art15_2": _spc("15(2)", "15条第2款", "reasonable costs may be claimed", "可以主张合理费用"),
    "art15_2_change": _spc(
        "15(2)", "15条第2款", "no costs on force majeure or changed circumstances", "不可抗力或情势变更不计费用"
    ),
    "art15_2_fault": _spc(
        "15(2)", "15条第2款", "costs fall on the side that caused the end", "费用由造成终止的一方承担"
    ),
    "art15_3": _spc("15(3)", "15条第3款", "a sales commission is no reasonable cost", "销售提成不属于合理费用"),
    "art16_agreed": _spc("16(1), 17", "16条第1款、第17条", "interest as agreed", "按约定利率计息"),
    "art16_account": _spc(
        "16(2), 17", "16条第2款、第17条", "interest at the custody account's own rate", "按监管账户实际利率计息"
    ),
    "art16_lpr": _spc(
        "16(1), 17",
        "16条第1款、第17条",
        "institution's cause, one-year LPR at signing",
        "因经营者原因，按订约时一年期LPR",
    ),
    "art16_deposit": _spc(
        "16(1), 17",
        "16条第1款、第17条",
        "not the institution's cause, one-year deposit benchmark at signing",
        "非因经营者原因，按订约时一年期存款基准利率",
    ),
    "art18_1": _spc("18(1)", "18条第1项", "not the consumer's cause, discounted price", "非因消费者原因，按优惠后价格"),
    "art18_1_gift": _spc(
        "18(1) and case （2022）渝01民终4000号",
        "18条第1项及（2022）渝01民终4000号案",
        "discounted price, gift hours count like bought ones",
        "按优惠后价格，赠送课时与购买课时同等计算",
    ),
    "art18_2": _spc("18(2)", "18条第2项", "value used x paid / (paid + gift)", "已消费金额按实付与赠送的比例折算"),
    "art19_1": _spc("19(1)", "19条第1款", "consumer's cause, price before discount", "因消费者原因，按折扣前价格"),
    "art19_2": _spc(
        "19(2)", "19条第2款", "no sales at the list price, market price at signing", "原价无销售记录，按订约时市场价"
    ),
    "art19_doubt": _spc(
        "19 and 8", "19条、第8条", "no list price shown, the price paid holds", "未证明原价，按实付价格"
    ),
    "art19_no_discount": _spc(
        "19", "19条", "the price shown is not above the price paid", "所示价格不高于实付价格，按实付价格"
    ),
    "art19_cap": _spc(
        "19 and price law art. 39", "19条及价格法第39条", "no price above the cap counts", "超过最高限价的价格不予计算"
    ),
    "art18_19_better": _spc(
        "18 and 19, last", "18、19条末款", "better terms for the consumer hold", "更有利于消费者的约定优先"
    ),
    "art20": _spc("20", "20条", "the excess may not be claimed", "超出预付款的部分不得请求支付"),
    "art22": _spc("22", "22条", "by the days of the term", "按服务期限的天数比例"),
    "art22_stop": _spc("22(2)", "22条第2款", "counted to the day the institution stopped", "计算至经营者停止服务之日"),
    "art22_months": _spc("22", "22条", "by the months the contract counts in", "按合同约定的月数比例"),
    "price_cap": Message(
        en="Government-guided price: what is charged above the cap is returned",
        zh="政府指导价：超出最高限价的收费应当退还",
    ),
}

NOTES: Final[Mapping[str, Message]] = {
    "SEVEN_DAYS_APPLY": Message(
        en="Asked within seven days of payment: no reason is needed.", zh="付款七日内提出，无需理由。"
    ),
    "SEVEN_DAYS_OVER": Message(en="The seven days after payment are over.", zh="已超过付款后七日。"),
    "SAME_SERVICE_BEFORE": Message(
        en="The same service was received before signing: the seven-day right does not apply.",
        zh="订约前已接受过同样服务，不适用七日内返还。",
    ),
    "RENEGOTIATE_FIRST": Message(
        en="Neither side's cause: both sides first try to change the contract; no fee may be taken.",
        zh="双方均无过错：先协商变更合同；不得收取费用。",
    ),
    "LIST_PRICE_NOT_PROVEN": Message(
        en="The list price is not used: sales at it were not shown.", zh="原价未采用：未证明有按原价的销售记录。"
    ),
    "CALENDAR_PROVISIONAL": Message(
        en="A last day is provisional: the holiday notice of that year is not known yet.",
        zh="期限末日为暂定：该年度放假通知尚未发布。",
    ),
}


def disputed_note(parts: Sequence[DisputedPart]) -> Note:
    """What hours in dispute would add; the rest need not wait for the decision."""
    hours, adds = hours_text(sum(one.hours for one in parts)), yuan_grouped(sum(one.adds_fen for one in parts))
    return Note(
        "HOURS_IN_DISPUTE",
        Message(
            en=f"Class hours in dispute: {hours}. Decided for you, they add ¥{adds}; the sum above does not wait.",
            zh=f"异议中的课时：{hours}。如认定归您，另加¥{adds}；上述金额先行退还。",
        ),
    )
