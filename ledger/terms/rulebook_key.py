"""The vocabulary of rulebook files: every key, what may stand in it, and what it means.

``mandatory`` keys have no default and no value was found in any source: the operator sets them, and a
rule that needs one refuses to work without it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from ledger.errors import Message


class Kind(StrEnum):
    """How a value is written, and what it becomes."""

    WHOLE = "whole"  # TOML integer -> int
    YUAN = "yuan"  # "1234.50" -> fen
    HOURS = "hours"  # "17.5" -> hundredths of class hours
    PERCENT = "percent"  # "12.5" -> Fraction
    PERCENTS = "percents"  # "30/30/40", adding up to 100 -> tuple of Fraction
    SHARES = "shares"  # "1/3, 2/3, 1", rising to 1 -> tuple of Fraction
    CLOCK = "clock"  # "20:30", Asia/Shanghai -> time
    CHOICE = "choice"
    TEXT = "text"
    FLAG = "flag"  # true or false


@dataclass(frozen=True, slots=True)
class Key:
    kind: Kind
    meaning: Message
    choices: tuple[str, ...] = ()
    minimum: int = 0
    maximum: int = 1_000_000
    mandatory: bool = False


RESERVE_FORMULAS: Final = (
    "share_of_undelivered",
    "share_of_last_year_receipts",
    "share_of_recent_payments",
    "share_of_quarter_balance",
    "share_by_issuer",
    "one_charging_period",
    "tiered_balance",
    "tiers_by_students",
)


def _key(
    kind: Kind, en: str, zh: str, *choices: str, minimum: int = 0, maximum: int = 1_000_000, mandatory: bool = False
) -> Key:
    return Key(kind, Message(en=en, zh=zh), choices, minimum=minimum, maximum=maximum, mandatory=mandatory)


def _attendance(en: str, zh: str) -> Key:
    return _key(Kind.CHOICE, f"{en}: charged or not", f"{zh}是否计课时", "charged", "not_charged")


KEYS: Final[Mapping[str, Key]] = {
    # -- the place itself
    "place.zones": _key(Kind.TEXT, "the zones of the place, like centre, outside", "本地分区名称"),
    # -- where the money lies
    "custody.mode": _key(
        Kind.CHOICE, "how prepayments are protected", "预收费监管方式", "custody", "reserve", "both", "either", "wallet"
    ),
    "custody.accounts": _key(Kind.WHOLE, "special accounts of one institution", "专用账户数", minimum=1),
    "custody.bank_fee_refused": _key(Kind.FLAG, "the bank may not charge for custody", "银行不得收取托管费用"),
    "custody.sweep_refused": _key(
        Kind.FLAG, "a head office may not sweep the account of a branch", "总部不得归集分支机构账户资金"
    ),
    "custody.outside_amount_max": _key(
        Kind.YUAN, "taken outside the account above this endangers the licence", "账户外收费的限额"
    ),
    "deposit.working_days": _key(Kind.WHOLE, "working days until cash is in the account", "现金存入专户的工作日"),
    "deposit.calendar_days": _key(Kind.WHOLE, "calendar days until money is in the account", "资金存入专户的自然日"),
    # -- release
    "release.mode": _key(
        Kind.CHOICE, "when taught hours are paid out", "拨付方式", "per_hour", "periodic", "milestones", "after_order"
    ),
    "release.period_days": _key(Kind.WHOLE, "days between two periodic releases", "按期拨付的间隔日数", minimum=1),
    "release.period_months": _key(
        Kind.WHOLE, "months between two equal parts of one fee", "按月等额拨付的间隔月数", minimum=1
    ),
    "release.milestones": _key(Kind.PERCENTS, "share released at each milestone", "各节点拨付比例"),
    "release.milestone_points": _key(
        Kind.SHARES, "share of the lessons taught at each milestone", "各节点对应的课程进度"
    ),
    "release.after_order_working_days": _key(
        Kind.WHOLE, "working days from the last lesson to the release", "全部销课后拨付的工作日"
    ),
    "release.dispute_stops_clock": _key(
        Kind.FLAG, "a refund request or a dispute stops the clock of the release", "退费申请或争议中止拨付计时"
    ),
    "release.balance_floor": _key(
        Kind.FLAG,
        "payouts stop while cash not in transit is below what families are owed",
        "账户余额低于未消课总额时停止拨付",
    ),
    "release.ahead_percent_max": _key(
        Kind.PERCENT, "share of a charge the institution may hold before teaching", "授课前机构可先行支用的比例"
    ),
    # -- confirmation
    "confirmation.silence_working_days": _key(
        Kind.WHOLE, "working days of a parent's silence that confirm a lesson", "家长未确认视为确认的工作日", minimum=1
    ),
    # -- attendance: whether the hour counts as delivered, where the contract says nothing
    "attendance.present": _attendance("the pupil was present", "出勤"),
    "attendance.late": _attendance("the pupil came late", "迟到"),
    "attendance.leave_in_time": _attendance("leave asked in time", "按时请假"),
    "attendance.leave_late": _attendance("leave asked late", "临时请假"),
    "attendance.no_show": _attendance("the pupil did not come", "缺课"),
    "attendance.class_cancelled": _attendance("the institution cancelled the class", "机构停课"),
    "attendance.make_up": _attendance("a make-up lesson", "补课"),
    # -- refund
    "refund.law": _key(Kind.TEXT, "the law refunds are reckoned by", "退费计算依据"),
    "refund.cooling_off_days": _key(Kind.WHOLE, "days after payment to withdraw without a reason", "无理由退款日数"),
    "refund.days_before_class": _key(Kind.WHOLE, "days to pay back, asked before the first lesson", "开课前退费时限"),
    "refund.days_after_class": _key(Kind.WHOLE, "days to pay back, asked after the first lesson", "开课后退费时限"),
    "refund.day_kind": _key(Kind.CHOICE, "how refund days are counted", "退费时限的计日方式", "calendar", "working"),
    "refund.day_kind_after_class": _key(
        Kind.CHOICE,
        "how they are counted after the first lesson, where that differs",
        "开课后退费时限的计日方式（与开课前不同时）",
        "calendar",
        "working",
    ),
    "refund.cooling_off_pay_days": _key(
        Kind.WHOLE, "days to pay back a withdrawal without a reason", "无理由退款的返还时限"
    ),
    "refund.days_where_none_agreed": _key(
        Kind.WHOLE, "days to pay back where no term is agreed", "未约定时限的退款日数"
    ),
    "refund.original_channel": _key(Kind.FLAG, "money goes back the way it came", "退费原路返回"),
    "refund.with_interest": _key(Kind.FLAG, "a refund bears interest", "退款应计利息"),
    "refund.institution_silence_working_days": _key(
        Kind.WHOLE,
        "working days of an institution's silence that agree to a refund",
        "机构未答复视为同意的工作日",
        minimum=1,
    ),
    "refund.deliberate_delay_days": _key(
        Kind.WHOLE, "days past the limit that count as deliberate delay", "视为故意拖延的日数"
    ),
    # -- prepayment limits
    "prepayment.months_max": _key(Kind.WHOLE, "months one charge may cover", "一次收费最长月数", minimum=1),
    "prepayment.hours_max": _key(Kind.HOURS, "class hours one charge may cover", "一次收费最多课时", minimum=1),
    "prepayment.non_academic_amount_max": _key(
        Kind.YUAN, "amount one non-academic charge may reach", "非学科类一次收费上限", minimum=1
    ),
    "prepayment.earliest_months": _key(Kind.WHOLE, "months before class a charge may come", "最早提前收费月数"),
    "prepayment.earliest_hours_left": _key(
        Kind.HOURS, "hours left in the subject from which the next charge may come", "续费时该科目剩余课时上限"
    ),
    "prepayment.cross_term_refused": _key(Kind.FLAG, "a charge may not reach into the next term", "不得跨学期收费"),
    "prepayment.loan_refused": _key(Kind.FLAG, "a charge may not be paid by a training loan", "不得使用培训贷"),
    "prepayment.same_subjects": _key(Kind.TEXT, "names of one subject, like 数学,奥数;语文,阅读", "视为同一科目的名称"),
    # -- lesson times
    "lesson.offline_ends_by": _key(Kind.CLOCK, "latest end of an offline lesson", "线下培训最晚结束时间"),
    "lesson.online_ends_by": _key(Kind.CLOCK, "latest end of an online lesson", "线上培训最晚结束时间"),
    "lesson.online_minutes_max": _key(Kind.WHOLE, "longest online lesson, minutes", "线上每课时最长分钟", minimum=1),
    "lesson.online_gap_minutes_min": _key(Kind.WHOLE, "pause between online lessons, minutes", "线上课程间隔分钟"),
    "lesson.academic_rest_days_refused": _key(
        Kind.FLAG, "no academic lessons of the compulsory stage on rest days", "学科类不得占用休息日"
    ),
    # -- price caps
    "price_cap.minutes_offline": _key(Kind.WHOLE, "standard offline lesson, minutes", "线下标准课时分钟", minimum=1),
    "price_cap.minutes_online": _key(Kind.WHOLE, "standard online lesson, minutes", "线上标准课时分钟", minimum=1),
    "price_cap.senior_high_table": _key(
        Kind.CHOICE, "table senior high follows where it has none", "普通高中参照的价格表", "compulsory"
    ),
    "price_cap.non_academic": _key(Kind.CHOICE, "how non-academic prices are set", "非学科类价格形成方式", "market"),
    "price_cap.bands_as_printed": _key(
        Kind.FLAG,
        "sizes without a price, or with two, stand so in the printed table",
        "价格表的班型空缺或重叠系原文所载",
    ),
    "price_cap.extra_fees_refused": _key(
        Kind.FLAG, "nothing besides the training fee under a capped price", "培训费以外不得收取其他费用"
    ),
    "price_cap.list_price_sale_days": _key(
        Kind.WHOLE, "days before a promotion in which the list price was charged", "促销前原价成交的日数", minimum=1
    ),
    "penalty.price_gain_multiple_max": _key(
        Kind.WHOLE, "fine for a price above the cap, times the gain, at most", "价格违法罚款最高倍数"
    ),
    "penalty.price_no_gain_min": _key(Kind.YUAN, "fine where there was no gain, at least", "无违法所得罚款下限"),
    "penalty.price_no_gain_max": _key(Kind.YUAN, "the same, at most", "无违法所得罚款上限"),
    "penalty.price_serious_max": _key(Kind.YUAN, "the same in serious cases, at most", "情节较重罚款上限"),
    # -- reserve
    "reserve.formula": _key(
        Kind.CHOICE, "how the required reserve is reckoned", "风险保证金计算方式", *RESERVE_FORMULAS
    ),
    "reserve.percent": _key(Kind.PERCENT, "percentage of the formula's base", "保证金比例"),
    "reserve.floor": _key(Kind.YUAN, "least reserve", "保证金最低额", mandatory=True),
    "reserve.start": _key(Kind.YUAN, "balance above which the duty begins", "起缴余额"),
    "reserve.special_line_percent": _key(
        Kind.PERCENT, "share of last year's income above which the whole balance is kept", "特别警戒线比例"
    ),
    "reserve.special_line_max": _key(Kind.YUAN, "highest special line", "特别警戒线上限", minimum=1),
    "reserve.percent_large": _key(Kind.PERCENT, "percentage of a large issuer", "规模发卡企业的比例"),
    "reserve.percent_group": _key(Kind.PERCENT, "percentage of a group issuer", "集团发卡企业的比例"),
    "reserve.percent_brand": _key(Kind.PERCENT, "percentage of a brand issuer", "品牌发卡企业的比例"),
    "reserve.young_start": _key(
        Kind.YUAN, "opening funds above which a new institution reckons from them", "新设机构按开办资金计提的起点"
    ),
    "reserve.young_percent": _key(Kind.PERCENT, "percentage of those opening funds", "新设机构按开办资金计提的比例"),
    "reserve.rolling_months": _key(
        Kind.WHOLE, "months of payments the share runs over", "滚动计提的月数", minimum=1, maximum=12
    ),
    "reserve.student_tiers": _key(Kind.TEXT, "amount by pupils, like 100:50000.00,300:100000.00", "按学员数分档的金额"),
    "reserve.top_up_working_days": _key(
        Kind.WHOLE, "working days to top the reserve up", "补足保证金的工作日", mandatory=True
    ),
    "reserve.outflow_multiple": _key(
        Kind.WHOLE,
        "monthly outflow at most this many times the least reserve",
        "月支出不超过最低保证金的倍数",
        minimum=1,
    ),
    "reserve.balance_max_percent": _key(
        Kind.PERCENT, "prepaid balance at most this share of last year's income", "预收余额占上年收入的最高比例"
    ),
    "reserve.young_balance_max_multiple": _key(
        Kind.WHOLE,
        "of an operator under one year: at most this many times its capital",
        "新设经营者余额为实缴资本的倍数",
    ),
    "reserve.collateral_refused": _key(Kind.FLAG, "the reserve may secure no financing", "保证金不得用于融资担保"),
    "reserve.insurance_allowed": _key(Kind.FLAG, "insurance or a guarantee may replace it", "可以保险或保函替代"),
    "winddown.notice_days": _key(Kind.WHOLE, "days of notice before closing or moving", "停业搬迁提前告知日数"),
    "winddown.notice_months": _key(Kind.WHOLE, "months of notice before closing or moving", "停业搬迁提前告知月数"),
    "winddown.order": _key(
        Kind.CHOICE, "who is paid first when an institution closes", "终止清偿顺序", "learners_wages_others"
    ),
    "winddown.share_key": _key(Kind.CHOICE, "how learners share a shortfall", "学员间的分配方式", "principal"),
    # -- interest
    "interest.year_days": _key(Kind.WHOLE, "days of a year for interest", "计息年日数", minimum=360, mandatory=True),
    # -- warnings
    "warning.debit_percent_min": _key(
        Kind.PERCENT, "one debit above this share of the account", "单笔支出占余额比例预警线", mandatory=True
    ),
    "warning.coverage_percent_min": _key(Kind.PERCENT, "coverage below this", "覆盖率预警线", mandatory=True),
    "warning.silent_confirmation_percent_max": _key(
        Kind.PERCENT, "share of hours confirmed by silence above this", "默认确认占比预警线", mandatory=True
    ),
    "warning.burst_confirmations_max": _key(
        Kind.WHOLE, "confirmations in one burst above this", "集中确认数预警线", mandatory=True
    ),
    "warning.teacher_minutes_a_day_max": _key(
        Kind.WHOLE,
        "lesson minutes of one teacher a day above this",
        "教师单日课时分钟预警线",
        minimum=1,
        mandatory=True,
    ),
    "warning.coverage_fall_percent_max": _key(
        Kind.PERCENT, "fall of coverage within thirty days above this", "三十日内覆盖率下降预警线", mandatory=True
    ),
    "warning.refund_lead_days_max": _key(
        Kind.WHOLE,
        "mean days from a refund request to its payment above this",
        "退费平均办理日数预警线",
        mandatory=True,
    ),
    "warning.enrolment_fall_percent_max": _key(
        Kind.PERCENT, "fall of enrolment above this while prepayment rises", "在读人数下降预警线", mandatory=True
    ),
    "warning.student_minutes_a_day_max": _key(
        Kind.WHOLE, "lesson minutes of one pupil a day above this", "学员单日课时分钟预警线", minimum=1, mandatory=True
    ),
    "warning.complaints_per_100_max": _key(
        Kind.WHOLE, "complaints per 100 families above this", "每百户投诉数预警线", mandatory=True
    ),
    # -- signals of fraud; the lengths that are warnings too stand above
    "signal.burst_minutes": _key(Kind.WHOLE, "minutes of a confirmation burst", "集中确认的统计分钟数", minimum=1),
    "signal.device_parents_max": _key(
        Kind.WHOLE, "parents who may confirm from one device", "同一设备可确认的家长数", minimum=1
    ),
    # -- whom to call
    "office.name_zh": _key(Kind.TEXT, "competent office, in Chinese", "主管部门名称"),
    "office.name_en": _key(Kind.TEXT, "competent office, in English", "主管部门英文名称"),
    "office.phone": _key(Kind.TEXT, "its phone", "主管部门电话"),
}
